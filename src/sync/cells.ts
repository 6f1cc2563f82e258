/** Times of a batch's rows, whatever the form of their column. */
import type { Batch, Cell } from '../core/batch.ts'
import { exactTime } from '../core/exact-time.ts'
import { nullKey } from '../core/null-key.ts'
import type { DataType, Field } from '../core/types.ts'

const dayMicros = 86_400_000_000n

/** Microseconds since 1970 of each row; null where it has no time. */
export function timesOf(batch: Batch, timestampColumn: string): readonly (bigint | null)[] {
  const at = batch.fields.findIndex((field) => field.name === timestampColumn)
  return (batch.columns[at] ?? []).map(microsOfCell)
}

/** Of a time (microseconds) or a date (days). */
function microsOfCell(cell: Cell): bigint | null {
  if (typeof cell === 'bigint') return cell
  return typeof cell === 'number' ? BigInt(cell) * dayMicros : null
}

/** Microseconds from one value of the column to the next. */
export function unitOf(fields: readonly Field[], timestampColumn: string): bigint {
  const type: DataType | undefined = fields.find((field) => field.name === timestampColumn)?.type
  if (type?.kind === 'Date32') return dayMicros
  if (type?.kind !== 'Timestamp') return 1n
  return type.unit === 'Second' ? 1_000_000n : type.unit === 'Millisecond' ? 1000n : 1n
}

/** Throws `null-key` for the first row that has none, before any row of the page is written. */
export function refuseNullKeys(batch: Batch, key: readonly string[], timestampColumn: string, where: string): void {
  for (const name of key) {
    const cells = batch.columns[batch.fields.findIndex((field) => field.name === name)] ?? []
    const row = cells.indexOf(null)
    if (row < 0) continue
    const time = timesOf(batch, timestampColumn)[row]
    throw nullKey(name, time == null ? null : exactTime(time), where)
  }
}
