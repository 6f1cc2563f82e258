/**
 * Cells in PostgreSQL, in and out as the text of COPY: dates as Julian days, which have no trouble before year 1, and times with all six
 * digits. Json stays `json`, which keeps its text; nanoseconds are a bigint, because PostgreSQL has none.
 */
import type { Cell } from '../../../core/batch.ts'
import { bucketColumn, type Column } from '../topology.ts'
import { longestText } from '../types.ts'
import { textWithNul } from './errors.ts'
import { quoted } from './layout.ts'
import { exactDecimal } from './sqlite-cells.ts'

export function postgresType({ type, domain }: Column): string {
  if (domain === 'uuid') return domain
  switch (type.kind) {
    case 'Boolean':
      return 'boolean'
    case 'Int8':
    case 'UInt8':
    case 'Int16':
      return 'smallint'
    case 'UInt16':
    case 'Int32':
      return 'integer'
    case 'UInt64':
      return 'numeric(20, 0)'
    case 'Float32':
      return 'real'
    case 'Float64':
      return 'double precision'
    case 'Decimal128':
      return `numeric(${type.precision}, ${type.scale})`
    case 'Utf8':
      return 'text'
    case 'Json':
      return 'json'
    case 'Binary':
      return 'bytea'
    case 'Date32':
      return 'date'
    case 'Timestamp':
      return type.unit === 'Nanosecond' ? 'bigint' : type.zone === null ? 'timestamp' : 'timestamptz'
    default:
      return 'bigint'
  }
}

/** PostgreSQL docs, "COPY", "Text Format". */
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const escaped = (text: string): string => text.replaceAll(/[\\\n\r\t]/g, (character) => escapes[character]!)

const julianEpoch = 2_440_588n
const microsOfDay = 86_400_000_000n

/** Text of a cell in COPY … FROM; null is `\N`. */
export function toCopy({ name, type, domain }: Column): (cell: Exclude<Cell, null>) => string {
  if (domain === 'uuid') return (cell) => escaped(String(cell))
  switch (type.kind) {
    case 'Boolean':
      return (cell) => (cell ? 't' : 'f')
    case 'Float32':
    case 'Float64':
      return (cell) => (Object.is(cell, -0) ? '-0' : String(cell))
    case 'Decimal128':
      return (cell) => exactDecimal(String(cell), type.scale, name)
    case 'Utf8':
    case 'Json':
      return (cell) => {
        const text = cell as string
        if (text.includes('\0')) throw textWithNul(name)
        return escaped(text)
      }
    case 'Binary':
      return (cell) => `\\\\x${Buffer.from(cell as Uint8Array).toString('hex')}`
    case 'Date32':
      return (cell) => `J${BigInt(cell as number) + julianEpoch}`
    case 'Timestamp':
      if (type.unit === 'Nanosecond') return String
      return (cell) => `${timeText(cell as bigint)}${type.zone === null ? '' : '+00'}`
    default:
      return String
  }
}

function timeText(micros: bigint): string {
  const inDay = ((micros % microsOfDay) + microsOfDay) % microsOfDay
  const day = (micros - inDay) / microsOfDay + julianEpoch
  const seconds = Number(inDay / 1_000_000n)
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0')
  const fraction = String(inDay % 1_000_000n).padStart(6, '0')
  return `J${day} ${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`
}

/** PostgreSQL's infinite dates and times as the numbers that stand for them elsewhere. */
const finite = (own: string, most: bigint, otherwise: string): string =>
  `CASE ${own} WHEN 'infinity' THEN ${most} WHEN '-infinity' THEN ${-most} ELSE ${otherwise} END`

/** What COPY … TO selects for a column. */
export function copySelect({ name, type }: Column): string {
  const own = quoted(name)
  if (type.kind === 'Date32') return finite(own, 2n ** 31n - 1n, `${own} - DATE '1970-01-01'`)
  if (type.kind === 'Timestamp' && type.unit !== 'Nanosecond')
    return finite(own, 2n ** 63n - 1n, `(extract(epoch FROM ${own}) * 1000000)::bigint`)
  return own
}

/** A cell of the text of COPY … TO, escapes undone. */
export function fromCopy({ type }: Column): (text: string) => Cell {
  switch (type.kind) {
    case 'Boolean':
      return (text) => text === 't'
    case 'Float32':
      return (text) => Math.fround(Number(text))
    case 'Int64':
    case 'UInt64':
    case 'Timestamp':
      return BigInt
    case 'Utf8':
    case 'Json':
    case 'Decimal128':
      return (text) => text
    case 'Binary':
      return (text) => Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
    default:
      return Number
  }
}

const unescapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The fields of one line of COPY … TO; null for `\N`. */
export const splitCopyLine = (line: string): (string | null)[] =>
  line.split('\t').map((field) => {
    if (!field.includes('\\')) return field
    return field === '\\N'
      ? null
      : field.replaceAll(/\\(.)/gs, (_, character: string) => unescapes[character] ?? character)
  })

export function columnDdl(column: Column, low: number, high: number): string {
  const range = column.name === bucketColumn ? ` CHECK (${quoted(column.name)} BETWEEN ${low} AND ${high})` : ''
  return `${postgresColumn(column)}${column.nullable ? '' : ' NOT NULL'}${range}`
}

/** Name, type and length. PostgreSQL's own varchar(n) would cut trailing spaces silently. */
export function postgresColumn(column: Column): string {
  const name = quoted(column.name)
  const most = longestText(column)
  return `${name} ${postgresType(column)}${most === null ? '' : ` CHECK (char_length(${name}) <= ${most})`}`
}
