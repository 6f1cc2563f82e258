/**
 * How long a service is waited for. One that takes connections and never answers is given up once and for all requests: else every root,
 * read and check of a command would wait for itself.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import { codeOf } from './s3-errors.ts'

export interface Patience {
  /** Until the connection stands. */
  readonly connectMs: number
  /** Without a byte in either direction; a slow line is no silent one. */
  readonly answerMs: number
  /** Until somebody is told that we wait. */
  readonly remarkMs: number
  /** A conditional write that was not answered is tried again after about so long, then after four times as long, and so on. */
  readonly retryMs: number
  /** A service that was given up is not asked again for so long. */
  readonly silentMs: number
}
export const usualPatience: Patience = {
  connectMs: 5_000,
  // The SDK begins to count after 3 s: three tries are a minute.
  answerMs: 17_000,
  remarkMs: 5_000,
  retryMs: 200,
  silentMs: 30_000,
}
/** Tries of one request. */
export const attempts = 3

/** What the clients of one service know together. */
export interface Silence {
  /** Tries in a row that nobody has answered. */
  unanswered: number
  since: { readonly at: number; readonly error: unknown } | null
  told: boolean
}
export const noSilence = (): Silence => ({ unanswered: 0, since: null, told: false })

/** Sending more than this takes its time by itself. */
const largeBody = 1024 * 1024

/** `tries`: how often this client itself tries a request. `remark` is called once. */
export function addPatience(
  client: S3Client,
  silence: Silence,
  { remarkMs, silentMs }: Patience,
  { tries, remark }: { readonly tries: number; readonly remark: () => void },
): void {
  const middleware =
    <In extends object, Out>(next: (args: In) => Promise<Out>) =>
    async (args: In): Promise<Out> => {
      if (silence.since && Date.now() - silence.since.at < silentMs) throw silence.since.error
      const { Body } = (args as { input?: { Body?: { length?: number } } }).input ?? {}
      const timer = (Body?.length ?? 0) > largeBody ? undefined : setTimeout(say, remarkMs).unref()
      try {
        const answer = await next(args)
        answered()
        return answer
      } catch (error) {
        if (codeOf(error) === 'TimeoutError') unanswered(error)
        else answered()
        throw error
      } finally {
        clearTimeout(timer)
      }
    }
  client.middlewareStack.add(middleware, { step: 'initialize', name: 'patience' })

  function unanswered(error: unknown): void {
    silence.unanswered += tries
    if (silence.unanswered >= attempts) silence.since = { at: Date.now(), error }
  }
  function answered(): void {
    silence.unanswered = 0
    silence.since = null
  }
  function say(): void {
    if (!silence.told) remark()
    silence.told = true
  }
}
