/**
 * Column mapping (Delta PROTOCOL, "Column Mapping"): what a column is called in data files and in the log, and its number there. Above
 * the log every name is the one that people see; the physical one stays in here, in the engine's reads and writes, and in `add` actions.
 */
import { randomUUID } from 'node:crypto'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { DataType, Field } from '../../../core/types.ts'
import type { FieldIds } from '../../../engine/write-parquet.ts'
import type { Add, Metadata, PartitionValues, Protocol } from './actions.ts'
import { formatExact } from './exact-json.ts'
import { below, type DeltaField, type DeltaStruct, type DeltaType, parseSchema } from './schema-string.ts'
import type { Snapshot } from './snapshot.ts'

export interface ColumnMapping {
  /** How readers find a column in a file: by its physical name, or by the id that stands beside it there. */
  readonly mode: 'name' | 'id'
  /** Every field of it, nested ones too, has its keys: parsing checked that. */
  readonly schema: DeltaStruct
}

export const modeKey = 'delta.columnMapping.mode'
export const maxColumnIdKey = 'delta.columnMapping.maxColumnId'
const idKey = 'delta.columnMapping.id'
export const physicalNameKey = 'delta.columnMapping.physicalName'

/** The property means something only where the protocol knows the feature. */
export function supportsColumnMapping({ minReaderVersion, readerFeatures }: Protocol): boolean {
  return minReaderVersion === 2 || (minReaderVersion === 3 && (readerFeatures ?? []).includes('columnMapping'))
}

/** Null in mode `none`. Throws `data`/`bad-column-mapping` for a mode, a name or an id that cannot be. */
export function columnMappingOf(protocol: Protocol, metadata: Metadata): ColumnMapping | null {
  const mode = metadata.configuration[modeKey]?.toLowerCase() ?? 'none'
  if (mode === 'none' || !supportsColumnMapping(protocol) || metadata.schemaString === undefined) return null
  if (mode !== 'name' && mode !== 'id') throw bad('', `its mode is ${printable(mode)}`)
  const schema = parseSchema(metadata.schemaString)
  checkMapped(schema, '', new Set())
  return { mode, schema }
}

const none: PartitionValues = Object.freeze({})

/** A file's partition values by the columns' own names, every partition column among them; null for what the log leaves empty. */
export function partitionValuesOf(
  { mapping, metadata: { partitionColumns } }: Pick<Snapshot, 'mapping' | 'metadata'>,
  { partitionValues }: Pick<Add, 'partitionValues'>,
): PartitionValues {
  if (partitionColumns.length === 0) return none
  return Object.fromEntries(
    partitionColumns.map((column) => [column, partitionValues[physicalName(mapping, column)] || null]),
  )
}

/** What the log and the files call a column of the table. */
export const physicalName = (mapping: ColumnMapping | null, column: string): string =>
  mapping === null ? column : physicalNameOf(mapped(mapping.schema, column))

/** The same columns, in the same order and nested alike, under their physical names. */
export const physicalFields = (mapping: ColumnMapping | null, fields: readonly Field[]): readonly Field[] =>
  mapping === null ? fields : renamed(mapping.schema, fields, (field) => physicalNameOf(field))

/** Like physicalFields, each name chosen by the caller. */
export const fieldsCalled = (
  mapping: ColumnMapping,
  fields: readonly Field[],
  call: (id: number, physicalName: string) => string,
): readonly Field[] => renamed(mapping.schema, fields, (field) => call(idOf(field), physicalNameOf(field)))

/** Ids for the engine's writer, by physical names. Elements, keys and values of their own have none. */
export function fieldIds(mapping: ColumnMapping, fields: readonly Field[]): FieldIds {
  return idsOf(mapping.schema, fields)
}

/** Gives an id and a physical name to every column that lacks one, nested ones too, and counts on (`delta.columnMapping.maxColumnId`). */
export function withMappedColumns(
  metadata: Metadata & { readonly schemaString: string },
  nameOf: (column: string) => string = () => `col-${randomUUID()}`,
): Metadata & { readonly schemaString: string } {
  const schema = parseSchema(metadata.schemaString)
  let highest = Math.max(Number(metadata.configuration[maxColumnIdKey] ?? 0), highestId(schema))
  const visit = (type: DeltaType): DeltaType => {
    if (typeof type === 'string') return type
    if (type.type === 'array') return { ...type, elementType: visit(type.elementType) }
    if (type.type === 'map') return { ...type, keyType: visit(type.keyType), valueType: visit(type.valueType) }
    return visitFields(type)
  }
  const visitFields = (struct: DeltaStruct): DeltaStruct => ({
    ...struct,
    fields: struct.fields.map((field) => {
      const { [idKey]: id, [physicalNameKey]: name } = field.metadata ?? {}
      const metadata = { ...field.metadata, [idKey]: id ?? ++highest, [physicalNameKey]: name ?? nameOf(field.name) }
      return { ...field, type: visit(field.type), metadata }
    }),
  })
  return {
    ...metadata,
    schemaString: formatExact(visitFields(schema)),
    configuration: { ...metadata.configuration, [maxColumnIdKey]: String(highest) },
  }
}

const physicalNameOf = (field: DeltaField): string => field.metadata![physicalNameKey] as string
const idOf = (field: DeltaField): number => field.metadata![idKey] as number

function mapped(schema: DeltaStruct, name: string): DeltaField {
  const field = schema.fields.find((candidate) => candidate.name === name)
  if (field === undefined) throw fail('bug', 'bad-column-mapping', `column ${printable(name)} is not in the schema`)
  return field
}

function renamed(schema: DeltaStruct, fields: readonly Field[], call: (field: DeltaField) => string): readonly Field[] {
  return fields.map((field) => {
    const known = mapped(schema, field.name)
    return { ...field, name: call(known), type: renamedType(known.type, field.type, call) }
  })
}

/** A text that is declared Json, say, is a leaf on both sides. */
function renamedType(known: DeltaType, type: DataType, call: (field: DeltaField) => string): DataType {
  if (typeof known === 'string') return type
  if (known.type === 'struct' && type.kind === 'Struct')
    return { kind: 'Struct', fields: renamed(known, type.fields, call) }
  if (known.type === 'array' && type.kind === 'List')
    return { ...type, item: renamedType(known.elementType, type.item, call) }
  if (known.type === 'map' && type.kind === 'Map')
    return {
      ...type,
      key: renamedType(known.keyType, type.key, call),
      value: renamedType(known.valueType, type.value, call),
    }
  throw fail('bug', 'bad-column-mapping', `a ${known.type} of the schema is read as a ${type.kind}`)
}

const idsOf = (schema: DeltaStruct, fields: readonly Field[]): FieldIds =>
  Object.fromEntries(
    fields.map((field) => {
      const known = mapped(schema, field.name)
      const children = childIds(known.type, field.type)
      return [physicalNameOf(known), children === undefined ? idOf(known) : { id: idOf(known), children }]
    }),
  )

function childIds(known: DeltaType, type: DataType): FieldIds | undefined {
  if (typeof known === 'string') return undefined
  if (known.type === 'struct') return type.kind === 'Struct' ? idsOf(known, type.fields) : undefined
  const parts: [string, FieldIds | undefined][] = []
  if (known.type === 'array' && type.kind === 'List') parts.push(['element', childIds(known.elementType, type.item)])
  if (known.type === 'map' && type.kind === 'Map')
    parts.push(['key', childIds(known.keyType, type.key)], ['value', childIds(known.valueType, type.value)])
  const found = parts.flatMap(([name, children]) => (children === undefined ? [] : [[name, { children }] as const]))
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

/** After this every field has a physical name, unique among its neighbours, and an id, unique in the table. */
function checkMapped(type: DeltaType, at: string, ids: Set<number>): void {
  if (typeof type === 'string') return
  if (type.type === 'array') checkMapped(type.elementType, below(at, 'element'), ids)
  else if (type.type === 'map') {
    checkMapped(type.keyType, below(at, 'key'), ids)
    checkMapped(type.valueType, below(at, 'value'), ids)
  } else checkMappedFields(type.fields, at, ids)
}

function checkMappedFields(fields: readonly DeltaField[], at: string, ids: Set<number>): void {
  const names = new Set<string>()
  for (const field of fields) {
    const path = below(at, field.name)
    const { [idKey]: id, [physicalNameKey]: name } = field.metadata ?? {}
    if (typeof name !== 'string' || name === '') throw bad(path, 'it has no physical name')
    if (names.has(name.toLowerCase())) throw bad(path, 'another column has the same physical name')
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) throw bad(path, 'it has no id')
    if (ids.has(id)) throw bad(path, `another column has the id ${id} too`)
    names.add(name.toLowerCase())
    ids.add(id)
    checkMapped(field.type, path, ids)
  }
}

function highestId(type: DeltaType): number {
  if (typeof type === 'string') return 0
  if (type.type === 'array') return highestId(type.elementType)
  if (type.type === 'map') return Math.max(highestId(type.keyType), highestId(type.valueType))
  const own = ({ metadata }: DeltaField): number => (typeof metadata?.[idKey] === 'number' ? metadata[idKey] : 0)
  return Math.max(0, ...type.fields.map((field) => Math.max(own(field), highestId(field.type))))
}

const bad = (at: string, why: string): Error =>
  fail('data', 'bad-column-mapping', `the table's column mapping cannot be read${at && ` at ${printable(at)}`}: ${why}`)
