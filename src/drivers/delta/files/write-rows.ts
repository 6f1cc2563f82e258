/** Rows into data files of a table: divided by partition, moved into place, each with its `add`. Every verb that writes rows goes through here. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../../../core/errors.ts'
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { type WriteOptions, type WrittenFile, writeParquet, writeParquetFiles } from '../../../engine/write-parquet.ts'
import type { Add, PartitionValues } from '../log/actions.ts'
import { type DeltaTable, storedFields } from '../table.ts'
import { discard, publish } from './data-file.ts'
import { storedSelect, writeOptions, writePartitions } from './partitions.ts'

export interface WriteRowsOptions {
  /** False for a rewrite that changes no row. */
  readonly dataChange: boolean
  readonly tags?: Readonly<Record<string, string>>
  /** Columns of the select, as declared; default: all of the table. What they lack is null. */
  readonly fields?: readonly Field[]
  /** All rows are of this partition, by the columns' own names (partitionValuesOf); then the select need not have the columns. */
  readonly partition?: PartitionValues
  /** With `partition`: several files of about this size in place of one. An engine of one thread writes them in the order of the select. */
  readonly maxFileBytes?: number
  /** Of a row group; files of a size are closed after one. */
  readonly rowGroupRows?: number
  /** One file keeps the order of the select. */
  readonly ordered?: boolean
}

/** Throws `refused`/`no-data-columns`: partition columns stand in the log alone, and a file without any column cannot be. */
export function requireDataColumns({ snapshot: { fields, metadata }, location }: DeltaTable): void {
  if (fields.some(({ name }) => !metadata.partitionColumns.includes(name))) return
  throw fail(
    'refused',
    'no-data-columns',
    'every column of the table partitions it: files of it would have no column',
    {
      where: location.url,
      hint: 'add a column first: tblctl alter REF --add-column "NAME TYPE"',
    },
  )
}

/** `rows`: as the engine counted them while it wrote. When it fails, nothing is left in the table's folder. */
export async function writeRows(
  engine: Engine,
  table: DeltaTable,
  select: string,
  { dataChange, tags, fields, partition, maxFileBytes, rowGroupRows, ordered = false }: WriteRowsOptions,
): Promise<{ readonly adds: readonly Add[]; readonly rows: number }> {
  requireDataColumns(table)
  const { metadata, mapping } = table.snapshot
  const { partitionColumns } = metadata
  const columns = fields ?? storedFields(table.snapshot)
  const stored = columns.filter(({ name }) => !partitionColumns.includes(name))
  const files =
    partition === undefined
      ? await writePartitions(engine, storedSelect(select, columns, mapping), columns, partitionColumns, mapping)
      : (
          await writeOne(
            engine,
            storedSelect(select, stored, mapping),
            { ...writeOptions(stored, mapping), ordered, ...(rowGroupRows === undefined ? {} : { rowGroupRows }) },
            maxFileBytes,
          )
        ).map((file) => ({ file, partitionValues: partition }))
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

async function writeOne(
  engine: Engine,
  select: string,
  options: WriteOptions,
  maxFileBytes: number | undefined,
): Promise<WrittenFile[]> {
  const place = join(engine.directory, 'rows')
  if (maxFileBytes === undefined) return [await writeParquet(engine, select, `${place}.parquet`, options)]
  await rm(place, { recursive: true, force: true })
  return await writeParquetFiles(engine, select, place, { ...options, maxFileBytes })
}
