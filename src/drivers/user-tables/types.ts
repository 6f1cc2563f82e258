/**
 * Column types: SQL's names as the seed's statements write them, and how the hot store keeps a cell: as exact text. Both ways, lossless, or
 * refused by name.
 */
import type { Cell } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { type DataType, type Field, formatType } from '../../core/types.ts'
import { sqlType } from '../../engine/types.ts'

const sqlNames: Readonly<Record<string, DataType>> = {
  BIGINT: { kind: 'Int64' },
  INT8: { kind: 'Int64' },
  INT: { kind: 'Int32' },
  INTEGER: { kind: 'Int32' },
  INT4: { kind: 'Int32' },
  SMALLINT: { kind: 'Int16' },
  INT2: { kind: 'Int16' },
  BOOLEAN: { kind: 'Boolean' },
  BOOL: { kind: 'Boolean' },
  TEXT: { kind: 'Utf8' },
  STRING: { kind: 'Utf8' },
  VARCHAR: { kind: 'Utf8' },
  FLOAT: { kind: 'Float32' },
  REAL: { kind: 'Float32' },
  FLOAT4: { kind: 'Float32' },
  DOUBLE: { kind: 'Float64' },
  'DOUBLE PRECISION': { kind: 'Float64' },
  FLOAT8: { kind: 'Float64' },
  DATE: { kind: 'Date32' },
  BINARY: { kind: 'Binary' },
  BYTEA: { kind: 'Binary' },
  JSON: { kind: 'Json' },
  // The seed keeps milliseconds; microseconds hold every value that it does, and lose none that it would.
  TIMESTAMP: { kind: 'Timestamp', unit: 'Microsecond', zone: null },
  TIMESTAMPTZ: { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' },
}

/** `BIGINT`, `VARCHAR(20)`, `DECIMAL(18, 4)`. Throws the seed's message for a type that it does not know. */
export function typeOfSql(text: string): DataType {
  const [, name = '', first, second] = /^([A-Z0-9 ]+?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?$/i.exec(text) ?? []
  const upper = name.toUpperCase().replace(/\s+/g, ' ')
  if (/^(DECIMAL|NUMERIC)$/.test(upper) && first !== undefined) {
    const [precision, scale] = [Number(first), Number(second ?? 0)]
    if (precision >= 1 && precision <= 38 && scale <= precision) return { kind: 'Decimal128', precision, scale }
  }
  const type = Object.hasOwn(sqlNames, upper) ? sqlNames[upper] : undefined
  if (type && (first === undefined || upper === 'VARCHAR')) return type
  throw fail('refused', 'unsupported-type', `Unsupported data type: ${printable(text)}`, {
    hint: `types are ${Object.keys(sqlNames).join(', ')} and DECIMAL(p, s)`,
  })
}

/** Throws `unsupported-type` for what the hot store cannot keep without loss. */
export function requireStorable({ name, type }: Field): void {
  if (['List', 'Map', 'Struct', 'Variant'].includes(type.kind))
    throw fail(
      'refused',
      'unsupported-type',
      `column ${printable(name)} has the type ${formatType(type)}, which user tables cannot hold`,
      { hint: 'store it as Json' },
    )
}

/** Texts of equal keys are equal, and no two values share one: floats and Json are no keys. */
export function requireKeyType({ name, type }: Field): void {
  if (!['Float32', 'Float64', 'Json'].includes(type.kind)) return
  throw fail('usage', 'bad-key-type', `column ${printable(name)} (${formatType(type)}) cannot be part of a key`, {
    hint: 'use an integer, a text, a decimal, a date or a timestamp',
  })
}

/** A canonical cell (core/batch.ts) as text: digits, base64 for binary, microseconds or nanoseconds for times, days for dates. */
export function cellText({ kind }: DataType, cell: Cell): string | null {
  if (cell === null) return null
  if (kind === 'Binary') return Buffer.from(cell as Uint8Array).toString('base64')
  return Object.is(cell, -0) ? '-0.0' : String(cell)
}

/** SQL of the value that `cellText` made the text of; `text` is an SQL expression of that text. */
export function textSql(type: DataType, text: string): string {
  switch (type.kind) {
    case 'Binary':
      return `from_base64(${text})`
    case 'Date32':
      return `CAST(DATE '1970-01-01' + CAST(${text} AS INTEGER) AS DATE)`
    case 'Timestamp': {
      const count = `CAST(${text} AS BIGINT)`
      if (type.unit === 'Nanosecond') return `make_timestamp_ns(${count})`
      return `CAST(make_timestamp(${count}) AS ${sqlType(type)})`
    }
    default:
      return `CAST(${text} AS ${sqlType(type)})`
  }
}
