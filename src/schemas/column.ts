/** Rules for the names and types of columns, at every depth of a type. */
import { printable } from '../core/ref.ts'
import { type DataType, formatType } from '../core/types.ts'

/** Delta, Parquet readers and SQL engines compare column names without case: two that differ only in it cannot live in one table. */
export const sameColumn = (a: string, b: string): boolean => folded(a) === folded(b)
const folded = (name: string): string => name.normalize('NFC').toLowerCase()

const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** Why this is no column name; null when it is one. Any script and punctuation is allowed: names are always quoted. */
export function columnNameProblem(name: string): string | null {
  if (name === '') return 'a column needs a name'
  if (name.trim() !== name) return `column "${printable(name)}" begins or ends with a space`
  if (hidden.test(name)) return `column "${printable(name)}" holds characters that cannot be seen`
  return Buffer.byteLength(name) > 255 ? `column "${printable(name)}" is longer than 255 bytes` : null
}

/** What the grammar of types lets pass and no engine stores; null when there is nothing. */
export function typeProblem(type: DataType): string | null {
  switch (type.kind) {
    case 'Timestamp':
      return type.zone === null || isZone(type.zone) ? null : `"${printable(type.zone)}" is no time zone`
    case 'List':
      return typeProblem(type.item)
    case 'Map': {
      const plain = !['List', 'Map', 'Struct', 'Json', 'Variant'].includes(type.key.kind)
      return plain
        ? typeProblem(type.value)
        : `the key of a map must be a plain type, not ${printable(formatType(type.key))}`
    }
    case 'Struct':
      for (const [i, field] of type.fields.entries()) {
        const twin = type.fields.slice(0, i).find((other) => sameColumn(other.name, field.name))
        if (twin) return `fields "${printable(twin.name)}" and "${printable(field.name)}" differ in case only`
        const wrong = columnNameProblem(field.name) ?? typeProblem(field.type)
        if (wrong !== null) return wrong
      }
      return null
    default:
      return null
  }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
