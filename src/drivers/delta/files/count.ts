/** Rows of data files by their footers, without those that deletion vectors take out: the truth, whatever the log's statistics say. */
import type { ReadContext } from '../../../core/operation.ts'
import { type Engine, openEngine, readingFiles } from '../../../engine/engine.ts'
import { quotePath } from '../../../engine/sql-text.ts'
import { footerCopies } from '../../../storage/footer-copies.ts'
import { tableKey } from '../log/paths.ts'
import type { LiveFile } from '../log/replay.ts'
import type { DeltaTable, Lake } from '../table.ts'

/** Footers of a remote store are copied here this many at a time. */
const atOnce = 16

export async function countRows(
  lake: Lake,
  { location }: DeltaTable,
  files: Iterable<LiveFile>,
  ctx: ReadContext,
): Promise<number> {
  const scratch = await lake.environment.scratch()
  await using engine = await openEngine({ scratch, signal: ctx.signal })
  const live = [...files]
  const objects = live.map((file) => ({ key: tableKey(location.prefix, file.path) }))
  let rows = 0
  for (let i = 0; i < objects.length; i += atOnce) {
    await using some = await footerCopies(location.store, objects.slice(i, i + atOnce), { scratch, signal: ctx.signal })
    for (const [path, name] of some.names) engine.copies.set(path, name)
    rows += await readingFiles(engine, some.paths, () => countRowsIn(engine, some.paths), 'footer')
  }
  return rows - deletedIn(live)
}

/** Rows that the files' deletion vectors take out. */
export const deletedIn = (files: readonly LiveFile[]): number =>
  files.reduce((sum, { deletionVector }) => sum + (deletionVector?.cardinality ?? 0), 0)

/** `paths`: Parquet files on the local disk. */
export async function countRowsIn(engine: Engine, paths: readonly string[]): Promise<number> {
  if (paths.length === 0) return 0
  const [row] = await engine.all(
    `SELECT sum(num_rows)::BIGINT AS rows FROM parquet_file_metadata([${paths.map(quotePath).join(', ')}])`,
  )
  return Number(row!.rows)
}
