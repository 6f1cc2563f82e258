/**
 * Which rows of a page no earlier page had: by their time. Of the newest time that is there it is known how many rows were read, so that
 * rows that share it and come later are counted, and rows that are read again are not.
 */
import type { Batch } from '../core/batch.ts'
import { microsOf } from '../core/exact-time.ts'
import type { Checkpoint, Cursor } from '../core/sync.ts'
import { timesOf } from './cells.ts'

/** A type alias: it is part of a job's state. Rows up to `time` are counted, `rows` of them have this very time; null = not known. */
export type Counted = { readonly time: string; readonly rows: number | null }

/** What was counted when a pass begins. */
export function countedBefore(stored: Checkpoint | null): Counted | null {
  const { cursor, watermark } = stored ?? {}
  const at = cursor?.lane === 'time' && cursor.key !== null ? cursor.time : null
  if (at === null || cursor === undefined) return watermark == null ? null : { time: watermark, rows: null }
  if (watermark != null && microsOf(watermark)! > microsOf(at)!) return { time: watermark, rows: null }
  return { time: at, rows: cursor.rows ?? null }
}

export class RowCounter {
  private readonly column: string
  /** Microseconds; null: nothing was counted. */
  private readonly after: bigint | null
  /** Rows of that time that were counted and are met again. */
  private known: number
  /** Rows of the last row's time, up to it. */
  private last: { time: string; rows: number | null } | null
  private readonly nulls: boolean

  /** `on`: the stored cursor when the pass goes on there; null when it begins before it. */
  constructor(timestampColumn: string, counted: Counted | null, on: Cursor | null, stored: Checkpoint | null) {
    this.column = timestampColumn
    this.after = counted === null ? null : microsOf(counted.time)
    this.known = counted?.rows ?? Number.POSITIVE_INFINITY
    const reached = on?.lane === 'time' && on.key !== null && on.time !== null ? on.time : null
    this.last = reached === null ? null : { time: reached, rows: on?.rows ?? null }
    if (reached !== null && microsOf(reached) === this.after) this.known -= on?.rows ?? this.known
    this.nulls = stored === null || (stored.watermark === null && stored.cursor.lane === 'null')
  }

  /** Rows without a time count in the first pass, where all of them are new. */
  fresh(batch: Batch, lane: Cursor['lane']): number {
    if (lane === 'null') return this.nulls ? batch.rows : 0
    if (this.after === null) return batch.rows
    let fresh = 0
    for (const time of timesOf(batch, this.column)) {
      if (time === this.after && this.known > 0) this.known--
      else if (time === null || time >= this.after) fresh++
    }
    return fresh
  }

  /** The cursor after this batch, with the number of rows that share its time. */
  cursor(batch: Batch, to: Cursor): Cursor {
    const { rows: _, ...at } = to
    if (to.lane !== 'time' || to.time === null || to.key === null) return at
    const micros = microsOf(to.time)
    const here = timesOf(batch, this.column).filter((time) => time === micros).length
    const before = this.last !== null && microsOf(this.last.time) === micros ? this.last.rows : 0
    this.last = { time: to.time, rows: before === null ? null : before + here }
    return this.last.rows === null ? at : { ...at, rows: this.last.rows }
  }
}
