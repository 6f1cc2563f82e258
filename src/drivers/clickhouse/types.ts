/**
 * Column types, DataType ↔ ClickHouse: lossless, or refused by name. What ClickHouse stores as something wider (Json and Binary as String,
 * wall-clock times as UTC) keeps its declared type in the table's identity; of tables of others, types that no DataType holds are text.
 */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import {
  type DataType,
  type Field,
  formatType,
  parseType,
  type SimpleType,
  sameType,
  type TimeUnit,
} from '../../core/types.ts'
import { quoteIdentifier, quoteString } from './names.ts'
import { parseTypeText, type TypeArgument, type TypeText } from './type-text.ts'

const simpleNames: Readonly<Partial<Record<SimpleType, string>>> = {
  Boolean: 'Bool',
  Int8: 'Int8',
  Int16: 'Int16',
  Int32: 'Int32',
  Int64: 'Int64',
  UInt8: 'UInt8',
  UInt16: 'UInt16',
  UInt32: 'UInt32',
  UInt64: 'UInt64',
  Float32: 'Float32',
  Float64: 'Float64',
  Utf8: 'String',
  Binary: 'String',
  Json: 'String',
  Date32: 'Date32',
}
const digits: Readonly<Record<TimeUnit, number>> = { Second: 0, Millisecond: 3, Microsecond: 6, Nanosecond: 9 }

/** The type that a new column gets. Throws `refused`/`unsupported-type` naming the column and its type. */
export function clickhouseType({ name, type, nullable }: Pick<Field, 'name' | 'type' | 'nullable'>): string {
  const refuse = (hint?: string): Error =>
    fail(
      'refused',
      'unsupported-type',
      `column ${printable(name)} has the type ${formatType(type)}${nullable ? ', nullable' : ''}, which ClickHouse cannot hold without loss`,
      hint === undefined ? {} : { hint },
    )
  return typeText(type, nullable, refuse)
}

type Refuse = (hint?: string) => Error

function typeText(type: DataType, nullable: boolean, refuse: Refuse): string {
  const base = baseType(type, refuse)
  if (!nullable) return base
  if (isComposite(type))
    throw refuse('ClickHouse keeps no null beside an empty list, map or struct: declare it nullable: false')
  return `Nullable(${base})`
}

function baseType(type: DataType, refuse: Refuse): string {
  switch (type.kind) {
    case 'Decimal128':
      return `Decimal(${type.precision}, ${type.scale})`
    case 'Timestamp':
      return `DateTime64(${digits[type.unit]}, ${quoteString(type.zone ?? 'UTC')})`
    case 'List':
      return `Array(${typeText(type.item, type.itemNullable, refuse)})`
    case 'Map':
      if (isComposite(type.key)) throw refuse('keys of maps are plain values')
      return `Map(${baseType(type.key, refuse)}, ${typeText(type.value, type.valueNullable, refuse)})`
    case 'Struct': {
      if (type.fields.length === 0) throw refuse()
      const fields = type.fields.map(
        (field) => `${quoteIdentifier(field.name)} ${typeText(field.type, field.nullable, refuse)}`,
      )
      return `Tuple(${fields.join(', ')})`
    }
    default: {
      const known = simpleNames[type.kind]
      if (known === undefined) throw refuse('store the text as Json instead')
      return known
    }
  }
}

const isComposite = ({ kind }: DataType): boolean => kind === 'List' || kind === 'Map' || kind === 'Struct'

export interface ColumnType {
  readonly type: DataType
  readonly nullable: boolean
  /** No DataType holds its values: they are shown as text (`toString`). */
  readonly asText: boolean
}

/** What a column of this ClickHouse type holds. `declared`: the type in the table's identity, which counts while it is stored as the column is. */
export function columnType(text: string, declared?: string): ColumnType {
  const { type, nullable } = readType(parseTypeText(text)) ?? { type: undefined, nullable: isNullable(text) }
  if (type === undefined) return { type: { kind: 'Utf8' }, nullable, asText: true }
  return { type: (declared && declaredType(declared, type)) || type, nullable, asText: false }
}

/** What a column made of `field` says of itself; the declared type has to be kept when it is another. */
export const storedType = (clickhouse: string): DataType => columnType(clickhouse).type

function declaredType(declared: string, stored: DataType): DataType | undefined {
  try {
    const type = parseType(declared)
    return sameType(storedType(typeText(type, false, () => new Error('unsupported'))), stored) ? type : undefined
  } catch {
    return undefined
  }
}

const isNullable = (text: string): boolean => /^(?:LowCardinality\()?Nullable\(/.test(text)

const simpleKinds: Readonly<Record<string, SimpleType>> = {
  ...Object.fromEntries(Object.entries(simpleNames).map(([kind, name]) => [name, kind as SimpleType])),
  String: 'Utf8',
  Date: 'Date32',
}

/** Undefined when no DataType holds its values (UUID, Enum8, Int256, JSON, …). */
function readType(text: TypeText): { type: DataType; nullable: boolean } | undefined {
  const inner = text.arguments.map((argument) => (argument.is === 'type' ? readType(argument.type) : undefined))
  const literal = (i: number): string | undefined => {
    const argument = text.arguments[i]
    return argument?.is === 'literal' ? argument.value : undefined
  }
  const plain = (type: DataType | undefined) => type && { type, nullable: false }
  switch (text.name) {
    case 'Nullable':
      return inner[0] && { ...inner[0], nullable: true }
    case 'LowCardinality':
      return inner[0]
    case 'DateTime':
      return plain({ kind: 'Timestamp', unit: 'Second', zone: literal(0) ?? 'UTC' })
    case 'DateTime64': {
      const unit = Object.entries(digits).find(([, count]) => count >= Number(literal(0) ?? 3))
      return plain({ kind: 'Timestamp', unit: unit![0] as TimeUnit, zone: literal(1) ?? 'UTC' })
    }
    case 'Decimal': {
      const [precision, scale] = [Number(literal(0)), Number(literal(1) ?? 0)]
      return precision <= 38 ? plain({ kind: 'Decimal128', precision, scale }) : undefined
    }
    case 'Array':
      return inner[0] && plain({ kind: 'List', item: inner[0].type, itemNullable: inner[0].nullable })
    case 'Map': {
      const [key, value] = inner
      return key && value && plain({ kind: 'Map', key: key.type, value: value.type, valueNullable: value.nullable })
    }
    case 'Tuple':
      return plain(structOf(text.arguments, inner))
    default: {
      const kind = text.arguments.length === 0 ? simpleKinds[text.name] : undefined
      return plain(kind && { kind })
    }
  }
}

function structOf(
  elements: readonly TypeArgument[],
  inner: readonly ({ type: DataType; nullable: boolean } | undefined)[],
): DataType | undefined {
  if (inner.length === 0 || inner.includes(undefined)) return undefined
  const fields = elements.map((element, i) => {
    const label = element.is === 'type' ? element.label : null
    return { name: label ?? String(i + 1), type: inner[i]!.type, nullable: inner[i]!.nullable }
  })
  return { kind: 'Struct', fields }
}
