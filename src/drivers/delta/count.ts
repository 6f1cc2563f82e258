/** Rows of data files by their footers: the truth, whatever the log says. */
import type { ReadContext } from '../../core/operation.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { quotePath } from '../../engine/sql-text.ts'
import { tableKey } from './log/paths.ts'
import type { LiveFile } from './log/replay.ts'
import type { DeltaTable, Lake } from './table.ts'

export async function countRows(
  lake: Lake,
  table: DeltaTable,
  files: Iterable<LiveFile>,
  ctx: ReadContext,
): Promise<number> {
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  return await countRowsIn(engine, table, files)
}

export async function countRowsIn(
  engine: Engine,
  { location }: DeltaTable,
  files: Iterable<LiveFile>,
): Promise<number> {
  const paths = [...files].map((file) => quotePath(location.store.localPath(tableKey(location.prefix, file.path))!))
  if (paths.length === 0) return 0
  const [row] = await engine.all(
    `SELECT sum(num_rows)::BIGINT AS rows FROM parquet_file_metadata([${paths.join(', ')}])`,
  )
  return Number(row!.rows)
}
