/** RFC 4180, with the line end of Unix: a shell that reads it line by line finds no stray CR. Quotes where a field needs them. */
import { machineText } from './columns.ts'
import type { CellValue, Column } from './view.ts'

export function csvLine(values: readonly CellValue[]): string {
  return `${values.map((value) => field(machineText(value), value === '')).join(',')}\n`
}

export const csvHeader = (columns: readonly Column<any>[]): string => csvLine(columns.map((column) => column.name))

/** Unknown is an empty field, an empty text is `""`. */
function field(text: string, emptyText: boolean): string {
  return emptyText || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
