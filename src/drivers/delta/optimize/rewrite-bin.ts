/** One bin of optimize: its rows into new files, counted, and one commit that changes no row. */
import { fail, TblctlError } from '../../../core/errors.ts'
import type { RunContext } from '../../../core/operation.ts'
import { type Engine, readingFiles } from '../../../engine/engine.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { commitTo } from '../commit-table.ts'
import { countRowsIn } from '../files/count.ts'
import { bytesOf, discard, withdraw } from '../files/data-file.ts'
import { type WriteRowsOptions, writeRows } from '../files/write-rows.ts'
import type { Add } from '../log/actions.ts'
import { partitionValuesOf } from '../log/column-mapping.ts'
import type { CommitOutcome, CommitRequest } from '../log/commit-request.ts'
import { fileKey, type LiveFile, removeOf } from '../log/replay.ts'
import { committer, type DeltaTable, type Lake, scanFiles, storedFields } from '../table.ts'
import type { Bin } from './bins.ts'
import { type Layout, layoutOfTag } from './layout.ts'
import { layoutTag, leastGroupRows } from './triggers.ts'
import { alongCurve, leaveCurve } from './zorder.ts'

export interface RewriteOptions {
  readonly layout: Layout | null
  /** Bytes of a file. */
  readonly targetSize: number
  /** What chose the partitions, for the log's history. */
  readonly where: string | null
}
export type Rewritten =
  | {
      readonly is: 'rewritten'
      readonly version: number
      readonly rows: number
      readonly files: number
      readonly bytes: number
    }
  | { readonly is: 'lost' }
  | { readonly is: 'metadata-changed'; readonly version: number }

/** Memory is bounded by the engine's budget, whatever the size of the bin. */
export async function rewriteBin(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  bin: Bin,
  options: RewriteOptions,
  ctx: RunContext<any, any>,
): Promise<Rewritten> {
  if (!bin.files.every((file) => table.snapshot.files.has(keyOf(file)))) return { is: 'lost' }
  const { adds, rows } = await writeBin(lake, engine, table, bin, options, ctx)
  let outcome: CommitOutcome
  try {
    outcome = await commitTo(lake, table.location, requestOf(table, bin, adds, options, ctx), committer(ctx), ctx)
  } catch (error) {
    await withdraw(lake, table, adds, error, ctx)
    throw error
  }
  if (outcome.is === 'committed')
    return { is: 'rewritten', version: outcome.version, rows, files: adds.length, bytes: bytesOf(adds) }
  await discard(table, adds)
  return outcome.is === 'metadata-changed' ? outcome : { is: 'lost' }
}

const keyOf = (file: LiveFile): string => fileKey({ ...file, path: file.logPath })

/** The new files stand in their place, and hold as many rows as the old ones. */
async function writeBin(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  bin: Bin,
  options: RewriteOptions,
  ctx: RunContext<any, any>,
): Promise<{ readonly adds: readonly Add[]; readonly rows: number }> {
  const { snapshot, location } = table
  const fields = storedFields(snapshot).filter(({ name }) => !snapshot.metadata.partitionColumns.includes(name))
  await using scan = await scanFiles(lake, table, bin.files, fields, ctx)
  for (const [path, name] of scan.names) engine.copies.set(path, name)
  // The footers, not the log: other writers' statistics may be wrong, and then this is where it would come out.
  const before =
    (await readingFiles(engine, scan.paths, () => countRowsIn(engine, scan.paths), 'footer')) - scan.deletedRows
  // A file of a layout stays in it: the scan leaves deleted rows out, but in no order.
  const { [layoutTag]: tag, ...otherTags } = bin.tags
  const layout = options.layout ?? layoutOfTag(tag, snapshot, storedFields(snapshot))
  const written = await orderedBy(engine, scan.select, layout, (select) =>
    readingFiles(engine, scan.paths, () =>
      writeRows(engine, table, select, {
        dataChange: false,
        tags: layout === null ? otherTags : bin.tags,
        partition: partitionValuesOf(snapshot, bin.files[0]!),
        ...(bin.into === 'one' ? { ordered: layout !== null } : severalFiles(bin, before, options.targetSize)),
      }),
    ),
  )
  if (written.rows !== before) {
    await discard(table, written.adds)
    throw fail(
      'failed',
      'verification-failed',
      `${before} rows in ${bin.files.length} files became ${written.rows}; the table was left as it is`,
      { where: location.url },
    )
  }
  if (written.rows > 0) return written
  await discard(table, written.adds)
  return { adds: [], rows: 0 }
}

/** Row groups of a file: it is closed after one of them, so that more of them keep it nearer to its target. */
const groupsOfFile = 8
const mostGroupRows = 122_880

function severalFiles(
  bin: Bin,
  rows: number,
  targetSize: number,
): Pick<WriteRowsOptions, 'maxFileBytes' | 'rowGroupRows'> {
  const wanted = Math.round((rows * targetSize) / Math.max(1, bin.bytes) / groupsOfFile)
  return {
    maxFileBytes: targetSize,
    rowGroupRows: Math.min(mostGroupRows, Math.max(leastGroupRows, wanted)),
  }
}

async function orderedBy<T>(
  engine: Engine,
  select: string,
  layout: Layout | null,
  write: (select: string) => Promise<T>,
): Promise<T> {
  if (layout === null) return write(select)
  try {
    if (layout.by === 'zorder' && layout.columns.length > 1)
      return await write(await alongCurve(engine, select, layout.columns))
    const order = layout.columns.map(({ name }) => `${quoteIdentifier(name)} NULLS LAST`)
    return await write(`SELECT * FROM (${select}) ORDER BY ${order.join(', ')}`)
  } catch (error) {
    if (!(error instanceof TblctlError) || error.view.code !== 'engine-memory') throw error
    throw fail(error.view.kind, error.view.code, error.view.message, {
      hint: 'a partition is ordered as a whole: let the process take more, as with --memory 2GB',
      cause: error,
    })
  } finally {
    await leaveCurve(engine).catch(() => {})
  }
}

function requestOf(
  { snapshot }: DeltaTable,
  bin: Bin,
  adds: readonly Add[],
  { layout, where }: RewriteOptions,
  ctx: RunContext<any, any>,
): CommitRequest {
  const now = ctx.now().getTime()
  const columns = (by: Layout['by']): string =>
    JSON.stringify(layout?.by === by ? layout.columns.map(({ name }) => name) : [])
  return {
    snapshot,
    kind: 'rewrite',
    actions: [...bin.files.map((file) => ({ remove: removeOf(file, now, false) })), ...adds.map((add) => ({ add }))],
    operation: {
      name: 'OPTIMIZE',
      // As Spark writes them; it has no order but the curve's.
      parameters: {
        predicate: JSON.stringify(where === null ? [] : [where]),
        zOrderBy: columns('zorder'),
        ...(layout?.by === 'sort' ? { sortBy: columns('sort') } : {}),
      },
      metrics: {
        numRemovedFiles: bin.files.length,
        numRemovedBytes: bin.bytes,
        numAddedFiles: adds.length,
        numAddedBytes: bytesOf(adds),
        numDeletionVectorsRemoved: bin.files.filter(({ deletionVector }) => deletionVector !== undefined).length,
      },
    },
  }
}
