/** The order that `optimize --sort` and `--zorder` give to the rows of each partition, and which partitions lack it. */
import type { LayoutOptions } from '../../../core/driver.ts'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { didYouMean } from '../../../core/suggest.ts'
import { type Field, formatType } from '../../../core/types.ts'
import type { LiveFile } from '../log/replay.ts'
import { sameName } from '../log/schema-edit.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { type Bin, binOf, partitionsOf } from './bins.ts'
import { layoutTag, type Target, targetTag, tooManyDeleted } from './triggers.ts'

export interface Layout {
  readonly by: 'sort' | 'zorder'
  /** As the table's files hold them. */
  readonly columns: readonly Field[]
}

/** Each column gives a curve fewer bits: with more of them it orders by none. */
const mostCurveColumns = 8

/** What was asked for; null = rows stay as they lie. Throws `usage` and `refused`, naming the column. */
export function layoutOf(
  { sort = [], zorder = [] }: LayoutOptions,
  snapshot: Snapshot,
  stored: readonly Field[],
): Layout | null {
  if (sort.length > 0 && zorder.length > 0)
    throw fail('usage', 'two-layouts', 'rows lie in one order: give --sort or --zorder, not both')
  const by = zorder.length > 0 ? 'zorder' : 'sort'
  const names = zorder.length > 0 ? zorder : sort
  if (names.length === 0) return null
  if (by === 'zorder' && names.length > mostCurveColumns)
    throw fail('usage', 'too-many-columns', `--zorder takes at most ${mostCurveColumns} columns, not ${names.length}`, {
      hint: 'those that are filtered by most; each further one makes the others worth less',
    })
  const columns: Field[] = []
  for (const name of names) columns.push(columnOf(name, columns, by, snapshot, stored))
  return { by, columns }
}

function columnOf(
  name: string,
  before: readonly Field[],
  by: Layout['by'],
  { metadata, fields }: Snapshot,
  stored: readonly Field[],
): Field {
  const at = fields.findIndex((field) => sameName(field.name, name))
  const field = fields[at]
  const option = { where: `--${by}` }
  if (field === undefined) {
    const near = didYouMean(
      name,
      fields.map((known) => known.name),
    )
    throw fail('usage', 'no-such-column', `the table has no column "${printable(name)}"`, {
      ...option,
      ...(near === undefined ? {} : { hint: `did you mean ${printable(near)}?` }),
    })
  }
  if (before.some((other) => other.name === field.name))
    throw fail('usage', 'column-twice', `column "${printable(name)}" stands twice`, option)
  if (metadata.partitionColumns.includes(field.name))
    throw fail(
      'refused',
      'partition-column',
      `"${printable(name)}" partitions the table: all rows of a file have one value of it`,
      {
        ...option,
        hint: 'rows are ordered within their partition, by its other columns',
      },
    )
  if (['Struct', 'List', 'Map', 'Binary', 'Json', 'Variant'].includes(field.type.kind))
    throw fail(
      'refused',
      'no-order',
      `column "${printable(name)}" is ${printable(formatType(field.type))}: no filter skips files by it`,
      {
        ...option,
        hint: 'numbers, texts, dates, times and booleans have an order',
      },
    )
  return stored[at]!
}

/** For people and for `tblctl.layout`: `zorder("a","b")`. */
export const layoutText = ({ by, columns }: Layout): string =>
  `${by}(${columns.map(({ name }) => JSON.stringify(name)).join(',')})`

/** The layout that a file's tag tells of; null when its columns are there no more. */
export function layoutOfTag(tag: string | undefined, snapshot: Snapshot, stored: readonly Field[]): Layout | null {
  const [, by, columns] = /^(sort|zorder)\((.+)\)$/.exec(tag ?? '') ?? []
  try {
    return by === undefined ? null : layoutOf({ [by]: JSON.parse(`[${columns}]`) }, snapshot, stored)
  } catch {
    return null
  }
}

/**
 * Partitions that are not wholly laid out so, in files of this size: each is rewritten whole. What was appended since carries no tag,
 * and a partition that has none of it is left.
 */
export function layoutBins(files: Iterable<LiveFile>, layout: Layout, target: Target): Bin[] {
  const tags = { [layoutTag]: layoutText(layout), [targetTag]: String(target.size) }
  const isLaidOut = (file: LiveFile): boolean =>
    Object.entries(tags).every(([tag, value]) => file.tags?.[tag] === value) && !tooManyDeleted(file)
  return partitionsOf(files, (file) => file)
    .filter((members) => !members.every(isLaidOut))
    .map((members) =>
      binOf(members, { weight: members.reduce((sum, { size }) => sum + size, 0), into: 'several', tags }),
    )
}
