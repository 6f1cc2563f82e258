/** Column types: SQL's names in a CREATE TABLE ↔ DataType, and what both engines can hold. INTEGER has 64 bits, as SQLite's has. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { type DataType, formatType, type SimpleType } from '../../core/types.ts'
import type { Domain } from './topology.ts'

interface SqlType {
  readonly type: DataType
  readonly domain: Domain
}

const simple: Readonly<Record<string, SimpleType>> = {
  BOOLEAN: 'Boolean',
  BOOL: 'Boolean',
  TINYINT: 'Int8',
  SMALLINT: 'Int16',
  INT2: 'Int16',
  INTEGER: 'Int64',
  INT: 'Int64',
  INT4: 'Int64',
  INT8: 'Int64',
  BIGINT: 'Int64',
  REAL: 'Float64',
  FLOAT: 'Float64',
  FLOAT4: 'Float32',
  FLOAT8: 'Float64',
  DOUBLE: 'Float64',
  'DOUBLE PRECISION': 'Float64',
  TEXT: 'Utf8',
  CLOB: 'Utf8',
  BLOB: 'Binary',
  BYTEA: 'Binary',
  DATE: 'Date32',
  JSON: 'Json',
  JSONB: 'Json',
}

const times: Readonly<Record<string, string | null>> = {
  TIMESTAMP: null,
  DATETIME: null,
  'TIMESTAMP WITHOUT TIME ZONE': null,
  TIMESTAMPTZ: 'UTC',
  'TIMESTAMP WITH TIME ZONE': 'UTC',
}

/** The type as a statement wrote it. Throws `type-unsupported`, naming type and column. */
export function readSqlType(written: string, column: string): SqlType {
  const text = written.toUpperCase().replaceAll(/\s+/g, ' ').trim()
  const match = /^([A-Z][A-Z0-9 ]*?) ?(?:\( ?(\d{1,5}) ?(?:, ?(\d{1,3}) ?)?\))?( (?:WITH|WITHOUT) TIME ZONE)?$/.exec(
    text,
  )
  const name = `${match?.[1] ?? ''}${match?.[4] ?? ''}`
  const [first, second] = [match?.[2], match?.[3]]
  if (first === undefined) {
    if (simple[name]) return { type: { kind: simple[name] }, domain: null }
    if (name === 'UUID') return { type: { kind: 'Utf8' }, domain: 'uuid' }
    if (name === 'VARCHAR' || name === 'CHARACTER VARYING') return { type: { kind: 'Utf8' }, domain: null }
  }
  if (name in times && (first === undefined || first === '6') && second === undefined)
    return { type: { kind: 'Timestamp', unit: 'Microsecond', zone: times[name]! }, domain: null }
  if ((name === 'VARCHAR' || name === 'CHARACTER VARYING') && Number(first) > 0 && second === undefined)
    return { type: { kind: 'Utf8' }, domain: `varchar(${Number(first)})` }
  if ((name === 'NUMERIC' || name === 'DECIMAL') && first !== undefined) {
    const [precision, scale] = [Number(first), Number(second ?? 0)]
    if (precision >= 1 && precision <= 38 && scale <= precision)
      return { type: { kind: 'Decimal128', precision, scale }, domain: null }
  }
  throw fail(
    'refused',
    'type-unsupported',
    `column "${printable(column)}": type ${printable(written)} cannot be stored alike by every node`,
    {
      hint: 'types are INTEGER, BIGINT, SMALLINT, BOOLEAN, TEXT, VARCHAR(n), NUMERIC(p, s) with p up to 38, REAL, DOUBLE PRECISION, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, JSON, BLOB',
    },
  )
}

const stored = new Set<string>([
  ...['Boolean', 'Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64', 'Float32', 'Float64'],
  ...['Utf8', 'Binary', 'Date32', 'Json', 'Decimal128', 'Timestamp'],
])

/** Throws `type-unsupported` for what a column of a SQL table cannot hold. */
export function refuseType(type: DataType, column: string): void {
  if (stored.has(type.kind)) return
  throw fail(
    'refused',
    'type-unsupported',
    `column "${printable(column)}": type ${printable(formatType(type))} cannot be stored alike by every node`,
    { hint: 'store it as Json' },
  )
}

/** As PostgreSQL gives it back: small letters, with hyphens. Null for what is no UUID. */
export function uuidText(text: string): string | null {
  const digits = text.toLowerCase().replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/.test(digits)) return null
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Characters that a text may have at most; null = as many as it likes. */
export function longestText({ domain }: { readonly domain: Domain }): number | null {
  const most = /^varchar\((\d+)\)$/.exec(domain ?? '')?.[1]
  return most === undefined ? null : Number(most)
}

/** Exact text with just `scale` digits after the point. Undefined when digits would be lost. */
export function decimalText(text: string, scale: number): string | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text)
  if (!match) return undefined
  const [, sign, whole, fraction = ''] = match as unknown as [string, string, string, string | undefined]
  if (/[1-9]/.test(fraction.slice(scale))) return undefined
  const digits = fraction.slice(0, scale).padEnd(scale, '0')
  return `${sign}${whole.replace(/^0+(?=\d)/, '')}${scale > 0 ? `.${digits}` : ''}`
}
