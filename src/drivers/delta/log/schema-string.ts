/** The form of a schemaString (Delta PROTOCOL, "Schema Serialization Format"); what its types mean stands in ../types.ts. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { type ExactJson, isObject, parseExact } from './exact-json.ts'

export type FieldMetadata = { readonly [key: string]: ExactJson | undefined }
interface DeltaArray {
  readonly type: 'array'
  readonly elementType: DeltaType
  readonly containsNull: boolean
}
interface DeltaMap {
  readonly type: 'map'
  readonly keyType: DeltaType
  readonly valueType: DeltaType
  readonly valueContainsNull: boolean
}
export interface DeltaStruct {
  readonly type: 'struct'
  readonly fields: readonly DeltaField[]
}
export interface DeltaField {
  readonly name: string
  readonly type: DeltaType
  readonly nullable: boolean
  readonly metadata?: FieldMetadata
}
export type DeltaType = string | DeltaArray | DeltaMap | DeltaStruct

/** Throws `data`/`bad-schema`. Type names are not judged here. */
export function parseSchema(schemaString: string): DeltaStruct {
  let parsed: unknown
  try {
    parsed = parseExact(schemaString)
  } catch {
    throw badSchema('', 'it is not valid JSON')
  }
  if (!isObject(parsed) || parsed.type !== 'struct') throw badSchema('', 'it is no struct')
  checkShape(parsed, '', 0)
  return parsed as unknown as DeltaStruct
}

/** Every column with its dotted path and its metadata, nested ones too. */
export function columnMetadata(schema: DeltaStruct): readonly { path: string; metadata: FieldMetadata }[] {
  const found: { path: string; metadata: FieldMetadata }[] = []
  const visit = (type: DeltaType, at: string): void => {
    if (typeof type === 'string') return
    if (type.type === 'array') visit(type.elementType, below(at, 'element'))
    else if (type.type === 'map') {
      visit(type.keyType, below(at, 'key'))
      visit(type.valueType, below(at, 'value'))
    } else
      for (const field of type.fields) {
        const path = below(at, field.name)
        found.push({ path, metadata: field.metadata ?? {} })
        visit(field.type, path)
      }
  }
  visit(schema, '')
  return found
}

/** Equal for equal storage: without metadata, descriptions and spaces. */
export function storageForm(type: DeltaType): string {
  if (typeof type === 'string') return type === 'decimal' ? 'decimal(10,0)' : type.replace(/\s/g, '')
  switch (type.type) {
    case 'array':
      return `[${storageForm(type.elementType)} ${type.containsNull !== false}]`
    case 'map':
      return `<${storageForm(type.keyType)} ${storageForm(type.valueType)} ${type.valueContainsNull !== false}>`
    case 'struct':
      return `{${type.fields.map((f) => `${JSON.stringify(f.name)} ${storageForm(f.type)} ${f.nullable !== false}`).join()}}`
  }
}

export const below = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`)

/** After this, every struct has a list of named fields: nobody else need doubt it. */
function checkShape(type: unknown, at: string, depth: number): void {
  if (depth > 64) throw badSchema(at, 'it nests deeper than 64 levels')
  if (typeof type === 'string') return
  if (!isObject(type)) throw badSchema(at, 'a type is missing')
  switch (type.type) {
    case 'array':
      checkShape(type.elementType, below(at, 'element'), depth + 1)
      return
    case 'map':
      checkShape(type.keyType, below(at, 'key'), depth + 1)
      checkShape(type.valueType, below(at, 'value'), depth + 1)
      return
    case 'struct':
      checkFields(type.fields, at, depth)
      return
    default:
      throw badSchema(at, `${printable(JSON.stringify(type.type) ?? 'nothing')} is no type`)
  }
}

function checkFields(fields: unknown, at: string, depth: number): void {
  if (!Array.isArray(fields)) throw badSchema(at, 'a struct has no list of fields')
  const names = new Set<string>()
  for (const field of fields as readonly unknown[]) {
    if (!isObject(field) || typeof field.name !== 'string') throw badSchema(at, 'a field has no name')
    const path = below(at, field.name)
    if (field.metadata !== undefined && !isObject(field.metadata)) throw badSchema(path, 'its metadata is no object')
    // Delta, like the engines, compares names without regard to case.
    if (names.has(field.name.toLowerCase())) throw badSchema(path, 'another column has the same name')
    names.add(field.name.toLowerCase())
    checkShape(field.type, path, depth + 1)
  }
}

const badSchema = (at: string, why: string): Error =>
  fail('data', 'bad-schema', `the table's schema cannot be read${at && ` at column ${printable(at)}`}: ${why}`)
