/** From a file that the engine wrote to an `add` action: its place below the table, its statistics, its upload. */
import { createHash, randomUUID } from 'node:crypto'
import type { PartitionFile, WrittenFile } from '../../engine/write-parquet.ts'
import type { Add, PartitionValues } from './log/actions.ts'
import { decodePath, encodePath, tableKey } from './log/paths.ts'
import { formatStats } from './log/stats.ts'
import { type DeltaTable, storedFields } from './table.ts'

/** Longest name of a folder that every file system takes. */
const longestName = 200

export interface PublishOptions {
  /** False for a rewrite that changes no row (Delta PROTOCOL, "Add File"). */
  readonly dataChange: boolean
  readonly tags?: Readonly<Record<string, string>>
}

/** Moves the file to its place; it belongs to the table once the action is committed. */
export async function publish(
  { location, snapshot }: DeltaTable,
  file: WrittenFile | PartitionFile,
  values: PartitionValues,
  { dataChange, tags }: PublishOptions,
): Promise<Add> {
  const folders = snapshot.metadata.partitionColumns.map((column) => folderName(column, values[column] ?? null))
  const path = [...folders, `part-00000-${randomUUID()}-c000.zstd.parquet`].join('/')
  const { size, modifiedAt } = await location.store.upload(tableKey(location.prefix, path), file.path)
  return {
    path: encodePath(path),
    partitionValues: values,
    size,
    modificationTime: modifiedAt.getTime(),
    dataChange,
    stats: formatStats(file, {
      fields: storedFields(snapshot),
      partitionColumns: snapshot.metadata.partitionColumns,
      configuration: snapshot.metadata.configuration,
    }),
    ...(tags ? { tags } : {}),
  }
}

/** Cosmetic, in Hive's manner: readers take the values from the log alone. */
function folderName(column: string, value: string | null): string {
  const text = value === null ? '__HIVE_DEFAULT_PARTITION__' : encodeURIComponent(value)
  const name = `${encodeURIComponent(column)}=${text}`
  return name.length <= longestName ? name : `${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

export const bytesOf = (adds: readonly Add[]): number => adds.reduce((sum, add) => sum + add.size, 0)

/** Files that no commit came to name. */
export async function discard({ location }: DeltaTable, adds: readonly Add[]): Promise<void> {
  const keys = adds.flatMap((add) => {
    const decoded = decodePath(add.path)
    return 'path' in decoded ? [tableKey(location.prefix, decoded.path)] : []
  })
  await location.store.delete(keys)
}
