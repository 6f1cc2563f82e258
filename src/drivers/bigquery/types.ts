/** Column types: BigQuery's TableFieldSchema → Arrow's logical types. What Arrow has no exact type for is text, as the wire brings it. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { DataType, Field } from '../../core/types.ts'

/** BigQuery REST reference, "TableFieldSchema". */
export interface FieldSchema {
  readonly name: string
  readonly type: string
  readonly mode?: string
  readonly description?: string
  readonly precision?: string
  readonly scale?: string
  readonly collation?: string
  /** `12`: picoseconds. */
  readonly timestampPrecision?: string
  readonly fields?: readonly FieldSchema[]
}

/** The API writes the older names, SQL the newer ones. */
const standard: Readonly<Record<string, string>> = {
  INTEGER: 'INT64',
  FLOAT: 'FLOAT64',
  BOOLEAN: 'BOOL',
  RECORD: 'STRUCT',
  DECIMAL: 'NUMERIC',
  BIGDECIMAL: 'BIGNUMERIC',
}
export const typeName = ({ type }: FieldSchema): string => standard[type] ?? type

const simple: Readonly<Record<string, DataType>> = {
  INT64: { kind: 'Int64' },
  FLOAT64: { kind: 'Float64' },
  BOOL: { kind: 'Boolean' },
  STRING: { kind: 'Utf8' },
  BYTES: { kind: 'Binary' },
  DATE: { kind: 'Date32' },
  DATETIME: { kind: 'Timestamp', unit: 'Microsecond', zone: null },
  TIMESTAMP: { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' },
  JSON: { kind: 'Json' },
  TIME: { kind: 'Utf8' },
  GEOGRAPHY: { kind: 'Utf8' },
  INTERVAL: { kind: 'Utf8' },
  RANGE: { kind: 'Utf8' },
}

/** Throws `type-unsupported` by the column's name for what would lose something. */
export function fieldOf(schema: FieldSchema): Field {
  const item = itemType(schema)
  const repeated = schema.mode === 'REPEATED'
  return {
    name: schema.name,
    // Elements of a stored array are never NULL; the array itself reads back as empty.
    type: repeated ? { kind: 'List', item, itemNullable: false } : item,
    nullable: schema.mode !== 'REQUIRED',
    ...(schema.description ? { description: schema.description } : {}),
  }
}

function itemType(schema: FieldSchema): DataType {
  const name = typeName(schema)
  switch (name) {
    case 'STRUCT':
      return { kind: 'Struct', fields: (schema.fields ?? []).map(fieldOf) }
    case 'NUMERIC':
      return decimal(schema, 38, 9)
    case 'BIGNUMERIC':
      // Without bounds it has 76 digits, twice what Decimal128 holds.
      return schema.precision === undefined ? { kind: 'Utf8' } : decimal(schema, 38, 38)
    case 'TIMESTAMP':
      if (Number(schema.timestampPrecision ?? 6) > 6) throw unsupported(schema, 'picoseconds would be lost')
  }
  const type = simple[name]
  if (type === undefined) throw unsupported(schema, 'it has no counterpart')
  return type
}

/** NUMERIC(p, s): the wire's text fits when p does; else it stays text. */
function decimal(schema: FieldSchema, mostPrecision: number, defaultScale: number): DataType {
  const scale = Number(schema.scale ?? (schema.precision === undefined ? defaultScale : 0))
  const precision = Number(schema.precision ?? mostPrecision)
  return precision > mostPrecision ? { kind: 'Utf8' } : { kind: 'Decimal128', precision, scale }
}

const unsupported = (schema: FieldSchema, why: string) =>
  fail('refused', 'type-unsupported', `column ${printable(schema.name)} is of type ${printable(schema.type)}: ${why}`, {
    hint: 'leave the column out',
  })
