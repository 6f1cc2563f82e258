/**
 * The configuration of Harper's BigQuery plugin (config.yaml with `bigquery:` and no `version:`), loaded as it is: several tables or the older
 * form with one. Keys, defaults and messages are the plugin's own; other sections of the file are other plugins' and are passed over.
 */
import type { DriverModule } from '../core/driver.ts'
import { exactTime, microsOf } from '../core/exact-time.ts'
import { isSegment, printable, tablePath } from '../core/ref.ts'
import type { CheckedBackend } from './backends.ts'
import { harperColumns } from './harper-columns.ts'
import { issuesOf, problemsOf } from './issues.ts'
import { isMap, layered, nameOf, type PlainMap } from './layers.ts'
import type { KeyPath } from './places.ts'
import { configError, type Problem } from './problems.ts'
import { type SyncConfig, syncDefaults } from './sync.ts'
import { urlBackend } from './url-backend.ts'
import type { YamlDocument } from './yaml.ts'

/** Names of the two backends that such a file means. */
const [sourceName, targetName] = ['bigquery', 'harper']
/** The plugin runs inside of Harper and needs no address: its operations API listens here unless it is told otherwise. */
const defaultTarget = 'http://localhost:9925'
/** Of the older form with one table. */
const legacy = { id: 'default', targetTable: 'BigQueryData' }

const known = {
  bigquery: [
    ...['projectId', 'credentials', 'location', 'apiEndpoint', 'tables', 'maxRetries', 'initialRetryDelay'],
    ...['dataset', 'table', 'timestampColumn', 'columns', 'targetTable', 'id'],
  ],
  table: ['id', 'dataset', 'table', 'timestampColumn', 'columns', 'targetTable', 'sync', 'useStreamingAPIs'],
  sync: [
    ...['initialBatchSize', 'catchupBatchSize', 'steadyBatchSize', 'catchupThreshold', 'steadyThreshold'],
    ...['pollInterval', 'startTimestamp'],
  ],
  retry: ['maxAttempts', 'backoffMultiplier', 'initialDelay'],
}

export const isHarperConfig = ({ value }: YamlDocument): boolean =>
  Object.hasOwn(value, 'bigquery') && value.version === undefined

export interface HarperOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly drivers: { readonly kinds: readonly string[]; load(kind: string): Promise<DriverModule> }
  warn(message: string): void
}

export interface HarperParts {
  readonly backends: ReadonlyMap<string, CheckedBackend>
  readonly syncs: ReadonlyMap<string, SyncConfig>
}

/** Throws one config error with everything that is wrong; keys that nobody knows are warned of. */
export async function readHarper(document: YamlDocument, options: HarperOptions): Promise<HarperParts> {
  if (!isMap(document.value.bigquery))
    throw configError(document.source, [
      {
        message: 'bigquery: expected a map with projectId, credentials and tables',
        at: document.offset(['bigquery'], 'key'),
      },
    ])
  const reader = new HarperReader(document)
  const syncs = reader.syncs()
  const backends = new Map<string, CheckedBackend>()
  const source = await readSource(document, reader.problems, options)
  if (reader.problems.length > 0) throw configError(document.source, reader.problems)
  for (const name of reader.unknown) options.warn(`${document.source.name}: ${name} is not known and has no effect`)
  if (source !== null) backends.set(sourceName, source)
  if (options.drivers.kinds.includes('harper'))
    backends.set(targetName, await urlBackend(defaultTarget, 'default', options))
  return { backends, syncs }
}

/** Credentials are a path beside the file; an emulator asks for none. */
async function readSource(
  document: YamlDocument,
  problems: Problem[],
  { env, drivers }: HarperOptions,
): Promise<CheckedBackend | null> {
  const { projectId, credentials, location = 'US', apiEndpoint } = document.value.bigquery as PlainMap
  const layers = layered(document, ['bigquery'], null)
  const emulated =
    Boolean(env.BIGQUERY_EMULATOR_HOST) || (typeof apiEndpoint === 'string' && /^http:/.test(apiEndpoint))
  const key = typeof credentials === 'string' && !emulated ? { credentials: `file:${credentials}` } : {}
  const own = { projectId, location, ...key, ...(apiEndpoint === undefined ? {} : { apiEndpoint }) }
  const module = await drivers.load('bigquery')
  try {
    return { driver: 'bigquery', config: module.config.parse(own), layers }
  } catch (thrown) {
    const issues = issuesOf(thrown)
    if (issues === undefined) throw thrown
    problems.push(...problemsOf(issues, own, module.config, layers))
    return null
  }
}

class HarperReader {
  readonly problems: Problem[] = []
  /** Names of keys that nobody knows. */
  readonly unknown: string[] = []
  private readonly document: YamlDocument
  private readonly bigquery: PlainMap
  constructor(document: YamlDocument) {
    this.document = document
    this.bigquery = document.value.bigquery as PlainMap
  }

  syncs(): ReadonlyMap<string, SyncConfig> {
    this.noteUnknown(this.bigquery, ['bigquery'], known.bigquery)
    const { tables } = this.bigquery
    if (tables === undefined) {
      const one = { ...legacy, ...this.bigquery }
      return new Map([[String(one.id), this.sync(one, ['bigquery'], String(one.id))]])
    }
    if (!Array.isArray(tables)) this.wrong(['bigquery', 'tables'], 'bigquery.tables must be an array')
    else if (tables.length === 0) this.wrong(['bigquery', 'tables'], 'bigquery.tables array cannot be empty')
    return this.several(Array.isArray(tables) ? tables : [])
  }

  private several(tables: readonly unknown[]): ReadonlyMap<string, SyncConfig> {
    const syncs = new Map<string, SyncConfig>()
    const targets = new Set<string>()
    for (const [i, table] of tables.entries()) {
      const path = ['bigquery', 'tables', i]
      if (!isMap(table)) {
        this.wrong(path, `${nameOf(path)}: expected a map`)
        continue
      }
      this.noteUnknown(table, path, known.table)
      const id = idOf(table, tables, i)
      if (syncs.has(id)) this.wrong([...path, 'id'], `Duplicate table ID: ${printable(id)}`)
      const sync = this.sync(table, path, id)
      if (targets.has(sync.target))
        this.wrong(
          [...path, 'targetTable'],
          `Duplicate targetTable '${printable(String(table.targetTable))}' for table: ${printable(id)}. Each BigQuery table must sync to a DIFFERENT Harper table`,
        )
      targets.add(sync.target)
      syncs.set(id, sync)
    }
    return syncs
  }

  private sync(table: PlainMap, path: KeyPath, id: string): SyncConfig {
    const text = (field: string): string => {
      const value = table[field]
      if (typeof value === 'string' && value.trim() !== '') return value.trim()
      this.wrong([...path, field], `Missing required field '${field}' for table: ${printable(id)}`)
      return '?'
    }
    const timestampColumn = text('timestampColumn')
    const targetTable = text('targetTable')
    if (targetTable !== '?' && !isSegment(targetTable))
      this.wrong(
        [...path, 'targetTable'],
        `${nameOf([...path, 'targetTable'])}: "${printable(targetTable)}" is no table name`,
      )
    const columns = harperColumns(table.columns, timestampColumn)
    if ('problem' in columns) this.wrong([...path, 'columns'], columns.problem)
    return {
      id,
      source: {
        backend: sourceName,
        dataset: text('dataset'),
        table: text('table'),
        timestampColumn,
        columns: 'problem' in columns ? null : columns.names,
        key: null,
        // The plugin itself never looks at a row again; with a primary key rows replace themselves all the same.
        appendOnly: true,
      },
      target: tablePath(targetName, 'default', targetTable),
      ...this.tuning(table, path),
      lookbackMs: null,
      lagMs: null,
      nullTimestamps: 'sync',
      retry: this.retry(),
    }
  }

  /** A table's own `sync` over that of the whole file, over the plugin's defaults. */
  private tuning(table: PlainMap, path: KeyPath): Pick<SyncConfig, 'batchRows' | 'thresholds' | 'startTimestamp'> {
    const layers = [
      { values: path.length > 1 ? table.sync : undefined, path: [...path, 'sync'] },
      { values: this.document.value.sync, path: ['sync'] },
    ]
    for (const { values, path: at } of layers) if (isMap(values)) this.noteUnknown(values, at, known.sync)
    const find = (field: string): { value: unknown; at: KeyPath } | undefined => {
      for (const { values, path: at } of layers)
        if (isMap(values) && values[field] !== undefined) return { value: values[field], at: [...at, field] }
      return undefined
    }
    const number = (field: string, usual: number, whole: boolean): number => {
      const found = find(field)
      if (found === undefined) return usual
      const { value, at } = found
      if (typeof value === 'number' && value > 0 && (!whole || Number.isSafeInteger(value))) return value
      this.wrong(at, `${field} must be a positive ${whole ? 'integer' : 'number'}`)
      return usual
    }
    const { batchRows, thresholds } = syncDefaults
    number('pollInterval', 30_000, true)
    return {
      batchRows: {
        initial: number('initialBatchSize', batchRows.initial, true),
        catchup: number('catchupBatchSize', batchRows.catchup, true),
        steady: number('steadyBatchSize', batchRows.steady, true),
      },
      thresholds: {
        catchup: number('catchupThreshold', thresholds.catchup, false),
        steady: number('steadyThreshold', thresholds.steady, false),
      },
      startTimestamp: this.start(find('startTimestamp')),
    }
  }

  private start(found: { readonly value: unknown; readonly at: KeyPath } | undefined): string | null {
    if (found === undefined) return null
    const micros = microsOf(String(found.value))
    if (micros !== null) return exactTime(micros)
    this.wrong(found.at, `Invalid startTimestamp in config: ${printable(String(found.value))}`)
    return null
  }

  /** `retry:` is what the plugin documents, `bigquery.maxRetries` what it reads: both count. */
  private retry(): SyncConfig['retry'] {
    const { retry } = this.document.value
    const given: PlainMap = isMap(retry) ? retry : {}
    this.noteUnknown(given, ['retry'], known.retry)
    const number = (
      path: KeyPath,
      value: unknown,
      usual: number,
      rule: string,
      fits: (n: number) => boolean,
    ): number => {
      if (value === undefined) return usual
      if (typeof value === 'number' && fits(value)) return value
      this.wrong(path, `${path.at(-1)} must be a ${rule}`)
      return usual
    }
    const natural = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
    const usual = syncDefaults.retry
    const { maxRetries, initialRetryDelay } = this.bigquery
    const whole = 'non-negative integer'
    const attempts = number(['bigquery', 'maxRetries'], maxRetries, usual.attempts, whole, natural)
    const initialMs = number(['bigquery', 'initialRetryDelay'], initialRetryDelay, usual.initialMs, whole, natural)
    return {
      attempts: number(['retry', 'maxAttempts'], given.maxAttempts, attempts, whole, natural),
      initialMs: number(['retry', 'initialDelay'], given.initialDelay, initialMs, whole, natural),
      multiplier: number(
        ['retry', 'backoffMultiplier'],
        given.backoffMultiplier,
        usual.multiplier,
        'positive number',
        (n) => n > 0,
      ),
    }
  }

  private noteUnknown(map: PlainMap, path: KeyPath, names: readonly string[]): void {
    for (const key of Object.keys(map)) {
      const name = nameOf([...path, key])
      if (!names.includes(key) && !this.unknown.includes(name)) this.unknown.push(name)
    }
  }
  private wrong(path: KeyPath, message: string): void {
    this.problems.push({ message, at: this.document.offset(path, 'value') })
  }
}

/** The plugin's examples leave the id out: the table's name, or `dataset.table` where two share one. */
function idOf(table: PlainMap, tables: readonly unknown[], index: number): string {
  if (typeof table.id === 'string' && table.id !== '') return table.id
  if (typeof table.table !== 'string' || table.table === '') return `tables[${index}]`
  const same = tables.filter((other) => isMap(other) && other.table === table.table)
  return same.length > 1 && typeof table.dataset === 'string' ? `${table.dataset}.${table.table}` : table.table
}
