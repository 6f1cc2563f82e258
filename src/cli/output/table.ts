/** Aligned columns: no borders, so that `awk` reads them, and nothing shortened but on a terminal. */
import type { Colors } from '../io.ts'
import { cellText } from './columns.ts'
import { displayWidth, shorten } from './text.ts'
import type { Column } from './view.ts'

export interface TableStyle {
  readonly headers: boolean
  /** Cells of the terminal; null: as wide as it gets. */
  readonly width: number | null
  readonly colors: Colors
  /** Say why a value is unknown. */
  readonly reasons: boolean
}

/** Cells between two columns, and the fewest that a shortened one keeps. */
const gap = 2
const narrowest = 8

/** `widths` of an earlier window of the same list keep the columns where they were. */
export function tableLines<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  style: TableStyle,
  widths?: readonly number[],
): { readonly lines: readonly string[]; readonly widths: readonly number[] } {
  const heads = columns.map((column) => column.header ?? column.name.toUpperCase())
  const rows = items.map((item) => columns.map((column) => cellText(column, item, style.reasons)))
  const sized = widths ?? fitWidths(measure(style.headers ? [heads, ...rows] : rows, columns.length), style.width)
  const lines = rows.map((row, at) => {
    const item = items[at]!
    return line(row, sized, columns, style, (cell, c) => {
      const paint = columns[c]!.paint?.(columns[c]!.value(item))
      return paint === undefined ? cell : paint(cell, style.colors)
    })
  })
  if (style.headers && widths === undefined)
    lines.unshift(line(heads, sized, columns, style, (cell) => style.colors.dim(cell)))
  return { lines, widths: sized }
}

function measure(rows: readonly (readonly string[])[], count: number): number[] {
  const widths = new Array<number>(count).fill(0)
  for (const row of rows)
    for (let c = 0; c < count; c++) {
      const width = displayWidth(row[c]!)
      if (width > widths[c]!) widths[c] = width
    }
  return widths
}

/** Takes from the widest column until the line fits. */
function fitWidths(widths: number[], room: number | null): number[] {
  if (room === null) return widths
  let excess = widths.reduce((sum, width) => sum + width + gap, -gap) - room
  while (excess > 0) {
    const widest = Math.max(...widths)
    if (widest <= narrowest) break
    const second = Math.max(narrowest, ...widths.filter((width) => width < widest))
    const at = widths.indexOf(widest)
    const cut = Math.min(excess, Math.max(1, widest - second))
    widths[at] = Math.max(narrowest, widest - cut)
    excess -= widest - widths[at]!
  }
  return widths
}

function line(
  row: readonly string[],
  widths: readonly number[],
  columns: readonly Column<any>[],
  style: TableStyle,
  paint: (cell: string, column: number) => string,
): string {
  let text = ''
  for (let c = 0; c < row.length; c++) {
    const cell = style.width === null ? row[c]! : shorten(row[c]!, widths[c]!)
    const space = ' '.repeat(Math.max(0, widths[c]! - displayWidth(cell)))
    const last = c === row.length - 1
    const shown = paint(cell, c)
    text += columns[c]!.align === 'right' ? space + shown : last ? shown : shown + space
    if (!last) text += ' '.repeat(gap)
  }
  return text.trimEnd()
}
