/**
 * The book of loads, the table `_tblctl_loads` of the database: for each batch of a table, which rows of the input an insert brings. An entry
 * is written before its insert and again when that is done. Two processes that begin at the same row agree on one entry: the server takes
 * the first insert with a token and drops every other one. So a load goes on from the book alone, whoever resumes it.
 */
import { durable } from '../../core/durable.ts'
import { deduplicationWindow, definitionHash } from './ddl.ts'
import type { Executor } from './executor.ts'
import { quoteName } from './names.ts'
import type { ClickhouseTable } from './table.ts'

export interface Entry {
  /** Rows of the input before it and up to its end, rejected ones too. */
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly rejected: number
  readonly expired: number | null
  readonly bytes: number
  readonly job: string
  readonly done: boolean
}

export interface Book {
  /** In the order of the input. Only the last one can be open. */
  entries(): Promise<Entry[]>
  /** The entry that stands at `from` now: this one, or the one of whoever came first. */
  claim(entry: Omit<Entry, 'done'>): Promise<Entry>
  /** `job`: whoever brought its rows, which need not be who claimed them. */
  finish(entry: Entry, job: string): Promise<void>
  /** The token of an entry's insert: another insert with it brings nothing. */
  token(entry: Entry): string
}

const bookName = '_tblctl_loads'

export function openBook(executor: Executor, table: ClickhouseTable, batch: string, signal: AbortSignal): Book {
  const book = quoteName(table.database, bookName)
  const key = definitionHash(`${table.uuid} ${batch}`)
  const of = { table: table.uuid, batch }

  async function entries(): Promise<Entry[]> {
    if (!(await exists())) return []
    const rows = await executor.query<
      Record<'from' | 'to' | 'rows' | 'rejected' | 'bytes' | 'done' | 'job', string> & { expired: string | null }
    >({
      sql: `SELECT b.from AS from, b.to AS to, b.rows AS rows, b.rejected AS rejected, b.bytes AS bytes,
          argMaxOrNull(b.expired, b.done) AS expired, argMax(b.job, b.done) AS job, toString(max(b.done)) AS done
        FROM ${book} AS b WHERE b.table = {table:UUID} AND b.batch = {batch:String} GROUP BY from, to, rows, rejected, bytes ORDER BY from`,
      parameters: of,
      signal,
    })
    return rows.map((row) => ({
      from: Number(row.from),
      to: Number(row.to),
      rows: Number(row.rows),
      rejected: Number(row.rejected),
      expired: row.expired === null ? null : Number(row.expired),
      bytes: Number(row.bytes),
      job: row.job,
      done: row.done === '1',
    }))
  }
  async function exists(): Promise<boolean> {
    const found = await executor.query({
      sql: 'SELECT 1 AS there FROM system.tables WHERE database = {database:String} AND name = {name:String}',
      parameters: { database: table.database, name: bookName },
      signal,
    })
    return found.length > 0
  }
  async function make(): Promise<void> {
    if (await exists()) return
    await executor.command({
      sql: `CREATE TABLE IF NOT EXISTS ${book} (
          table UUID, batch String, from UInt64, to UInt64, rows UInt64, rejected UInt64, expired Nullable(UInt64), bytes UInt64, job String, done UInt8,
          at DateTime64(6, 'UTC') DEFAULT now64(6)
        ) ENGINE = MergeTree ORDER BY (table, batch, from)
        SETTINGS non_replicated_deduplication_window = ${deduplicationWindow}
        COMMENT 'tblctl: which rows of which input were loaded; without it a repeated load doubles rows'`,
      signal,
    })
  }
  async function write(entry: Omit<Entry, 'done'>, done: boolean): Promise<void> {
    const { from, to, rows, rejected, expired, bytes, job } = entry
    await executor.command({
      sql: `INSERT INTO ${book} (table, batch, from, to, rows, rejected, expired, bytes, job, done) SELECT {table:UUID}, {batch:String},
        {from:UInt64}, {to:UInt64}, {rows:UInt64}, {rejected:UInt64}, ${expired === null ? 'NULL' : '{expired:UInt64}'}, {bytes:UInt64}, {job:String}, {done:UInt8}`,
      parameters: {
        ...of,
        from,
        to,
        rows,
        rejected,
        ...(expired === null ? {} : { expired }),
        bytes,
        job,
        done: done ? 1 : 0,
      },
      settings: {
        insert_deduplicate: 1,
        insert_deduplication_token: `${key}:${from}:${done ? `${to}:done` : 'claim'}`,
      },
      signal,
    })
  }

  return {
    entries,
    async claim(entry) {
      await make()
      durable('clickhouse.load-claim:before')
      await write(entry, false)
      durable('clickhouse.load-claim:after')
      return (await entries()).find(({ from }) => from === entry.from)!
    },
    async finish(entry, job) {
      durable('clickhouse.load-done:before')
      await write({ ...entry, job }, true)
      durable('clickhouse.load-done:after')
    },
    token: ({ from, to }) => `${key}:${from}:${to}`,
  }
}
