/**
 * Delta's schemaString to fields and back: lossless, or refused by name.
 *
 * Delta has fewer types than Arrow. What it stores in a wider one (UInt8 as short) or in the same one (Json as string) keeps its
 * own name in the column's metadata under `tblctl.type`, so that reading gives the declared type back; other engines ignore it.
 */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { type DataType, type Field, formatType, parseType, sameType } from '../../core/types.ts'
import { formatExact } from './log/exact-json.ts'
import {
  below,
  type DeltaField,
  type DeltaStruct,
  type DeltaType,
  parseSchema,
  storageForm,
} from './log/schema-string.ts'

const declaredTypeKey = 'tblctl.type'

/** Throws `data`/`bad-schema` for what is no schema, `refused`/`unsupported-type` for a type that tblctl does not know. */
export function parseSchemaString(schemaString: string): readonly Field[] {
  return fieldsOf(parseSchema(schemaString), '')
}

/**
 * `previous` is the table's schemaString so far: what it says about a column that stays (column mapping, invariants, other
 * writers' keys) is kept. A column is the same when its name is.
 */
export function formatSchemaString(fields: readonly Field[], previous?: string): string {
  return formatExact(deltaStruct(fields, '', previous === undefined ? undefined : parseSchema(previous)))
}

/** The column as Parquet files of a Delta table hold it: other engines read these types and know nothing of `tblctl.type`. */
export const storedField = (field: Field): Field => ({
  ...field,
  type: typeOf(deltaType(field.type, field.name), field.name),
})

const primitives: Readonly<Record<string, DataType>> = {
  string: { kind: 'Utf8' },
  long: { kind: 'Int64' },
  integer: { kind: 'Int32' },
  short: { kind: 'Int16' },
  byte: { kind: 'Int8' },
  float: { kind: 'Float32' },
  double: { kind: 'Float64' },
  boolean: { kind: 'Boolean' },
  binary: { kind: 'Binary' },
  date: { kind: 'Date32' },
  timestamp: { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' },
  timestamp_ntz: { kind: 'Timestamp', unit: 'Microsecond', zone: null },
  decimal: { kind: 'Decimal128', precision: 10, scale: 0 },
}

const fieldsOf = (type: DeltaStruct, at: string): Field[] => type.fields.map((field) => fieldOf(field, at))

function fieldOf(field: DeltaField, at: string): Field {
  const comment = field.metadata?.comment
  const stored = typeOf(field.type, below(at, field.name))
  return {
    name: field.name,
    type: declaredType(field.metadata?.[declaredTypeKey], stored, field.type),
    nullable: field.nullable !== false,
    ...(typeof comment === 'string' ? { description: comment } : {}),
  }
}

function typeOf(type: DeltaType, at: string): DataType {
  if (typeof type === 'string') return primitiveOf(type, at)
  switch (type.type) {
    case 'array':
      return {
        kind: 'List',
        item: typeOf(type.elementType, below(at, 'element')),
        itemNullable: type.containsNull !== false,
      }
    case 'map':
      return {
        kind: 'Map',
        key: typeOf(type.keyType, below(at, 'key')),
        value: typeOf(type.valueType, below(at, 'value')),
        valueNullable: type.valueContainsNull !== false,
      }
    case 'struct':
      return { kind: 'Struct', fields: fieldsOf(type, at) }
  }
}

function primitiveOf(type: string, at: string): DataType {
  const known = Object.hasOwn(primitives, type) ? primitives[type] : undefined
  if (known !== undefined) return known
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(type)
  const [precision, scale] = [Number(decimal?.[1]), Number(decimal?.[2])]
  if (precision >= 1 && precision <= 38 && scale <= precision) return { kind: 'Decimal128', precision, scale }
  throw fail(
    'refused',
    'unsupported-type',
    `column ${printable(at)} has the Delta type ${printable(type)}, which this version cannot read`,
  )
}

/** The declared type counts only while the column is still stored as that type would be: another writer may have changed it. */
function declaredType(declared: unknown, stored: DataType, delta: DeltaType): DataType {
  if (typeof declared !== 'string') return stored
  try {
    const type = parseType(declared)
    return storageForm(deltaType(type, '')) === storageForm(delta) ? overlay(type, stored) : stored
  } catch {
    return stored
  }
}

/** The declared type with the descriptions of the stored one, which the text of a type does not carry. */
function overlay(declared: DataType, stored: DataType): DataType {
  if (declared.kind === 'List' && stored.kind === 'List')
    return { ...declared, item: overlay(declared.item, stored.item) }
  if (declared.kind === 'Map' && stored.kind === 'Map')
    return { ...declared, key: overlay(declared.key, stored.key), value: overlay(declared.value, stored.value) }
  if (declared.kind === 'Struct' && stored.kind === 'Struct')
    return {
      kind: 'Struct',
      fields: stored.fields.map((field, i) => ({ ...field, type: overlay(declared.fields[i]!.type, field.type) })),
    }
  return declared
}

function deltaStruct(fields: readonly Field[], at: string, before?: DeltaType): DeltaStruct {
  if (fields.length === 0) throw lossy(at, 'Struct without fields')
  const known = typeof before === 'object' && before.type === 'struct' ? before.fields : []
  const names = new Set<string>()
  for (const { name } of fields) {
    if (name === '') throw fail('refused', 'bad-column-name', `a column${at && ` of ${printable(at)}`} has no name`)
    if (names.has(name.toLowerCase()))
      throw fail('data', 'duplicate-column', `column ${printable(below(at, name))} stands twice`, {
        hint: 'Delta does not tell upper from lower case in names',
      })
    names.add(name.toLowerCase())
  }
  return {
    type: 'struct',
    fields: fields.map((field) =>
      deltaField(
        field,
        at,
        known.find((other) => other.name === field.name),
      ),
    ),
  }
}

function deltaField(field: Field, at: string, before?: DeltaField): DeltaField {
  const path = below(at, field.name)
  const type = deltaType(field.type, path, before?.type)
  const { comment: _comment, [declaredTypeKey]: _declared, ...kept } = before?.metadata ?? {}
  return {
    name: field.name,
    type,
    nullable: field.nullable,
    metadata: {
      ...kept,
      ...(field.description === undefined ? {} : { comment: field.description }),
      ...(sameType(typeOf(type, path), field.type) ? {} : { [declaredTypeKey]: readableText(field.type) }),
    },
  }
}

/** Throws `data`/`bad-type` for a type so deep that its text could not be read back. */
function readableText(type: DataType): string {
  const text = formatType(type)
  parseType(text)
  return text
}

function deltaType(type: DataType, at: string, before?: DeltaType): DeltaType {
  switch (type.kind) {
    case 'Utf8':
    case 'Json':
      return 'string'
    case 'Int64':
    case 'UInt32':
      return 'long'
    case 'Int32':
    case 'UInt16':
      return 'integer'
    case 'Int16':
    case 'UInt8':
      return 'short'
    case 'Int8':
      return 'byte'
    case 'UInt64':
      return 'decimal(20,0)'
    case 'Float32':
      return 'float'
    case 'Float64':
      return 'double'
    case 'Boolean':
      return 'boolean'
    case 'Binary':
      return 'binary'
    case 'Date32':
      return 'date'
    case 'Decimal128':
      return `decimal(${type.precision},${type.scale})`
    case 'Timestamp':
      if (type.unit === 'Nanosecond') throw lossy(at, formatType(type), 'Delta keeps microseconds')
      return type.zone === null ? 'timestamp_ntz' : 'timestamp'
    case 'List': {
      const old = typeof before === 'object' && before.type === 'array' ? before.elementType : undefined
      return {
        type: 'array',
        elementType: deltaType(type.item, below(at, 'element'), old),
        containsNull: type.itemNullable,
      }
    }
    case 'Map': {
      const old = typeof before === 'object' && before.type === 'map' ? before : undefined
      return {
        type: 'map',
        keyType: deltaType(type.key, below(at, 'key'), old?.keyType),
        valueType: deltaType(type.value, below(at, 'value'), old?.valueType),
        valueContainsNull: type.valueNullable,
      }
    }
    case 'Struct':
      return deltaStruct(type.fields, at, before)
    case 'Variant':
      throw lossy(at, 'Variant', 'store the text as Json instead')
  }
}

const lossy = (at: string, type: string, hint?: string): Error =>
  fail(
    'refused',
    'unsupported-type',
    `${at === '' ? 'the table' : `column ${printable(at)}`} has the type ${type}, which Delta cannot hold without loss`,
    hint === undefined ? {} : { hint },
  )
