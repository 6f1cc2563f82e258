/** Changes to the columns of a schemaString, nested ones too: pure, and every other column keeps what the log says about it. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { DeltaField, DeltaStruct, DeltaType } from './schema-string.ts'

/** Names from the top; `element` leads into an array, `key` and `value` into a map. */
export type ColumnPath = readonly string[]

/**
 * `a`, `a.b`, `a.element.b`; a name with a dot stands in backticks, or is said whole where the table has such a column. Throws
 * `usage`/`bad-column` for an empty part.
 */
export function parsePath(schema: DeltaStruct, text: string): ColumnPath {
  if (schema.fields.some(({ name }) => name === text)) return [text]
  const parts = text.match(/(?:^|\.)(?:`(?:[^`]|``)*`|[^`.]*)/g) ?? []
  const path = parts.map((part, i) => {
    const name = i > 0 ? part.slice(1) : part
    return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name
  })
  if (parts.join('') === text && !path.includes('')) return path
  throw fail('usage', 'bad-column', `"${printable(text)}" names no column`, {
    hint: 'such as note, or place.city inside of a struct; a name with a dot stands in backticks',
  })
}

export const formatPath = (path: ColumnPath): string =>
  path.map((name) => (/[.`]/.test(name) ? `\`${name.replaceAll('`', '``')}\`` : name)).join('.')

/** Undefined when there is none of just this name; one that differs in case is an error, for Delta does not tell them apart. */
export function findColumn(schema: DeltaStruct, path: ColumnPath): DeltaField | undefined {
  const name = path.at(-1)!
  const there = structAt(schema, path.slice(0, -1))?.fields.find((field) => sameName(field.name, name))
  if (there === undefined || there.name === name) return there
  throw fail('refused', 'column-case', `the table has no column ${shown(path)}, it has ${printable(there.name)}`, {
    hint: 'Delta does not tell upper from lower case in names',
  })
}

/** At the end of its struct. Throws `refused` where its struct is not there. */
export const addColumn = (schema: DeltaStruct, parent: ColumnPath, field: DeltaField): DeltaStruct =>
  editFields(schema, parent, (fields) => [...fields, field])

export const dropColumn = (schema: DeltaStruct, path: ColumnPath): DeltaStruct =>
  editFields(schema, path.slice(0, -1), (fields) => {
    const left = fields.filter(({ name }) => name !== path.at(-1))
    if (left.length > 0) return left
    throw fail('refused', 'last-column', `column ${shown(path)} is the last one there is`, {
      hint: path.length > 1 ? 'drop the struct that it stands in' : 'a table needs a column',
    })
  })

/** Throws `refused`/`column-exists` when a column beside it has the new name, in whatever case. */
export const renameColumn = (schema: DeltaStruct, path: ColumnPath, to: string): DeltaStruct =>
  editFields(schema, path.slice(0, -1), (fields) => {
    const from = path.at(-1)!
    const other = fields.find(({ name }) => name !== from && sameName(name, to))
    if (other !== undefined) throw columnExists([...path.slice(0, -1), other.name])
    return fields.map((field) => (field.name === from ? { ...field, name: to } : field))
  })

export const columnExists = (path: ColumnPath, why = ''): Error =>
  fail('refused', 'column-exists', `the table has a column ${shown(path)}${why}`)

export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

const shown = (path: ColumnPath): string => printable(formatPath(path))

function structAt(type: DeltaType, path: ColumnPath): DeltaStruct | undefined {
  const [name, ...rest] = path
  if (typeof type === 'string') return undefined
  if (name === undefined) return type.type === 'struct' ? type : undefined
  if (type.type === 'array') return name === 'element' ? structAt(type.elementType, rest) : undefined
  if (type.type === 'map')
    return name === 'key' || name === 'value'
      ? structAt(name === 'key' ? type.keyType : type.valueType, rest)
      : undefined
  const field = type.fields.find((candidate) => candidate.name === name)
  return field && structAt(field.type, rest)
}

function editFields(
  schema: DeltaStruct,
  parent: ColumnPath,
  edit: (fields: readonly DeltaField[]) => readonly DeltaField[],
): DeltaStruct {
  if (structAt(schema, parent) === undefined)
    throw fail('refused', 'no-such-column', `the table has no struct ${shown(parent)}`, {
      hint: 'a column whose name has a dot is written in backticks',
    })
  return editAt(schema, parent, edit) as DeltaStruct
}

function editAt(
  type: DeltaType,
  path: ColumnPath,
  edit: (fields: readonly DeltaField[]) => readonly DeltaField[],
): DeltaType {
  const [name, ...rest] = path
  if (typeof type === 'string') return type
  if (type.type === 'array') return { ...type, elementType: editAt(type.elementType, rest, edit) }
  if (type.type === 'map')
    return name === 'key'
      ? { ...type, keyType: editAt(type.keyType, rest, edit) }
      : { ...type, valueType: editAt(type.valueType, rest, edit) }
  if (name === undefined) return { ...type, fields: edit(type.fields) }
  return {
    ...type,
    fields: type.fields.map((field) =>
      field.name === name ? { ...field, type: editAt(field.type, rest, edit) } : field,
    ),
  }
}
