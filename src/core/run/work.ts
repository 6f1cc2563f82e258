/** What the runner is asked to do. */
import { Stopped } from '../errors.ts'
import type { Host } from '../host.ts'
import type { AnyOperation, Plan, Subject } from '../operation.ts'
import type { Path } from '../ref.ts'
import { readContext } from './read-context.ts'

/** One subject's share of a request: `fleet` mixes verbs and drivers in one batch. */
export interface Work {
  readonly verb: string
  readonly operation: AnyOperation
  /** Parsed by `operation.options`. */
  readonly options: object
  readonly subject: Subject
}

export interface RunRequest {
  readonly work: readonly Work[]
  readonly dryRun?: boolean
  /** Approved before (a plan file): neither planned nor asked for again, refused when the basis moved. */
  readonly saved?: ReadonlyMap<Path, Plan>
  /** Goes on with just this job, whoever ran it, with its own options. */
  readonly force?: { readonly job: string }
  /** Last done job of this verb per path when the work was found due; done by another since then → unchanged. */
  readonly ifLast?: ReadonlyMap<Path, string | null>
  readonly input?: AsyncIterable<Uint8Array>
}

/** A plan only reads, so it is broken off by the first request to stop. */
export async function planOf(host: Host, { operation, options, subject }: Work): Promise<Plan> {
  const stopped = new AbortController()
  const forget = host.stop.onStop(() => stopped.abort())
  const ctx = readContext(host, subject.path.split('/')[0]!)
  try {
    return await operation.plan(subject, options, { ...ctx, signal: AbortSignal.any([ctx.signal, stopped.signal]) })
  } catch (error) {
    if (stopped.signal.aborted) throw new Stopped(host.stop.why ?? 'interrupt')
    throw error
  } finally {
    forget()
  }
}
