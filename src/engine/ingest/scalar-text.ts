/** Scalar values as text, strictly: what is accepted here is a subset of what the engine reads from the same text. */
import type { DataType, TimeUnit } from '../../core/types.ts'

const integerBounds: Readonly<Record<string, readonly [bigint, bigint]>> = {
  Int8: [-(2n ** 7n), 2n ** 7n - 1n],
  Int16: [-(2n ** 15n), 2n ** 15n - 1n],
  Int32: [-(2n ** 31n), 2n ** 31n - 1n],
  Int64: [-(2n ** 63n), 2n ** 63n - 1n],
  UInt8: [0n, 2n ** 8n - 1n],
  UInt16: [0n, 2n ** 16n - 1n],
  UInt32: [0n, 2n ** 32n - 1n],
  UInt64: [0n, 2n ** 64n - 1n],
}
export const boundsOf = (kind: string): readonly [bigint, bigint] | undefined => integerBounds[kind]

/** Each gives null, or why the text does not fit. */
export function integerProblem(text: string, kind: string): string | null {
  if (!/^-?\d{1,40}$/.test(text)) return `is not an ${kind}`
  const value = BigInt(text)
  const [least, most] = integerBounds[kind]!
  return value < least || value > most ? `is out of range for ${kind} (${least} to ${most})` : null
}

export function decimalProblem(text: string, precision: number, scale: number): string | null {
  const name = `Decimal128(${precision}, ${scale})`
  const match = /^-?(\d{1,80})(?:\.(\d{1,80}))?$/.exec(plainDecimal(text))
  if (!match) return `is not a ${name}`
  const whole = match[1]!.replace(/^0+/, '')
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return `has ${fraction.length} digits after the point, ${name} has ${scale}`
  return whole.length > precision - scale ? `is out of range for ${name}` : null
}

/** A JSON number without its exponent: `1.5e3` is `1500`. Far exponents stay: no decimal holds them. */
export function plainDecimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,3})$/.exec(text)
  if (!match) return text
  const [, sign, whole = '', fraction = '', exponent] = match
  const point = whole.length + Number(exponent)
  if (Math.abs(point) > 80) return text
  const digits = whole + fraction
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}${point < digits.length ? `.${digits.slice(point)}` : ''}`
}

const largestFloat32 = 3.4028235677973366e38

export function floatProblem(value: number, kind: string): string | null {
  if (!Number.isFinite(value)) return `is out of range for ${kind}`
  return kind === 'Float32' && Math.abs(value) >= largestFloat32 ? 'is out of range for Float32' : null
}

/** How text names what JSON has no numbers for. */
export const notFinite: ReadonlySet<string> = new Set(['Infinity', '-Infinity', 'NaN'])

const dayText = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`
const dayPattern = new RegExp(`^${dayText}$`)
const timePattern = new RegExp(
  String.raw`^${dayText}(?:[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,18})?(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?$`,
)

export const dateProblem = (text: string): string | null =>
  dayPattern.test(text) && isDay(text) ? null : 'is not a date (YYYY-MM-DD)'

/** Digits below the column's unit are cut off, as Delta's and Spark's own writers do. */
export function timestampProblem(text: string, zoned: boolean, unit: TimeUnit): string | null {
  if (!timePattern.test(text) || !isDay(text)) return 'is not a timestamp (RFC 3339, such as 2024-05-01T12:00:00Z)'
  if (!zoned && /(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(text.slice(10)))
    return 'has a zone, and the column is a wall-clock time without one'
  if (leavesYears(text)) return 'is out of range: in UTC it lies outside the years 1 to 9999'
  if (unit !== 'Nanosecond') return null
  const year = Number(text.slice(0, 4))
  return year < 1678 || year > 2261 ? 'is out of range for nanoseconds (1678 to 2261)' : null
}

/** For a timestamp: its zone moves the first day before year 1, or the last one past year 9999. */
function leavesYears(text: string): boolean {
  if (!text.startsWith('0001-01-01') && !text.startsWith('9999-12-31')) return false
  const zone = /([+-])(\d\d):?(\d\d)?$/.exec(text.slice(19))
  if (zone === null) return false
  const offset = (Number(zone[2]) * 60 + Number(zone[3] ?? 0)) * (zone[1] === '-' ? -1 : 1)
  const minute = Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16)) - offset
  return text.startsWith('0') ? minute < 0 : minute >= 24 * 60
}

/** For a text that begins as dayPattern has it. */
function isDay(text: string): boolean {
  if (text.startsWith('0000')) return false
  const day = Number(text.slice(8, 10))
  if (day <= 28) return true
  const [year, month] = [Number(text.slice(0, 4)), Number(text.slice(5, 7))]
  if (month === 2) return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return day <= 30 || ![4, 6, 9, 11].includes(month)
}

export const base64Problem = (text: string): string | null =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? null : 'is not base64'

/** A type by the name that a person would use for it in a sentence about a value. */
export function typeName(type: DataType): string {
  return type.kind === 'Decimal128' ? `Decimal128(${type.precision}, ${type.scale})` : type.kind
}
