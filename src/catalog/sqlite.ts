/** The catalog in one SQLite file: the embedded default. Several processes at once; every method is one short transaction. */
import { dirname } from 'node:path'
import type { Catalog, Record, Records, TableFilter } from '../core/catalog.ts'
import { fail } from '../core/errors.ts'
import { makeFolder } from '../core/files.ts'
import { Database, now, parsed, text } from './sqlite/database.ts'
import * as jobs from './sqlite/jobs.ts'
import { toLeaseRow } from './sqlite/leases.ts'
import { migrate } from './sqlite/migrations.ts'
import { jobColumns, toAudit, toControl, toJob, toLogLine, toTable } from './sqlite/rows.ts'

/** Opens the file, makes it and its folder when they are not there, and brings it up to date. `:memory:` lives as long as the object. */
export function openSqliteCatalog(file: string): Catalog {
  if (file !== ':memory:') catalogFolder(dirname(file))
  const db = new Database(file)
  migrate(db)
  return {
    async *tables(filter = {}) {
      for (const row of selectTables(db, filter)) yield toTable(row)
    },
    table: async (path, state = 'active') => {
      const row = db.get('select * from tables where path = ? and state = ?', path, state)
      return row && toTable(row)
    },

    job: async (id) => {
      const row = db.get(`select ${jobColumns} from jobs where id = ?`, id)
      return row && toJob(row)
    },
    async *jobs(filter = {}) {
      yield* jobs.selectJobs(db, filter)
    },
    openJobs: async (path) => jobs.openJobs(db, path),
    enqueue: async (job) => jobs.enqueue(db, job),
    begin: async (job, owner, ttlMs, ifLast) => jobs.begin(db, job, owner, ttlMs, ifLast),
    acquire: async (requests, owner, ttlMs, job, fence) => jobs.acquire(db, requests, owner, ttlMs, job, fence),
    commit: async (job, fence, write) => jobs.commit(db, job, fence, write),
    close: async (job, state, error, actor) => jobs.close(db, job, state, error, actor),

    renew: async (owner, ttlMs) =>
      new Set(
        db
          .write('renew', () =>
            db.all(
              `update leases set expires = ${now} + ?1 where owner = ?2 and fence not in (select fence from leases where owner = ?2 and expires <= ${now}) returning fence`,
              ttlMs,
              owner,
            ),
          )
          .map((row) => Number(row.fence)),
      ),
    release: async (fence) => void db.write('release', () => db.run('delete from leases where fence = ?', fence)),
    leases: async () => db.all(`select * from leases where expires > ${now} order by path`).map(toLeaseRow),
    reap: async (owner) => db.write('reap', () => db.run('delete from leases where owner = ?', owner)),

    setControl: async (path, name, value, by) =>
      db.write('control', () =>
        toControl(
          db.get(
            `insert into controls values (?, ?, ?, ?, ?, null)
             on conflict do update set value = excluded.value, rev = excluded.rev, by_owner = excluded.by_owner, answer = null returning *`,
            path,
            name,
            text(value) ?? 'null',
            jobs.nextRevision(db),
            by,
          )!,
        ),
      ),
    controls: async (path) => db.all('select * from controls where path = ?', path).map(toControl),
    answer: async (control, answer) =>
      void db.write('answer', () =>
        db.run(
          'update controls set answer = ? where path = ? and name = ? and rev = ?',
          text(answer),
          control.path,
          control.name,
          control.rev,
        ),
      ),

    records: (namespace) => records(db, namespace),
    async *log(job) {
      for (const row of db.all('select * from job_log where job = ? order by id', job)) yield toLogLine(row)
    },
    audit: async (row) => void db.write('audit', () => jobs.audit(db, row)),
    async *auditTrail(filter = {}) {
      const path = filter.path ?? null
      const rows = db.all(
        `select * from audit where ?1 is null or path = ?1 or (path > ?1 || '/' and path < ?1 || '0') order by id desc limit ?2`,
        path,
        filter.limit ?? -1,
      )
      for (const row of rows) yield toAudit(row)
    },
    prune: async (before, { audit }) =>
      db.write('prune', () => {
        const pruned = db.run(
          `delete from jobs where finished_at < ? and (state in ('done', 'cancelled') or (state = 'failed' and hold = 'run'))`,
          before.getTime(),
        )
        db.run(`delete from controls where path like 'job/%' and substr(path, 5) not in (select id from jobs)`)
        return { jobs: pruned, audit: audit ? db.run('delete from audit where at < ?', before.getTime()) : 0 }
      }),

    [Symbol.asyncDispose]: async () => db.close(),
  }
}

function selectTables(db: Database, filter: TableFilter) {
  const state = filter.state ?? 'active'
  if (filter.path !== undefined) return db.all('select * from tables where path = ? and state = ?', filter.path, state)
  const prefix =
    filter.backend === undefined
      ? null
      : filter.project === undefined
        ? filter.backend
        : `${filter.backend}/${filter.project}`
  const rows =
    prefix === null
      ? db.all('select * from tables where state = ? order by path', state)
      : db.all(
          `select * from tables where path > ?1 || '/' and path < ?1 || '0' and state = ?2 order by path`,
          prefix,
          state,
        )
  return filter.backend === undefined && filter.project !== undefined
    ? rows.filter((row) => String(row.path).split('/')[1] === filter.project)
    : rows
}

function records(db: Database, namespace: string): Records {
  const toRecord = (row: { [key: string]: unknown }): Record => ({
    key: row.key as string,
    value: parsed(row.value),
    rev: Number(row.rev),
  })
  return {
    get: async (key) => {
      const row = db.get('select key, value, rev from records where namespace = ? and key = ?', namespace, key)
      return row && toRecord(row)
    },
    async *list(prefix) {
      const rows = db.all(
        `select key, value, rev from records where namespace = ?1 and substr(key, 1, length(?2)) = ?2 order by key`,
        namespace,
        prefix,
      )
      for (const row of rows) yield toRecord(row)
    },
  }
}

function catalogFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    throw fail('denied', 'catalog-cannot-open', 'the folder of the catalog cannot be made', {
      where: folder,
      cause: error,
    })
  }
}
