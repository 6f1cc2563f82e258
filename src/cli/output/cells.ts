/**
 * Canonical cells (core/batch.ts) → what is printed: 64-bit integers and decimals exactly, timestamps as RFC 3339, dates as ISO 8601,
 * bytes as base64, nested values as JSON.
 */
import type { Cell } from '../../core/batch.ts'
import type { DataType, TimeUnit } from '../../core/types.ts'
import { jsonText } from './json.ts'
import type { CellValue } from './view.ts'

/** `value`: nested values and JSON are objects, for -o json, yaml and ndjson. `text`: they are JSON text, for tables and csv. */
export type CellForm = 'value' | 'text'
type Convert = (cell: Exclude<Cell, null>) => CellValue

/** Undefined: cells of this type are printed as they are. Null stays null and is never handed in. */
export function cellConverter(type: DataType, form: CellForm): Convert | undefined {
  const convert = valueConverter(type)
  const nested = type.kind === 'List' || type.kind === 'Struct' || type.kind === 'Map'
  if (form === 'value' || convert === undefined) return convert
  if (type.kind === 'Json' || type.kind === 'Variant') return undefined
  return nested ? (cell) => jsonText(convert(cell), null) : convert
}

function valueConverter(type: DataType): Convert | undefined {
  switch (type.kind) {
    case 'Date32':
      return (cell) => dateText(cell as number)
    case 'Timestamp':
      return (cell) => timestampText(cell as bigint, type.unit, type.zone !== null)
    case 'Float32':
      return (cell) => shortestFloat(cell as number)
    // A sum of integers is one: a number while every double holds it.
    case 'Decimal128':
      return type.scale === 0 ? (cell) => BigInt(cell as string) : undefined
    case 'Json':
    case 'Variant':
      return (cell) => parseJson(cell as string)
    case 'List': {
      const item = orNull(valueConverter(type.item))
      return (cell) => (cell as readonly Cell[]).map(item)
    }
    case 'Struct': {
      const members = type.fields.map((field) => [field.name, orNull(valueConverter(field.type))] as const)
      return (cell) => record(members.map(([name, member], i) => [name, member((cell as readonly Cell[])[i] ?? null)]))
    }
    case 'Map': {
      const [key, value] = [orNull(valueConverter(type.key)), orNull(valueConverter(type.value))]
      const pairs = (cell: Cell) =>
        (cell as readonly (readonly [Cell, Cell])[]).map(([k, v]) => [key(k), value(v)] as const)
      return type.key.kind === 'Utf8' ? (cell) => record(pairs(cell) as (readonly [string, CellValue])[]) : pairs
    }
    default:
      return undefined
  }
}

const orNull =
  (convert: Convert | undefined) =>
  (cell: Cell): CellValue =>
    cell === null || convert === undefined ? cell : convert(cell)

/** Without a prototype, so that a column called `__proto__` is a column. */
function record(members: readonly (readonly [string, CellValue])[]): object {
  const object = Object.create(null) as Record<string, CellValue>
  for (const [name, value] of members) object[name] = value
  return object
}

const msPerDay = 86_400_000
/** What a Date holds at most. */
const mostMs = 8.64e15
/** The calendar repeats itself. */
const yearsOfEra = 400
const msPerEra = 146_097 * msPerDay
/** The greatest values stand for infinity, and their negatives. */
const infiniteDays = 2 ** 31 - 1
const infiniteTime = 2n ** 63n - 1n

/** `2026-01-02T03:04:05.000Z`; a year that has no four digits has a sign and six or more, as in toISOString. */
function isoText(ms: number): string {
  if (Math.abs(ms) <= mostMs) return new Date(ms).toISOString()
  const eras = Math.trunc(ms / msPerEra)
  const inEra = new Date(ms - eras * msPerEra)
  const year = inEra.getUTCFullYear() + eras * yearsOfEra
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}${inEra.toISOString().slice(4)}`
}

/** Days since 1970-01-01. */
function dateText(days: number): string {
  if (Math.abs(days) >= infiniteDays) return infinity(days > 0)
  const text = isoText(days * msPerDay)
  return text.slice(0, text.indexOf('T'))
}

/** The fraction has 0, 3, 6 or 9 digits. Without a zone it is wall-clock time and has no `Z`. */
function timestampText(value: bigint, unit: TimeUnit, zoned: boolean): string {
  if (value >= infiniteTime || value <= -infiniteTime) return infinity(value > 0n)
  const digits = unit === 'Nanosecond' ? 9 : 6
  const perSecond = 10n ** BigInt(digits)
  const fraction = ((value % perSecond) + perSecond) % perSecond
  const ms = Number((value - fraction) / perSecond) * 1000
  const text =
    fraction === 0n
      ? ''
      : `.${String(fraction)
          .padStart(digits, '0')
          .replace(/(000)+$/, '')}`
  return `${isoText(ms).slice(0, -'.000Z'.length)}${text}${zoned ? 'Z' : ''}`
}

const infinity = (positive: boolean): string => (positive ? 'infinity' : '-infinity')

/** 0.1 as a 32-bit float is 0.1, not the double next to it. */
function shortestFloat(value: number): number {
  if (!Number.isFinite(value)) return value
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** Numbers that no double holds stay exact, as text. What is no JSON (a driver's mistake) is shown as text. */
function parseJson(text: string): CellValue {
  try {
    return JSON.parse(text, exactNumbers as (this: unknown, key: string, value: unknown) => unknown) as CellValue
  } catch {
    return text
  }
}

/** So many digits every double keeps. */
const certainDigits = 15

function exactNumbers(this: unknown, _key: string, value: unknown, context?: { readonly source: string }): unknown {
  if (typeof value !== 'number' || context === undefined) return value
  const { source } = context
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
  if (Number.isFinite(value) && (digits.length <= certainDigits || String(value) === source)) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : source
}
