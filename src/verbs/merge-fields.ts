/** What the target table of a sync is to hold: what it has, and what its source has besides. */
import { fail } from '../core/errors.ts'
import { type Path, printable, refOfPath } from '../core/ref.ts'
import { type Field, sameType } from '../core/types.ts'

/**
 * Those that are there in their order, then the new ones, which are null in the rows that are there. Throws `refused` (`column-required`,
 * `type-changed`) naming the column where the two cannot be one.
 */
export function mergeFields(path: Path, there: readonly Field[], wanted: readonly Field[]): readonly Field[] {
  const kept = there.map((field) => {
    const now = wanted.find((other) => other.name === field.name)
    const where = `${refOfPath(path)}, column ${printable(field.name)}`
    if (now === undefined && !field.nullable)
      throw fail('refused', 'column-required', 'the source has no such column, and here it must have a value', {
        where,
      })
    if (now !== undefined && !sameType(now.type, field.type))
      throw fail('refused', 'type-changed', 'the source has this column with another type', { where })
    return { ...field, nullable: field.nullable || now?.nullable === true }
  })
  const added = wanted.filter((field) => !there.some((other) => other.name === field.name))
  return [...kept, ...added.map((field) => ({ ...field, nullable: true }))]
}
