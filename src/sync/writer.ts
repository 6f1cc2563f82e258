/** Writes pages and checkpoint into the target, each from the checkpoint that is there to the next one. */
import type { Batch } from '../core/batch.ts'
import { Fenced, TblctlError } from '../core/errors.ts'
import { microsOf } from '../core/exact-time.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { Checkpoint, Cursor, Page } from '../core/sync.ts'
import { refuseNullKeys } from './cells.ts'
import type { RowCounter } from './counts.ts'
import { patiently, readingFor, type SyncEnds } from './ends.ts'
import { type Inspected, whereOf } from './inspect.ts'
import type { SyncContext, SyncState } from './run.ts'
import type { SyncSpec } from './spec.ts'

/** The target's checkpoint was moved by somebody else. */
export class Overtaken extends Error {}

export class PageWriter {
  rows = 0
  pages = 0
  /** Time of the newest row that was written, by this run or before; null when there is none. */
  lastTimestamp: string | null
  stored: Checkpoint | null

  private readonly ends: SyncEnds
  private readonly spec: SyncSpec
  private readonly ctx: SyncContext
  private readonly counter: RowCounter
  constructor(ends: SyncEnds, spec: SyncSpec, ctx: SyncContext, { stored, known }: Inspected, counter: RowCounter) {
    this.ends = ends
    this.spec = spec
    this.ctx = ctx
    this.stored = stored
    // The record may be a page behind the target: whoever wrote it was killed in between.
    this.lastTimestamp = later(known?.lastTimestamp ?? null, later(stored?.watermark ?? null, rowTime(stored?.cursor)))
    this.counter = counter
  }

  /** What the job had done before it was killed. */
  count({ rows, pages }: Pick<SyncState, 'rows' | 'pages'>): void {
    this.rows = rows
    this.pages = pages
  }

  /** `end`: this is the last page of its lane. Throws Overtaken, Fenced and what the target says. */
  async write(
    page: Page,
    { facts, again }: Inspected,
    to: { readonly cursor: Cursor; readonly lane: Cursor['lane']; readonly end: boolean },
  ): Promise<void> {
    const { stored } = this
    const { batch } = page
    // An empty page is worth a write only where the pages before it wait for the end of their lane.
    if (batch.rows === 0 && (!to.end || this.pages === 0)) return
    refuseNullKeys(batch, facts.key, this.spec.source.timestampColumn, whereOf(this.spec))
    const next: Checkpoint = {
      sync: this.spec.id,
      cursor: this.counter.cursor(batch, to.cursor),
      watermark: later(stored?.watermark ?? null, to.end && to.lane === 'time' ? page.next.time : null),
      // A catalog that was lost counts its fences from 1 again; who holds the lease was asked just before.
      fence: Math.max(this.ctx.fence, stored?.fence ?? 0),
      sequence: (stored?.sequence ?? 0) + 1,
      recordsIngested: (stored?.recordsIngested ?? 0) + this.counter.fresh(batch, to.lane),
    }
    await this.put(batch, again ? facts.key : [], next)
    this.stored = next
    if (batch.rows === 0) return
    this.rows += batch.rows
    this.pages++
    if (to.lane === 'time') this.lastTimestamp = later(this.lastTimestamp, page.next.time)
  }

  private async put(batch: Batch, key: readonly string[], next: Checkpoint): Promise<void> {
    const { spec, ctx, stored } = this
    const { port, table, records } = this.ends.target
    const reading = readingFor(ctx, records)
    const page = { batch, key, newest: key.length > 0 ? spec.source.timestampColumn : null }
    try {
      const written = await patiently(spec, ctx, () => port.write(table, page, stored, next, reading))
      if (written === 'committed') return
      if (written === 'fenced') throw new Fenced(ctx.job.id)
      // The answer to a first try may have been lost on the way: what is there is what was to be written.
      const there = await port.checkpoint(table, spec.id, reading)
      if (canonicalJson(there as unknown as Json) !== canonicalJson(next as unknown as Json)) throw new Overtaken()
    } catch (thrown) {
      if (!(thrown instanceof TblctlError) || thrown.view.where !== undefined) throw thrown
      throw new TblctlError({ ...thrown.view, where: whereOf(spec) }, { cause: thrown })
    }
  }
}

/** Of the row that the cursor stands on; null where it stands before one. */
const rowTime = (cursor: Cursor | undefined): string | null =>
  cursor?.lane === 'time' && cursor.key !== null ? cursor.time : null

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return (microsOf(b) ?? 0n) >= (microsOf(a) ?? 0n) ? b : a
}
