/** Rows and bounds of Parquet files by their footers, for `add.stats`: what a footer does not say for certain is left out. */
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { quotePath, quoteString } from '../../../engine/sql-text.ts'
import type { ColumnStatistics, WrittenFile } from '../../../engine/write-parquet.ts'

type FileStatistics = Pick<WrittenFile, 'rows' | 'columns'>

const list = (paths: readonly string[]): string => `[${paths.map(quotePath).join(', ')}]`

export async function rowsOfFiles(engine: Engine, paths: readonly string[]): Promise<readonly number[]> {
  const rows = await engine.all(`SELECT file_name, num_rows FROM parquet_file_metadata(${list(paths)})`)
  const counts = new Map(rows.map((row) => [String(row.file_name), Number(row.num_rows)]))
  return paths.map((path) => counts.get(path)!)
}

/**
 * Types whose order and whose text are beyond doubt. Texts may be cut short there, and floats say nothing of NaN, by which a reader would
 * lose rows.
 */
function sqlTypeOf({ type }: Field): string | undefined {
  if (/^Int(8|16|32|64)$/.test(type.kind)) return 'BIGINT'
  if (type.kind === 'Date32') return 'DATE'
  return type.kind === 'Timestamp' ? (type.zone === null ? 'TIMESTAMP' : 'TIMESTAMPTZ') : undefined
}

/** `fields`: columns of the table; those of a file in a type of its own are bounded all the same. */
export async function statisticsOf(
  engine: Engine,
  paths: readonly string[],
  rows: readonly number[],
  fields: readonly Field[],
): Promise<readonly FileStatistics[]> {
  const found = new Map(paths.map((path) => [path, {} as Record<string, ColumnStatistics>]))
  const byType = Map.groupBy(fields, sqlTypeOf)
  for (const [type, some] of byType) {
    if (type === undefined) continue
    const bound = (side: 'min' | 'max') => `TRY_CAST(stats_${side}_value AS ${type})`
    const names = some.map(({ name }) => quoteString(name)).join(', ')
    // Every row group has to say it.
    const sql = `SELECT file_name, path_in_schema AS name, CAST(min(${bound('min')}) AS VARCHAR) AS low,
        CAST(max(${bound('max')}) AS VARCHAR) AS high, sum(stats_null_count)::BIGINT AS nulls,
        count(*) = count(${bound('min')}) AND count(*) = count(${bound('max')}) AS bounded
      FROM parquet_metadata(${list(paths)}) WHERE path_in_schema IN (${names}) AND row_group_num_rows > 0
      GROUP BY file_name, path_in_schema HAVING count(*) = count(stats_null_count)`
    for (const row of await engine.all(sql))
      found.get(String(row.file_name))![String(row.name)] = {
        min: row.bounded === true ? (row.low as string | null) : null,
        max: row.bounded === true ? (row.high as string | null) : null,
        nulls: Number(row.nulls),
      }
  }
  return paths.map((path, i) => ({ rows: rows[i]!, columns: found.get(path)! }))
}
