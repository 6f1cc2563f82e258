/** Rows of data files by their footers: the truth, whatever the log says. */
import type { ReadContext } from '../../core/operation.ts'
import { type Engine, openEngine, readingFiles } from '../../engine/engine.ts'
import { quotePath } from '../../engine/sql-text.ts'
import { localCopies } from '../../storage/local-copies.ts'
import { tableKey } from './log/paths.ts'
import type { LiveFile } from './log/replay.ts'
import type { DeltaTable, Lake } from './table.ts'

/** Files of a remote store are copied here this many at a time. */
const atOnce = 16

export async function countRows(
  lake: Lake,
  { location }: DeltaTable,
  files: Iterable<LiveFile>,
  ctx: ReadContext,
): Promise<number> {
  const scratch = await lake.environment.scratch()
  await using engine = await openEngine({ scratch, signal: ctx.signal })
  const keys = [...files].map((file) => tableKey(location.prefix, file.path))
  let rows = 0
  for (let i = 0; i < keys.length; i += atOnce) {
    await using some = await localCopies(location.store, keys.slice(i, i + atOnce), { scratch, signal: ctx.signal })
    for (const [path, name] of some.names) engine.copies.set(path, name)
    rows += await readingFiles(engine, some.paths, () => countRowsIn(engine, some.paths))
  }
  return rows
}

/** `paths`: Parquet files on the local disk. */
export async function countRowsIn(engine: Engine, paths: readonly string[]): Promise<number> {
  if (paths.length === 0) return 0
  const [row] = await engine.all(
    `SELECT sum(num_rows)::BIGINT AS rows FROM parquet_file_metadata([${paths.map(quotePath).join(', ')}])`,
  )
  return Number(row!.rows)
}
