/**
 * The catalog port: where tables, jobs, leases, controls, records and the audit trail are kept. Every method is one transaction.
 * Stores: src/catalog/sqlite.ts. test/contract/catalog.ts is the suite that each store passes.
 *
 * Text has no U+0000 and paths, keys and names are at most 1 KiB (JSON values are free of both rules). Listings are in UTF-8 byte order;
 * they may come in pages: each row at most once, no snapshot across pages. A call whose connection breaks throws `catalog-unreachable`:
 * it was written or it was not; read the job.
 *
 * Leases are on slash paths and expire; a claim is the same hold by an open job (`hold: 'job'`) with or without a live process.
 * The store's clock decides about expiry, never the caller's, and it is read after the store's own locks are taken.
 */
import type { ErrorView } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import type { LogLevel, Plan, Progress, TableEffect, TableSpec } from './operation.ts'
import type { Path } from './ref.ts'

/** `write`: beside other writes and beside one `maintain`; `maintain`: one at a time; `exclusive`: alone. */
export type LeaseMode = 'write' | 'maintain' | 'exclusive'
export interface LeaseRequest {
  readonly path: Path
  readonly mode: LeaseMode
}

export function compatible(a: LeaseMode, b: LeaseMode): boolean {
  return a !== 'exclusive' && b !== 'exclusive' && !(a === 'maintain' && b === 'maintain')
}
/** Two leases meet when their paths are equal or one is a `/`-prefix of the other: `ch/t1` meets `ch/t1/logs`, not `ch/t11`. */
export function overlaps(a: Path, b: Path): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}

/** One fence for all the leases of one execution; strictly rising over the whole catalog. */
export interface Lease {
  readonly is: 'held'
  readonly fence: number
}
export interface Busy {
  readonly is: 'busy'
  /** `lease`: a live process holds it. `claim`: an open job holds it. `done-since`: the work was done after `ifLast` was read. */
  readonly why: 'lease' | 'claim' | 'done-since'
  readonly path: Path
  /** Process that holds it; null for a claim that no process runs. */
  readonly owner: string | null
  readonly verb: string
  readonly job: string
}

/** Stored states. Shown ones are derived: `open` with a live lease is running, without one interrupted. */
export type JobState = 'queued' | 'open' | 'waiting' | 'done' | 'failed' | 'cancelled'

export interface Job {
  readonly id: string
  readonly run: string
  readonly verb: string
  readonly subject: 'table' | 'project' | 'backend' | 'sync'
  readonly path: Path
  readonly key: string
  readonly version: number
  readonly hold: 'run' | 'job'
  readonly state: JobState
  readonly phase: string | null
  readonly options: JsonObject
  readonly plan: Plan
  /** What the last commit saved (the operation's state). */
  readonly data: JsonObject | null
  readonly progress: Progress | null
  readonly result: JsonObject | null
  readonly error: ErrorView | null
  /** Controls that a waiting job waits for. */
  readonly waitsFor: readonly string[]
  readonly wakeAt: string | null
  readonly attempts: number
  readonly actor: string
  readonly owner: string | null
  readonly fence: number | null
  readonly createdAt: string
  readonly finishedAt: string | null
  /** A lease on it is live now. */
  readonly live: boolean
}
export type NewJob = Pick<
  Job,
  'id' | 'run' | 'verb' | 'subject' | 'path' | 'key' | 'version' | 'hold' | 'options' | 'plan' | 'actor'
> & {
  /** Taken over, it forgets phase and data: the plan is new. Without it, it goes on from what was committed. */
  readonly restart?: boolean
}

/**
 * A named value on a path, last writer wins; `rev` and `answer` tell its sender that it was obeyed.
 * On `job/ID` it ends with the job (switch, cancel); on a sync or a table it is desired state and stays (paused).
 */
export interface Control {
  readonly path: Path
  readonly name: string
  readonly value: Json
  readonly rev: number
  readonly by: string
  readonly answer: Json
}

export interface Record {
  readonly key: string
  readonly value: Json
  readonly rev: number
}
/** Drivers' documents, one JSON value a key. A topology is one of these; flipping it is one commit. */
export interface Records {
  get(key: string): Promise<Record | undefined>
  list(prefix: string): AsyncIterable<Record>
}
/** `value: undefined` deletes; `ifRev: 0` = must be absent; without `ifRev` the last writer wins. */
export interface RecordWrite {
  readonly key: string
  readonly value: Json | undefined
  readonly ifRev?: number
}

export interface TableRow {
  readonly path: Path
  readonly spec: TableSpec
  readonly state: 'active' | 'trash'
  readonly createdAt: string
  readonly updatedAt: string
}
export interface TableFilter {
  readonly backend?: string
  readonly project?: string
  /** Path of one table. */
  readonly path?: Path
  /** Default: those that are there. `trash`: dropped, and can still be brought back. */
  readonly state?: TableRow['state']
}

export interface AuditRow {
  readonly at: string
  readonly run: string
  readonly actor: string
  readonly verb: string
  readonly path: Path
  readonly job: string | null
  readonly outcome: 'done' | 'unchanged' | 'failed' | 'cancelled' | 'waiting'
  readonly detail: JsonObject | null
}
export interface LogLine {
  readonly at: string
  readonly level: LogLevel
  readonly message: string
  readonly fields: JsonObject | null
}
export interface LeaseRow {
  readonly path: Path
  readonly mode: LeaseMode
  readonly fence: number
  readonly owner: string
  readonly job: string
  readonly verb: string
  readonly expiresAt: string
}

/** How a job ends, or goes to wait. */
export interface Finish {
  readonly state: 'done' | 'waiting' | 'failed' | 'cancelled'
  readonly outcome: AuditRow['outcome']
  readonly result: JsonObject | null
  readonly error: ErrorView | null
  readonly tables: readonly TableEffect[]
  readonly waitsFor: readonly string[]
  readonly wakeAt: string | null
}

export interface JobFilter {
  readonly path?: Path
  readonly verb?: string
  readonly states?: readonly JobState[]
  /** Queued ones, and waiting ones whose time has come. */
  readonly due?: boolean
  /** Newest first; unlimited without. */
  readonly limit?: number
}

export interface Catalog extends AsyncDisposable {
  tables(filter?: TableFilter): AsyncIterable<TableRow>
  /** `state`: default `active`. */
  table(path: Path, state?: TableRow['state']): Promise<TableRow | undefined>

  job(id: string): Promise<Job | undefined>
  jobs(filter?: JobFilter): AsyncIterable<Job>
  /** Jobs on exactly this path that are not finished: queued, open, waiting, and failed ones whose claim stands. */
  openJobs(path: Path): Promise<readonly Job[]>
  /** Puts an approved job in the queue; takes no lease. */
  enqueue(job: NewJob): Promise<void>
  /**
   * No live lease and no claim of another job in the way → the job is created, or taken over with a new fence (`attempts` rises), and
   * all of its plan's leases are held. The job itself is a lease too (`job/ID`): two resumers of one job meet here.
   * `ifLast`: id of the last done job of this verb and path when the work was found due (null = none); a newer one → `done-since`.
   * So is a job of this id that was finished meanwhile. Leases, claims and the last done job are judged on one state.
   */
  begin(job: NewJob, owner: string, ttlMs: number, ifLast?: string | null): Promise<Lease | Busy>
  /** More leases for a job that this owner runs under this fence (parts of its work). */
  acquire(
    requests: readonly LeaseRequest[],
    owner: string,
    ttlMs: number,
    job: string,
    fence: number,
  ): Promise<Lease | Busy | 'fenced'>
  /** All leases of a process in one statement; returns the fences that are still held. */
  renew(owner: string, ttlMs: number): Promise<ReadonlySet<number>>
  release(fence: number): Promise<void>
  leases(): Promise<readonly LeaseRow[]>
  /** Frees every lease of a process that is known to be gone. */
  reap(owner: string): Promise<number>

  /**
   * Phase, state, records and, with `finish`, the end of the job with its table effects and audit row, under the fence.
   * `fenced`: the lease is gone. `controls`: it would go to `waiting` while a control stands unanswered. `moved`: a record had
   * another revision. In these three cases nothing was written; `written` means written before any take-over.
   */
  commit(
    job: string,
    fence: number,
    write: {
      readonly phase?: string
      readonly data?: JsonObject
      readonly progress?: Progress
      /** Whose records: the backend. */
      readonly namespace?: string
      readonly records?: readonly RecordWrite[]
      readonly log?: readonly LogLine[]
      readonly finish?: Finish
    },
  ): Promise<'written' | 'fenced' | 'controls' | 'moved'>
  /** Closes a job that nobody runs and that is not finished, frees its claim, keeps its row. False when it was live or finished. */
  close(job: string, state: 'cancelled' | 'failed', error: ErrorView | null, actor: string): Promise<boolean>

  /** On `job/ID` serial with that job's commits: no order is lost to a job that goes to wait. */
  setControl(path: Path, name: string, value: Json, by: string): Promise<Control>
  controls(path: Path): Promise<readonly Control[]>
  /** Answers just this revision: a newer value stays unanswered. */
  answer(control: Control, answer: Json): Promise<void>

  records(namespace: string): Records
  log(job: string): AsyncIterable<LogLine>
  audit(row: Omit<AuditRow, 'at'>): Promise<void>
  auditTrail(filter?: { readonly path?: Path; readonly limit?: number }): AsyncIterable<AuditRow>
  /** Deletes finished jobs with their log lines that ended before, and with `audit` the audit rows of that age; returns the counts. */
  prune(before: Date, what: { readonly audit: boolean }): Promise<{ readonly jobs: number; readonly audit: number }>
}
