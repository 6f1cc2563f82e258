/** The target table of a sync: made, or given the columns that it lacks. What would need a rewrite is refused by name. */
import { fail } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import { type Path, printable, refOfPath } from '../../core/ref.ts'
import { type Field, formatType, sameType } from '../../core/types.ts'
import type { TableDescription } from './operations.ts'
import { type Database, nameOf, primaryKeyOf, type Shape } from './table.ts'
import { attributeType, refuseNames } from './types.ts'

export async function ensure(
  database: Database,
  path: Path,
  wanted: { readonly fields: readonly Field[]; readonly key: readonly string[] },
  ctx: ReadContext,
): Promise<{ created: boolean; added: readonly string[] }> {
  const name = nameOf(path)
  const where = refOfPath(path)
  refuseNames(wanted.fields)
  const primary = primaryKeyOf(wanted.key)
  if (wanted.key.length !== 1 && wanted.fields.some((field) => field.name === primary))
    throw fail('refused', 'name-unsupported', `a column cannot be named ${primary} here: rows are told apart by it`, {
      where,
    })
  const table = await database.find(name, ctx)
  const names = wanted.fields.map((field) => field.name)
  if (!table) {
    await database.create(name, { ...wanted, partitions: [] }, ctx)
    return { created: true, added: names }
  }
  if (table.hash_attribute !== primary)
    throw fail(
      'refused',
      'other-key',
      `its rows are told apart by ${printable(table.hash_attribute)}, not by ${printable(primary)}`,
      { where },
    )
  const shape = await database.shape(table, ctx)
  const added = wanted.fields.filter((field) => !has(table, shape, field, primary, where))
  for (const field of added) await database.addAttribute(name, field, ctx)
  // Killed between the two, the attribute is there and the shape does not know it yet.
  const unknown = wanted.fields.filter((field) => !shape?.fields.some((known) => known.name === field.name))
  if (shape !== null && unknown.length > 0) {
    const more = unknown.map((field) => ({ ...field, nullable: true }))
    await database.keepShape(name, { ...shape, fields: [...shape.fields, ...more] }, ctx)
  }
  return { created: false, added: added.map((field) => field.name) }
}

/** False: the table lacks the column. Throws `refused` when it has it with another type. */
function has(table: TableDescription, shape: Shape | null, field: Field, primary: string, where: string): boolean {
  const there = table.attributes.find((other) => other.attribute === field.name)?.type
  if (there === 'BigInt') throw conflict(field, 'BigInt, in which Harper loses the value 0,', where)
  const known = shape?.fields.find((other) => other.name === field.name)
  if (known && !sameType(known.type, field.type)) throw conflict(field, formatType(known.type), where)
  if (known) return true
  const attribute = table.attributes.find((other) => other.attribute === field.name)
  if (!attribute) return false
  const type = attribute.type ?? 'Any'
  const texts = ['ID', 'String', 'Any']
  if (field.name === primary ? !texts.includes(type) : type !== 'Any' && type !== attributeType(field.type))
    throw conflict(field, type, where)
  return true
}

const conflict = (field: Field, there: string, where: string) =>
  fail(
    'refused',
    'type-changed',
    `column ${printable(field.name)} is ${there} here and ${formatType(field.type)} in the source`,
    { where },
  )
