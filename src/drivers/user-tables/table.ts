/** One user table and its users, as the hot store has them; and what every verb of the driver is handed. */
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { type Path, refOfPath } from '../../core/ref.ts'
import type { UserTableDefinition } from './definition.ts'
import type { Locations } from './location.ts'
import type { SchemaFiles } from './schema-files.ts'
import type { HotStore } from './store.ts'

export interface Home {
  readonly store: HotStore
  readonly locations: Locations
  readonly schemaFiles: SchemaFiles
  readonly environment: DriverEnvironment
}

export interface UserTable extends UserTableDefinition {
  readonly id: number
  readonly path: Path
  /** That made it. */
  readonly job: string
  readonly createdAt: string
}

export interface User {
  readonly id: number
  readonly name: string
  /** Of its newest row version; every write moves it, flush and optimize do not. */
  readonly sequence: number
  /** Rows that are there and not deleted. */
  readonly live: number
}

export function findTable(store: HotStore, path: Path): UserTable | undefined {
  const row = store.get('select * from tables where path = ?', path)
  return (
    row && {
      ...(JSON.parse(row.definition as string) as UserTableDefinition),
      id: Number(row.id),
      path,
      job: row.job as string,
      createdAt: row.created_at as string,
    }
  )
}

/** It is registered, and the hot store does not know it. */
export const tableLost = (path: Path): Error =>
  fail('refused', 'table-lost', `${refOfPath(path)} is registered, but the hot store no longer holds it`, {
    hint: `bring the hot store back from a backup, or tblctl unregister ${refOfPath(path)}: its segments stay where they are`,
  })

export function requireTable(store: HotStore, path: Path): UserTable {
  const table = findTable(store, path)
  if (table) return table
  throw fail('missing', 'table-not-found', `the backend holds no table ${refOfPath(path)}`, {
    hint: `tblctl create ${refOfPath(path)} --schema NAME`,
  })
}

export function findUser(store: HotStore, table: UserTable, name: string): User | undefined {
  const row = store.get('select * from users where table_id = ? and name = ?', table.id, name)
  return row && { id: Number(row.id), name, sequence: Number(row.sequence), live: Number(row.live) }
}

/** Within a writing transaction: the user, from now on one of the table's. */
export function ensureUser(store: HotStore, table: UserTable, name: string): User {
  store.run('insert into users (table_id, name) values (?, ?) on conflict do nothing', table.id, name)
  return findUser(store, table, name)!
}

/** Throws `missing` when the table was dropped, or made anew, since it was opened. */
export function requireSame(store: HotStore, table: UserTable): void {
  if (requireTable(store, table.path).id !== table.id)
    throw fail('missing', 'table-replaced', `${refOfPath(table.path)} was made anew meanwhile`)
}
