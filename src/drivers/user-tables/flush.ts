/** flush: a user's hot rows become one segment, tombstones too; each user is a part, so that two flushes share the work. */
import { join } from 'node:path'
import { fail } from '../../core/errors.ts'
import type { Operation, RunContext } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { flushOptions } from '../../verbs/options.ts'
import { isDue, policyText } from './flush-policy.ts'
import { addSegment, writeSegment } from './segments.ts'
import { openSnapshot } from './snapshot.ts'
import type { HotStore } from './store.ts'
import { findUser, type Home, requireTable, type User, type UserTable } from './table.ts'
import { requireUser } from './user.ts'
import { forEachUser } from './users.ts'

interface Flushed {
  readonly users: number
  readonly rows: number
  readonly files: number
  readonly bytes: number
}
const nothing: Flushed = { users: 0, rows: 0, files: 0, bytes: 0 }

export function flush(home: Home): Operation<{ as: string | null }, any, Flushed, Flushed> {
  const { store } = home
  return {
    options: flushOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: ({ as }) => (as === null ? 'flush' : `flush as ${as}`),
    async plan(subject, { as }, ctx) {
      const table = requireTable(store, subject.path)
      const due = usersToFlush(store, table, as)
      const rows = due.reduce((sum, user) => sum + user.rows, 0)
      return {
        changes: due.length,
        risk: 'routine',
        summary: [
          `flush ${rows} hot ${rows === 1 ? 'row' : 'rows'} of ${due.length} ${due.length === 1 ? 'user' : 'users'} of ${refOfPath(subject.path)}${dueText(table, due, ctx.now())}`,
        ],
        basis: { table: table.id },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const table = requireTable(store, ctx.subject.path)
      if (table.id !== plan.basis.table) return { is: 'stale', why: 'another table is in its place' }
      let done = ctx.state ?? nothing
      const due = usersToFlush(store, table, ctx.options.as).map(({ id }) => id)
      await using engine = await openEngine({ scratch: await home.environment.scratch(), signal: ctx.signal })
      await forEachUser(home, table, due, ctx, async (user) => {
        const flushed = await flushUser(home, table, user, engine, ctx)
        if (flushed === null) return
        done = {
          users: done.users + 1,
          rows: done.rows + flushed.rows,
          files: done.files + 1,
          bytes: done.bytes + flushed.bytes,
        }
        ctx.report({ done: done.users, total: due.length, unit: 'users' })
        await ctx.commit({ phase: 'flushing', state: done })
      })
      return done.users > 0 ? { is: 'changed', result: done } : { is: 'unchanged' }
    },
  }
}

interface Due {
  readonly id: number
  readonly rows: number
  /** When the oldest hot row was written, milliseconds since 1970. */
  readonly oldest: number
}

/** Those with hot rows, and those whose last flush was killed before all was tidy. */
function usersToFlush(store: HotStore, table: UserTable, as: string | null): Due[] {
  const only = as === null ? null : (findUser(store, table, requireUser(as))?.id ?? -1)
  return store
    .all(
      `select users.id, count(hot_rows.key) as rows, coalesce(min(updated), 0) as oldest from users left join hot_rows on user_id = users.id
       where table_id = ?1 and (?2 is null or users.id = ?2) group by users.id
       having count(hot_rows.key) > 0 or version <> published or exists (select 1 from garbage where garbage.user_id = users.id)
       order by users.id`,
      table.id,
      only,
    )
    .map((row) => ({ id: Number(row.id), rows: Number(row.rows), oldest: Number(row.oldest) }))
}

function dueText({ flushPolicy }: UserTable, users: readonly Due[], now: Date): string {
  if (flushPolicy === null) return ''
  const due = users.filter((user) => isDue(flushPolicy, user, now)).length
  return `; by its policy (${printable(policyText(flushPolicy))}) ${due === 0 ? 'nobody is' : due === 1 ? '1 is' : `${due} are`} due`
}

/** Null when there was nothing to flush. Rows written since the snapshot stay hot. */
async function flushUser(home: Home, table: UserTable, user: User, engine: Engine, ctx: RunContext<Flushed, any>) {
  const { store } = home
  await using snapshot = await openSnapshot(home, table, user.name, { hot: true, cold: false })
  if (snapshot.hotRows === 0) return null
  const until = snapshot.user!.sequence
  const order = [...table.primaryKey, '_seq'].map(quoteIdentifier).join(', ')
  const select = `SELECT * FROM (${snapshot.versions}) ORDER BY ${order}`
  const path = join(engine.directory, `user-${user.id}.parquet`)
  const file = await writeSegment(engine, table, select, path)
  if (file.rows !== snapshot.hotRows)
    throw fail('bug', 'rows-differ', `${snapshot.hotRows} rows were read and ${file.rows} written`)
  const [row] = await engine.all(`SELECT count(*) AS n FROM (${snapshot.versions}) WHERE "_deleted"`)
  await addSegment(home, table, user, { ...file, tombstones: Number(row!.n) }, ctx, () =>
    store.run('delete from hot_rows where user_id = ? and sequence <= ?', user.id, until),
  )
  return { rows: file.rows, bytes: file.bytes }
}
