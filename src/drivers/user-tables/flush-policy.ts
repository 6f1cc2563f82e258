/** When hot rows of a user are due to become cold: `ROWS n`, `INTERVAL '5 minutes'`, or both. */
import { fail } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { printable } from '../../core/ref.ts'

export interface FlushPolicy {
  /** Hot rows of one user; null = does not matter. */
  readonly rows: number | null
  /** Age of a user's oldest hot row; null = does not matter. */
  readonly seconds: number | null
}

const mostRows = 999_999
const mostSeconds = 86_399
const unitSeconds: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600 }

/** `ROWS 1000`, `INTERVAL '5 minutes'`, `ROWS 1000 INTERVAL '5 minutes'`; also `rows:1000,interval:300`. Null = no policy. */
export function parseFlushPolicy(value: Json | undefined): FlushPolicy | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw badPolicy(JSON.stringify(value))
  let rest = value.trim()
  let rows: number | null = null
  let seconds: number | null = null
  while (rest !== '') {
    const [whole, limit, count, unit, short] =
      /^(?:ROWS[\s:]\s*(\d+)|INTERVAL\s*'\s*(\d+)\s*(second|minute|hour)s?\s*'|INTERVAL:(\d+))\s*(?:(?:,|AND\b)\s*(?=\S)|(?=\s|$|[RI]))/i.exec(
        rest,
      ) ?? []
    if (whole === undefined) throw badPolicy(value)
    if (limit !== undefined ? rows !== null : seconds !== null) throw badPolicy(value)
    if (limit !== undefined) rows = Number(limit)
    else seconds = short !== undefined ? Number(short) : Number(count) * unitSeconds[unit!.toLowerCase()]!
    rest = rest.slice(whole.length).trim()
  }
  if (rows === null && seconds === null) throw badPolicy(value)
  if (rows === 0) throw bound('Row limit must be greater than 0')
  if (rows !== null && rows > mostRows) throw bound('Row limit must be less than 1,000,000')
  if (seconds === 0) throw bound('Interval must be greater than 0')
  if (seconds !== null && seconds > mostSeconds) throw bound('Interval must be less than 86400 seconds (24 hours)')
  return { rows, seconds }
}

/** As the seed writes it into a table's options. */
export function policyJson({ rows, seconds }: FlushPolicy): JsonObject {
  const type = rows === null ? 'time_interval' : seconds === null ? 'row_limit' : 'combined'
  return {
    type,
    ...(rows === null ? {} : { row_limit: rows }),
    ...(seconds === null ? {} : { interval_seconds: seconds }),
  }
}

/** `ROWS 1000 INTERVAL '300 seconds'`: parseFlushPolicy reads it back. */
export const policyText = ({ rows, seconds }: FlushPolicy): string =>
  [...(rows === null ? [] : [`ROWS ${rows}`]), ...(seconds === null ? [] : [`INTERVAL '${seconds} seconds'`])].join(' ')

/** `oldest`: when the oldest hot row was written, milliseconds since 1970. */
export function isDue({ rows, seconds }: FlushPolicy, hot: { rows: number; oldest: number }, now: Date): boolean {
  if (rows !== null && hot.rows >= rows) return true
  return seconds !== null && hot.rows > 0 && now.getTime() - hot.oldest >= seconds * 1000
}

const bound = (message: string): Error => fail('usage', 'bad-flush-policy', message)
const badPolicy = (text: string): Error =>
  fail('usage', 'bad-flush-policy', `"${printable(text)}" is no flush policy`, {
    hint: "write ROWS 1000, INTERVAL '5 minutes', or both",
  })
