/** Commands that show what the kit hands to a command; none of them needs a backend. */
import type { CommandModule } from '../../../src/cli/command.ts'
import type { Column } from '../../../src/cli/output/view.ts'
import type { Verb } from '../../../src/cli/verbs.ts'
import { verbs } from '../../../src/cli/verbs.ts'

export interface Row {
  readonly ref: string
  readonly rows: number | bigint | null
  readonly note?: string
}
export const columns: readonly Column<Row>[] = [
  { name: 'ref', value: (row) => row.ref },
  { name: 'rows', align: 'right', value: (row) => row.rows, unknown: () => 'the log has no statistics' },
  { name: 'note', wide: true, value: (row) => row.note ?? null },
]
export const rows: readonly Row[] = [
  { ref: 'lake:acme/metrics', rows: 12, note: 'a, "b"' },
  { ref: 'lake:acme/events', rows: null },
  { ref: 'lake:acme/logs', rows: 9007199254740993n },
]

export const listCommand: CommandModule<{ refs: string[] }> = {
  name: 'list',
  summary: 'List tables',
  examples: [{ command: 'tblctl list -o json', does: 'for scripts' }],
  arguments: [{ name: '[refs...]', description: 'refs or globs', completes: 'table' }],
  options: [
    { flags: '--live', description: 'ask the backends' },
    { flags: '--schema <name>', description: 'of this schema', completes: 'schema' },
  ],
  takes: ['config', 'output', 'selection', 'watch', 'timeout'],
  columns,
  async run(context, { refs }) {
    const items = refs.length === 0 ? rows : rows.filter((row) => refs.includes(row.ref))
    await context.print({ is: 'list', kind: 'TableList', columns, items, none: 'no tables' })
  },
}

/** Prints what it was given. */
export const echoCommand: CommandModule = {
  name: 'echo',
  summary: 'Show what a command gets',
  examples: [{ command: 'tblctl echo a', does: 'its arguments' }],
  arguments: [{ name: '[words...]', description: 'anything' }],
  options: [
    { flags: '--size <size>', description: 'a size', choices: ['small', 'large'] },
    { flags: '--set <pair>', description: 'several', repeat: true },
    { flags: '--from <file>', description: 'a file', completes: 'file' },
  ],
  takes: ['config', 'output', 'selection', 'approval', 'dry-run', 'timeout', 'lock-timeout', 'parallelism'],
  async run({ global, run, print }, args, options) {
    await print({ is: 'object', kind: 'Echo', object: { args, options, global, run }, name: 'echo', sections: [] })
  },
}

/** Verbs of the program and the given ones; each is loaded only when it is chosen. */
export function withVerbs(commands: readonly CommandModule[], loaded: string[] = []): readonly Verb[] {
  return [
    ...commands.map(
      (command): Verb => ({
        name: command.name,
        group: 'inspect',
        summary: command.summary,
        ...(command.name === 'list' ? { aliases: ['ls'] } : {}),
        load: () => {
          loaded.push(command.name)
          return Promise.resolve({ command })
        },
      }),
    ),
    ...verbs.filter((verb) => ['completion', 'version', 'help', 'complete'].includes(verb.name)),
  ]
}
