/**
 * A table's TTL clause, as the server prints it (system.tables.engine_full). Only one rule of the form `anchor + interval` is a retention:
 * what else a TTL can say (moving, recompressing, aggregating, several rules) is the owner's and is never overwritten.
 */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { parseDuration } from '../../core/units.ts'

export type Ttl =
  | { readonly is: 'none' }
  /** `anchor`: the table's own expression, SQL as it stands. */
  | { readonly is: 'retention'; readonly anchor: string; readonly seconds: number }
  | { readonly is: 'other'; readonly text: string; readonly why: string }

const secondsPerUnit: Readonly<Record<string, number>> = {
  Second: 1,
  Minute: 60,
  Hour: 3600,
  Day: 86_400,
  Week: 604_800,
}
const calendarUnits = ['Month', 'Quarter', 'Year']

export function readTtl(engineFull: string): Ttl {
  const text = clause(engineFull)
  if (text === null) return { is: 'none' }
  const other = (why: string): Ttl => ({ is: 'other', text, why })
  if (splitOutside(text, ',').length > 1) return other('it has several rules')
  const action = actionOf(text)
  if (action !== undefined) return other(`it says ${action}`)
  const match = /^(.+) \+ toInterval([A-Z][a-z]+)\((\d{1,15})\)$/s.exec(text)
  if (!match) return other('it is not of the form column + interval')
  const [, anchor = '', unit = '', count = ''] = match
  if (calendarUnits.includes(unit))
    return other(`its unit is the calendar's (${unit.toUpperCase()}), and has no fixed length`)
  const factor = secondsPerUnit[unit]
  if (factor === undefined) return other(`its unit ${unit.toUpperCase()} is no retention's`)
  if (/toInterval[A-Z]/.test(quotesBlank(anchor))) return other('it adds several intervals')
  return { is: 'retention', anchor, seconds: Number(count) * factor }
}

/** What makes the server remove a row when it merges: a condition, nothing, or what cannot be told in one. */
export function removalCondition(ttl: Ttl, cut: number): { readonly sql: string } | 'nothing' | 'unknown' {
  if (ttl.is === 'none') return 'nothing'
  if (ttl.is === 'retention') return { sql: expiredAt(ttl.anchor, ttl.seconds, cut) }
  if (splitOutside(ttl.text, ',').length > 1) return 'unknown'
  const action = actionOf(ttl.text)
  if (action === undefined) return { sql: `${ttl.text} <= toDateTime(${cut})` }
  return action === 'GROUP BY' || action === 'WHERE' ? 'unknown' : 'nothing'
}

/** A condition on rows, as the engine judges its own TTL. `anchor` comes from the table's definition, the rest are numbers. */
export const expiredAt = (anchor: string, seconds: number, cut: number): string =>
  `${anchor} + ${intervalOf(seconds)} <= toDateTime(${cut})`

/** A time and an interval have to fit into 32 bits of seconds, from 1970 on. */
const mostSeconds = 36_525 * 86_400

/** `7d` → seconds, `none` → null. Throws a usage error for what is no whole number of seconds. */
export function retentionSeconds(text: string): number | null {
  if (text === 'none') return null
  const wrong = (why: string): Error =>
    fail('usage', 'bad-retention', `"${printable(text)}" is no retention: ${why}`, { hint: 'such as 7d, 12h or none' })
  const ms = parseDuration(text)
  if (ms < 1000) throw wrong('it is less than a second')
  if (ms % 1000 !== 0) throw wrong('it is no whole number of seconds')
  if (ms / 1000 > mostSeconds) throw wrong('it is longer than 100 years; to keep rows for ever say none')
  return ms / 1000
}

/** In the largest unit that is exact: 2592000 → `30d`. */
export function formatRetention(seconds: number): string {
  for (const [letter, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const)
    if (seconds % size === 0) return `${seconds / size}${letter}`
  return `${seconds}s`
}

/** In the largest unit that is exact: 2592000 → `toIntervalDay(30)`. */
export function intervalOf(seconds: number): string {
  for (const unit of ['Day', 'Hour', 'Minute'] as const) {
    const size = secondsPerUnit[unit]!
    if (seconds % size === 0) return `toInterval${unit}(${seconds / size})`
  }
  return `toIntervalSecond(${seconds})`
}

/** What stands between TTL and SETTINGS, which the server prints in this order and last. */
function clause(engineFull: string): string | null {
  const from = outside(engineFull, ' TTL ', 0)
  if (from < 0) return null
  const to = outside(engineFull, ' SETTINGS ', from)
  return engineFull.slice(from + ' TTL '.length, to < 0 ? undefined : to).trim()
}

/** Where `word` stands outside quotes and parentheses, or -1. */
function outside(text: string, word: string, start: number): number {
  const blank = quotesBlank(text)
  let depth = 0
  for (let i = 0; i < blank.length; i++) {
    if (blank[i] === '(') depth++
    else if (blank[i] === ')') depth--
    else if (depth === 0 && i >= start && blank.startsWith(word, i)) return i
  }
  return -1
}

const actionOf = (text: string): string | undefined =>
  /\b(TO DISK|TO VOLUME|RECOMPRESS|GROUP BY|WHERE)\b/.exec(quotesBlank(text))?.[1]

function splitOutside(text: string, separator: string): string[] {
  const at = outside(text, separator, 0)
  return at < 0 ? [text] : [text.slice(0, at), ...splitOutside(text.slice(at + 1), separator)]
}

/** The same length, with what is quoted blanked out: a column may be called `a TTL (b`. */
const quotesBlank = (text: string): string =>
  text.replace(/'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"/gs, (quoted) =>
    ' '.repeat(quoted.length),
  )
