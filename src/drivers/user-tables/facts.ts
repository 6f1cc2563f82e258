/** What the hot store knows of tables without opening a segment: over all users, and never whose. */
import type { HotStore, Row } from './store.ts'

export interface Facts {
  readonly users: number
  /** Not deleted, hot and cold; every write counts them. */
  readonly rows: number
  /** Versions that no segment holds yet, tombstones too. */
  readonly hotRows: number
  readonly files: number
  readonly bytes: number
  /** Deleted rows that segments still carry. */
  readonly tombstones: number
  /** Changes whenever a row or a segment does. */
  readonly marker: string
}

const sums = `select tables.path, tables.id, tables.definition, count(users.id) as users, coalesce(sum(live), 0) as rows,
  coalesce(sum(hot.n), 0) as hot_rows, coalesce(sum(cold.n), 0) as files, coalesce(sum(cold.bytes), 0) as bytes,
  coalesce(sum(cold.tombstones), 0) as tombstones, coalesce(sum(sequence), 0) as sequence, coalesce(sum(version), 0) as version
  from tables left join users on users.table_id = tables.id
  left join (select user_id, count(*) as n from hot_rows group by user_id) as hot on hot.user_id = users.id
  left join (select user_id, count(*) as n, sum(bytes) as bytes, sum(tombstones) as tombstones from segments group by user_id) as cold
    on cold.user_id = users.id`

export interface FactsOfTable {
  readonly path: string
  /** As it is stored. */
  readonly definition: string
  readonly facts: Facts
}

/** Tables whose paths begin with `prefix`, in their order. */
export const factsBelow = (store: HotStore, prefix: string): FactsOfTable[] =>
  store
    .all(`${sums} where substr(tables.path, 1, length(?1)) = ?1 group by tables.id order by tables.path`, prefix)
    .map(factsOf)

export const factsOfTable = (store: HotStore, id: number): Facts =>
  factsOf(store.get(`${sums} where tables.id = ? group by tables.id`, id)!).facts

const factsOf = (row: Row): FactsOfTable => ({
  path: row.path as string,
  definition: row.definition as string,
  facts: {
    users: Number(row.users),
    rows: Number(row.rows),
    hotRows: Number(row.hot_rows),
    files: Number(row.files),
    bytes: Number(row.bytes),
    tombstones: Number(row.tombstones),
    marker: `${row.id}.${row.sequence}.${row.version}`,
  },
})
