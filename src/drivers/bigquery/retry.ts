/** Which errors are worth another try, and as which error of ours the others end (BigQuery, "Error messages"). */
import { setTimeout as sleep } from 'node:timers/promises'
import { fail, TblctlError } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'

/**
 * `transient`: the same request again. `new`: the job failed, so the same request as another job. `quota`: not for minutes.
 * `cost`, `shape`, `missing`, `denied`, `invalid`: another try brings the same answer.
 */
type Failure = 'transient' | 'new' | 'quota' | 'cost' | 'shape' | 'missing' | 'denied' | 'invalid'

/** Waits between tries: a random part of `first` × 2ⁿ, at most `longest`. All in milliseconds but `tries`. */
export interface Backoff {
  readonly tries: number
  /** A request without an answer after this time counts as lost: the client itself would wait for ever. */
  readonly answer: number
  readonly first: number
  readonly longest: number
}
export const patient: Backoff = { tries: 5, answer: 120_000, first: 1000, longest: 16_000 }

const reasons: Readonly<Record<string, Failure>> = {
  backendError: 'transient',
  internalError: 'transient',
  rateLimitExceeded: 'transient',
  userRateLimitExceeded: 'transient',
  jobBackendError: 'new',
  jobInternalError: 'new',
  jobRateLimitExceeded: 'new',
  quotaExceeded: 'quota',
  bytesBilledLimitExceeded: 'cost',
  resourcesExceeded: 'shape',
  responseTooLarge: 'shape',
  notFound: 'missing',
  accessDenied: 'denied',
  billingNotEnabled: 'denied',
  authError: 'denied',
}

/** Neither Google's answer nor the connection: it is told as it is. */
const isOurs = (thrown: unknown): boolean =>
  thrown instanceof TblctlError || thrown instanceof TypeError || thrown instanceof RangeError

interface Told {
  readonly code?: number | string
  readonly message?: string
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[]
}

export function failureOf(thrown: unknown): Failure {
  const { code, errors, message } = thrown as Told
  const known = reasons[errors?.[0]?.reason ?? '']
  if (known !== undefined) return known
  // The connection broke, or never was.
  if (typeof code !== 'number') return /credentials|authenticat/i.test(message ?? '') ? 'denied' : 'transient'
  if (code === 401 || code === 403) return 'denied'
  if (code === 404) return 'missing'
  return code === 408 || code === 429 || code >= 500 ? 'transient' : 'invalid'
}

/** Tries `work` again while that helps; its number counts the jobs: it rises only when another job is wanted. */
export async function retrying<T>(work: (job: number) => Promise<T>, backoff: Backoff, ctx: ReadContext): Promise<T> {
  let job = 0
  for (let tries = 1; ; tries++) {
    ctx.signal.throwIfAborted()
    try {
      return await work(job)
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      if (isOurs(thrown)) throw thrown
      const failure = failureOf(thrown)
      if (failure === 'new') job++
      if ((failure !== 'transient' && failure !== 'new') || tries === backoff.tries) throw thrown
      const wait = Math.random() * Math.min(backoff.longest, backoff.first * 2 ** (tries - 1))
      ctx.log('debug', `BigQuery: ${textOf(thrown)}; again in ${Math.round(wait)} ms`, { tries })
      await sleep(wait, undefined, { signal: ctx.signal })
    }
  }
}

const textOf = (thrown: unknown): string => {
  const { errors, message, code } = thrown as Told
  // Of the lines the first says what is wrong; the others draw where in our own statement.
  return printable((errors?.[0]?.message || message || String(code ?? thrown)).split('\n', 1)[0]!)
}

/** What a person is told. Errors of ours stay what they are. `where`: the table or the project that was asked about. */
export function asError(thrown: unknown, where: string): unknown {
  if (isOurs(thrown)) return thrown
  const message = `BigQuery: ${textOf(thrown)}`
  switch (failureOf(thrown)) {
    case 'transient':
    case 'new':
      return fail('unreachable', 'bigquery-unreachable', message, {
        where,
        hint: 'check apiEndpoint and the network; tblctl doctor asks the project',
        retry: 'later',
        cause: thrown,
      })
    case 'quota':
      return fail('failed', 'quota-exceeded', message, {
        where,
        hint: 'a quota of the project is used up: wait ten minutes and longer, or have it raised',
        retry: 'later',
        cause: thrown,
      })
    case 'cost':
      return fail('refused', 'too-many-bytes-billed', message, {
        where,
        hint: 'raise maximumBytesBilled of the backend, read fewer columns, or partition the table by its time',
        cause: thrown,
      })
    case 'shape':
      return fail('failed', 'response-too-large', message, {
        where,
        hint: 'ask for fewer rows at a time',
        cause: thrown,
      })
    case 'missing':
      return fail('missing', 'not-found', message, { where, cause: thrown })
    case 'denied':
      return fail('denied', 'bigquery-denied', message, {
        where,
        hint: 'check credentials; tblctl doctor --print-policy says what they must allow',
        cause: thrown,
      })
    case 'invalid':
      return fail('data', 'invalid-query', message, { where, cause: thrown })
  }
}
