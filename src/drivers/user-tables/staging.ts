/** Rows on their way into the hot store: as exact text in a temporary table first, so that one short transaction takes them all or none. */
import type { Batch, Cell } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { HotStore } from './store.ts'
import { ensureUser, type Home, type User, type UserTable } from './table.ts'
import { cellText } from './types.ts'

export interface Staged extends Disposable {
  /** Temporary table `(ordinal, key, cells)`. */
  readonly name: string
  readonly rows: number
}

/**
 * `batches` bring the table's columns in order and, with `keyed`, the rows' `_key` behind them: versions of rows that are there. Fills in
 * ids; throws `null-value` for a null where none may be.
 */
export async function stageRows(
  { store }: Home,
  table: UserTable,
  batches: AsyncIterable<Batch>,
  now: () => Date,
  { keyed }: { readonly keyed: boolean },
): Promise<Staged> {
  const staging = store.stage()
  let rows = 0
  try {
    for await (const batch of batches) {
      staging.into(rowsOf(store, table, batch, now, keyed))
      rows += batch.rows
    }
    return { name: staging.name, rows, [Symbol.dispose]: () => staging[Symbol.dispose]() }
  } catch (error) {
    staging[Symbol.dispose]()
    throw error
  }
}

function rowsOf(store: HotStore, table: UserTable, batch: Batch, now: () => Date, keyed: boolean) {
  const columns = withIds(store, table, batch, now)
  return Array.from({ length: batch.rows }, (_, r): readonly [string | null, string] => {
    const cells = table.fields.map(({ name, type, nullable }, c) => {
      const text = cellText(type, columns[c]![r]!)
      if (text === null && !nullable)
        throw fail('data', 'null-value', `column ${printable(name)} may not be null`, { hint: 'give a value' })
      return text
    })
    const key = keyed ? (columns[table.fields.length]![r] as string) : keyOf(table, cells)
    return [key, JSON.stringify(cells)]
  })
}

/** Rows without an id get one. */
function withIds(store: HotStore, table: UserTable, batch: Batch, now: () => Date): readonly (readonly Cell[])[] {
  const at = table.generatesId ? table.fields.findIndex(({ name }) => name === 'id') : -1
  const missing = at < 0 ? 0 : batch.columns[at]!.filter((cell) => cell === null).length
  if (missing === 0) return batch.columns
  let next = store.reserveIds(missing, now())
  return batch.columns.map((column, c) => (c === at ? column.map((cell) => cell ?? next++) : column))
}

/** Null where the table has no key: then the row's sequence number tells it apart. */
function keyOf({ fields, primaryKey }: UserTable, cells: readonly (string | null)[]): string | null {
  if (primaryKey.length === 0) return null
  return JSON.stringify(primaryKey.map((name) => cells[fields.findIndex((field) => field.name === name)]!))
}

/** `id = 5`, for messages. */
export const keyText = ({ primaryKey }: UserTable, key: string): string =>
  (JSON.parse(key) as string[]).map((value, i) => printable(`${primaryKey[i]} = ${value}`)).join(', ')

export interface RowsWritten {
  readonly user: User
  readonly rows: number
}

/**
 * Within a writing transaction: the staged rows become the newest versions of their rows. `sequence`: what the caller has seen; null is
 * returned, and nothing written, when the user's rows have moved since. Null asks for no check.
 */
export function writeRows(
  store: HotStore,
  table: UserTable,
  name: string,
  staged: Staged,
  how: { readonly sequence: number | null; readonly deleted: boolean; readonly live: 1 | 0 | -1; readonly now: Date },
): RowsWritten | null {
  const user = ensureUser(store, table, name)
  if (how.sequence !== null && user.sequence !== how.sequence) return null
  store.run(
    `insert or replace into hot_rows (user_id, key, sequence, updated, deleted, cells)
     select ?1, coalesce(key, '#' || (?2 + ordinal)), ?2 + ordinal, ?3, ?4, cells from ${staged.name}`,
    user.id,
    user.sequence,
    how.now.getTime(),
    Number(how.deleted),
  )
  store.run(
    'update users set sequence = sequence + ?, live = live + ? where id = ?',
    staged.rows,
    how.live * staged.rows,
    user.id,
  )
  return { user, rows: staged.rows }
}
