/** What the memory driver keeps: tables as Parquet segments in one SQLite database, in RAM or in a file that several processes share. */
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import { makeFolder } from '../../core/files.ts'
import { writeAheadLog } from '../../core/write-ahead-log.ts'

const ddl = `
  create table if not exists tables (path text primary key, schema text not null, generation integer not null, shards integer not null default 1, sealed integer not null default 0, job text not null);
  create table if not exists segments (id integer primary key autoincrement, path text not null, generation integer not null, shard integer not null,
    origin integer, hot integer not null, rows integer not null, bytes integer not null, data blob not null);
  create index if not exists segments_by_table on segments (path, generation, shard);
  create unique index if not exists segments_copied_once on segments (path, generation, origin) where origin is not null;
  create table if not exists batches (path text not null, batch text not null, consumed integer not null, finished integer not null, job text not null,
    state text not null, primary key (path, batch));
  create table if not exists objects (name text primary key, project text not null, job text not null);
  create table if not exists checkpoints (path text primary key, sync text not null, value text not null)`

export type Row = Record<string, SQLInputValue>

export class MemoryStore {
  private readonly db: DatabaseSync
  constructor(file: string | null) {
    if (file !== null) makeFolder(dirname(file))
    this.db = new DatabaseSync(file ?? ':memory:', { timeout: 10_000 })
    // One immediate transaction: a statement that turns from reading to writing under another process's nose is refused without waiting.
    writeAheadLog(this.db)
    this.db.exec(`begin immediate; ${ddl}; commit`)
  }
  /** One transaction; `step` names it for the fault harness. */
  write<T>(step: string, work: () => T): T {
    this.db.exec('begin immediate')
    let result: T
    try {
      result = work()
    } catch (error) {
      // SQLite itself has rolled back where the disk was full.
      if (this.db.isTransaction) this.db.exec('rollback')
      throw asError(error)
    }
    durable(`memory.${step}:before`)
    try {
      this.db.exec('commit')
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('rollback')
      throw asError(error)
    }
    durable(`memory.${step}:after`)
    return result
  }
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.db.prepare(sql).get(...values) as Row | undefined
  }
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.db.prepare(sql).all(...values) as Row[]
  }
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.db.prepare(sql).run(...values).changes)
  }
  close(): void {
    if (this.db.isOpen) this.db.close()
  }
}

/** SQLite's result codes (sqlite.org/rescode.html) that a person can do something about. */
const troubles: Readonly<Record<number, string>> = {
  8: 'may not be written',
  10: 'cannot be read or written: the disk reports an error',
  13: 'cannot grow: the disk is full',
}

function asError(thrown: unknown): unknown {
  const { errcode, message } = thrown as { errcode?: number; message?: string }
  const why = errcode === undefined ? undefined : troubles[errcode & 0xff]
  if (why === undefined) return thrown
  return fail('failed', 'store-failed', `the memory backend's file ${why} (${message})`, {
    hint: 'nothing of this step was written: see to the disk, then run the same command again',
    retry: 'resume',
    cause: thrown,
  })
}
