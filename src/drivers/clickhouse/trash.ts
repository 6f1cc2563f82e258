/**
 * The trash: what is deleted keeps its rows under another name in the same database, with the time in its comment, until `vacuum` drops it
 * for good after a week. Both halves of the move can be done again, so a delete that was killed goes on.
 */
import { createHash } from 'node:crypto'
import { durable } from '../../core/durable.ts'
import type { Executor } from './executor.ts'
import { formatIdentity, type Identity } from './identity.ts'
import { quoteName, quoteString } from './names.ts'
import { readObjects, type TableObject } from './objects.ts'
import { findTable } from './table.ts'

/** How long what was deleted can be had back. */
export const graceDays = 7
const graceMs = graceDays * 86_400_000

/** A table on its way into the trash. */
export interface Trashing {
  readonly name: string
  readonly trash: string
  readonly identity: Identity
}

export function trashing(name: string, identity: Identity, at: Date): Trashing {
  const stamp = at.toISOString().slice(0, 19).replace(/\D/g, '')
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return { name, trash: `_trash_${stamp}_${digest}`, identity: { ...identity, trashed: at.toISOString() } }
}

export async function moveToTrash(executor: Executor, database: string, table: Trashing): Promise<void> {
  if ((await findTable(executor, { database, name: table.name })) === undefined) return
  const from = quoteName(database, table.name)
  durable('clickhouse.trash-comment:before')
  await executor.command({
    sql: `ALTER TABLE ${from} MODIFY COMMENT ${quoteString(formatIdentity(table.identity))}`,
  })
  durable('clickhouse.trash-comment:after')
  durable('clickhouse.trash-rename:before')
  await executor.command({ sql: `RENAME TABLE ${from} TO ${quoteName(database, table.trash)}` })
  durable('clickhouse.trash-rename:after')
}

/** What lies in the trash and may go for good. */
export async function expiredTrash(executor: Executor, database: string, now: Date): Promise<TableObject[]> {
  const objects = await readObjects(executor, { database })
  return objects.filter(
    ({ name, identity }) =>
      name.startsWith('_trash_') &&
      identity.trashed !== undefined &&
      Date.parse(identity.trashed) + graceMs <= now.getTime(),
  )
}

/** For good: there is no UNDROP after it. Large tables too: what is asked for was approved. */
export async function dropForGood(executor: Executor, database: string, name: string): Promise<void> {
  durable('clickhouse.drop:before')
  await executor.command({
    sql: `DROP TABLE IF EXISTS ${quoteName(database, name)} SYNC`,
    settings: { max_table_size_to_drop: 0 },
  })
  durable('clickhouse.drop:after')
}
