/** ClickHouse's errors as ours, by the code that all of its interfaces give: `Code: 60. DB::Exception: …`. */
import { type ErrorKind, fail, TblctlError } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'

/** Codes that say whose mistake it is; every other one is `failed` (src/Common/ErrorCodes.cpp). */
const kinds: Readonly<Record<number, readonly [kind: ErrorKind, code: string, hint?: string]>> = {
  60: ['missing', 'table-not-found'],
  81: ['missing', 'database-not-found', 'create the database, or set another one in tblctl.yaml'],
  158: ['failed', 'too-many-rows'],
  159: ['timeout', 'server-timeout', 'give it more time with --timeout'],
  164: ['denied', 'read-only', "the user's profile allows reading only"],
  192: ['denied', 'unknown-user'],
  193: ['denied', 'wrong-password'],
  194: ['denied', 'password-required'],
  209: ['unreachable', 'socket-timeout'],
  210: ['unreachable', 'network'],
  241: ['failed', 'memory-limit'],
  291: ['denied', 'database-denied'],
  321: ['data', 'value-out-of-range', 'a Date32 lies between 1900-01-01 and 2300-01-01'],
  497: ['denied', 'not-permitted', 'GRANT what it names to the user of this backend'],
  516: ['denied', 'authentication-failed', 'look at username and password of this backend in tblctl.yaml'],
  774: ['denied', 'table-read-only'],
}

/** The error's number: a property where the client found one, else from the text (old servers, the embedded engine). */
export function codeOf(error: unknown): number | null {
  const { code, clickhouseCode, cause } = error as { code?: unknown; clickhouseCode?: unknown; cause?: unknown }
  for (const value of [clickhouseCode, code]) if (/^\d+$/.test(String(value))) return Number(value)
  const text = error instanceof Error ? /\bCode: (\d+)/.exec(error.message)?.[1] : undefined
  if (text !== undefined) return Number(text)
  return error instanceof TblctlError && cause !== undefined ? codeOf(cause) : null
}

/** `place`: the server's URL or the embedded engine's folder. Keeps the original as the cause; `codeOf` reads it from there. */
export function clickhouseError(thrown: unknown, place: string): unknown {
  if (thrown instanceof TblctlError || !(thrown instanceof Error) || thrown.name === 'AbortError') return thrown
  const code = codeOf(thrown)
  if (code !== null) {
    const [kind, name, hint] = kinds[code] ?? ['failed', `clickhouse-${code}`]
    return fail(kind, name, `ClickHouse: ${plainMessage(thrown.message)} (code ${code})`, {
      where: place,
      ...(hint === undefined ? {} : { hint }),
      cause: thrown,
    })
  }
  const network = networkReason(thrown)
  if (network !== null)
    return fail('unreachable', 'unreachable', `ClickHouse at ${place} does not answer: ${network}`, {
      where: place,
      hint: 'is the server running, and the url of this backend right?',
      retry: 'later',
      cause: thrown,
    })
  return thrown
}

/** Without the frame that the engine puts around its message. */
export function plainMessage(message: string): string {
  const bare = message
    .replace(/^(?:Code: \d+\. )?(?:DB::Exception: )?(?:Received from [^ ]+ )?/, '')
    .replace(/ \(version [^)]*\)/g, '')
    .replace(/\s*\([A-Z_]+\)\s*$/, '')
    .trim()
  return printable(bare.replaceAll('\n', ' '))
}

const networkCodes =
  /^(ECONN|ENOTFOUND|EHOST|ENET|ETIMEDOUT|EAI_|EPIPE|UND_ERR|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/

function networkReason(error: Error): string | null {
  const { code, errors } = error as { code?: unknown; errors?: readonly unknown[] }
  if (typeof code === 'string' && networkCodes.test(code)) return error.message === '' ? code : printable(error.message)
  if (/^(Timeout error|socket hang up)/i.test(error.message)) return printable(error.message)
  for (const one of [...(errors ?? []), error.cause])
    if (one instanceof Error) {
      const reason = networkReason(one)
      if (reason !== null) return reason
    }
  return null
}
