/** The flags that many commands share, as data: parsing, help, completion, `help environment` and docs/cli.md read this one table. */
import { parseDuration } from '../../core/units.ts'
import type { ColorMode } from '../color.ts'
import type { OptionSpec } from '../command.ts'
import { choice, interval, label, positiveInteger, runId, segment } from './values.ts'

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name', 'ndjson', 'csv'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** A command names the groups of shared flags that it obeys; `always` ones fit every command, `columns` follows from its columns. */
export type Trait =
  | 'config'
  | 'output'
  | 'selection'
  | 'approval'
  | 'dry-run'
  | 'timeout'
  | 'lock-timeout'
  | 'parallelism'
  | 'watch'

export interface SortKey {
  readonly column: string
  readonly descending: boolean
}

export interface GlobalOptions {
  readonly config: string | null
  readonly context: string | null
  readonly output: OutputFormat
  readonly headers: boolean
  readonly columns: readonly string[] | null
  readonly sortBy: SortKey | null
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: ColorMode
  readonly yes: boolean
  readonly confirm: string | null
  readonly input: boolean
  readonly dryRun: boolean
  readonly timeoutMs: number | null
  /** 0 = try once. */
  readonly lockTimeoutMs: number
  readonly parallelism: number
  readonly watchMs: number | null
  /** Null: a new one is made. */
  readonly runId: string | null
  readonly logFormat: 'text' | 'json'
  readonly metricsFile: string | null
  readonly project: string | null
  readonly backend: string | null
  /** label=value pairs; all must hold. */
  readonly labels: readonly (readonly [label: string, value: string])[]
  readonly all: boolean
}

export interface SharedFlag extends OptionSpec {
  readonly key: keyof GlobalOptions
  /** Environment variable; the flag wins. Null for what is about one command line only. */
  readonly variable: string | null
  readonly trait: Trait | 'columns' | 'always'
}

const sortKey = (text: string): SortKey => {
  const [, column = '', direction] = /^(.*?)(?::(asc|desc))?$/s.exec(text) ?? []
  return { column, descending: direction === 'desc' }
}
const list = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** In the order of the help: what chooses tables first, then by how often it is typed. */
export const sharedFlags: readonly SharedFlag[] = [
  // biome-ignore format: a table
  { key: 'backend', flags: '--backend <name>', variable: null, trait: 'selection', parse: segment, completes: 'backend', description: 'only tables of this backend' },
  // biome-ignore format: a table
  { key: 'project', flags: '--project <name>', variable: null, trait: 'selection', parse: segment, completes: 'project', description: 'only tables of this project' },
  // biome-ignore format: a table
  { key: 'labels', flags: '-l, --selector <label=value>', variable: null, trait: 'selection', repeat: true, parse: label, description: 'only tables with this label; may stand several times, and then all must hold' },
  // biome-ignore format: a table
  { key: 'all', flags: '--all', variable: null, trait: 'selection', description: 'every table in the catalog' },
  // biome-ignore format: a table
  { key: 'dryRun', flags: '--dry-run', variable: 'TBLCTL_DRY_RUN', trait: 'dry-run', description: 'print what would be done, and do nothing' },
  // biome-ignore format: a table
  { key: 'yes', flags: '-y, --yes', variable: 'TBLCTL_YES', trait: 'approval', description: 'approve without a question; not enough where something is gone for good' },
  // biome-ignore format: a table
  { key: 'confirm', flags: '--confirm <name>', variable: 'TBLCTL_CONFIRM', trait: 'approval', description: 'approve what is hard to get back: the name of the table, or "N tables" when there are several' },
  // biome-ignore format: a table
  { key: 'output', flags: '-o, --output <format>', variable: 'TBLCTL_OUTPUT', trait: 'output', choices: outputFormats, parse: choice('output format', outputFormats), description: 'how data is printed' },
  // biome-ignore format: a table
  { key: 'columns', flags: '--columns <names>', variable: 'TBLCTL_COLUMNS', trait: 'columns', parse: list, description: 'columns of table, wide and csv, by commas and in this order' },
  // biome-ignore format: a table
  { key: 'sortBy', flags: '--sort-by <column>', variable: 'TBLCTL_SORT_BY', trait: 'columns', parse: sortKey, description: 'order of the items, column or column:desc; unknown values come last' },
  // biome-ignore format: a table
  { key: 'headers', flags: '--no-headers', variable: 'TBLCTL_NO_HEADERS', trait: 'columns', description: 'table, wide and csv without the line of headers' },
  // biome-ignore format: a table
  { key: 'watchMs', flags: '--watch [interval]', variable: 'TBLCTL_WATCH', trait: 'watch', parse: interval, description: 'again and again; --watch=10s sets the interval (2s). In a pipe: ndjson, appended' },
  // biome-ignore format: a table
  { key: 'timeoutMs', flags: '--timeout <duration>', variable: 'TBLCTL_TIMEOUT', trait: 'timeout', parse: parseDuration, description: 'stop the whole run after this time, at a safe point (exit 124)' },
  // biome-ignore format: a table
  { key: 'lockTimeoutMs', flags: '--lock-timeout <duration>', variable: 'TBLCTL_LOCK_TIMEOUT', trait: 'lock-timeout', parse: parseDuration, description: 'wait this long for a busy table (0s: try once)' },
  // biome-ignore format: a table
  { key: 'parallelism', flags: '--parallelism <n>', variable: 'TBLCTL_PARALLELISM', trait: 'parallelism', parse: positiveInteger(1000), description: 'tables worked on at once (4)' },
  // biome-ignore format: a table
  { key: 'config', flags: '-c, --config <file>', variable: 'TBLCTL_CONFIG', trait: 'config', completes: 'file', description: 'this tblctl.yaml instead of the nearest one upward' },
  // biome-ignore format: a table
  { key: 'context', flags: '--context <name>', variable: 'TBLCTL_CONTEXT', trait: 'config', parse: segment, completes: 'context', description: 'a context of tblctl.yaml' },
  // biome-ignore format: a table
  { key: 'input', flags: '--no-input', variable: 'TBLCTL_NO_INPUT', trait: 'always', description: 'never ask; a missing approval is an error' },
  // biome-ignore format: a table
  { key: 'quiet', flags: '-q, --quiet', variable: 'TBLCTL_QUIET', trait: 'always', description: 'no progress and no remarks, only data, warnings and errors' },
  // biome-ignore format: a table
  { key: 'verbose', flags: '-v, --verbose', variable: 'TBLCTL_VERBOSE', trait: 'always', description: 'more remarks, and stack traces' },
  // biome-ignore format: a table
  { key: 'color', flags: '--color <when>', variable: 'TBLCTL_COLOR', trait: 'always', choices: ['auto', 'always', 'never'], parse: choice('colour mode', ['auto', 'always', 'never']), description: 'colour; auto looks at the terminal, NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE' },
  // biome-ignore format: a table
  { key: 'runId', flags: '--run-id <id>', variable: 'TBLCTL_RUN_ID', trait: 'always', parse: runId, description: 'id of this run in logs, jobs and audit rows (a new UUIDv7)' },
  // biome-ignore format: a table
  { key: 'logFormat', flags: '--log-format <format>', variable: 'TBLCTL_LOG_FORMAT', trait: 'always', choices: ['text', 'json'], parse: choice('log format', ['text', 'json']), description: 'remarks and progress on stderr as text or as JSON lines' },
  // biome-ignore format: a table
  { key: 'metricsFile', flags: '--metrics-file <file>', variable: 'TBLCTL_METRICS_FILE', trait: 'always', completes: 'file', description: 'write Prometheus metrics of this run into a file (node_exporter textfile)' },
]

export const defaults: GlobalOptions = {
  config: null,
  context: null,
  output: 'table',
  headers: true,
  columns: null,
  sortBy: null,
  quiet: false,
  verbose: false,
  color: 'auto',
  yes: false,
  confirm: null,
  input: true,
  dryRun: false,
  timeoutMs: null,
  lockTimeoutMs: 0,
  parallelism: 4,
  watchMs: null,
  runId: null,
  logFormat: 'text',
  metricsFile: null,
  project: null,
  backend: null,
  labels: [],
  all: false,
}
