/** Takes rows out of files by copy-on-write: a file is left as it is, goes whole, or is written again without them. */
import { fail } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import type { Field } from '../../../core/types.ts'
import { type Engine, readingFiles } from '../../../engine/engine.ts'
import { quotePath } from '../../../engine/sql-text.ts'
import { footerCopies } from '../../../storage/footer-copies.ts'
import { deletedIn } from '../files/count.ts'
import { discard } from '../files/data-file.ts'
import { writeRows } from '../files/write-rows.ts'
import type { Add } from '../log/actions.ts'
import { partitionValuesOf } from '../log/column-mapping.ts'
import { tableKey } from '../log/paths.ts'
import type { LiveFile } from '../log/replay.ts'
import { type DeltaTable, type FileScan, type Lake, scanFiles, storedFields } from '../table.ts'
import type { Condition } from './condition.ts'

/** Files of a remote store are copied here this many at a time. */
const atOnce = 16
const copiesAtOnce = 4

/** Files, and the condition that tells which of their rows are meant. */
export interface Choice {
  readonly condition: Condition
  /** Only these can hold such rows. */
  readonly files: readonly LiveFile[]
  /** Those of them of which every row is meant: their partition decides, or their footers. */
  readonly whole: ReadonlySet<LiveFile>
  /** What becomes of files of which only some rows match. */
  readonly partial: 'rewrite' | 'keep'
  /** Other files of which some rows are meant, and which stay. */
  readonly filesKept?: number
}

export interface FileMatches {
  readonly file: LiveFile
  /** Rows that the condition is true of. */
  readonly matching: number
  /** All rows of the file that a deletion vector does not take out. */
  readonly rows: number
}
interface OpenFile extends FileMatches {
  /** Null where nobody will read its rows. */
  readonly scan: FileScan | null
}

/** Counts in the files themselves. */
export async function* matchesOf(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  choice: Choice,
  ctx: ReadContext,
): AsyncIterable<FileMatches> {
  const stored = storedFields(table.snapshot)
  const read = stored.filter(({ name }) => choice.condition.columns.includes(name))
  const fields = read.length > 0 ? read : stored.slice(0, 1)
  for await (const group of openGroups(lake, engine, table, choice, fields, ctx))
    for (const { file, matching, rows } of group) yield { file, matching, rows }
}

export interface Removal {
  readonly removed: readonly LiveFile[]
  readonly adds: readonly Add[]
  readonly rowsRemoved: number
  /** Rows that were written again. */
  readonly rowsCopied: number
}

/**
 * `mostRows`: as soon as more match, null, and nothing is left. `step` is called after each group of files that was written. When it fails,
 * nothing is left in the table's folder.
 */
export async function removeMatches(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  choice: Choice,
  mostRows: number,
  step: (filesDone: number) => Promise<void>,
  ctx: ReadContext,
): Promise<Removal | null> {
  const adds: Add[] = []
  const removed: LiveFile[] = []
  let rowsRemoved = 0
  let rowsCopied = 0
  let filesDone = 0
  try {
    for await (const group of openGroups(lake, engine, table, choice, storedFields(table.snapshot), ctx)) {
      for (const { file, scan, matching, rows } of group) {
        if (matching === 0 || (choice.partial === 'keep' && matching < rows)) continue
        rowsRemoved += matching
        if (rowsRemoved > mostRows) {
          await discard(table, adds)
          return null
        }
        if (matching < rows) {
          adds.push(...(await writeOthers(engine, table, { file, scan: scan!, matching, rows }, choice.condition)))
          rowsCopied += rows - matching
        }
        removed.push(file)
      }
      filesDone += group.length
      await step(filesDone)
    }
    return { removed, adds, rowsRemoved, rowsCopied }
  } catch (error) {
    await discard(table, adds).catch(() => {})
    throw error
  }
}

/** The rows that stay, in their order: what was sorted or clustered stays so. */
async function writeOthers(
  engine: Engine,
  table: DeltaTable,
  { file, scan, rows, matching }: FileMatches & { readonly scan: FileScan },
  { sql }: Condition,
): Promise<readonly Add[]> {
  const select = `SELECT * FROM (${scan.select}) AS t WHERE (${sql}) IS NOT TRUE`
  const partition = partitionValuesOf(table.snapshot, file)
  const written = await readingFiles(engine, scan.paths, () =>
    writeRows(engine, table, select, { dataChange: true, partition, ordered: true }),
  )
  if (written.rows === rows - matching) return written.adds
  await discard(table, written.adds)
  throw fail(
    'failed',
    'verification-failed',
    `of ${rows} rows ${matching} were to go, and ${written.rows} were left; the table was left as it is`,
    { where: `${table.location.url}/${file.path}` },
  )
}

/** Each group's files can be read until the next one is asked for. */
async function* openGroups(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  { condition, files, whole }: Choice,
  fields: readonly Field[],
  ctx: ReadContext,
): AsyncIterable<readonly OpenFile[]> {
  const open = files.filter((file) => !whole.has(file))
  for (const [some, rows] of [
    [files.filter((file) => whole.has(file)), 'all'],
    [open, 'some'],
  ] as const)
    for (let from = 0; from < some.length; from += atOnce) {
      const group = some.slice(from, from + atOnce)
      await using opened = new AsyncDisposableStack()
      yield rows === 'all'
        ? await countAll(lake, engine, table, group, opened, ctx)
        : await countSome(lake, engine, table, group, condition, fields, opened, ctx)
    }
}

/** By the footers alone: of an object that is far away nothing else travels. */
async function countAll(
  lake: Lake,
  engine: Engine,
  { location }: DeltaTable,
  group: readonly LiveFile[],
  open: AsyncDisposableStack,
  ctx: ReadContext,
): Promise<OpenFile[]> {
  const objects = group.map(({ path }) => ({ key: tableKey(location.prefix, path) }))
  const options = { scratch: await lake.environment.scratch(), signal: ctx.signal }
  const { paths, names } = open.use(await footerCopies(location.store, objects, options))
  nameCopies(engine, names, open)
  const counts = paths.map((path, n) => `SELECT ${n} AS n, num_rows FROM parquet_file_metadata(${quotePath(path)})`)
  const found = await readingFiles(
    engine,
    paths,
    () => engine.all(`${counts.join(' UNION ALL ')} ORDER BY n`),
    'footer',
  )
  return group.map((file, i) => {
    const rows = Number(found[i]!.num_rows) - deletedIn([file])
    return { file, scan: null, matching: rows, rows }
  })
}

async function countSome(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  group: readonly LiveFile[],
  { sql }: Condition,
  fields: readonly Field[],
  open: AsyncDisposableStack,
  ctx: ReadContext,
): Promise<OpenFile[]> {
  const opened = await mapBounded(group, copiesAtOnce, (file) =>
    scanFiles(lake, table, [file], fields, ctx).catch((error: unknown) => ({ error })),
  )
  // Those that could be opened are closed again, also when another one could not.
  const scans = opened.flatMap((scan) => ('error' in scan ? [] : [open.use(scan)]))
  for (const scan of opened) if ('error' in scan) throw scan.error
  for (const { names } of scans) nameCopies(engine, names, open)
  const counts = scans.map(
    ({ select }, n) =>
      `SELECT ${n} AS n, (SELECT count(*) FROM (${select}) AS t WHERE (${sql})) AS matching, (SELECT count(*) FROM (${select}) AS t) AS rows`,
  )
  const paths = scans.flatMap((scan) => scan.paths)
  const found = await readingFiles(engine, paths, () => engine.all(`${counts.join(' UNION ALL ')} ORDER BY n`))
  return group.map((file, i) => {
    const { matching, rows } = found[i]!
    return { file, scan: scans[i]!, matching: Number(matching), rows: Number(rows) }
  })
}

function nameCopies(engine: Engine, names: ReadonlyMap<string, string>, open: AsyncDisposableStack): void {
  for (const [path, name] of names) {
    engine.copies.set(path, name)
    open.defer(() => void engine.copies.delete(path))
  }
}
