/**
 * Checkpoints (Delta PROTOCOL, "Checkpoints", V1 and V2 spec): the state of the table at one version, as one Parquet file, as several parts, or as
 * a Parquet or JSON file with sidecars. Only what a snapshot needs is read: tombstones where they are asked for, and of parsed statistics the
 * number of rows where there are no others.
 */
import { fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { type Engine, openEngine } from '../../../engine/engine.ts'
import { parquetSource, quoteIdentifier, quoteString } from '../../../engine/sql-text.ts'
import { localCopies } from '../../../storage/local-copies.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import { type Action, actionOf, MalformedAction } from './actions.ts'
import { parseCommit } from './commit-file.ts'
import { parseExact } from './exact-json.ts'
import { applyAction, type ReplayState } from './replay.ts'
import { sidecarKey, sidecarPaths } from './sidecars.ts'

export interface CheckpointOptions {
  /** Folder for the engine; may be lost at any time. */
  readonly scratch: string
  readonly tombstones?: true
  readonly signal?: AbortSignal
}

/** What is read of each action; a column or member that a checkpoint lacks is null. */
const members: Readonly<Record<string, readonly string[]>> = {
  protocol: ['minReaderVersion', 'minWriterVersion', 'readerFeatures', 'writerFeatures'],
  metaData: [
    ...['id', 'name', 'description', 'format', 'schemaString', 'partitionColumns', 'configuration', 'createdTime'],
  ],
  txn: ['appId', 'version', 'lastUpdated'],
  domainMetadata: ['domain', 'configuration', 'removed'],
  add: [
    ...['path', 'partitionValues', 'size', 'modificationTime', 'dataChange', 'stats', 'tags', 'deletionVector'],
    ...['baseRowId', 'defaultRowCommitVersion', 'clusteringProvider'],
  ],
  remove: [
    ...['path', 'deletionTimestamp', 'dataChange', 'extendedFileMetadata', 'partitionValues', 'size', 'deletionVector'],
    ...['baseRowId', 'defaultRowCommitVersion'],
  ],
}
/** Some writers store an absent action as a struct of nulls; its first member tells. */
const always: Readonly<Record<string, string>> = {
  protocol: 'minReaderVersion',
  metaData: 'id',
  txn: 'appId',
  domainMetadata: 'domain',
  add: 'path',
  remove: 'path',
}
/** Statistics of hundreds of columns make rows of many kilobytes, and the engine holds some thousands of them, several times over. */
const memoryLimit = 512 * 1024 * 1024
/** What sidecars hold; everything else stands in the checkpoint itself. */
const fileActions = ['add', 'remove']

/**
 * The table as a checkpoint has it, onto an empty state. `keys`: all files of one checkpoint but its sidecars. Throws
 * `data`/`corrupt-checkpoint` with the file in `where`, also for one that names no protocol or no metadata: every checkpoint does.
 */
export async function applyCheckpoint(
  store: ObjectStore,
  prefix: string,
  keys: readonly string[],
  state: ReplayState,
  options: CheckpointOptions,
): Promise<void> {
  for await (const actions of readCheckpoint(store, prefix, keys, options))
    for (const action of actions) applyAction(state, action)
  const lacking = state.protocol === undefined ? 'protocol' : state.metadata === undefined ? 'metadata' : null
  if (lacking !== null) throw corrupt(placeOf(store, keys), `it names no ${lacking}`)
}

const placeOf = (store: ObjectStore, [key]: readonly string[]): string =>
  printable(store.localPath(key!) ?? `${store.url}/${key}`)

/** Gives actions in batches. */
async function* readCheckpoint(
  store: ObjectStore,
  prefix: string,
  keys: readonly string[],
  options: CheckpointOptions,
): AsyncGenerator<readonly Action[]> {
  const where = placeOf(store, keys)
  await using engine = await openEngine({ ...options, memoryLimit })
  const wanted = Object.keys(members).filter((action) => action !== 'remove' || options.tombstones)
  try {
    const sidecars = keys[0]!.endsWith('.json')
      ? yield* readJson(store, keys[0]!, where)
      : yield* readParquet(engine, store, keys, wanted, options)
    if (sidecars.length === 0) return
    const named = sidecars.map((path) => {
      const key = sidecarKey(prefix, path)
      if (key === undefined) throw new MalformedAction(`the path "${path}" names no sidecar`)
      return key
    })
    const inSidecars = wanted.filter((action) => fileActions.includes(action))
    yield* readParquet(engine, store, named, inSidecars, options)
  } catch (error) {
    throw explained(error, where)
  }
}

/** Yields the actions and returns the paths of the sidecars. */
async function* readJson(
  store: ObjectStore,
  key: string,
  where: string,
): AsyncGenerator<readonly Action[], readonly string[]> {
  const bytes = await store.read(key)
  if (bytes === undefined) throw fail('missing', 'file-missing', `${where} is not there`, { where })
  yield* batches(parseCommit(bytes, where))
  return [...sidecarPaths(bytes)]
}

const batchSize = 2048

function* batches(actions: Iterable<Action>): Generator<readonly Action[]> {
  let batch: Action[] = []
  for (const action of actions) {
    batch.push(action)
    if (batch.length < batchSize) continue
    yield batch
    batch = []
  }
  yield batch
}

async function* readParquet(
  engine: Engine,
  store: ObjectStore,
  keys: readonly string[],
  actions: readonly string[],
  { signal }: CheckpointOptions,
): AsyncGenerator<readonly Action[], readonly string[]> {
  await using local = await localCopies(store, keys, { scratch: engine.directory, signal })
  for (const [path, name] of local.names) engine.copies.set(path, name)
  const source = parquetSource(local.paths, 'union_by_name = true')
  const columns = await columnsOf(engine, `SELECT * FROM ${source}`)
  for (const action of actions) {
    if (!columns.includes(action)) continue
    const present = await columnsOf(engine, `SELECT ${action}.* FROM ${source}`)
    yield* rowsOf(engine, source, action, present)
  }
  if (!columns.includes('sidecar')) return []
  const named = await engine.all(`SELECT sidecar.path AS path FROM ${source} WHERE sidecar.path IS NOT NULL`)
  return named.map(({ path }) => String(path))
}

async function* rowsOf(
  engine: Engine,
  source: string,
  action: string,
  present: readonly string[],
): AsyncGenerator<readonly Action[]> {
  const value = await valuesOf(engine, source, action, present)
  const wanted = members[action]!.filter((member) => value(member) !== undefined)
  const pack = wanted.map((member) => `${quoteString(member)}: ${value(member)}`).join(', ')
  const filter = `${action}.${quoteIdentifier(always[action]!)} IS NOT NULL`
  const parse = action === 'txn' ? parseExact : JSON.parse
  await using rows = await engine.stream(
    `SELECT to_json({${quoteString(action)}: {${pack}}})::VARCHAR FROM ${source} WHERE ${filter}`,
  )
  for await (const { columns } of rows.batches) yield columns[0]!.map((line) => actionOf(parse(line as string))!)
}

/** SQL for a member; undefined for one that the checkpoint lacks. */
async function valuesOf(engine: Engine, source: string, action: string, present: readonly string[]) {
  const plain = (member: string): string | undefined =>
    present.includes(member) ? `${action}.${quoteIdentifier(member)}` : undefined
  if (action !== 'add' || !present.includes('stats_parsed')) return plain
  const parsed = await columnsOf(engine, `SELECT unnest(add.stats_parsed) FROM ${source}`)
  if (!parsed.includes('numRecords')) return plain
  const count = `add.stats_parsed."numRecords"`
  const built = `CASE WHEN ${count} IS NOT NULL THEN '{"numRecords":' || ${count} || '}' END`
  return (member: string): string | undefined =>
    member === 'stats' ? `coalesce(${[plain(member), built].filter(Boolean).join(', ')})` : plain(member)
}

async function columnsOf(engine: Engine, select: string): Promise<readonly string[]> {
  return (await engine.all(`DESCRIBE ${select}`)).map((row) => String(row.column_name))
}

function explained(error: unknown, where: string): unknown {
  const engineRefused = error instanceof Error && /^(Binder|Catalog|Parser|Not implemented) Error/.test(error.message)
  const damaged = error instanceof TblctlError && (error.view.kind === 'data' || error.view.kind === 'missing')
  const malformed = error instanceof MalformedAction || error instanceof SyntaxError
  if (!engineRefused && !damaged && !malformed) return error
  return corrupt(where, (error as Error).message.split('\n')[0]!, error)
}

const corrupt = (where: string, why: string, cause?: unknown): Error =>
  fail('data', 'corrupt-checkpoint', `the checkpoint ${where} cannot be read: ${printable(why)}`, {
    where,
    hint: 'restore this file from a backup; tblctl changes nothing in a table whose log it cannot read',
    ...(cause === undefined ? {} : { cause }),
  })
