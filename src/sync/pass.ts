/**
 * A pass reads a source once up to a frozen high water: first the rows whose time is NULL, then the others in the order of time and key.
 *
 * Rows that replace themselves (they have a key, and the target can put one row in another's place) may be read again: each pass begins
 * some minutes before the newest row that is there, for rows that came late, and reads the NULL lane anew. Other rows are read exactly
 * once: a pass goes on after the newest row, and the NULL lane is read in the first pass only. The newest row and not the high water:
 * nobody knows how much later than its time a row is written, and from there on every row is seen.
 */
import { exactTime, microsOf, shiftTime } from '../core/exact-time.ts'
import type { Checkpoint, Cursor, SourceFacts, SyncTarget } from '../core/sync.ts'
import { unitOf } from './cells.ts'
import type { SyncSpec } from './spec.ts'

const usualLookbackMs = 5 * 60_000
/** Where rows are read once. Writers of one table are seconds apart, and what commits behind the newest row would never be read. */
const usualLagMs = 60_000
const firstNull: Cursor = { lane: 'null', time: null, key: null }

/** Rows may be written twice without being there twice. */
export const replaceable = ({ source }: SyncSpec, facts: SourceFacts, target: SyncTarget): boolean =>
  facts.key.length > 0 && !(source.appendOnly && target.appends === true)

export function mayBeNull(spec: SyncSpec, facts: SourceFacts): boolean {
  return facts.fields.find((field) => field.name === spec.source.timestampColumn)?.nullable !== false
}

/**
 * Where the pass ends: the source's clock less the lag, and never before the end of the last pass. Where rows are read once, an instant of
 * the column that is not over (a day of a DATE, a microsecond) is left to a later pass: more rows of it may come.
 */
export function endOfPass(spec: SyncSpec, facts: SourceFacts, before: Checkpoint | null, again: boolean): string {
  const clock = microsOf(facts.highWater)
  if (clock === null) return facts.highWater
  const now = clock - BigInt(spec.lagMs ?? (again ? 0 : usualLagMs)) * 1000n
  const end = again ? now : startOfUnit(now, spec, facts) - 1n
  const last = before?.watermark ? microsOf(before.watermark) : null
  return last !== null && last > end ? before!.watermark! : exactTime(end)
}

/** The first instant of the column that lies above `until`. */
export function firstAbove(spec: SyncSpec, facts: SourceFacts, until: string): string {
  const end = microsOf(until)
  if (end === null) return until
  return exactTime(startOfUnit(end, spec, facts) + unitOf(facts.fields, spec.source.timestampColumn))
}

function startOfUnit(micros: bigint, { source }: SyncSpec, { fields }: SourceFacts): bigint {
  const unit = unitOf(fields, source.timestampColumn)
  return micros - (((micros % unit) + unit) % unit)
}

/** The first cursor of a pass. `begun`: pages of this pass were written before, by whoever was killed. */
export function startOfPass(
  spec: SyncSpec,
  before: Checkpoint | null,
  pass: { readonly begun: boolean; readonly replaceable: boolean; readonly nulls: boolean },
): Cursor {
  const unread = before?.watermark == null && !(pass.replaceable && isStartOfTimes(spec, before?.cursor))
  if (before !== null && (pass.begun || unread)) return before.cursor
  const again = pass.nulls && spec.nullTimestamps === 'sync' && (before === null || pass.replaceable)
  return again ? firstNull : startOfTimes(spec, before, pass.replaceable)
}

/** Where the time lane begins: some minutes before the newest row that is there, or directly after it. */
export function startOfTimes(spec: SyncSpec, before: Checkpoint | null, again: boolean): Cursor {
  if (before === null || before.watermark === null) return { lane: 'time', time: spec.startTimestamp, key: null }
  if (!again) return before.cursor
  const lookback = BigInt(spec.lookbackMs ?? usualLookbackMs) * 1000n
  return { lane: 'time', time: shiftTime(before.watermark, -lookback), key: null }
}

/** All that was read so far are rows without a time. */
export const isStartOfTimes = (spec: SyncSpec, cursor: Cursor | undefined): boolean =>
  cursor?.lane === 'time' && cursor.time === spec.startTimestamp && cursor.key === null
