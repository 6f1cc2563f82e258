/** Rows into data files of a table: divided by partition, moved into place, each with its `add`. Every verb that writes rows goes through here. */
import { join } from 'node:path'
import type { Field } from '../../core/types.ts'
import type { Engine } from '../../engine/engine.ts'
import { type WrittenFile, writeParquet, writeParquetFiles } from '../../engine/write-parquet.ts'
import { discard, publish } from './data-file.ts'
import type { Add, PartitionValues } from './log/actions.ts'
import { storedSelect, writePartitions } from './partitions.ts'
import { type DeltaTable, storedFields } from './table.ts'

export interface WriteRowsOptions {
  /** False for a rewrite that changes no row. */
  readonly dataChange: boolean
  readonly tags?: Readonly<Record<string, string>>
  /** Columns of the select, as declared; default: all of the table. What they lack is null. */
  readonly fields?: readonly Field[]
  /** All rows are of this partition, as the log writes its values; then the select need not have the columns. */
  readonly partition?: PartitionValues
  /** With `partition`: several files of about this size in place of one. */
  readonly maxFileBytes?: number
  /** The order of the select is kept. */
  readonly ordered?: boolean
}

/** `rows`: as the engine counted them while it wrote. When it fails, nothing is left in the table's folder. */
export async function writeRows(
  engine: Engine,
  table: DeltaTable,
  select: string,
  { dataChange, tags, fields, partition, maxFileBytes, ordered }: WriteRowsOptions,
): Promise<{ readonly adds: readonly Add[]; readonly rows: number }> {
  const { partitionColumns } = table.snapshot.metadata
  const columns = fields ?? storedFields(table.snapshot)
  const files =
    partition === undefined
      ? await writePartitions(engine, storedSelect(select, columns), columns, partitionColumns)
      : (await writeOne(engine, select, columns, partitionColumns, { maxFileBytes, ordered })).map((file) => ({
          file,
          partitionValues: partition,
        }))
  const adds: Add[] = []
  try {
    for (const { file, partitionValues } of files)
      adds.push(await publish(table, file, partitionValues, { dataChange, ...(tags === undefined ? {} : { tags }) }))
  } catch (error) {
    await discard(table, adds).catch(() => {})
    throw error
  }
  return { adds, rows: files.reduce((sum, { file }) => sum + file.rows, 0) }
}

function writeOne(
  engine: Engine,
  select: string,
  columns: readonly Field[],
  partitionColumns: readonly string[],
  {
    maxFileBytes,
    ordered = false,
  }: { readonly maxFileBytes: number | undefined; readonly ordered: boolean | undefined },
): Promise<WrittenFile[]> {
  const fields = columns.filter(({ name }) => !partitionColumns.includes(name))
  const text = storedSelect(select, fields)
  const options = { fields, compression: 'zstd' as const, ordered }
  return maxFileBytes === undefined
    ? writeParquet(engine, text, join(engine.directory, 'rows.parquet'), options).then((file) => [file])
    : writeParquetFiles(engine, text, join(engine.directory, 'rows'), { ...options, maxFileBytes })
}
