/** From a file that the engine wrote to an `add` action: its place below the table, its statistics, its upload, and the way back. */
import { createHash, randomUUID } from 'node:crypto'
import { fail, TblctlError } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { printable } from '../../../core/ref.ts'
import type { WrittenFile } from '../../../engine/write-parquet.ts'
import type { Add, PartitionValues } from '../log/actions.ts'
import { physicalName } from '../log/column-mapping.ts'
import { encodePath, tableKey } from '../log/paths.ts'
import { fileKey } from '../log/replay.ts'
import { formatStats } from '../log/stats.ts'
import { type DeltaTable, type Lake, refreshed, storedFields } from '../table.ts'

/** Longest name of a folder that every file system takes. */
const longestName = 200

export interface PublishOptions {
  /** False for a rewrite that changes no row (Delta PROTOCOL, "Add File"). */
  readonly dataChange: boolean
  readonly tags?: Readonly<Record<string, string>>
}

/**
 * Moves the file to its place; it belongs to the table once the action is committed. When it fails, nothing is left there. `values`: by the
 * columns' own names, every partition column among them.
 */
export async function publish(
  { location, snapshot }: DeltaTable,
  file: WrittenFile,
  values: PartitionValues,
  { dataChange, tags }: PublishOptions,
): Promise<Add> {
  const { metadata, mapping } = snapshot
  const partitionValues = Object.fromEntries(
    metadata.partitionColumns.map((column) => [physicalName(mapping, column), partitionValueOf(values, column)]),
  )
  const folders = Object.entries(partitionValues).map(([column, value]) => folderName(column, value))
  const path = [...folders, `part-00000-${randomUUID()}-c000.zstd.parquet`].join('/')
  const { size, modifiedAt } = await upload({ location, snapshot }, path, file.path)
  return {
    path: encodePath(path),
    partitionValues,
    size,
    modificationTime: modifiedAt.getTime(),
    dataChange,
    stats: formatStats(file, { ...metadata, fields: storedFields(snapshot), mapping }),
    ...(tags ? { tags } : {}),
  }
}

/** The log's empty text is null. Without a value at all the rows would land in another partition. */
function partitionValueOf(values: PartitionValues, column: string): string | null {
  const value = values[column]
  if (value === undefined) throw fail('bug', 'bad-partition', `no value for the partition column ${printable(column)}`)
  return value || null
}

async function upload({ location: { store, prefix } }: DeltaTable, path: string, localFile: string) {
  const key = tableKey(prefix, path)
  try {
    return await store.upload(key, localFile)
  } catch (error) {
    // The store may have failed after the object was there; the name is ours alone.
    await store.delete([key]).catch(() => {})
    throw error
  }
}

/** Cosmetic, in Hive's manner: readers take the values from the log alone. */
function folderName(column: string, value: string | null): string {
  const text = value === null ? '__HIVE_DEFAULT_PARTITION__' : encodeURIComponent(value)
  const name = `${encodeURIComponent(column)}=${text}`
  return name.length <= longestName ? name : `${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

export const bytesOf = (adds: readonly Add[]): number => adds.reduce((sum, add) => sum + add.size, 0)

/** Removes files that no commit came to name. */
export async function discard({ location }: DeltaTable, adds: readonly Add[]): Promise<void> {
  await location.store.delete(adds.map((add) => tableKey(location.prefix, fileKey(add))))
}

/**
 * After a commit that threw: removes its files when it is certain that the commit is not in the log and never will be. Otherwise they
 * stay for vacuum: to remove a file that the log names would lose rows.
 */
export async function withdraw(
  lake: Lake,
  table: DeltaTable,
  adds: readonly Add[],
  error: unknown,
  ctx: ReadContext,
): Promise<void> {
  const refused = error instanceof TblctlError && !['unreachable', 'timeout', 'bug'].includes(error.view.kind)
  if (!refused || adds.length === 0) return
  try {
    if (!(await areNamed(lake, table, adds, ctx))) await discard(table, adds)
  } catch (failure) {
    ctx.log('debug', 'files of the failed commit could not be removed', { error: String(failure) })
  }
}

async function areNamed(lake: Lake, table: DeltaTable, adds: readonly Add[], ctx: ReadContext): Promise<boolean> {
  try {
    const { snapshot } = await refreshed(lake, table, ctx)
    return adds.some((add) => snapshot.files.has(fileKey(add)))
  } catch (error) {
    // Nothing there, or another table: it names none of them.
    if (error instanceof TblctlError && ['no-delta-table', 'table-replaced'].includes(error.view.code)) return false
    throw error
  }
}
