/** node:sqlite with what every statement here needs: cached statements, immediate transactions, errors in our words. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import { writeAheadLog } from '../../core/write-ahead-log.ts'

export type Row = Record<string, SQLInputValue>

/** How long a statement waits for another process's transaction. Ours take about a millisecond each. */
const busyTimeoutMs = 10_000

export class Database {
  private readonly db: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()
  readonly file: string

  constructor(file: string) {
    this.file = file
    this.db = this.guard(() => new DatabaseSync(file, { timeout: busyTimeoutMs }))
    // FULL: a topology flip must survive a power cut. 0.8 ms for a short operation's two transactions, against 0.3 at NORMAL.
    this.guard(() => writeAheadLog(this.db))
    this.exec('pragma synchronous=full; pragma foreign_keys=on')
  }

  /** One write transaction; `step` names it for the fault harness. */
  write<T>(step: string, work: () => T): T {
    return this.guard(() => {
      this.db.exec('begin immediate')
      let result: T
      try {
        result = work()
      } catch (error) {
        this.db.exec('rollback')
        throw error
      }
      durable(`catalog.${step}:before`)
      this.db.exec('commit')
      durable(`catalog.${step}:after`)
      return result
    })
  }
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.guard(() => this.prepare(sql).get(...values) as Row | undefined)
  }
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.guard(() => this.prepare(sql).all(...values) as Row[])
  }
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.guard(() => Number(this.prepare(sql).run(...values).changes))
  }
  exec(sql: string): void {
    this.guard(() => this.db.exec(sql))
  }
  close(): void {
    if (this.db.isOpen) this.db.close()
  }

  private prepare(sql: string): StatementSync {
    let statement = this.statements.get(sql)
    if (!statement) {
      statement = this.db.prepare(sql)
      this.statements.set(sql, statement)
    }
    return statement
  }
  private guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw inOurWords(error, this.file)
    }
  }
}

/** https://sqlite.org/rescode.html; the low byte is the primary code. */
function inOurWords(error: unknown, file: string): unknown {
  const code = (error as { errcode?: number }).errcode
  if (code === undefined) return error
  const because = { where: file, cause: error }
  switch (code & 0xff) {
    case 5:
    case 6:
      return fail('busy', 'catalog-busy', 'the catalog is busy with another process', { ...because, retry: 'later' })
    case 3:
    case 8:
    case 23:
      return fail('denied', 'catalog-read-only', 'the catalog cannot be written', {
        ...because,
        hint: 'check the permissions of the file and its folder',
      })
    case 10:
      return fail('failed', 'catalog-io', 'the catalog cannot be read or written (disk error)', {
        ...because,
        retry: 'resume',
      })
    case 13:
      return fail('failed', 'disk-full', 'the disk of the catalog is full', {
        ...because,
        hint: 'free some space and run the command again',
        retry: 'resume',
      })
    case 14:
      return fail('denied', 'catalog-cannot-open', 'the catalog cannot be opened', {
        ...because,
        hint: 'check that its folder exists and may be written',
      })
    case 11:
    case 26:
      return fail('failed', 'catalog-corrupt', 'this file is no catalog of tblctl, or it is damaged', {
        ...because,
        hint: 'put a backup in its place, or move it away and register the tables again',
      })
    default:
      return error
  }
}

export const text = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value)
export const parsed = <T>(value: unknown): T => (value === null ? null : JSON.parse(value as string)) as T
export const iso = (ms: unknown): string => new Date(Number(ms)).toISOString()
/** The store's clock, in milliseconds: the only one that decides about expiry. */
export const now = `cast(unixepoch('subsec') * 1000 as integer)`
