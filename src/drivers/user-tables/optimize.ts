/**
 * optimize: all segments of a user become one. Of each row its newest version stays; a tombstone hides nothing any more once every older
 * version is gone with it, because all segments take part and hot rows are newer than any of them.
 */
import { join } from 'node:path'
import { Fenced, fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { optimizeOptions } from '../../verbs/options.ts'
import { addSegment, dropSegments, type SegmentFile, segmentFields, writeSegment } from './segments.ts'
import { openSnapshot, readingSnapshot, type Snapshot } from './snapshot.ts'
import type { HotStore } from './store.ts'
import { type Home, requireTable, type User, type UserTable } from './table.ts'
import { forEachUser } from './users.ts'

interface Optimized {
  readonly users: number
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly rowsBefore: number
  readonly rowsAfter: number
}
type Result = Optimized & { readonly verified: readonly string[] }
const nothing: Optimized = {
  users: 0,
  filesRemoved: 0,
  filesAdded: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  rowsBefore: 0,
  rowsAfter: 0,
}

export function optimize(home: Home): Operation<{ targetSize: number | null }, Plan, Result, Optimized> {
  const { store } = home
  return {
    options: optimizeOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'optimize',
    async plan(subject, { targetSize }) {
      const table = requireTable(store, subject.path)
      if (targetSize !== null)
        throw fail('usage', 'no-target-size', 'segments of a user become one, whatever its size', {
          hint: 'leave --target-size out',
        })
      const due = usersToCompact(store, table)
      const files = due.reduce((sum, user) => sum + user.segments, 0)
      return {
        changes: due.length,
        risk: 'routine',
        summary: [
          `optimize ${refOfPath(subject.path)}: ${files} segments of ${due.length} ${due.length === 1 ? 'user' : 'users'}, one each`,
        ],
        basis: { table: table.id },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const table = requireTable(store, ctx.subject.path)
      if (table.id !== plan.basis.table) return { is: 'stale', why: 'another table is in its place' }
      let done = ctx.state ?? nothing
      const due = usersToCompact(store, table).map(({ id }) => id)
      await using engine = await openEngine({ scratch: await home.environment.scratch(), signal: ctx.signal })
      await forEachUser(home, table, due, ctx, async (user) => {
        if (!usersToCompact(store, table, user.id).some(({ segments }) => segments > 0)) return // another process has
        await using snapshot = await openSnapshot(home, table, user.name, { hot: false, cold: true })
        const before = sizeOf(store, user)
        const file = await compact(engine, table, user, snapshot)
        await addSegment(home, table, user, file && { ...file, tombstones: 0 }, ctx, () => {
          if (!dropSegments(home, table, user, snapshot.segments)) throw new Fenced(ctx.job.id)
        })
        done = {
          users: done.users + 1,
          filesRemoved: done.filesRemoved + snapshot.segments.length,
          filesAdded: done.filesAdded + (file ? 1 : 0),
          bytesBefore: done.bytesBefore + before.bytes,
          bytesAfter: done.bytesAfter + (file?.bytes ?? 0),
          rowsBefore: done.rowsBefore + before.rows,
          rowsAfter: done.rowsAfter + (file?.rows ?? 0),
        }
        ctx.report({ done: done.users, total: due.length, unit: 'users' })
        await ctx.commit({ phase: 'compacting', state: done })
      })
      return done.users > 0 ? { is: 'changed', result: { ...done, verified: ['rows'] } } : { is: 'unchanged' }
    },
  }
}

/** Those with more than one segment, with tombstones in one, or with what a killed process has left over (then perhaps with none). */
function usersToCompact(store: HotStore, table: UserTable, only: number | null = null) {
  return store
    .all(
      `select users.id, case when count(number) > 1 or sum(tombstones) > 0 then count(number) else 0 end as segments
       from users left join segments on user_id = users.id where table_id = ?1 and (?2 is null or users.id = ?2) group by users.id
       having count(number) > 1 or sum(tombstones) > 0 or version <> published or exists (select 1 from garbage where garbage.user_id = users.id)
       order by users.id`,
      table.id,
      only,
    )
    .map((row) => ({ id: Number(row.id), segments: Number(row.segments) }))
}

function sizeOf(store: HotStore, user: User): { rows: number; bytes: number } {
  const row = store.get('select sum(rows) as rows, sum(bytes) as bytes from segments where user_id = ?', user.id)!
  return { rows: Number(row.rows), bytes: Number(row.bytes) }
}

/** Null when no row is left. Throws `verification-failed` when the rows that are left are not as many as a count of their own says. */
async function compact(engine: Engine, table: UserTable, user: User, snapshot: Snapshot): Promise<SegmentFile | null> {
  const order = [...table.primaryKey, '_seq'].map(quoteIdentifier).join(', ')
  const select = `${snapshot.rows(segmentFields(table).map(({ name }) => name))} ORDER BY ${order}`
  const path = join(engine.directory, `user-${user.id}.parquet`)
  return readingSnapshot(engine, snapshot, async () => {
    const [row] = await engine.all(
      `SELECT count(*) AS n FROM (SELECT arg_max("_deleted", "_seq") AS gone FROM (${snapshot.versions}) GROUP BY "_key") WHERE NOT gone`,
    )
    const expected = Number(row!.n)
    if (expected === 0) return null
    const file = await writeSegment(engine, table, select, path)
    if (file.rows === expected) return file
    throw fail('failed', 'verification-failed', `${expected} rows before, ${file.rows} after; nothing was changed`, {
      where: `${refOfPath(table.path)} of user ${printable(user.name)}`,
    })
  })
}
