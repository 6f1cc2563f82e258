/** Harper's operations API: one POST of JSON an operation, with a name and a password. */
import { fail } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'
import type { Secret } from '../../settings/secret.ts'

/** What Harper says of a table (operation `describe_table`). */
export interface TableDescription {
  readonly name: string
  readonly hash_attribute: string
  readonly attributes: readonly {
    readonly attribute: string
    readonly type?: string
    readonly is_primary_key?: boolean
  }[]
  readonly record_count?: number
  /** There when `record_count` is an estimate. */
  readonly estimated_record_range?: readonly [number, number]
  readonly table_size?: number
  readonly last_updated_record?: number
}

/** An operation that Harper answered and refused. */
export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export class Operations {
  readonly url: string
  private readonly username: string
  private readonly password: Secret
  constructor(url: string, username: string, password: Secret) {
    this.url = url
    this.username = username
    this.password = password
  }

  /** The answer. Throws `denied`, `unreachable`, and Refused for the rest. */
  async call(operation: string, parameters: object, ctx: ReadContext): Promise<any> {
    const credentials = Buffer.from(`${this.username}:${this.password.reveal()}`).toString('base64')
    let response: Response
    let text: string
    try {
      response = await fetch(this.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Basic ${credentials}` },
        body: JSON.stringify({ operation, ...parameters }),
        redirect: 'error',
        signal: ctx.signal,
      })
      text = await response.text()
    } catch (cause) {
      ctx.signal.throwIfAborted()
      throw this.unreachable('does not answer', cause)
    }
    const answer = parsed(text)
    if (response.ok && answer !== undefined) return answer
    const message = printable(String((answer as { error?: unknown } | undefined)?.error ?? text))
    if (response.status === 401 || response.status === 403)
      throw fail('denied', 'harper-denied', `Harper at ${this.url}: ${message}`, {
        hint: 'check username and password; tblctl doctor --print-policy says what the user must be allowed',
      })
    if (answer === undefined || [429, 502, 503, 504].includes(response.status))
      throw this.unreachable(`answers ${response.status}: ${message}`, undefined)
    throw new Refused(response.status, message)
  }

  private unreachable(why: string, cause: unknown): Error {
    return fail('unreachable', 'harper-unreachable', `Harper at ${this.url} ${why}`, {
      hint: 'check url: it is the operations API (port 9925 by default), and not the REST API',
      retry: 'later',
      cause,
    })
  }
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
