/**
 * Checkpoints, classic and multi-part (Delta PROTOCOL, "Checkpoints", V1 spec): the state of the table at one version as Parquet.
 * Only what a snapshot needs is read: no tombstones, no parsed statistics.
 */
import { fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { type Engine, openEngine } from '../../../engine/engine.ts'
import { quoteIdentifier, quotePath, quoteString } from '../../../engine/sql-text.ts'
import { localCopies } from '../../../storage/local-copies.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import { type Action, actionOf, MalformedAction } from './actions.ts'
import { parseExact } from './exact-json.ts'

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
}
/** Some writers store an absent action as a struct of nulls; its first member tells. */
const always: Readonly<Record<string, string>> = {
  protocol: 'minReaderVersion',
  metaData: 'id',
  txn: 'appId',
  domainMetadata: 'domain',
  add: 'path',
}

/** `keys`: all parts of one checkpoint. Throws `data`/`corrupt-checkpoint` with the file in `where`. */
export async function* readCheckpoint(
  store: ObjectStore,
  keys: readonly string[],
  options: { readonly scratch: string; readonly signal?: AbortSignal },
): AsyncGenerator<Action> {
  const where = store.localPath(keys[0]!) ?? `${store.url}/${keys[0]}`
  await using engine = await openEngine(options)
  try {
    await using local = await localCopies(store, keys, { scratch: engine.directory, signal: options.signal })
    for (const [path, name] of local.names) engine.copies.set(path, name)
    const source = `read_parquet([${local.paths.map(quotePath).join(', ')}], hive_partitioning = false, union_by_name = true)`
    const columns = await columnsOf(engine, `SELECT * FROM ${source}`)
    for (const action of Object.keys(members)) {
      if (!columns.includes(action)) continue
      const present = await columnsOf(engine, `SELECT ${action}.* FROM ${source}`)
      yield* rowsOf(engine, source, action, present)
    }
  } catch (error) {
    throw explained(error, where)
  }
}

async function* rowsOf(
  engine: Engine,
  source: string,
  action: string,
  present: readonly string[],
): AsyncGenerator<Action> {
  const wanted = members[action]!.filter((member) => present.includes(member))
  const pack = wanted.map((member) => `${quoteString(member)}: ${action}.${quoteIdentifier(member)}`).join(', ')
  const filter = `${action}.${quoteIdentifier(always[action]!)} IS NOT NULL`
  const parse = action === 'txn' ? parseExact : JSON.parse
  await using rows = await engine.stream(
    `SELECT to_json({${quoteString(action)}: {${pack}}})::VARCHAR FROM ${source} WHERE ${filter}`,
  )
  for await (const batch of rows.batches) for (const line of batch.columns[0]!) yield actionOf(parse(line as string))!
}

async function columnsOf(engine: Engine, select: string): Promise<readonly string[]> {
  return (await engine.all(`DESCRIBE ${select}`)).map((row) => String(row.column_name))
}

function explained(error: unknown, where: string): unknown {
  const engineRefused = error instanceof Error && /^(Binder|Catalog|Parser|Not implemented) Error/.test(error.message)
  const damaged = error instanceof TblctlError && (error.view.kind === 'data' || error.view.kind === 'missing')
  if (!engineRefused && !damaged && !(error instanceof MalformedAction)) return error
  const why = (error as Error).message.split('\n')[0]!
  return fail('data', 'corrupt-checkpoint', `the checkpoint cannot be read: ${printable(why)}`, {
    where,
    hint: 'restore this file from a backup; tblctl changes nothing in a table whose log it cannot read',
    cause: error,
  })
}
