/**
 * Rows that came too late where rows are read once: they have the time of the newest row that was taken, and a key before its. Nothing
 * would ever read them. They are counted when the next pass begins, by one count of that instant.
 */
import { fail, type TblctlError } from '../core/errors.ts'
import type { Cursor } from '../core/sync.ts'
import { patiently, readingFor } from './ends.ts'
import { whereOf } from './inspect.ts'
import type { Pass } from './run.ts'

/** A type alias: it is part of a job's state. */
export type Late = { readonly time: string; readonly rows: number }

/** Null: none, or rows are read again anyway. */
export async function findLate({ ends, spec, ctx, inspected, writer }: Pass): Promise<Late | null> {
  const cursor = writer.stored?.cursor
  if (inspected.again || cursor?.lane !== 'time' || cursor.time === null || cursor.key === null) return null
  const { time, rows: taken } = cursor
  if (taken === undefined) return null
  const { port, records } = ends.source
  const count = (from: Cursor): Promise<number> =>
    patiently(spec, ctx, () => port.count(spec.source, inspected.facts, from, time, readingFor(ctx, records)))
  const there = await count({ lane: 'time', time, key: null })
  if (there <= taken) return null
  // Those behind the cursor are read by this pass.
  const rows = there - taken - (await count(cursor))
  return rows > 0 ? { time, rows } : null
}

/** Told at the end of the pass: what is new is synced all the same. */
export const lateError = (pass: Pass, { time, rows }: Late): TblctlError =>
  fail(
    'data',
    'late-rows',
    `sync ${pass.spec.id}: ${rows} ${rows === 1 ? 'row' : 'rows'} of ${time} came after that time was read, and are not in the target`,
    {
      where: whereOf(pass.spec),
      hint: `give the source a key, or raise lag to what rows are late by; these rows have to be copied by hand (all that is newer was synced)`,
    },
  )
