/** The service layer over a folder, as a program would open it: nobody is asked, nothing is printed, the environment counts for nothing. */
import { openTblctl, type Tblctl } from '../../src/api/open.ts'
import type { Stopped } from '../../src/core/errors.ts'
import type { PlannedItem, Reporter, StopSource } from '../../src/core/host.ts'

export const silent: Reporter = { progress: () => {}, finished: () => {}, log: () => {} }

export interface StopSwitch extends StopSource {
  stop(why: Stopped['why']): void
}
/** A stop source that a test sets: what signals and `--timeout` do. */
export function stopSwitch(): StopSwitch {
  let why: Stopped['why'] | null = null
  const listeners = new Set<() => void>()
  return {
    get why() {
      return why
    },
    hard: new AbortController().signal,
    onStop: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: (reason) => {
      why = reason
      for (const listener of listeners) listener()
    },
  }
}

export interface OpenIn {
  readonly run?: string
  readonly approve?: (items: readonly PlannedItem[]) => boolean | Promise<boolean>
  readonly reporter?: Partial<Reporter>
  readonly stop?: StopSource
  readonly lockTimeoutMs?: number
  readonly parallelism?: number
  readonly leaseMs?: number
}

export function openIn(directory: string, more: OpenIn = {}): Promise<Tblctl> {
  const { run = 'test', approve = () => true, stop = stopSwitch(), lockTimeoutMs = 0, parallelism = 4 } = more
  return openTblctl({
    config: null,
    context: null,
    env: { HOME: directory },
    directory,
    run,
    lockTimeoutMs,
    parallelism,
    approver: { approve: async (items) => approve(items) },
    reporter: { ...silent, ...more.reporter },
    stop,
    ...(more.leaseMs === undefined ? {} : { leaseMs: more.leaseMs }),
  })
}
