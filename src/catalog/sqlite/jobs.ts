/** Jobs from begin to finish, each function one transaction. */
import type {
  Busy,
  Catalog,
  Finish,
  Job,
  JobFilter,
  Lease,
  LeaseRequest,
  NewJob,
  RecordWrite,
} from '../../core/catalog.ts'
import type { ErrorView } from '../../core/errors.ts'
import type { TableEffect } from '../../core/operation.ts'
import { type Database, now, text } from './database.ts'
import { blocker, busy, grant, liveLease } from './leases.ts'
import { jobColumns, toJob } from './rows.ts'

const unfinished = `(state in ('queued', 'open', 'waiting') or (state = 'failed' and hold = 'job'))`

export function begin(db: Database, job: NewJob, owner: string, ttlMs: number, ifLast?: string | null): Lease | Busy {
  return db.write('begin', () => {
    if (ifLast !== undefined) {
      const last = db.get(
        `select id, path, verb, owner from jobs where verb = ? and path = ? and state = 'done' order by finished_at desc, rowid desc limit 1`,
        job.verb,
        job.path,
      )
      if ((last?.id ?? null) !== ifLast)
        return busy('done-since', { path: job.path, owner: null, verb: job.verb, job: last?.id ?? job.id })
    }
    const old = db.get(`select verb, path, owner, ${unfinished} as unfinished from jobs where id = ?`, job.id)
    if (old && old.unfinished !== 1)
      return busy('done-since', { path: job.path, owner: old.owner!, verb: job.verb, job: job.id })
    const self = liveLease(db, `job/${job.id}`)
    if (self) return busy('lease', { ...self, path: job.path })
    const wanted: LeaseRequest[] = [{ path: `job/${job.id}`, mode: 'exclusive' }, ...job.plan.leases]
    const inTheWay = blocker(db, wanted, job.id)
    if (inTheWay) return inTheWay
    db.run(`delete from leases where job = ? or expires <= ${now}`, job.id)
    const fence = grant(db, wanted, owner, ttlMs, job.id, job.verb)
    if (old)
      db.run(
        `update jobs set state = 'open', attempts = attempts + 1, fence = ?, owner = ?, run = ?, wake_at = null, waits_for = '[]', error = null, finished_at = null,
           options = ?, plan = ?, phase = iif(?, null, phase), data = iif(?, null, data), progress = iif(?, null, progress) where id = ?`,
        fence,
        owner,
        job.run,
        text(job.options),
        text(job.plan),
        Number(job.restart === true),
        Number(job.restart === true),
        Number(job.restart === true),
        job.id,
      )
    else insert(db, job, 'open', owner, fence)
    if (job.hold === 'job') {
      db.run('delete from claims where job = ?', job.id)
      for (const { path, mode } of job.plan.leases)
        db.run('insert into claims values (?, ?, ?) on conflict do nothing', path, mode, job.id)
    }
    return { is: 'held', fence }
  })
}

export function enqueue(db: Database, job: NewJob): void {
  db.write('enqueue', () => insert(db, job, 'queued', null, null))
}

function insert(db: Database, job: NewJob, state: 'open' | 'queued', owner: string | null, fence: number | null): void {
  db.run(
    `insert into jobs (id, run, verb, subject, path, key, version, hold, state, options, plan, attempts, actor, owner, fence, created_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${now})`,
    job.id,
    job.run,
    job.verb,
    job.subject,
    job.path,
    job.key,
    job.version,
    job.hold,
    state,
    text(job.options),
    text(job.plan),
    state === 'open' ? 1 : 0,
    job.actor,
    owner,
    fence,
  )
}

export function acquire(
  db: Database,
  requests: readonly LeaseRequest[],
  owner: string,
  ttlMs: number,
  job: string,
  fence: number,
): Lease | Busy | 'fenced' {
  return db.write('acquire', () => {
    const running = heldBy(db, job, fence)
    if (!running) return 'fenced'
    const inTheWay = blocker(db, requests, job) ?? ownPart(db, requests)
    if (inTheWay) return inTheWay
    return { is: 'held', fence: grant(db, requests, owner, ttlMs, job, running.verb) }
  })
}

interface Running {
  readonly actor: string
  readonly run: string
  readonly verb: string
  readonly path: string
  readonly hold: string
}
/** The job, while this fence still holds it. */
function heldBy(db: Database, job: string, fence: number): Running | undefined {
  return db.get(
    `select jobs.actor, jobs.run, jobs.verb, jobs.path, jobs.hold from jobs join leases on leases.job = jobs.id and leases.fence = jobs.fence
     where jobs.id = ? and jobs.fence = ? and leases.path = 'job/' || jobs.id and leases.expires > ${now}`,
    job,
    fence,
  ) as Running | undefined
}

/** A job's own leases never block it, but the same part must not be worked on twice at once. */
function ownPart(db: Database, requests: readonly LeaseRequest[]): Busy | undefined {
  for (const { path } of requests) {
    const held = liveLease(db, path)
    if (held) return busy('lease', held)
  }
  return undefined
}

type Write = Parameters<Catalog['commit']>[2]

class RecordMoved extends Error {}

export function commit(db: Database, job: string, fence: number, write: Write): Awaited<ReturnType<Catalog['commit']>> {
  try {
    return db.write(write.finish ? `finish ${write.finish.state}` : `commit ${write.phase ?? ''}`, () => {
      const held = heldBy(db, job, fence)
      if (!held) return 'fenced'
      if (
        write.finish?.state === 'waiting' &&
        db.get('select 1 as found from controls where path = ? and answer is null limit 1', `job/${job}`)
      )
        return 'controls'
      for (const record of write.records ?? []) writeRecord(db, write.namespace ?? '', record)
      db.run(
        'update jobs set phase = coalesce(?, phase), data = coalesce(?, data), progress = coalesce(?, progress) where id = ?',
        write.phase ?? null,
        text(write.data),
        text(write.progress),
        job,
      )
      for (const line of write.log ?? [])
        db.run(
          'insert into job_log (job, at, level, message, fields) values (?, ?, ?, ?, ?)',
          job,
          Date.parse(line.at),
          line.level,
          line.message,
          text(line.fields),
        )
      if (write.finish) finish(db, job, held, write.finish)
      return 'written'
    })
  } catch (error) {
    if (error instanceof RecordMoved) return 'moved'
    throw error
  }
}

function finish(db: Database, job: string, of: Running, how: Finish): void {
  for (const effect of how.tables) applyEffect(db, effect)
  const over = how.state !== 'waiting'
  db.run(
    `update jobs set state = ?, result = ?, error = ?, waits_for = ?, wake_at = ?, finished_at = iif(?, ${now}, null) where id = ?`,
    how.state,
    text(how.result),
    text(how.error),
    text(how.waitsFor),
    how.wakeAt === null ? null : Date.parse(how.wakeAt),
    Number(over),
    job,
  )
  audit(db, { ...of, job, outcome: how.outcome, detail: how.error ? { error: how.error as never } : how.result })
  db.run('delete from leases where job = ?', job)
  if (over && !(how.state === 'failed' && of.hold === 'job')) letGo(db, job)
}

function letGo(db: Database, job: string): void {
  db.run('delete from claims where job = ?', job)
  db.run('delete from controls where path = ? and answer is null', `job/${job}`) // answers stay for those who asked
}

export function close(
  db: Database,
  job: string,
  state: 'cancelled' | 'failed',
  error: ErrorView | null,
  actor: string,
): boolean {
  return db.write('close', () => {
    if (liveLease(db, `job/${job}`)) return false
    const old = db.get(
      `update jobs set state = ?, error = ?, finished_at = ${now} where id = ? and ${unfinished} returning run, verb, path`,
      state,
      text(error),
      job,
    )
    if (!old) return false
    letGo(db, job)
    db.run('delete from leases where job = ?', job)
    audit(db, {
      run: old.run as string,
      actor,
      verb: old.verb as string,
      path: old.path as string,
      job,
      outcome: state,
      detail: error as never,
    })
    return true
  })
}

function applyEffect(db: Database, effect: TableEffect): void {
  if ('remove' in effect)
    db.run(
      `delete from tables where path = ? and (state = 'trash' or ? = 0)`,
      effect.remove,
      Number(effect.dropped ?? false),
    )
  else
    db.run(
      `insert into tables values (?, ?, ?, ${now}, ${now}) on conflict do update set spec = excluded.spec, state = excluded.state, updated_at = excluded.updated_at`,
      effect.put,
      text(effect.spec),
      effect.state,
    )
}

function writeRecord(db: Database, namespace: string, record: RecordWrite): void {
  const old = Number(db.get('select rev from records where namespace = ? and key = ?', namespace, record.key)?.rev ?? 0)
  if (record.ifRev !== undefined && record.ifRev !== old) throw new RecordMoved()
  if (record.value === undefined) db.run('delete from records where namespace = ? and key = ?', namespace, record.key)
  else
    db.run(
      'insert into records values (?, ?, ?, ?) on conflict do update set value = excluded.value, rev = excluded.rev',
      namespace,
      record.key,
      text(record.value) ?? 'null',
      nextRevision(db),
    )
}

/** One counter for all revisions: what was deleted and made again never has a revision that it had before. */
export function nextRevision(db: Database): number {
  return Number(db.get(`update counter set n = n + 1 where name = 'revision' returning n`)!.n)
}

export function audit(db: Database, row: Parameters<Catalog['audit']>[0]): void {
  db.run(
    `insert into audit (at, run, actor, verb, path, job, outcome, detail) values (${now}, ?, ?, ?, ?, ?, ?, ?)`,
    row.run,
    row.actor,
    row.verb,
    row.path,
    row.job,
    row.outcome,
    text(row.detail),
  )
}

export function selectJobs(db: Database, filter: JobFilter): Job[] {
  const where = ['1 = 1']
  const values: (string | number)[] = []
  const add = (condition: string, ...more: (string | number)[]) => {
    where.push(condition)
    values.push(...more)
  }
  if (filter.path !== undefined)
    add(`(path = ? or (path > ? || '/' and path < ? || '0'))`, filter.path, filter.path, filter.path)
  if (filter.verb !== undefined) add('verb = ?', filter.verb)
  if (filter.states !== undefined) add('state in (select value from json_each(?))', JSON.stringify(filter.states))
  if (filter.due === true) add(`(state = 'queued' or (state = 'waiting' and wake_at <= ${now}))`)
  const limit = filter.limit ?? -1
  return db
    .all(
      `select ${jobColumns} from jobs where ${where.join(' and ')} order by created_at desc, rowid desc limit ?`,
      ...values,
      limit,
    )
    .map(toJob)
}

export function openJobs(db: Database, path: string): Job[] {
  return db
    .all(`select ${jobColumns} from jobs where path = ? and ${unfinished} order by created_at, rowid`, path)
    .map(toJob)
}
