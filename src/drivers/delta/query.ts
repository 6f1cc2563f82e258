/** query: one locked-down SELECT over the snapshot's files. */
import type { Rows } from '../../core/batch.ts'
import type { PointInTime, QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { lockedQuery, type QueryTable } from '../../engine/locked-query.ts'
import { aboutGoneFile, tellingOfGoneFiles } from './files/gone-files.ts'
import { type Lake, openTable, scanFiles } from './table.ts'

export function query(lake: Lake) {
  return async (
    tables: readonly { name: string; table: Subject }[],
    sql: string,
    { at }: QueryOptions,
    ctx: ReadContext,
  ): Promise<Rows> => {
    await using scans = new AsyncDisposableStack()
    const rows = await selected(lake, tables, sql, at, scans, ctx).catch((error: unknown) => {
      throw aboutGoneFile(error, at)
    })
    // The files stay until the last row was read.
    const kept = scans.move()
    kept.use(rows)
    return {
      fields: rows.fields,
      batches: tellingOfGoneFiles(rows.batches, at),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  }
}

async function selected(
  lake: Lake,
  tables: readonly { name: string; table: Subject }[],
  sql: string,
  at: PointInTime | null,
  scans: AsyncDisposableStack,
  ctx: ReadContext,
): Promise<Rows> {
  const open: QueryTable[] = []
  const copies = new Map<string, string>()
  for (const { name, table } of tables) {
    const found = await openTable(lake, table, ctx, at)
    const { files, fields } = found.snapshot
    const scan = scans.use(await scanFiles(lake, found, files.values(), fields, ctx))
    open.push({ name, select: scan.select, files: scan.opens })
    for (const [path, url] of scan.names) copies.set(path, url)
  }
  const scratch = await lake.environment.scratch()
  return lockedQuery({ tables: open, sql, copies, scratch, signal: ctx.signal })
}
