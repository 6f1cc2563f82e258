/** Leases and claims: who may work where. All functions run inside the caller's transaction. */
import { type Busy, compatible, type LeaseMode, type LeaseRequest, type LeaseRow } from '../../core/catalog.ts'
import { type Database, iso, now, type Row } from './database.ts'

/** `path` equal to ?1, one of its ancestors (?2, JSON array), or below it ('/' + 1 is '0'). */
const meets = `(path = ?1 or path in (select value from json_each(?2)) or (path > ?1 || '/' and path < ?1 || '0'))`

function ancestors(path: string): string {
  const segments = path.split('/')
  return JSON.stringify(segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('/')))
}

/** The first live lease, else the first claim, of another job that stands in the way. */
export function blocker(db: Database, requests: readonly LeaseRequest[], self: string): Busy | undefined {
  for (const { path, mode } of requests) {
    const held = db.all(
      `select * from leases where ${meets} and expires > ${now} and job <> ?3`,
      path,
      ancestors(path),
      self,
    )
    const lease = held.find((row) => !compatible(row.mode as LeaseMode, mode))
    if (lease) return busy('lease', lease)
  }
  for (const { path, mode } of requests) {
    const held = db.all(
      `select claims.path, claims.mode, claims.job, jobs.verb, null as owner from claims join jobs on jobs.id = claims.job
       where ${meets.replaceAll('path', 'claims.path')} and claims.job <> ?3`,
      path,
      ancestors(path),
      self,
    )
    const claim = held.find((row) => !compatible(row.mode as LeaseMode, mode))
    if (claim) return busy('claim', claim)
  }
  return undefined
}

export function busy(why: Busy['why'], row: Row): Busy {
  return {
    is: 'busy',
    why,
    path: row.path as string,
    owner: row.owner as string | null,
    verb: row.verb as string,
    job: row.job as string,
  }
}

export function grant(
  db: Database,
  requests: readonly LeaseRequest[],
  owner: string,
  ttlMs: number,
  job: string,
  verb: string,
): number {
  const fence = Number(db.get(`update counter set n = n + 1 where name = 'fence' returning n`)!.n)
  // One time for all: a lease that ended a millisecond before the others of its job would be renewed in part.
  const expires = Number(db.get(`select ${now} + ? as expires`, ttlMs)!.expires)
  for (const { path, mode } of requests)
    db.run(
      `insert into leases values (?, ?, ?, ?, ?, ?, ?)
       on conflict do update set mode = case when mode = 'exclusive' or excluded.mode = 'write' then mode else excluded.mode end`,
      path,
      mode,
      fence,
      owner,
      job,
      verb,
      expires,
    )
  return fence
}

export function liveLease(db: Database, path: string): Row | undefined {
  return db.get(`select * from leases where path = ? and expires > ${now}`, path)
}

export function toLeaseRow(row: Row): LeaseRow {
  return {
    path: row.path as string,
    mode: row.mode as LeaseMode,
    fence: Number(row.fence),
    owner: row.owner as string,
    job: row.job as string,
    verb: row.verb as string,
    expiresAt: iso(row.expires),
  }
}
