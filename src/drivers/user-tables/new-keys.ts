/** Rows that are inserted must be new: their keys are nobody's, in the hot store and in the segments. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { Engine } from '../../engine/engine.ts'
import { quotePath } from '../../engine/sql-text.ts'
import { openSnapshot, readingSnapshot } from './snapshot.ts'
import { spoolLines } from './spool.ts'
import { keyText, type Staged } from './staging.ts'
import type { HotStore } from './store.ts'
import { findUser, type Home, type UserTable } from './table.ts'

/**
 * Throws `key-exists` (data) for a key that stands twice in the staged rows or that a row of the user has. Returns the sequence number that
 * this was found at: whoever writes the rows checks it again; null when the table has no key.
 */
export async function requireNewKeys(
  home: Home,
  table: UserTable,
  name: string,
  staged: Staged,
  engine: Engine,
): Promise<number | null> {
  if (table.primaryKey.length === 0) return null
  const { store } = home
  const twice = store.get(`select key from ${staged.name} group by key having count(*) > 1 limit 1`)
  if (twice) throw keyExists(table, name, String(twice.key), 'stands twice in the input')
  const user = findUser(store, table, name)
  if (!user) return 0
  // The hot rows first: what is flushed between the two looks is then seen in its segment.
  const hot = store.get(
    `select staged.key from ${staged.name} as staged join hot_rows on user_id = ? and hot_rows.key = staged.key where deleted = 0 limit 1`,
    user.id,
  )
  const found = hot ? String(hot.key) : await inSegments(home, table, name, user.id, staged, engine)
  if (found !== null) throw keyExists(table, name, found, 'is there already')
  return user.sequence
}

/** A staged key whose newest version in the segments is not deleted; what a hot row says of it is newer. */
async function inSegments(
  home: Home,
  table: UserTable,
  name: string,
  user: number,
  staged: Staged,
  engine: Engine,
): Promise<string | null> {
  const { store } = home
  // Before the segments are looked at: a tombstone that is flushed in between would leave its old row alone there.
  const keys = join(engine.directory, `new-keys-${randomUUID()}.ndjson`)
  spoolLines(keys, newKeys(store, staged, user))
  await using snapshot = await openSnapshot(home, table, name, { hot: false, cold: true })
  if (snapshot.segments.length === 0) return null
  const wanted = `SELECT key FROM read_json(${quotePath(keys)}, columns = {key: 'VARCHAR'}, format = 'newline_delimited', auto_detect = false)`
  const there = `SELECT "_key" AS key FROM (${snapshot.versions}) WHERE "_key" IN (${wanted})
     GROUP BY "_key" HAVING NOT arg_max("_deleted", "_seq") LIMIT 1`
  const [row] = await readingSnapshot(engine, snapshot, () => engine.all(there))
  return row ? String(row.key) : null
}

function* newKeys(store: HotStore, staged: Staged, user: number): Iterable<string> {
  const sql = `select key from ${staged.name} where key not in (select key from hot_rows where user_id = ?)`
  for (const { key } of store.each(sql, user)) yield JSON.stringify({ key })
}

const keyExists = (table: UserTable, name: string, key: string, why: string): Error =>
  fail('data', 'key-exists', `the row of user ${printable(name)} with ${keyText(table, key)} ${why}`, {
    hint: 'update the row, or leave it out of the input',
  })
