/**
 * Points in time as exact text with microseconds (`2026-01-02T03:04:05.000006Z`), the form in which a sync's cursors travel. A wall-clock
 * time has no `Z`, a date is `2026-01-02`; what is computed from a text keeps its form. Years 0001 to 9999.
 */

interface Form {
  readonly separator: string
  readonly zone: string
}
const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:([T ])(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|\+00(?::?00)?)?)?$/

/** Microseconds since 1970; null when the text is no such time. */
export function microsOf(text: string): bigint | null {
  const match = pattern.exec(text)
  if (!match) return null
  const [, year, month, day, , hour = '0', minute = '0', second = '0', fraction = ''] = match
  const date = new Date(0)
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  return BigInt(date.getTime()) * 1000n + BigInt(fraction.padEnd(6, '0'))
}

export const exactTime = (micros: bigint): string => format(micros, { separator: 'T', zone: 'Z' })

/** `text` moved by `micros`; the text as it is when it is no time. Clamped to the years that have a text. */
export function shiftTime(text: string, micros: bigint): string {
  const at = microsOf(text)
  if (at === null || micros === 0n) return text
  const [, , , , separator, , , , , zone] = pattern.exec(text)!
  const to = at + micros
  return format(to < first ? first : to > last ? last : to, { separator: separator ?? '', zone: zone ?? '' })
}

const first = -62_135_596_800_000_000n
const last = 253_402_300_799_999_999n

function format(micros: bigint, { separator, zone }: Form): string {
  const millis = micros >= 0n || micros % 1000n === 0n ? micros / 1000n : micros / 1000n - 1n
  const iso = new Date(Number(millis)).toISOString()
  if (separator === '') return iso.slice(0, 10)
  const rest = String(micros - millis * 1000n).padStart(3, '0')
  return `${iso.slice(0, 10)}${separator}${iso.slice(11, 23)}${rest}${zone}`
}

/** The last time that has a text. */
export const endOfTime = exactTime(last)
