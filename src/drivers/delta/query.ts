/** query: one locked-down SELECT over the snapshot's files. */
import type { Rows } from '../../core/batch.ts'
import type { QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { lockedQuery, type QueryTable } from '../../engine/locked-query.ts'
import { type Lake, openTable, scanFiles } from './table.ts'

export function query(lake: Lake) {
  return async (
    tables: readonly { name: string; table: Subject }[],
    sql: string,
    _options: QueryOptions,
    ctx: ReadContext,
  ): Promise<Rows> => {
    const open: QueryTable[] = []
    for (const { name, table } of tables) {
      const found = await openTable(lake, table, ctx)
      const { select, paths } = scanFiles(found, found.snapshot.files.values(), found.snapshot.fields)
      open.push({ name, select, files: paths })
    }
    return lockedQuery({ tables: open, sql, scratch: await lake.environment.scratch(), signal: ctx.signal })
  }
}
