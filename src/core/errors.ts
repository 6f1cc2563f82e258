/** Errors are one class with a kind from a closed list; each kind has one exit code (`tblctl help exit-codes`). */
export const exitCodes = {
  failed: 1,
  refused: 1,
  data: 1,
  usage: 64,
  unsupported: 64,
  missing: 66,
  unreachable: 69,
  bug: 70,
  busy: 75,
  denied: 77,
  config: 78,
  timeout: 124,
  stopped: 130,
} as const
export type ErrorKind = keyof typeof exitCodes

/** What a person or a script is told. `retry`: `later` = the same command may work soon, `resume` = it goes on where it stopped. */
export interface ErrorView {
  readonly code: string
  readonly kind: ErrorKind
  readonly message: string
  /** file:line:col, table, column */
  readonly where?: string
  /** what to try, a command where there is one */
  readonly hint?: string
  readonly retry: 'no' | 'later' | 'resume'
}

export class TblctlError extends Error {
  override readonly name = 'TblctlError'
  readonly view: ErrorView
  constructor(view: Omit<ErrorView, 'retry'> & { readonly retry?: ErrorView['retry'] }, options?: { cause?: unknown }) {
    super(view.message, options)
    this.view = { ...view, retry: view.retry ?? 'no' }
  }
}

/** `code` is stable and kebab-case: scripts match on it. */
export function fail(
  kind: ErrorKind,
  code: string,
  message: string,
  more: { where?: string; hint?: string; retry?: ErrorView['retry']; cause?: unknown } = {},
): TblctlError {
  const { cause, ...view } = more
  return new TblctlError({ kind, code, message, ...view }, cause === undefined ? undefined : { cause })
}

/** Any thrown value as a view. What is not ours is a bug of ours, and its job can be resumed. */
export function errorView(thrown: unknown): ErrorView {
  if (thrown instanceof TblctlError) return thrown.view
  if (thrown instanceof Stopped)
    return {
      code: `stopped-${thrown.why}`,
      kind: thrown.why === 'timeout' ? 'timeout' : 'stopped',
      message: thrown.message,
      retry: 'resume',
    }
  if (thrown instanceof Fenced) return { code: 'fenced', kind: 'busy', message: thrown.message, retry: 'no' }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { code: 'bug', kind: 'bug', message, retry: 'resume' }
}

/** Thrown at a safe point because a signal, a time-out or `jobs cancel` asked for it. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly why: 'interrupt' | 'terminate' | 'cancel' | 'timeout'
  constructor(why: Stopped['why']) {
    super(
      { interrupt: 'interrupted', terminate: 'terminated', cancel: 'cancelled', timeout: 'stopped by --timeout' }[why],
    )
    this.why = why
  }
}

/** Thrown by a commit whose lease another process has taken over; nothing was written. */
export class Fenced extends Error {
  override readonly name = 'Fenced'
  constructor(job: string) {
    super(`another process took job ${job} over`)
  }
}
