/** Rows of a batch as Harper's records: told apart by their key, or, where there is none, by what they hold. */
import { createHash } from 'node:crypto'
import type { Batch } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import { nullKey } from '../../core/null-key.ts'
import { printable } from '../../core/ref.ts'
import { primaryKeyOf } from './table.ts'
import { jsonOf } from './types.ts'

/** Of a primary key, in UTF-8; one more is refused (measured with 4.7). */
const mostKeyBytes = 1978

export interface TargetRecord {
  readonly id: string
  /** Of the column that says which of two is newer; null when it is NULL, or there is no such column. */
  readonly time: string | null
  readonly row: Readonly<Record<string, unknown>>
}

/** One a key, the newest; of equally new ones the last. Throws `data` for a key that is NULL. */
export function recordsOf(batch: Batch, key: readonly string[], newest: string | null): TargetRecord[] {
  const primary = primaryKeyOf(key)
  const seen = new Map<string, number>()
  const records = new Map<string, TargetRecord>()
  for (let r = 0; r < batch.rows; r++) {
    const cells = batch.fields.map(({ name, type }, c) => [name, jsonOf(type, batch.columns[c]![r]!)] as const)
    const row = Object.fromEntries(cells)
    const time = newest === null ? null : ((row[newest] as string | null | undefined) ?? null)
    const id = key.length > 0 ? idOfKey(key, row, time) : idOfRow(cells, seen)
    const before = records.get(id)
    if (before && (before.time ?? '') > (time ?? '')) continue
    records.set(id, { id, time, row: { ...row, [primary]: id } })
  }
  return [...records.values()]
}

/** One column: its text. More: a JSON array of their texts. */
function idOfKey(key: readonly string[], row: Readonly<Record<string, unknown>>, time: string | null): string {
  const texts = key.map((name) => {
    const value = row[name]
    if (value === null || value === undefined) throw nullKey(name, time)
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  })
  const id = texts.length === 1 ? texts[0]! : JSON.stringify(texts)
  const bytes = Buffer.byteLength(id)
  if (bytes <= mostKeyBytes) return id
  const which = `${key.join(', ')} = ${id.slice(0, 60)}…`
  throw fail(
    'data',
    'key-too-long',
    `the key of a row has ${bytes} bytes, and Harper's have at most ${mostKeyBytes}: ${printable(which)}${time === null ? '' : ` (row of ${time})`}`,
    { hint: 'name another key, or another target for this table' },
  )
}

/** Equal rows are in one page, and there the n-th is the n-th whenever the page is written again. */
function idOfRow(cells: readonly (readonly [string, unknown])[], seen: Map<string, number>): string {
  const hash = createHash('sha256').update(JSON.stringify(cells)).digest('hex')
  const n = (seen.get(hash) ?? 0) + 1
  seen.set(hash, n)
  return `${hash}-${n}`
}
