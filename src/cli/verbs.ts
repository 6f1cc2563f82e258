/** Every command by name: the help and completion read this table, and only the chosen command's module is loaded. */
import type { CommandModule } from './command.ts'

export const groups = ['set up', 'provision', 'inspect', 'data', 'reshape', 'maintain', 'sync', 'serve', 'sql'] as const

export interface Verb {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly group: (typeof groups)[number]
  readonly summary: string
  /** Called by scripts, not by people. */
  readonly hidden?: boolean
  readonly load: () => Promise<{ readonly command: CommandModule }>
}

export const verbs: readonly Verb[] = [
  {
    name: 'init',
    group: 'set up',
    summary: 'Write a tblctl.yaml to begin with',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'config',
    group: 'set up',
    summary: 'Look at the config: view, trust',
    load: () => import('./commands/config.ts'),
  },
  {
    name: 'context',
    group: 'set up',
    summary: 'Choose a context of the config: list, use, clear',
    load: () => import('./commands/context.ts'),
  },
  {
    name: 'drivers',
    group: 'set up',
    summary: 'Show which driver can what',
    load: () => import('./commands/drivers.ts'),
  },
  {
    name: 'doctor',
    group: 'set up',
    summary: 'Check the config and every backend, with a fix for what is broken',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'completion',
    group: 'set up',
    summary: 'Print a completion script for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'schema',
    group: 'set up',
    summary: 'Work with table schemas: list, show, validate, diff, infer, export',
    load: () => import('./commands/schema.ts'),
  },
  {
    name: 'version',
    group: 'set up',
    summary: 'Show the version of tblctl and of what it runs on',
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'help',
    group: 'set up',
    summary: 'Explain a command or a topic',
    load: () => import('./commands/help.ts'),
  },
  {
    name: 'register',
    group: 'provision',
    summary: 'Adopt tables that exist',
    load: () => import('./commands/register.ts'),
  },
  {
    name: 'unregister',
    group: 'provision',
    summary: 'Forget tables and leave their data',
    load: () => import('./commands/unregister.ts'),
  },
  {
    name: 'discover',
    group: 'provision',
    summary: 'Find tables that are not registered',
    load: () => import('./commands/discover.ts'),
  },
  {
    name: 'create',
    group: 'provision',
    summary: 'Create tables from a table schema',
    load: () => import('./commands/create.ts'),
  },
  {
    name: 'alter',
    group: 'provision',
    summary: 'Change columns, properties and how long rows are kept',
    load: () => import('./commands/alter.ts'),
  },
  {
    name: 'drop',
    group: 'provision',
    summary: 'Remove tables with all their rows',
    load: () => import('./commands/drop.ts'),
  },
  {
    name: 'undrop',
    group: 'provision',
    summary: 'Bring dropped tables back',
    load: () => import('./commands/undrop.ts'),
  },
  {
    name: 'label',
    group: 'provision',
    summary: 'Set or remove labels of tables',
    load: () => import('./commands/label.ts'),
  },
  {
    name: 'tenant',
    group: 'provision',
    summary: 'Work with tenants: create, list, describe, retention, delete',
    load: () => import('./commands/tenant.ts'),
  },
  {
    name: 'list',
    aliases: ['ls'],
    group: 'inspect',
    summary: 'List tables',
    load: () => import('./commands/list.ts'),
  },
  {
    name: 'describe',
    group: 'inspect',
    summary: 'Show a table: spec, status, schema',
    load: () => import('./commands/describe.ts'),
  },
  {
    name: 'stats',
    group: 'inspect',
    summary: 'Count rows, bytes and files of tables',
    load: () => import('./commands/stats.ts'),
  },
  {
    name: 'history',
    group: 'inspect',
    summary: 'Show what was done to a table, newest first',
    load: () => import('./commands/history.ts'),
  },
  {
    name: 'verify',
    group: 'inspect',
    summary: 'Check that tables are what their logs say',
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'query',
    group: 'inspect',
    summary: 'Ask a table with one SELECT',
    load: () => import('./commands/query.ts'),
  },
  {
    name: 'jobs',
    group: 'inspect',
    summary: 'Look at jobs: list, show, logs, wait, resume, cancel, prune',
    load: () => import('./commands/jobs.ts'),
  },
  {
    name: 'audit',
    group: 'inspect',
    summary: 'Show who did what to which table, newest first',
    load: () => import('./commands/audit.ts'),
  },
  {
    name: 'load',
    group: 'data',
    summary: 'Load rows from files or standard input',
    load: () => import('./commands/load.ts'),
  },
  {
    name: 'export',
    group: 'data',
    summary: 'Write all rows of a table into a file',
    load: () => import('./commands/export.ts'),
  },
  {
    name: 'flush',
    group: 'data',
    summary: 'Move hot rows into cold storage',
    load: () => import('./commands/flush.ts'),
  },
  {
    name: 'delete',
    group: 'data',
    summary: 'Remove the rows that a condition holds for',
    load: () => import('./commands/delete.ts'),
  },
  {
    name: 'restore',
    group: 'data',
    summary: 'Bring a table back to an earlier version',
    load: () => import('./commands/restore.ts'),
  },
  {
    name: 'reshard',
    group: 'reshape',
    summary: 'Change the number of shards of a table',
    load: () => import('./commands/reshard.ts'),
  },
  {
    name: 'optimize',
    group: 'maintain',
    summary: 'Compact small files, and lay rows out anew',
    load: () => import('./commands/optimize.ts'),
  },
  {
    name: 'vacuum',
    group: 'maintain',
    summary: 'Remove what is older than the retention',
    load: () => import('./commands/vacuum.ts'),
  },
  {
    name: 'worker',
    group: 'maintain',
    summary: 'Run jobs that are due: queued ones, and waiting ones whose time has come',
    load: () => import('./commands/worker.ts'),
  },
  {
    name: 'unlock',
    group: 'maintain',
    summary: 'Free a table that a dead process of another host still holds',
    load: () => import('./commands/unlock.ts'),
  },
  {
    name: 'sync',
    group: 'sync',
    summary: 'Let tables follow tables of a source: run, status, pause, resume',
    load: () => import('./commands/sync.ts'),
  },
  {
    name: 'sql',
    group: 'sql',
    summary: 'Run one SQL statement that creates, shows, changes or drops a table',
    load: () => import('./commands/sql.ts'),
  },
  {
    name: 'complete',
    group: 'set up',
    summary: 'Answer a completion script',
    hidden: true,
    load: () => import('./commands/complete.ts'),
  },
]

export const findVerb = (table: readonly Verb[], word: string): Verb | undefined =>
  table.find((verb) => verb.name === word || verb.aliases?.includes(word))
