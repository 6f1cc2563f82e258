/**
 * Columns as NDJSON and CSV hold them, written so that a load reads the same values: bytes as base64, floating point that is not finite by
 * its name (JSON has no number for it), nested values in CSV as JSON.
 */
import type { DataType } from '../core/types.ts'
import { quoteIdentifier, quoteString } from './sql-text.ts'

/** SQL of the JSON text of a value; the engine's own `null` is SQL's. */
export const jsonText = (type: DataType | null, own: string): string =>
  // Line breaks in the own text of a document only stand between its tokens.
  type?.kind === 'Json'
    ? `translate(${own}::VARCHAR, chr(10) || chr(13), '  ')`
    : `to_json(${type === null ? own : written(type, own, 0)})::VARCHAR`

/** SQL of a CSV field. */
export function csvField(type: DataType | null, own: string): string {
  switch (type?.kind) {
    case 'Binary':
      return `to_base64(${own})`
    case 'Float32':
    case 'Float64':
      return `CASE WHEN isfinite(${own}) THEN ${own}::VARCHAR ELSE ${nameOf(own)} END`
    case 'List':
    case 'Map':
    case 'Struct':
      return jsonText(type, own)
    default:
      return own
  }
}

/** Of a value that is not finite. */
const nameOf = (own: string): string =>
  `CASE WHEN isnan(${own}) THEN 'NaN' WHEN ${own} > 0 THEN 'Infinity' WHEN ${own} < 0 THEN '-Infinity' END`

/** Whether the engine's JSON writer would write the type otherwise. */
function differs(type: DataType): boolean {
  switch (type.kind) {
    case 'Binary':
    case 'Float32':
    case 'Float64':
      return true
    case 'List':
      return differs(type.item)
    case 'Map':
      return differs(type.value)
    case 'Struct':
      return type.fields.some((field) => differs(field.type))
    default:
      return false
  }
}

/** SQL of a value of which `to_json` makes what a load reads. */
function written(type: DataType, own: string, depth: number): string {
  if (!differs(type)) return own
  const item = `item${depth}`
  const each = (list: string, of: DataType): string =>
    `list_transform(${list}, lambda ${item}: ${written(of, item, depth + 1)})`
  switch (type.kind) {
    case 'Binary':
      return `to_base64(${own})`
    case 'List':
      return each(own, type.item)
    case 'Map':
      return `CASE WHEN ${own} IS NOT NULL THEN map(map_keys(${own}), ${each(`map_values(${own})`, type.value)}) END`
    case 'Struct': {
      const members = type.fields.map(
        ({ name, type: member }) =>
          `${quoteIdentifier(name)} := ${written(member, `struct_extract(${own}, ${quoteString(name)})`, depth)}`,
      )
      return `CASE WHEN ${own} IS NOT NULL THEN struct_pack(${members.join(', ')}) END`
    }
    default:
      return `CASE WHEN isfinite(${own}) THEN to_json(${own}) ELSE to_json(${nameOf(own)}) END`
  }
}
