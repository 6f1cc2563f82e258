/**
 * Column types in the engine: DataType → SQL type text, and a result's or a file's type → DataType.
 *
 * Instants are TIMESTAMPTZ, wall-clock times TIMESTAMP, both microseconds whatever the declared unit; nanoseconds are TIMESTAMP_NS,
 * and because the engine has no zoned form of those, zoned ones are kept as their UTC wall-clock time.
 */
import type { DuckDBType, DuckDBTypeId } from '@duckdb/node-api'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { type DataType, formatType, type SimpleType } from '../core/types.ts'
import { quoteIdentifier } from './sql-text.ts'

const simpleSql: Readonly<Partial<Record<SimpleType, string>>> = {
  Boolean: 'BOOLEAN',
  Int8: 'TINYINT',
  Int16: 'SMALLINT',
  Int32: 'INTEGER',
  Int64: 'BIGINT',
  UInt8: 'UTINYINT',
  UInt16: 'USMALLINT',
  UInt32: 'UINTEGER',
  UInt64: 'UBIGINT',
  Float32: 'FLOAT',
  Float64: 'DOUBLE',
  Utf8: 'VARCHAR',
  Binary: 'BLOB',
  Date32: 'DATE',
  Json: 'JSON',
}

/** SQL text of a type. Throws `type-unsupported` (Variant, a struct without fields), naming it. */
export function sqlType(type: DataType): string {
  switch (type.kind) {
    case 'Decimal128':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'Timestamp':
      return type.unit === 'Nanosecond' ? 'TIMESTAMP_NS' : type.zone === null ? 'TIMESTAMP' : 'TIMESTAMPTZ'
    case 'List':
      return `${sqlType(type.item)}[]`
    case 'Map':
      return `MAP(${sqlType(type.key)}, ${sqlType(type.value)})`
    case 'Struct':
      if (type.fields.length === 0) throw typeUnsupported(formatType(type))
      return `STRUCT(${type.fields.map((f) => `${quoteIdentifier(f.name)} ${sqlType(f.type)}`).join(', ')})`
    default: {
      const sql = simpleSql[type.kind]
      if (sql === undefined) throw typeUnsupported(formatType(type))
      return sql
    }
  }
}

/** Numbers of the engine's type ids (its own constants load only with the engine). */
const id = {
  BOOLEAN: 1,
  TINYINT: 2,
  SMALLINT: 3,
  INTEGER: 4,
  BIGINT: 5,
  UTINYINT: 6,
  USMALLINT: 7,
  UINTEGER: 8,
  UBIGINT: 9,
  FLOAT: 10,
  DOUBLE: 11,
  TIMESTAMP: 12,
  DATE: 13,
  HUGEINT: 16,
  VARCHAR: 17,
  BLOB: 18,
  DECIMAL: 19,
  TIMESTAMP_S: 20,
  TIMESTAMP_MS: 21,
  TIMESTAMP_NS: 22,
  ENUM: 23,
  LIST: 24,
  STRUCT: 25,
  MAP: 26,
  UUID: 27,
  TIMESTAMP_TZ: 31,
  ARRAY: 33,
  SQLNULL: 36,
} as const satisfies Record<string, DuckDBTypeId>

const simpleKind: Readonly<Record<number, SimpleType>> = {
  [id.BOOLEAN]: 'Boolean',
  [id.TINYINT]: 'Int8',
  [id.SMALLINT]: 'Int16',
  [id.INTEGER]: 'Int32',
  [id.BIGINT]: 'Int64',
  [id.UTINYINT]: 'UInt8',
  [id.USMALLINT]: 'UInt16',
  [id.UINTEGER]: 'UInt32',
  [id.UBIGINT]: 'UInt64',
  [id.FLOAT]: 'Float32',
  [id.DOUBLE]: 'Float64',
  [id.BLOB]: 'Binary',
  [id.DATE]: 'Date32',
  [id.UUID]: 'Utf8',
  [id.ENUM]: 'Utf8',
  [id.SQLNULL]: 'Utf8',
}

/** Type of a column of a file or a result; undefined when no DataType holds its values (TIME, INTERVAL, BIT, UNION, VARIANT, …). */
export function dataTypeOf(type: DuckDBType): DataType | undefined {
  switch (type.typeId) {
    case id.VARCHAR:
      return { kind: type.alias === 'JSON' ? 'Json' : 'Utf8' }
    case id.HUGEINT:
      return { kind: 'Decimal128', precision: 38, scale: 0 }
    case id.DECIMAL:
      return { kind: 'Decimal128', precision: type.width, scale: type.scale }
    case id.TIMESTAMP_S:
      return { kind: 'Timestamp', unit: 'Second', zone: null }
    case id.TIMESTAMP_MS:
      return { kind: 'Timestamp', unit: 'Millisecond', zone: null }
    case id.TIMESTAMP:
      return { kind: 'Timestamp', unit: 'Microsecond', zone: null }
    case id.TIMESTAMP_NS:
      return { kind: 'Timestamp', unit: 'Nanosecond', zone: null }
    case id.TIMESTAMP_TZ:
      return { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' }
    case id.LIST:
    case id.ARRAY: {
      const item = dataTypeOf(type.valueType)
      return item && { kind: 'List', item, itemNullable: true }
    }
    case id.MAP: {
      const key = dataTypeOf(type.keyType)
      const value = dataTypeOf(type.valueType)
      return key && value && { kind: 'Map', key, value, valueNullable: true }
    }
    case id.STRUCT: {
      const types = type.entryTypes.map(dataTypeOf)
      if (types.includes(undefined)) return undefined
      return { kind: 'Struct', fields: type.entryNames.map((name, i) => ({ name, type: types[i]!, nullable: true })) }
    }
    default: {
      const kind = simpleKind[type.typeId]
      return kind === undefined ? undefined : { kind }
    }
  }
}

/** The error for a type that the embedded engine or a DataType cannot hold. */
export function typeUnsupported(type: string, more: { column?: string; where?: string } = {}): Error {
  const column = more.column === undefined ? '' : ` of column "${printable(more.column)}"`
  return fail('data', 'type-unsupported', `type ${printable(type)}${column} is not supported by the embedded engine`, {
    ...(more.where === undefined ? {} : { where: more.where }),
    hint: 'store it as Utf8 or Json',
  })
}
