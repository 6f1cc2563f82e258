/** Phases by lag: how far behind a sync is decides how many rows it asks for at once. */
import { microsOf } from '../core/exact-time.ts'
import type { Cursor, SyncFacts } from '../core/sync.ts'
import type { SyncSpec } from './spec.ts'

export type Phase = SyncFacts['phase']

/** Seconds from the cursor to the end of the pass; null when the cursor has no time yet. */
export function lagOf({ lane, time }: Cursor, until: string): number | null {
  const [at, end] = [lane === 'time' && time !== null ? microsOf(time) : null, microsOf(until)]
  return at === null || end === null ? null : Number(end > at ? end - at : 0n) / 1e6
}

/** A sync that has caught up has no lag, however old its newest row is. */
export function phaseOf(lagSeconds: number | null, { thresholds }: SyncSpec): Phase {
  if (lagSeconds === null || lagSeconds > thresholds.catchup) return 'initial'
  return lagSeconds > thresholds.steady ? 'catchup' : 'steady'
}
