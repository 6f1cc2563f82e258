/** A table schema in the words of others: JSON Schema for one row, and SQL. (Delta's schemaString is the delta driver's.) */

import type { JsonObject } from '../core/json.ts'
import type { TableSchema } from '../core/table-schema.ts'
import type { DataType, Field, TimeUnit } from '../core/types.ts'

/** JSON Schema 2020-12 of one row as one object, as `load` reads it and `query -o ndjson` prints it. */
export function toJsonSchema(schema: TableSchema): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: schema.name,
    ...(schema.description !== null && { description: schema.description }),
    ...objectOf(schema.fields),
  }
}

function objectOf(fields: readonly Field[]): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map((field) => [
        field.name,
        {
          ...nullableOf(field.type, field.nullable),
          ...(field.description !== undefined && { description: field.description }),
        },
      ]),
    ),
    required: fields.filter((field) => !field.nullable).map((field) => field.name),
    additionalProperties: false,
  }
}

function nullableOf(type: DataType, nullable: boolean): JsonObject {
  const plain = plainOf(type)
  // A document may be the JSON value null itself.
  if (!nullable || Object.keys(plain).length === 0) return plain
  return typeof plain.type === 'string'
    ? { ...plain, type: [plain.type, 'null'] }
    : { anyOf: [plain, { type: 'null' }] }
}

const safe = Number.MAX_SAFE_INTEGER

function plainOf(type: DataType): JsonObject {
  switch (type.kind) {
    case 'Boolean':
      return { type: 'boolean' }
    case 'Int8':
    case 'Int16':
    case 'Int32': {
      const half = 2 ** (Number(type.kind.slice(3)) - 1)
      return { type: 'integer', minimum: -half, maximum: half - 1 }
    }
    case 'UInt8':
    case 'UInt16':
    case 'UInt32':
      return { type: 'integer', minimum: 0, maximum: 2 ** Number(type.kind.slice(4)) - 1 }
    // Past 2^53 a JSON number is rounded by most readers: then it is a text.
    case 'Int64':
      return {
        anyOf: [
          { type: 'integer', minimum: -safe, maximum: safe },
          { type: 'string', pattern: '^-?[0-9]{1,19}$' },
        ],
      }
    case 'UInt64':
      return {
        anyOf: [
          { type: 'integer', minimum: 0, maximum: safe },
          { type: 'string', pattern: '^[0-9]{1,20}$' },
        ],
      }
    case 'Float32':
    case 'Float64':
      return { type: 'number' }
    case 'Decimal128':
      return { anyOf: [{ type: 'number' }, { type: 'string', pattern: decimalPattern(type.precision, type.scale) }] }
    case 'Utf8':
      return { type: 'string' }
    case 'Binary':
      return { type: 'string', contentEncoding: 'base64' }
    case 'Date32':
      return { type: 'string', format: 'date' }
    case 'Timestamp':
      // A wall-clock time has no zone, and so is no RFC 3339 date-time.
      return type.zone === null
        ? { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?$' }
        : { type: 'string', format: 'date-time' }
    case 'Json':
    case 'Variant':
      return {}
    case 'List':
      return { type: 'array', items: nullableOf(type.item, type.itemNullable) }
    case 'Map':
      return type.key.kind === 'Utf8'
        ? { type: 'object', additionalProperties: nullableOf(type.value, type.valueNullable) }
        : {
            type: 'array',
            items: {
              type: 'array',
              prefixItems: [plainOf(type.key), nullableOf(type.value, type.valueNullable)],
              minItems: 2,
              maxItems: 2,
            },
          }
    case 'Struct':
      return objectOf(type.fields)
  }
}

function decimalPattern(precision: number, scale: number): string {
  const whole = precision - scale
  return `^-?\\d{${whole === 0 ? '0,1' : `1,${whole}`}}${scale === 0 ? '' : `(\\.\\d{1,${scale}})?`}$`
}

/**
 * CREATE TABLE and COMMENT statements that DuckDB runs, near to ANSI SQL. Partitioning, retention and sort order are not SQL there
 * and left out, as is `not null` inside lists, maps and structs.
 */
export function toSqlDdl(schema: TableSchema): string {
  const table = identifier(schema.name)
  const lines = schema.fields.map(
    (field) => `  ${identifier(field.name)} ${sqlType(field.type)}${field.nullable ? '' : ' NOT NULL'}`,
  )
  if (schema.primaryKey.length > 0) lines.push(`  PRIMARY KEY (${schema.primaryKey.map(identifier).join(', ')})`)
  const comments = schema.fields
    .filter((field) => field.description !== undefined)
    .map((field) => `COMMENT ON COLUMN ${table}.${identifier(field.name)} IS ${literal(field.description ?? '')};\n`)
  const comment = schema.description === null ? '' : `COMMENT ON TABLE ${table} IS ${literal(schema.description)};\n`
  return `CREATE TABLE ${table} (\n${lines.join(',\n')}\n);\n${comment}${comments.join('')}`
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const sqlNames: Readonly<Partial<Record<DataType['kind'], string>>> = {
  Boolean: 'BOOLEAN',
  Int8: 'TINYINT',
  Int16: 'SMALLINT',
  Int32: 'INTEGER',
  Int64: 'BIGINT',
  UInt8: 'UTINYINT',
  UInt16: 'USMALLINT',
  UInt32: 'UINTEGER',
  UInt64: 'UBIGINT',
  Float32: 'REAL',
  Float64: 'DOUBLE',
  Utf8: 'VARCHAR',
  Binary: 'BLOB',
  Date32: 'DATE',
  Json: 'JSON',
  Variant: 'VARIANT',
}

const timestampNames: Readonly<Record<TimeUnit, string>> = {
  Second: 'TIMESTAMP_S',
  Millisecond: 'TIMESTAMP_MS',
  Microsecond: 'TIMESTAMP',
  Nanosecond: 'TIMESTAMP_NS',
}

function sqlType(type: DataType): string {
  switch (type.kind) {
    case 'Decimal128':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'Timestamp':
      // Instants have microseconds at most there; TIMESTAMP_NS holds them in UTC without losing a digit.
      if (type.zone !== null && type.unit !== 'Nanosecond') return 'TIMESTAMP WITH TIME ZONE'
      return timestampNames[type.unit]
    case 'List':
      return `${sqlType(type.item)}[]`
    case 'Map':
      return `MAP(${sqlType(type.key)}, ${sqlType(type.value)})`
    case 'Struct':
      return `STRUCT(${type.fields.map((field) => `${identifier(field.name)} ${sqlType(field.type)}`).join(', ')})`
    default:
      return sqlNames[type.kind]!
  }
}
