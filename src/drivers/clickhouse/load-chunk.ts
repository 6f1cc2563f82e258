/** One chunk of a load as a Parquet file, and the insert of it. The same rows give the same blocks: no thread may change their order. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { RunContext } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'
import type { DataType, Field } from '../../core/types.ts'
import { type Engine, readingFiles } from '../../engine/engine.ts'
import type { Chunk } from '../../engine/ingest/chunk.ts'
import { parquetSource, quoteIdentifier } from '../../engine/sql-text.ts'
import { sqlType } from '../../engine/types.ts'
import { writeParquet } from '../../engine/write-parquet.ts'
import type { Executor, Settings } from './executor.ts'
import type { ClickhouseTable, Column } from './table.ts'

const insertSettings: Settings = {
  insert_deduplicate: 1,
  // A view behind the table gets each block once too.
  deduplicate_blocks_in_dependent_materialized_views: 1,
  max_insert_threads: 1,
  max_threads: 1,
  input_format_parallel_parsing: 0,
  input_format_parquet_preserve_order: 1,
  // One block for the whole chunk, as far as memory allows.
  max_insert_block_size: 1_048_576,
  min_insert_block_size_rows: 1_048_576,
  min_insert_block_size_bytes: 256 * 2 ** 20,
  max_partitions_per_insert_block: 0,
  input_format_null_as_default: 0,
  // Dates that the column's type cannot hold are an error, and not another date.
  date_time_overflow_behavior: 'throw',
}

export async function writeChunk(
  engine: Engine,
  chunk: Chunk,
  columns: readonly Column[],
): Promise<{ path: string; bytes: number }> {
  const path = join(engine.directory, 'insert.parquet')
  const fields: Field[] = columns.map(({ name, type, nullable }) => ({ name, type: carriedType(type), nullable }))
  const list = fields.map(
    ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${sqlType(type)}) AS ${quoteIdentifier(name)}`,
  )
  // Text rows lie in files of the engine's own, which are no Parquet.
  const inputs = chunk.files.filter((file) => !file.startsWith(engine.directory) || file.endsWith('.parquet'))
  const select = `SELECT ${list.join(', ')} FROM (${chunk.select})`
  const options = { fields, compression: 'zstd', ordered: true } as const
  const { rows } = await readingFiles(engine, inputs, () => writeParquet(engine, select, path, options))
  if (rows !== chunk.rows) throw fail('bug', 'rows-differ', `${chunk.rows} rows were read and ${rows} written`)
  await refuseTimes(engine, path, columns)
  return { path, bytes: (await stat(path)).size }
}

/** Of types with 16 and 32 bits the server would quietly store the nearest time that fits. */
const shortTimes = /^(Array\()?(?:LowCardinality\()?(?:Nullable\()?(DateTime|Date)(?![0-9A-Za-z])/
const lastTimes = { DateTime: '2106-02-07 06:28:15', Date: '2149-06-06' }

async function refuseTimes(engine: Engine, path: string, columns: readonly Column[]): Promise<void> {
  for (const { name, clickhouseType } of columns) {
    const [, list, type] = shortTimes.exec(clickhouseType) ?? []
    if (type === undefined) continue
    const column = quoteIdentifier(name)
    const [low, high] = list ? [`list_min(${column})`, `list_max(${column})`] : [column, column]
    const last = lastTimes[type as keyof typeof lastTimes]
    const bounds = await engine.all(
      `SELECT min(${low})::VARCHAR AS low, max(${high})::VARCHAR AS high FROM ${parquetSource([path])}
        HAVING min(${low}) < TIMESTAMP '1970-01-01' OR max(${high}) > TIMESTAMP '${last}'`,
    )
    const found = bounds[0]
    if (!found) continue
    throw fail(
      'data',
      'value-out-of-range',
      `column "${printable(name)}" has the type ${type}, which holds 1970-01-01 to ${last}, and the input has ${found.low} to ${found.high}`,
    )
  }
}

/** Json goes as the text that it is: the server would read a JSON column anew. */
const carriedType = (type: DataType): DataType => (type.kind === 'Json' ? { kind: 'Utf8' } : type)

export async function insertChunk(
  executor: Executor,
  { database, name }: ClickhouseTable,
  columns: readonly Column[],
  file: string,
  token: string,
  ctx: RunContext<any, any>,
): Promise<void> {
  durable('clickhouse.insert:before')
  await executor.insertFile({ database, table: name, columns: columns.map((column) => column.name) }, 'Parquet', file, {
    settings: { ...insertSettings, insert_deduplication_token: token },
    signal: ctx.signal,
  })
  durable('clickhouse.insert:after')
}
