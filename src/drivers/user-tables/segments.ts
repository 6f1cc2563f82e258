/**
 * Segments: a user's cold rows, `batch-<n>.parquet`. A number is taken and its file written down as garbage first; then the file gets its
 * name; then one transaction makes it a segment. Killed in between, the file is swept away by whoever works on the user next.
 */
import { Fenced } from '../../core/errors.ts'
import type { RunContext } from '../../core/operation.ts'
import type { Field } from '../../core/types.ts'
import type { WrittenFile } from '../../engine/write-parquet.ts'
import { systemFields, versionFields } from './definition.ts'
import { manifestKey } from './manifest.ts'
import type { HotStore } from './store.ts'
import type { Home, User, UserTable } from './table.ts'

export const segmentKey = (prefix: string, number: number): string => `${prefix}/batch-${number}.parquet`

/** Columns of a segment, in order. */
export const segmentFields = (table: UserTable): readonly Field[] => [
  ...table.fields,
  ...systemFields,
  ...versionFields,
]

/**
 * Makes the file a segment (null: there were no rows, and there is none) and, in the same transaction, what `swap` does. Throws Fenced when
 * another process has taken the user over and swept the file away; then nothing has changed.
 */
export async function addSegment(
  home: Home,
  table: UserTable,
  user: User,
  file: (WrittenFile & { readonly tombstones: number }) | null,
  ctx: RunContext<any, any>,
  swap: () => void,
): Promise<void> {
  const { store } = home
  const number = file === null ? null : await placeFile(home, table, user, file)
  store.write('segment', () => {
    if (file !== null && number !== null) {
      const { root, prefix } = home.locations.of(table, user.name)
      const own = store.run('delete from garbage where root = ? and key = ?', root, segmentKey(prefix, number))
      if (own !== 1) throw new Fenced(ctx.job.id)
      insert(store, table, user, number, file, ctx.now())
    }
    swap()
    store.run('update users set version = version + 1 where id = ?', user.id)
  })
}

async function placeFile(home: Home, table: UserTable, user: User, file: WrittenFile): Promise<number> {
  const { store, root, prefix } = home.locations.of(table, user.name)
  const number = home.store.write('segment-number', () => {
    // One counter for all: the number of a table that was dropped never comes again.
    const next = Number(home.store.get('update counters set segment = segment + 1 returning segment')!.segment)
    discard(home.store, table, user, root, segmentKey(prefix, next))
    return next
  })
  await store.upload(segmentKey(prefix, number), file.path)
  return number
}

function insert(
  store: HotStore,
  table: UserTable,
  user: User,
  number: number,
  file: WrittenFile & { readonly tombstones: number },
  now: Date,
): void {
  const statistics = Object.fromEntries(
    (table.primaryKey.length > 0 ? table.primaryKey : ['id']).map((name) => {
      const { min = null, max = null, nulls = 0 } = file.columns[name] ?? {}
      return [name, { min, max, null_count: nulls }]
    }),
  )
  const { min, max } = file.columns._seq!
  store.run(
    `insert into segments (user_id, number, rows, tombstones, bytes, min_sequence, max_sequence, statistics, created_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    user.id,
    number,
    file.rows,
    file.tombstones,
    file.bytes,
    Number(min),
    Number(max),
    JSON.stringify(statistics),
    now.toISOString(),
  )
}

/** Within a transaction: the file is nobody's from now on. */
function discard(store: HotStore, table: UserTable, user: User, root: string, key: string): void {
  store.run(
    'insert or ignore into garbage (root, key, user_id, path) values (?, ?, ?, ?)',
    root,
    key,
    user.id,
    table.path,
  )
}

/** Within a transaction: the user has no files any more. */
export function dropUser(home: Home, table: UserTable, user: User): void {
  const numbers = home.store.all('select number from segments where user_id = ?', user.id)
  dropSegments(
    home,
    table,
    user,
    numbers.map((row) => Number(row.number)),
  )
  const { root, prefix } = home.locations.of(table, user.name)
  discard(home.store, table, user, root, manifestKey(prefix))
}

/** Within a transaction: these segments are no more. False when one of them already was not. */
export function dropSegments(home: Home, table: UserTable, user: User, numbers: readonly number[]): boolean {
  const { root, prefix } = home.locations.of(table, user.name)
  for (const number of numbers) {
    const gone = home.store.run('delete from segments where user_id = ? and number = ?', user.id, number)
    if (gone !== 1) return false
    discard(home.store, table, user, root, segmentKey(prefix, number))
  }
  return true
}

/** Deletes files that are nobody's: of a user, by whoever has the user to himself, or all that a dropped table left. */
export async function sweep(home: Home, of: { readonly user: number } | { readonly path: string }): Promise<number> {
  const { store } = home
  const rows =
    'user' in of
      ? store.all('select root, key from garbage where user_id = ?', of.user)
      : store.all('select root, key from garbage where path = ?', of.path)
  for (const { root, key } of rows as { root: string; key: string }[]) {
    await home.locations.open(root).delete([key])
    store.write('sweep', () => store.run('delete from garbage where root = ? and key = ?', root, key))
  }
  return rows.length
}
