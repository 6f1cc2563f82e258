/** What names a row in a merge: columns that are there, hold one value each, and are never null. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { DataType, Field } from '../../../core/types.ts'

const nested: readonly DataType['kind'][] = ['List', 'Map', 'Struct', 'Json', 'Variant']

/** Throws `usage`: `no-such-column`, `bad-key`. `where`: the table, as messages call it. */
export function requireKey(fields: readonly Field[], key: readonly string[], where: string): void {
  for (const [i, name] of key.entries()) {
    const field = fields.find((candidate) => candidate.name === name)
    if (field === undefined)
      throw fail('usage', 'no-such-column', `the key column ${printable(name)} is no column of the table`, {
        where,
        hint: `its columns are ${fields.map((other) => printable(other.name)).join(', ')}`,
      })
    if (key.indexOf(name) !== i)
      throw fail('usage', 'bad-key', `the key names column ${printable(name)} twice`, { where })
    if (nested.includes(field.type.kind))
      throw fail('usage', 'bad-key', `column ${printable(name)} is a ${field.type.kind} and cannot name a row`, {
        where,
      })
  }
}

/** A null names nothing: two rows without a name are not the same row, and a merge that took them for one would lose one of them. */
export const neverNull = (fields: readonly Field[], key: readonly string[]): readonly Field[] =>
  fields.map((field) => (key.includes(field.name) ? { ...field, nullable: false } : field))
