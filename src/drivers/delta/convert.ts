/** register --convert: a folder of Parquet files becomes a table where it lies. No file is read but for its footer, and none is written but the log. */
import { randomUUID } from 'node:crypto'
import { fail } from '../../core/errors.ts'
import type { ReadContext, RunContext, Subject } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import { formatBytes } from '../../core/units.ts'
import { openEngine } from '../../engine/engine.ts'
import { footerCopies } from '../../storage/footer-copies.ts'
import { commitTo } from './commit-table.ts'
import { columnsOfFile, layoutsOf, mergeColumns } from './convert/parquet-columns.ts'
import { type FolderFile, type ParquetFolder, parquetFolder } from './convert/parquet-folder.ts'
import { rowsOfFiles, statisticsOf } from './convert/parquet-statistics.ts'
import { rowsOf } from './files/facts.ts'
import type { Location } from './location.ts'
import type { Add } from './log/actions.ts'
import { createActions } from './log/create.ts'
import { encodePath } from './log/paths.ts'
import { sameName } from './log/schema-edit.ts'
import type { Snapshot } from './log/snapshot.ts'
import { formatStats } from './log/stats.ts'
import { committer, type Lake, snapshotAt } from './table.ts'
import { trashEntries } from './trash/trash.ts'
import { storedField } from './types.ts'

/** A folder that has been read: what the table will be. */
export interface Conversion {
  readonly folder: ParquetFolder
  /** Partition columns last. */
  readonly fields: readonly Field[]
  /** Of the files that hold rows, in the order of their paths. */
  readonly adds: readonly Add[]
  readonly rows: number
  readonly emptyFiles: number
}

/** Files whose footers are read at once. */
const atOnce = 64
/** With more files than this the log gets their row counts alone: bounds would make its one commit too long to be read at once. */
const mostBounded = 10_000

/** Throws `refused` naming the file and the column that cannot be. */
export async function readFolder(lake: Lake, subject: Subject, url: string, ctx: ReadContext): Promise<Conversion> {
  const location = lake.locations.of(subject, url)
  await requireNotDropped(lake, location)
  const folder = await parquetFolder(lake, location, ctx)
  const { files, partitions } = folder
  const read = await readFooters(lake, location, files, ctx)
  const inFile = read.fields.find(({ name }) => partitions.some((partition) => sameName(partition.name, name)))
  if (inFile !== undefined)
    throw fail(
      'refused',
      'partition-in-file',
      `column ${printable(inFile.name)} stands in the files and in the names of their folders`,
      {
        where: inFile.file,
        hint: 'load the files into a new table: that writes them anew',
      },
    )
  const fields = [...read.fields.map(({ file: _file, ...field }) => field), ...partitions]
  const adds = files.flatMap((file, i) => (read.rows[i]! > 0 ? [addOf(file, read.stats[i]!)] : []))
  return {
    folder,
    fields,
    adds,
    rows: read.rows.reduce((sum, count) => sum + count, 0),
    emptyFiles: files.length - adds.length,
  }
}

/** For people. Throws what Delta cannot hold, by column. */
export function describeConversion(subject: Subject, url: string, conversion: Conversion): readonly string[] {
  const { folder, fields, adds, rows, emptyFiles } = conversion
  tableActions(subject, conversion, new Date(0))
  const by =
    folder.partitions.length === 0 ? '' : `, partitioned by ${folder.partitions.map(({ name }) => name).join(', ')}`
  return [
    `make a table of the Parquet files at ${url}, in place, as ${refOfPath(subject.path)}: ${adds.length} files (${formatBytes(folder.bytes)}), ${rows} rows, ${fields.length} columns${by}`,
    ...(emptyFiles > 0 ? [`${emptyFiles} files without rows are left out`] : []),
    ...(folder.innerTables > 0 ? [`${folder.innerTables} tables of their own below it are left alone`] : []),
  ].map(printable)
}

/** Version 0 with all files, read back from the log; undefined when a table came first. */
export async function commitConversion(
  lake: Lake,
  location: Location,
  conversion: Conversion,
  ctx: RunContext<any, any>,
): Promise<Snapshot | undefined> {
  const { adds, folder, rows } = conversion
  const actions = tableActions(ctx.subject, conversion, ctx.now())
  const request = {
    snapshot: null,
    kind: 'metadata' as const,
    actions: [...actions, ...adds.map((add) => ({ add }))],
    operation: {
      name: 'CONVERT',
      parameters: {
        numFiles: String(adds.length),
        partitionedBy: JSON.stringify(folder.partitions.map(({ name }) => name)),
        collectStats: 'true',
        sourceFormat: 'parquet',
      },
      metrics: { numConvertedFiles: adds.length },
    },
  }
  const outcome = await commitTo(lake, location, request, committer(ctx), ctx)
  if (outcome.is !== 'committed') return undefined
  const there = await snapshotAt(lake, location, ctx)
  if (there?.version !== 0 || (there.files.size === adds.length && rowsOf(there).rows === rows)) return there
  throw fail('failed', 'verification-failed', `${adds.length} files with ${rows} rows do not read back from the log`, {
    where: location.url,
  })
}

const tableActions = ({ path }: Subject, { fields, folder }: Conversion, now: Date) =>
  createActions({
    id: randomUUID(),
    name: segmentsOf(path).table,
    fields,
    partitionColumns: folder.partitions.map(({ name }) => name),
    configuration: {},
    createdTime: now.getTime(),
  })

const addOf = ({ path, size, modifiedAt, partitionValues }: FolderFile, stats: string): Add => ({
  path: encodePath(path),
  partitionValues,
  size,
  modificationTime: modifiedAt.getTime(),
  dataChange: true,
  stats,
})

async function readFooters(lake: Lake, { store }: Location, files: readonly FolderFile[], ctx: ReadContext) {
  const scratch = await lake.environment.scratch()
  await using engine = await openEngine({ scratch, signal: ctx.signal })
  let fields: readonly (Field & { readonly file: string })[] = []
  const layouts = new Set<string>()
  const rows: number[] = []
  const stats: string[] = []
  for (let i = 0; i < files.length; i += atOnce) {
    const some = files.slice(i, i + atOnce)
    await using footers = await footerCopies(store, some, { scratch, signal: ctx.signal })
    for (const [path, name] of footers.names) engine.copies.set(path, name)
    const { paths } = footers
    for (const [j, layout] of (await layoutsOf(engine, paths)).entries()) {
      if (layouts.has(layout)) continue
      layouts.add(layout)
      fields = mergeColumns(fields, await columnsOfFile(engine, paths[j]!, some[j]!.path), some[j]!.path)
    }
    const counts = await rowsOfFiles(engine, paths)
    rows.push(...counts)
    const bounded = files.length <= mostBounded ? fields : []
    const table = { fields: fields.map(storedField), mapping: null, partitionColumns: [], configuration: {} }
    for (const file of await statisticsOf(engine, paths, counts, bounded)) stats.push(formatStats(file, table))
    for (const path of footers.names.keys()) engine.copies.delete(path)
    ctx.report({ done: rows.length, total: files.length, unit: 'files' })
  }
  return { fields, rows, stats }
}

/** Of a dropped table all files are there, also those whose rows had been removed, until they are purged. */
async function requireNotDropped(lake: Lake, { url }: Location): Promise<void> {
  for await (const { dropped } of trashEntries(lake))
    if (dropped.location === url)
      throw fail(
        'refused',
        'dropped-table',
        `the files at ${url} are those of ${refOfPath(dropped.path)}, which was dropped`,
        {
          where: url,
          hint: `tblctl undrop ${refOfPath(dropped.path)} brings it back`,
        },
      )
}
