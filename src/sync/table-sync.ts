/** One pass of one sync: prepares the target, reads lane by lane, writes page by page, and says after each page how far it is. */

import { fail } from '../core/errors.ts'
import { endOfTime } from '../core/exact-time.ts'
import type { Checkpoint } from '../core/sync.ts'
import { type Counted, countedBefore, RowCounter } from './counts.ts'
import { patiently, readingFor, type SyncEnds } from './ends.ts'
import { ensure } from './ensure.ts'
import { orderOf, rowsOf, type SyncRecord } from './facts.ts'
import { inspect, whereOf } from './inspect.ts'
import { countNulls, readLane } from './lane.ts'
import { findLate, lateError } from './late.ts'
import { endOfPass, firstAbove, isStartOfTimes, startOfPass, startOfTimes } from './pass.ts'
import { lagOf, phaseOf } from './phases.ts'
import { isPaused, type Pass, type SyncContext, type SyncResult, type SyncState } from './run.ts'
import type { SyncSpec } from './spec.ts'
import { Overtaken, PageWriter } from './writer.ts'

/** `overtaken`: somebody else has written this sync's next page. */
export async function syncTable(ends: SyncEnds, spec: SyncSpec, ctx: SyncContext): Promise<SyncResult | 'overtaken'> {
  const inspected = await patiently(spec, ctx, () => inspect(ends, spec, ctx.subject.path, ctx))
  const { facts, stored, known } = inspected
  const until = endOfPass(spec, facts, stored, inspected.again)
  const sequence = ctx.state?.sequence ?? stored?.sequence ?? 0
  const begun = (stored?.sequence ?? 0) > sequence
  const start = startOfPass(spec, stored, { begun, replaceable: inspected.again, nulls: inspected.nulls })
  const counted: Counted | null = ctx.state === undefined ? countedBefore(stored) : ctx.state.counted
  const on = stored !== null && start === stored.cursor ? start : null
  const lagSeconds = known?.lagSeconds ?? (stored === null ? null : lagOf(stored.cursor, until))
  const pass: Pass = {
    ends,
    spec,
    ctx,
    until,
    inspected,
    writer: new PageWriter(
      ends,
      spec,
      ctx,
      inspected,
      new RowCounter(spec.source.timestampColumn, counted, on, stored),
    ),
    phase: phaseOf(lagSeconds, spec),
    lagSeconds,
    nullRows: known?.nullRows ?? null,
    nextTimestamp: known?.nextTimestamp ?? null,
    billedBytes: null,
    columnsAdded: 0,
  }
  if (isPaused(ctx)) return resultOf(pass, false, true)
  const made = await ensure(pass)
  const late = ctx.state === undefined ? await findLate(pass) : ctx.state.late
  const begin: Begin = { sequence, counted, late }
  pass.writer.count(ctx.state ?? { rows: 0, pages: 0 })
  // Only who holds the lease now may write the first page: the target's fence may be of another catalog.
  await commit(pass, begin)
  try {
    const whole = await readLanes(pass, start, begin)
    if (whole) await finish(pass, begin)
    if (late !== null) throw lateError(pass, late)
    return resultOf(pass, made, !whole)
  } catch (thrown) {
    if (thrown instanceof Overtaken) return 'overtaken'
    throw thrown
  }
}

/** What stays the same in the job's state. */
type Begin = Pick<SyncState, 'sequence' | 'counted' | 'late'>

/** False when it was told to pause. */
async function readLanes(pass: Pass, start: Checkpoint['cursor'], begin: Begin): Promise<boolean> {
  const { spec, writer, inspected } = pass
  const saved = () => commit(pass, begin)
  let from = start
  if (from.lane === 'null') {
    const once = writer.stored?.watermark == null && !inspected.again
    const times = startOfTimes(spec, writer.stored, inspected.again)
    const before = writer.rows
    if (!(await readLane(pass, from, times, saved))) return false
    if (inspected.again) noteNulls(pass, from.key === null ? writer.rows - before : null)
    // They are all that was read so far, and how many there must stay.
    if (once) pass.nullRows = writer.stored?.recordsIngested ?? 0
    from = times
  } else if (inspected.nulls && spec.nullTimestamps !== 'skip') await watchNulls(pass)
  return readLane(pass, from, null, saved)
}

/** Rows that are read in every pass. More of them than before: some may have had a time, and then the version with it stays in the target. */
function noteNulls(pass: Pass, found: number | null): void {
  const { nullRows: before, ctx, spec } = pass
  if (found !== null && before !== null && found > before)
    ctx.log(
      'warn',
      `sync ${spec.id}: ${found - before} more rows without a time; one whose time was set to NULL does not replace the version that is there`,
    )
  pass.nullRows = found ?? before
}

/** Rows without a time where they are not read in this pass: with `fail` there may be none, else no new ones. */
async function watchNulls(pass: Pass): Promise<void> {
  const { spec, inspected, writer } = pass
  if (spec.nullTimestamps === 'sync' && (inspected.again || writer.stored === null)) return
  // Killed before it could say how many they are: they are all that was read.
  if (isStartOfTimes(spec, writer.stored?.cursor)) pass.nullRows ??= writer.stored?.recordsIngested ?? 0
  const where = `${whereOf(spec)}, column ${spec.source.timestampColumn}`
  const hint = 'set nullTimestamps: skip to leave such rows out'
  const strict = spec.nullTimestamps === 'fail'
  const found = await countNulls(pass, strict ? 1 : Number.POSITIVE_INFINITY)
  if (strict && found > 0) throw fail('data', 'null-timestamp', 'the source has rows without a time', { where, hint })
  if (strict) return
  if (pass.nullRows === null)
    pass.ctx.log('warn', `${found} rows without a time are taken as synced: the catalog does not know how many were`)
  else if (found > pass.nullRows)
    throw fail(
      'data',
      'late-null-timestamps',
      `${found - pass.nullRows} rows without a time came after the first run`,
      {
        where,
        hint: `they cannot be told from those that are synced: give the source a key, or ${hint}`,
      },
    )
  pass.nullRows = found
}

/** Marks the source as wholly read, and looks whether rows wait above the end of the pass. */
async function finish(pass: Pass, begin: Begin): Promise<void> {
  const { ends, spec, ctx, until, inspected } = pass
  const { port, records } = ends.source
  pass.lagSeconds = 0
  pass.phase = 'steady'
  const from = { lane: 'time', time: firstAbove(spec, inspected.facts, until), key: null } as const
  const read = () =>
    port.page(spec.source, inspected.facts, from, endOfTime, { rows: 1, bytes: 1 }, readingFor(ctx, records))
  const above = await patiently(spec, ctx, read)
  if (above.billedBytes !== null) pass.billedBytes = (pass.billedBytes ?? 0) + above.billedBytes
  pass.nextTimestamp = above.batch.rows > 0 ? above.next.time : null
  // Late rows are told again until there are newer ones.
  await commit(pass, begin, begin.late === null ? inspected.facts.marker : null)
}

async function commit(pass: Pass, begin: Begin, marker: string | null = null): Promise<void> {
  const { spec, ctx, writer, phase, lagSeconds, inspected } = pass
  const { rows, pages, stored, lastTimestamp } = writer
  const record: SyncRecord = {
    phase,
    lastTimestamp,
    lagSeconds,
    recordsIngested: stored?.recordsIngested ?? 0,
    batchSize: spec.batchRows[phase],
    sequence: stored?.sequence ?? 0,
    marker,
    identity: inspected.facts.identity ?? null,
    order: orderOf(spec, inspected.facts),
    rows: rowsOf(spec),
    nullRows: pass.nullRows,
    nextTimestamp: pass.nextTimestamp,
  }
  ctx.report({ done: rows, total: null, unit: 'rows', detail: { phase, lagSeconds } })
  await ctx.commit({ phase, state: { ...begin, rows, pages }, records: [{ key: ctx.subject.path, value: record }] })
}

function resultOf(pass: Pass, created: boolean, paused: boolean): SyncResult {
  const { phase, lagSeconds, nextTimestamp, nullRows, writer, billedBytes, columnsAdded } = pass
  const { rows, pages, stored, lastTimestamp } = writer
  const recordsIngested = stored?.recordsIngested ?? 0
  const progress = { phase, rows, pages, recordsIngested, lastTimestamp, lagSeconds, nextTimestamp, nullRows }
  return { ...progress, billedBytes, created, columnsAdded, paused }
}
