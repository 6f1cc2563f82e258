/**
 * Signals and `--timeout` in stages. First: say what is being finished and stop at the next safe point. A second signal ends the
 * process at once. What only reads is aborted by the first. A run that does not come to its end by itself is ended.
 */
import type { Stopped } from '../core/errors.ts'
import type { StopSource } from '../core/host.ts'
import type { Signal } from './io.ts'

export interface Stop extends StopSource, Disposable {
  signal(signal: Signal): void
  /** Starts the clock of `--timeout`. */
  timeout(ms: number): void
}

export interface StopOptions {
  /** Something is changed: finish to a safe point. Otherwise the first signal aborts. */
  readonly careful: boolean
  announce(why: Stopped['why']): void
  exit(code: number): void
}

export const stopCodes: Readonly<Record<Stopped['why'], number>> = {
  interrupt: 130,
  terminate: 143,
  cancel: 130,
  timeout: 124,
}

/** After a time-out: until what is in flight is aborted, and until the process ends. After an abort: until it ends. */
const graceMs = 5000

export function createStop(options: StopOptions): Stop {
  const hard = new AbortController()
  const listeners = new Set<() => void>()
  const timers: NodeJS.Timeout[] = []
  let why: Stopped['why'] | null = null

  const later = (ms: number, action: () => void): void => {
    timers.push(setTimeout(action, ms).unref())
  }
  const request = (reason: Stopped['why']): void => {
    why = reason
    options.announce(reason)
    for (const listener of [...listeners]) listener()
  }
  const abort = (reason: Stopped['why']): void => {
    hard.abort()
    later(graceMs, () => options.exit(stopCodes[reason]))
  }

  return {
    get why() {
      return why
    },
    hard: hard.signal,
    onStop(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    signal(signal) {
      const reason = signal === 'SIGINT' ? 'interrupt' : 'terminate'
      if (why === 'interrupt' || why === 'terminate') return options.exit(stopCodes[reason])
      request(reason)
      if (!options.careful) abort(reason)
    },
    timeout(ms) {
      // setTimeout counts to 2^31-1 ms; longer is as good as never.
      if (ms > 2 ** 31 - 1) return
      later(ms, () => {
        if (why !== null) return
        request('timeout')
        if (options.careful) later(graceMs, () => abort('timeout'))
        else abort('timeout')
      })
    },
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer)
      listeners.clear()
    },
  }
}
