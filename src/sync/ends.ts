/** The two ends of a sync: the drivers' ports, each called with the records of its own backend and tried again while it cannot be reached. */
import type { Records } from '../core/catalog.ts'
import { TblctlError } from '../core/errors.ts'
import type { ReadContext, RunContext, Subject } from '../core/operation.ts'
import type { SyncSource, SyncTarget } from '../core/sync.ts'
import type { SyncSpec } from './spec.ts'

export interface SyncEnds {
  readonly source: { readonly port: SyncSource; readonly records: Records }
  readonly target: { readonly port: SyncTarget; readonly records: Records; readonly table: Subject }
}

/** What a driver is handed: this run's signal, its own backend's documents. */
export function readingFor(ctx: ReadContext, records: Records): ReadContext {
  return {
    signal: ctx.signal,
    run: ctx.run,
    records,
    now: () => ctx.now(),
    report: (progress) => ctx.report(progress),
    log: (level, message, fields) => ctx.log(level, message, fields),
  }
}

const longestWaitMs = 30_000

/** Only what an end says may work soon is asked for again, after pauses that grow; a stop ends the pauses at once. */
export async function patiently<T>(spec: SyncSpec, ctx: RunContext<any, any>, work: () => Promise<T>): Promise<T> {
  const { attempts, initialMs, multiplier } = spec.retry
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (thrown) {
      const soon = thrown instanceof TblctlError && thrown.view.kind === 'unreachable' && thrown.view.retry === 'later'
      if (!soon || attempt >= attempts) throw thrown
      const waitMs = Math.min(longestWaitMs, initialMs * multiplier ** attempt)
      ctx.log('warn', `${thrown.view.message}; tried again in ${waitMs} ms`, { sync: spec.id, attempt: attempt + 1 })
      await ctx.idle(waitMs)
      ctx.signal.throwIfAborted()
    }
  }
}
