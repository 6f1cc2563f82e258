/**
 * Segments: a user's cold rows, `batch-<n>.parquet`. A number is taken and its file written down as garbage first; then the file gets its
 * name; then one transaction makes it a segment. Killed in between, the file is swept away by whoever works on the user next, if it has the mark
 * that it was to have: what somebody else put there stays.
 */
import { randomUUID } from 'node:crypto'
import { Fenced } from '../../core/errors.ts'
import type { RunContext } from '../../core/operation.ts'
import type { Field } from '../../core/types.ts'
import type { Engine } from '../../engine/engine.ts'
import { type WrittenFile, writeParquet } from '../../engine/write-parquet.ts'
import { systemFields, versionFields } from './definition.ts'
import { discard } from './garbage.ts'
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

/** A file that may become a segment. */
export interface SegmentFile extends WrittenFile {
  /** In its footer: no other file has it. */
  readonly mark: string
}

/** Writes the rows of `select`, which come in the order of a segment. */
export async function writeSegment(
  engine: Engine,
  table: UserTable,
  select: string,
  path: string,
): Promise<SegmentFile> {
  const mark = randomUUID()
  const fields = segmentFields(table)
  const metadata = { tblctl: mark }
  return {
    ...(await writeParquet(engine, select, path, { fields, compression: 'zstd', ordered: true, metadata })),
    mark,
  }
}

/**
 * Makes the file a segment (null: there were no rows, and there is none) and, in the same transaction, what `swap` does. Throws Fenced when
 * another process has taken the user over and swept the file away; then nothing has changed.
 */
export async function addSegment(
  home: Home,
  table: UserTable,
  user: User,
  file: (SegmentFile & { readonly tombstones: number }) | null,
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

async function placeFile(home: Home, table: UserTable, user: User, file: SegmentFile): Promise<number> {
  const { store, root, prefix } = home.locations.of(table, user.name)
  let taken = Number(home.store.get('select segment from counters')!.segment)
  // What lies there under a number that is still to come is nobody's that we know: it stays, and its number is left out.
  while (await store.head(segmentKey(prefix, taken + 1))) taken++
  const number = home.store.write('segment-number', () => {
    // One counter for all: the number of a table that was dropped never comes again.
    const next = 'update counters set segment = max(segment, ?) + 1 returning segment'
    const number = Number(home.store.get(next, taken)!.segment)
    discard(home.store, table, user, root, segmentKey(prefix, number), file.mark)
    return number
  })
  await store.upload(segmentKey(prefix, number), file.path)
  return number
}

function insert(
  store: HotStore,
  table: UserTable,
  user: User,
  number: number,
  file: SegmentFile & { readonly tombstones: number },
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
    `insert into segments (user_id, number, rows, tombstones, bytes, min_sequence, max_sequence, statistics, created_at, mark)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    user.id,
    number,
    file.rows,
    file.tombstones,
    file.bytes,
    Number(min),
    Number(max),
    JSON.stringify(statistics),
    now.toISOString(),
    file.mark,
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
  discard(home.store, table, user, root, manifestKey(prefix), null)
}

/** Within a transaction: these segments are no more. False when one of them already was not. */
export function dropSegments(home: Home, table: UserTable, user: User, numbers: readonly number[]): boolean {
  const { root, prefix } = home.locations.of(table, user.name)
  for (const number of numbers) {
    const gone = home.store.get('delete from segments where user_id = ? and number = ? returning mark', user.id, number)
    if (!gone) return false
    discard(home.store, table, user, root, segmentKey(prefix, number), gone.mark as string | null)
  }
  return true
}
