/** query: one locked-down SELECT over the rows of one user: no other user's file can be opened, whatever the SQL says. */
import type { Rows } from '../../core/batch.ts'
import type { QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { lockedQuery } from '../../engine/locked-query.ts'
import { systemFields } from './definition.ts'
import { openSnapshot, type Snapshot } from './snapshot.ts'
import { type Home, requireTable } from './table.ts'
import { requireUser } from './user.ts'

export function query(home: Home) {
  return async (
    tables: readonly { name: string; table: Subject }[],
    sql: string,
    { as }: QueryOptions,
    ctx: ReadContext,
  ): Promise<Rows> => {
    const user = requireUser(as)
    const open: { name: string; select: string; snapshot: Snapshot }[] = []
    const close = async () => {
      for (const { snapshot } of open) await snapshot[Symbol.asyncDispose]()
    }
    try {
      for (const { name, table: subject } of tables) {
        const table = requireTable(home.store, subject.path)
        const snapshot = await openSnapshot(home, table, user)
        const columns = [...table.fields, ...systemFields].map((field) => field.name)
        open.push({ name, select: snapshot.rows(columns), snapshot })
      }
      const rows = await lockedQuery({
        tables: open.map(({ name, select, snapshot }) => ({ name, select, files: snapshot.files })),
        copies: new Map(open.flatMap(({ snapshot }) => [...snapshot.copies])),
        sql,
        scratch: await home.environment.scratch(),
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
