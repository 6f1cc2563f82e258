/** A folder of Parquet files that is no table yet: which files it holds, and how their folders partition them. */
import { createHash } from 'node:crypto'
import { fail } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { printable } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import { symbolicLinks } from '../../../storage/symbolic-links.ts'
import type { Location } from '../location.ts'
import type { PartitionValues } from '../log/actions.ts'
import type { Lake } from '../table.ts'
import { innerTables, objectsOf } from '../vacuum/inner-tables.ts'
import { hivePathOf, isHidden, partitionField } from './hive-path.ts'

export interface FolderFile {
  /** Relative to the folder. */
  readonly path: string
  readonly key: string
  readonly size: number
  readonly modifiedAt: Date
  readonly partitionValues: PartitionValues
}
export interface ParquetFolder {
  /** By path. */
  readonly files: readonly FolderFile[]
  readonly partitions: readonly Field[]
  readonly bytes: number
  /** Another one when a file came, went or was written again. */
  readonly listing: string
  /** Tables of their own below it: nothing of them is taken. */
  readonly innerTables: number
}

const mostNamed = 5
/** What says which of the files count; a name with a dot below `_delta_log` is one that never became part of a log. */
const logOfOthers = /^(_delta_log\/[^.]|_spark_metadata\/|\.hoodie\/)/

/**
 * Throws `refused` (`other-files`, `other-log`, `mixed-layout`, `bad-partition`) naming what stands in the way, `missing`/`no-parquet-files` where there
 * is nothing to make a table of.
 */
export async function parquetFolder(lake: Lake, location: Location, ctx: ReadContext): Promise<ParquetFolder> {
  const inner = await innerTables(lake, location, ctx)
  const found: { path: string; key: string; size: number; etag: string; modifiedAt: Date }[] = []
  const others: string[] = []
  for await (const { path, key, size, etag, modifiedAt } of objectsOf(location, ctx)) {
    if (inner.has(path)) continue
    if (logOfOthers.test(path)) throw ownLog(path, location)
    if (isHidden(path)) continue
    if (/\.(parquet|parq)$/i.test(path) && size > 0) found.push({ path, key, size, etag, modifiedAt })
    else others.push(size > 0 ? path : `${path} (empty)`)
  }
  // The listing follows none: rows behind them would be missing without a word.
  for await (const path of symbolicLinks(location.store, location.prefix))
    if (!inner.has(path) && !isHidden(path)) others.push(`${path} (a symbolic link)`)
  if (others.length > 0) throw otherFiles(others, location)
  if (found.length === 0)
    throw fail('missing', 'no-parquet-files', `there are no Parquet files at ${location.url}`, {
      where: location.url,
      hint: 'check the path; names that begin with "_" or "." are left out',
    })
  found.sort((a, b) => (a.path < b.path ? -1 : 1))
  const { partitions, values } = partitioned(found.map(({ path }) => path))
  const hash = createHash('sha256')
  for (const { path, size, etag } of found) hash.update(`${JSON.stringify([path, size, etag])}\n`)
  return {
    files: found.map(({ etag: _etag, ...file }, i) => ({ ...file, partitionValues: values[i]! })),
    partitions,
    bytes: found.reduce((sum, { size }) => sum + size, 0),
    listing: hash.digest('hex'),
    innerTables: inner.folders.size,
  }
}

function partitioned(paths: readonly string[]): {
  readonly partitions: readonly Field[]
  readonly values: readonly PartitionValues[]
} {
  const [first] = paths
  const { columns } = hivePathOf(first!)
  const seen = columns.map(() => new Set<string>())
  const values = paths.map((path) => {
    const own = hivePathOf(path)
    if (JSON.stringify(own.columns) !== JSON.stringify(columns))
      throw fail('refused', 'mixed-layout', `${printable(path)} and ${printable(first!)} are not partitioned alike`, {
        where: path,
        hint: 'every file lies below folders of the same columns in the same order',
      })
    own.values.forEach((value, i) => {
      if (value !== null) seen[i]!.add(value)
    })
    return Object.fromEntries(columns.map((column, i) => [column, own.values[i]!]))
  })
  return { partitions: columns.map((column, i) => partitionField(column, seen[i]!)), values }
}

const ownLog = (path: string, { url }: Location): Error =>
  fail('refused', 'other-log', `the files at ${printable(url)} have a log of their own: ${printable(path)}`, {
    where: url,
    hint: 'not every file may count: have what wrote them write them anew, or load what it reads into a new table',
  })

function otherFiles(others: readonly string[], { url }: Location): Error {
  const more = others.length > mostNamed ? ` and ${others.length - mostNamed} more` : ''
  const named = others.slice(0, mostNamed).map(printable).join(', ')
  return fail('refused', 'other-files', `what lies at ${printable(url)} is not all Parquet: ${named}${more}`, {
    where: url,
    hint: 'move these files away, or load the Parquet files into a new table',
  })
}
