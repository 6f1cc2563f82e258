/**
 * The hot store: one SQLite file that several processes share. It holds the newest version of every row that no segment holds yet, and is
 * the truth about which segments there are: a flush moves rows from hot to cold in one transaction.
 */
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import { makeFolder } from '../../core/files.ts'
import { storeError } from './store-errors.ts'

const format = 1
const ddl = `
  create table tables (id integer primary key autoincrement, path text not null unique, definition text not null, job text not null, created_at text not null);
  create table users (id integer primary key autoincrement, table_id integer not null, name text not null,
    sequence integer not null default 0, live integer not null default 0, version integer not null default 0, published integer not null default 0, unique (table_id, name));
  create table hot_rows (user_id integer not null, key text not null, sequence integer not null, updated integer not null,
    deleted integer not null, cells text not null, primary key (user_id, key));
  create index hot_rows_by_sequence on hot_rows (user_id, sequence);
  create table segments (user_id integer not null, number integer not null, rows integer not null, tombstones integer not null,
    bytes integer not null, min_sequence integer not null, max_sequence integer not null, statistics text not null,
    created_at text not null, primary key (user_id, number));
  create table garbage (root text not null, key text not null, user_id integer not null, path text not null, primary key (root, key));
  create table batches (user_id integer not null, batch text not null, consumed integer not null, finished integer not null,
    job text not null, state text not null, primary key (user_id, batch));
  create table mutations (user_id integer not null, job text not null, rows integer not null, at integer not null, primary key (user_id, job));
  create table counters (snowflake integer not null, segment integer not null);
  insert into counters values (0, 0)`

export type Row = Record<string, SQLInputValue>

export class HotStore {
  private readonly db: DatabaseSync
  private readonly file: string
  private staged = 0
  constructor(file: string) {
    this.file = file
    try {
      makeFolder(dirname(file))
      this.db = new DatabaseSync(file, { timeout: 10_000 })
      this.db.exec('pragma journal_mode = wal; pragma synchronous = full')
    } catch (error) {
      throw storeError(error, file)
    }
    if (this.version() < format) this.migrate()
    if (this.version() === format) return
    this.close()
    throw fail('config', 'newer-hot-store', `${file} was written by a newer tblctl`, { hint: 'use that version' })
  }
  private version(): number {
    return Number(this.get('pragma user_version')!.user_version)
  }
  private migrate(): void {
    this.transaction(() => {
      if (this.version() < format) this.db.exec(`${ddl}; pragma user_version = ${format}`)
    }, 'immediate')
  }
  private transaction<T>(work: () => T, kind: 'immediate' | 'deferred', committing = (): void => {}): T {
    try {
      this.db.exec(`begin ${kind}`)
      const result = work()
      committing()
      this.db.exec('commit')
      return result
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (this.db.isTransaction) this.db.exec('rollback')
      throw storeError(error, this.file)
    }
  }
  /** One transaction; `step` names it for the fault harness. */
  write<T>(step: string, work: () => T): T {
    const result = this.transaction(work, 'immediate', () => durable(`user-tables.${step}:before`))
    durable(`user-tables.${step}:after`)
    return result
  }
  /** Everything read in `work` is as of one moment. */
  read<T>(work: () => T): T {
    return this.transaction(work, 'deferred')
  }
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.db.prepare(sql).get(...values) as Row | undefined
  }
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.db.prepare(sql).all(...values) as Row[]
  }
  /** Rows one by one; finish before anything else is done. */
  each(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.db.prepare(sql).iterate(...values) as IterableIterator<Row>
  }
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.db.prepare(sql).run(...values).changes)
  }
  /** A temporary table of this process alone, for rows that are on their way in; `into` adds to it, in one go. */
  stage(): {
    readonly name: string
    into(rows: readonly (readonly [key: string | null, cells: string])[]): void
  } & Disposable {
    const name = `temp.staging_${++this.staged}`
    this.db.exec(`create table ${name} (ordinal integer primary key, key text, cells text not null)`)
    const insert = this.db.prepare(`insert into ${name} (key, cells) values (?, ?)`)
    return {
      name,
      into: (rows) =>
        this.transaction(() => {
          for (const [key, cells] of rows) insert.run(key, cells)
        }, 'deferred'),
      [Symbol.dispose]: () => {
        if (this.db.isOpen) this.db.exec(`drop table ${name}`)
      },
    }
  }
  /**
   * The first of `count` ids that nobody else gets: milliseconds since 2024 in the upper bits and 22 lower ones to count with, rising over
   * all processes that share the store.
   */
  reserveIds(count: number, now: Date): bigint {
    const time = BigInt(now.getTime() - Date.UTC(2024, 0, 1)) << 22n
    return this.transaction(() => {
      const read = this.db.prepare('select snowflake from counters')
      read.setReadBigInts(true)
      const last = (read.get() as { snowflake: bigint }).snowflake
      const first = last >= time ? last + 1n : time
      this.run('update counters set snowflake = ?', first + BigInt(count) - 1n)
      return first
    }, 'immediate')
  }
  close(): void {
    if (this.db.isOpen) this.db.close()
  }
}
