/**
 * The hot store: one SQLite file that several processes share. It holds the newest version of every row that no segment holds yet, and is
 * the truth about which segments there are: a flush moves rows from hot to cold in one transaction.
 */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import { makeFolder } from '../../core/files.ts'
import { printable } from '../../core/ref.ts'
import { writeAheadLog } from '../../core/write-ahead-log.ts'
import { storeError } from './store-errors.ts'

/** One after the other; their number is the format of a file. */
const migrations = [
  `
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
  insert into counters values (0, 0)`,
  // Which hot store it is, and which file a segment is: what lies below a location may be another's.
  `create table identity (store text not null);
  insert into identity values (lower(hex(randomblob(16))));
  alter table segments add column mark text;
  alter table garbage add column mark text`,
]
const format = migrations.length

export type Row = Record<string, SQLInputValue>

export class HotStore {
  private db: DatabaseSync | null = null
  private readonly file: string
  private staged = 0
  constructor(file: string) {
    this.file = file
    if (existsSync(file)) this.opened(false)
  }
  /** Without a file reads see an empty store: only a write makes the file. */
  private opened(writing: boolean): DatabaseSync {
    const known = this.db?.isOpen ? this.db : null
    if (known?.isTransaction) return known
    if (known !== null && (known.location() !== null || (!writing && !existsSync(this.file)))) return known
    known?.close()
    const inMemory = !writing && !existsSync(this.file)
    try {
      if (!inMemory) makeFolder(dirname(this.file))
      this.db = new DatabaseSync(inMemory ? ':memory:' : this.file, { timeout: 10_000 })
      requireHotStore(this.db, this.file)
      if (!inMemory) {
        writeAheadLog(this.db)
        this.db.exec('pragma synchronous = full')
      }
      if (versionOf(this.db) < format) this.migrate(this.db)
      return this.db
    } catch (error) {
      this.close()
      throw storeError(error, this.file)
    }
  }
  /** The file is there, made when it was not, and can be written. */
  ready(): void {
    this.opened(true)
  }
  private migrate(db: DatabaseSync): void {
    db.exec('begin immediate')
    for (const ddl of migrations.slice(versionOf(db))) db.exec(ddl)
    db.exec(`pragma user_version = ${format}; commit`)
  }
  /** Names this hot store and no other one; a copy of the file has the same. */
  id(): string {
    return this.get('select store from identity')!.store as string
  }
  private transaction<T>(work: () => T, kind: 'immediate' | 'deferred', committing = (): void => {}): T {
    const db = this.opened(kind === 'immediate')
    try {
      db.exec(`begin ${kind}`)
      const result = work()
      committing()
      db.exec('commit')
      return result
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (db.isTransaction) db.exec('rollback')
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
    return this.opened(false)
      .prepare(sql)
      .get(...values) as Row | undefined
  }
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.opened(false)
      .prepare(sql)
      .all(...values) as Row[]
  }
  /** Rows one by one; finish before anything else is done. */
  each(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.opened(false)
      .prepare(sql)
      .iterate(...values) as IterableIterator<Row>
  }
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(
      this.opened(true)
        .prepare(sql)
        .run(...values).changes,
    )
  }
  /** A temporary table of this process alone, for rows that are on their way in; `into` adds to it, in one go. */
  stage(): {
    readonly name: string
    into(rows: readonly (readonly [key: string | null, cells: string])[]): void
  } & Disposable {
    const name = `temp.staging_${++this.staged}`
    const db = this.opened(true)
    db.exec(`create table ${name} (ordinal integer primary key, key text, cells text not null)`)
    const insert = db.prepare(`insert into ${name} (key, cells) values (?, ?)`)
    return {
      name,
      into: (rows) =>
        this.transaction(() => {
          for (const [key, cells] of rows) insert.run(key, cells)
        }, 'deferred'),
      [Symbol.dispose]: () => {
        if (db.isOpen) db.exec(`drop table ${name}`)
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
      const read = this.opened(true).prepare('select snowflake from counters')
      read.setReadBigInts(true)
      const last = (read.get() as { snowflake: bigint }).snowflake
      const first = last >= time ? last + 1n : time
      this.run('update counters set snowflake = ?', first + BigInt(count) - 1n)
      return first
    }, 'immediate')
  }
  close(): void {
    if (this.db?.isOpen) this.db.close()
  }
}

const versionOf = (db: DatabaseSync): number => Number(db.prepare('pragma user_version').get()!.user_version)

/** Throws `config` for the database of another program, such as the catalog, and for one that a newer tblctl wrote. */
function requireHotStore(db: DatabaseSync, file: string): void {
  const tables = db
    .prepare("select name from sqlite_master where type = 'table'")
    .all()
    .map(({ name }) => name)
  if (tables.length > 0 && !tables.includes('hot_rows'))
    throw fail('config', 'no-hot-store', `${printable(file)} is the database of something else`, {
      hint: 'name a file of its own as "hot" in tblctl.yaml',
    })
  if (versionOf(db) <= format) return
  throw fail('config', 'newer-hot-store', `${printable(file)} was written by a newer tblctl`, {
    hint: 'use that version',
  })
}
