/** Which columns, in which order, and how their cells read. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { SortKey } from '../flags/shared.ts'
import { jsonText } from './json.ts'
import { clean } from './text.ts'
import type { CellValue, Column } from './view.ts'

/** The usage error for `-o csv` where one thing is printed and no list. */
export const noRows = (): Error =>
  fail('usage', 'format-not-supported', 'what is printed here has no rows, so -o csv does not fit', {
    hint: 'use -o json, or -o csv with a command that lists',
  })

/** Columns by name in the order of the names; all when none are named. Throws a usage error for an unknown one. */
export function orderColumns<Item>(
  columns: readonly Column<Item>[],
  names: readonly string[] | null,
): readonly Column<Item>[] {
  if (names === null) return columns
  if (names.length === 0) throw fail('usage', 'no-columns', '--columns names no column', { hint: known(columns) })
  return names.map((name) => {
    const column = columns.find((candidate) => candidate.name === name)
    if (column !== undefined) return column
    const near = didYouMean(
      name,
      columns.map((candidate) => candidate.name),
    )
    throw fail('usage', 'unknown-column', `there is no column "${printable(name)}"`, {
      hint: near === undefined ? known(columns) : `did you mean ${near}?`,
    })
  })
}
const known = (columns: readonly Column<any>[]): string => `columns are ${columns.map(({ name }) => name).join(', ')}`

/** A new list; unknown values last in either direction, equal ones in their old order. */
export function sortItems<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  key: SortKey | null,
): readonly Item[] {
  if (key === null) return items
  const [column] = orderColumns(columns, [key.column])
  const sign = key.descending ? -1 : 1
  return items
    .map((item) => ({ item, value: column!.value(item) }))
    .sort((a, b) => {
      if (isUnknown(a.value) || isUnknown(b.value)) return Number(isUnknown(a.value)) - Number(isUnknown(b.value))
      return sign * compare(a.value, b.value)
    })
    .map(({ item }) => item)
}

const isUnknown = (value: CellValue): value is null | undefined => value === null || value === undefined
const isNumeric = (value: CellValue): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

function compare(a: CellValue, b: CellValue): number {
  if (isNumeric(a) && isNumeric(b)) return a < b ? -1 : a > b ? 1 : 0
  const [left, right] = [machineText(a), machineText(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** For people: `-` when not known, `? (why)` where the reason has room. */
export function cellText<Item>(column: Column<Item>, item: Item, reasons: boolean): string {
  const value = column.value(item)
  if (!isUnknown(value)) return clean(column.format === undefined ? machineText(value) : column.format(value, item))
  const why = reasons ? column.unknown?.(item) : undefined
  return why === undefined ? '-' : `? (${clean(why)})`
}

/** For machines: text as it is, '' when not known, everything else as JSON writes it. */
export function machineText(value: CellValue): string {
  if (isUnknown(value)) return ''
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  const text = jsonText(value, null)
  return text.startsWith('"') ? (JSON.parse(text) as string) : text
}
