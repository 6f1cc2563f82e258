/** Columns of `tblctl list`. */
import type { TableItem } from '../../api/tables.ts'
import { fail } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { formatBytes } from '../../core/units.ts'
import type { GlobalOptions } from '../flags/shared.ts'
import type { Column, Paint } from '../output/view.ts'
import { countText, wordsOf } from './changes.ts'
import { labelsText } from './labels.ts'

export type ListRow = TableItem

const paints: Readonly<Record<string, Paint>> = {
  missing: (text, colors) => colors.red(text),
  unregistered: (text, colors) => colors.yellow(text),
}
/** Facts with a column of their own; a driver's others share one. */
const counted = ['files', 'rows', 'bytes'] as const

const fact = (name: (typeof counted)[number]): Column<ListRow> => ({
  name,
  align: 'right',
  value: (item) => item.facts?.[name] ?? null,
  ...(name === 'bytes'
    ? { format: (value: Json) => (typeof value === 'number' ? formatBytes(value) : String(value)) }
    : {}),
})

const liveColumns: readonly Column<ListRow>[] = [
  {
    name: 'status',
    value: (item) => item.live ?? null,
    paint: (value: string) => paints[value],
    unknown: (item) => item.unknown,
  },
  ...counted.map(fact),
  { name: 'facts', wide: true, value: otherFacts },
]

const columns: readonly Column<ListRow>[] = [
  { name: 'ref', value: (item) => item.ref },
  { name: 'driver', value: (item) => item.driver, unknown: () => 'its backend is not in tblctl.yaml' },
  { name: 'schema', value: (item) => item.schema },
  ...liveColumns,
  { name: 'labels', value: (item) => labelsText(item.labels) },
  { name: 'created', value: (item) => item.createdAt, format: shortTime },
  { name: 'updated', wide: true, value: (item) => item.updatedAt, format: shortTime },
  { name: 'location', wide: true, value: (item) => item.location },
]

export const tableColumns = (live: boolean): readonly Column<ListRow>[] =>
  live ? columns : columns.filter((column) => !liveColumns.includes(column))

/** Columns that only the backends know are refused where nobody asks them. */
export function checkLiveColumns({ columns: names, sortBy }: Pick<GlobalOptions, 'columns' | 'sortBy'>): void {
  const asked = [...(names ?? []), ...(sortBy === null ? [] : [sortBy.column])]
  const live = asked.find((name) => liveColumns.some((column) => column.name === name))
  if (live !== undefined)
    throw fail('usage', 'live-column', `only the backends know the column ${live}`, { hint: 'add --live' })
}

function otherFacts({ facts = {} }: ListRow): string | null {
  const others = Object.entries(facts).filter(
    ([name, value]) => value !== undefined && value !== null && !(counted as readonly string[]).includes(name),
  )
  const texts = others.map(
    ([name, value]) => `${wordsOf(name)} ${typeof value === 'number' ? countText(name, value) : String(value)}`,
  )
  return texts.join(', ') || null
}

/** RFC 3339 without the milliseconds. */
export function shortTime(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}
