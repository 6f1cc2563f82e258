/** query: one locked-down SELECT over the segments of the chosen tables. */
import type { Rows } from '../../core/batch.ts'
import type { DriverEnvironment, QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { lockedQuery } from '../../engine/locked-query.ts'
import { type OpenTable, openTable } from './segments.ts'
import type { MemoryStore } from './store.ts'

export function query(store: MemoryStore, environment: DriverEnvironment) {
  return async (
    tables: readonly { name: string; table: Subject }[],
    sql: string,
    _options: QueryOptions,
    ctx: ReadContext,
  ): Promise<Rows> => {
    const open: OpenTable[] = []
    const close = async () => {
      for (const table of open) await table[Symbol.asyncDispose]()
    }
    try {
      for (const { table } of tables) open.push(await openTable(store, environment, table.path, ctx))
      const rows = await lockedQuery({
        tables: open.map(({ select, files }, i) => ({ name: tables[i]!.name, select, files })),
        sql,
        scratch: await environment.scratch(),
        signal: ctx.signal,
      })
      return {
        fields: rows.fields,
        batches: rows.batches,
        [Symbol.asyncDispose]: async () => {
          await rows[Symbol.asyncDispose]()
          await close()
        },
      }
    } catch (error) {
      await close()
      throw error
    }
  }
}
