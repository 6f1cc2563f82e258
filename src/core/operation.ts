/**
 * THE PORT, first half: an operation is one verb on one subject, in two halves. `plan` reads; `execute` works in durable steps.
 * The runner (runner.ts) does the rest once for all drivers: resume, approval, leases, signals, fencing, roll-back, audit.
 */
import type { Control, LeaseRequest, Records, RecordWrite } from './catalog.ts'
import type { Json, JsonObject } from './json.ts'
import type { Path } from './ref.ts'

export type Risk = 'routine' | 'moderate' | 'severe'

/** `table` and `project` paths begin with the backend (`lake/acme/metrics`), a sync's with `sync`. */
export interface Subject {
  readonly kind: 'table' | 'project' | 'backend' | 'sync'
  readonly path: Path
  /** What the catalog holds; null when nothing is registered there (yet). */
  readonly spec: TableSpec | null
}

export interface TableSpec {
  /** Name of the table schema it was created from; null when adopted: then the backend alone knows. */
  readonly schema: string | null
  readonly location: string | null
  readonly labels: Readonly<Record<string, string>>
  /** What only the driver reads. */
  readonly options: JsonObject
}

/** What the runner must know of any plan. Bounded (≤ 1 MB as JSON): counts, samples, parameters, never a list of every file. */
export interface Plan {
  /** 0 = unchanged: no lease, no job, no write. */
  readonly changes: number
  /** severe = something is gone for good; a reversible cut-over is moderate. */
  readonly risk: Risk
  /** Lines for a person. */
  readonly summary: readonly string[]
  /** Without changes: what the report tells of what is there, as `result`. */
  readonly found?: JsonObject
  /** What the plan was computed from, and no more: versions, epochs, hashes. `execute` compares it first. */
  readonly basis: JsonObject
  /** All of them, taken at once or not at all; [] when the backend needs none. */
  readonly leases: readonly LeaseRequest[]
  /** Where register and create put the table; no two refs may share it. Absent where the backend places tables itself. */
  readonly location?: string
}

export type TableEffect =
  | { readonly put: Path; readonly spec: TableSpec; readonly state: 'active' | 'trash' }
  /** `dropped`: only the memory of a dropped table; one that is there under the name stays. */
  | { readonly remove: Path; readonly dropped?: boolean }

export type Outcome<R extends object = JsonObject> =
  | { readonly is: 'changed'; readonly result: R; readonly tables?: readonly TableEffect[] }
  | { readonly is: 'unchanged'; readonly result?: R; readonly tables?: readonly TableEffect[] }
  /** The basis moved: the runner plans again, or refuses a saved plan. Nothing was written. */
  | { readonly is: 'stale'; readonly why: string }
  /** Lost to another writer after all retries. */
  | { readonly is: 'conflict'; readonly why: string }
  /** Open, needs nobody until one of these controls or this time (RFC 3339): a reverse window, a grace period. */
  | {
      readonly is: 'waiting'
      readonly result: R
      readonly for: readonly string[]
      readonly until?: string
      readonly tables?: readonly TableEffect[]
    }

/** A sub-verb that reaches a job while it runs or waits. The receiver decides by its phase. */
export interface ControlRule {
  readonly help: string
  readonly risk: Risk
  readonly phases: readonly string[] | 'any'
}

export interface Operation<
  O extends object = JsonObject,
  P extends Plan = Plan,
  R extends object = JsonObject,
  S extends object = JsonObject,
> {
  /** One check for flags, plan files, HTTP bodies and stored jobs: a zod schema, or anything that throws a usage error. */
  readonly options: { parse(raw: unknown): O }
  /** Of P and S: an open job of another version is refused, never misread. */
  readonly version: number
  /** `job`: the subject stays claimed (by the plan's leases) until done or cancelled, with or without a live process. */
  readonly hold: 'run' | 'job'
  /** After a crash: `continue` from S with the saved plan, or `replan` from the truth. */
  readonly resume: 'continue' | 'replan'
  readonly controls?: Readonly<Record<string, ControlRule>>
  /** Names the work: equal keys resume one job (`shards=5`); rates and parallelism stay out of it. */
  key(options: O): string
  /** Reads only, takes no lease. */
  plan(subject: Subject, options: O, ctx: ReadContext): Promise<P>
  /** Compares `plan.basis` first. Every durable step ends in `ctx.commit`; killed anywhere, it is called again with what was committed. */
  execute(plan: P, ctx: RunContext<S, O>): Promise<Outcome<R>>
  /** Takes back what this job made: `jobs cancel`, and a failed operation with `hold: 'run'`. Must be idempotent. */
  undo?(plan: P, ctx: RunContext<S, O>): Promise<void>
}
/** An operation whose plan, result and state only its driver knows; `any` because they occur in both directions. */
export type AnyOperation<O extends object = any> = Operation<O, any, any, any>

export interface Progress {
  readonly done: number | null
  readonly total: number | null
  /** files, rows, objects, … */
  readonly unit: string
  readonly detail?: JsonObject
}

export type LogLevel = 'debug' | 'info' | 'warn'

/** The only things that a driver's reading half is handed. */
export interface ReadContext {
  /** Hard: time-out, lease lost, second signal. */
  readonly signal: AbortSignal
  /** The run that this belongs to; backends carry it where they can (commitInfo, query ids). */
  readonly run: string
  /** This backend's documents in the catalog (a topology, quotas). */
  readonly records: Records
  now(): Date
  report(progress: Progress): void
  log(level: LogLevel, message: string, fields?: JsonObject): void
}

export interface RunContext<S extends object = JsonObject, O extends object = JsonObject> extends ReadContext {
  readonly subject: Subject
  readonly job: { readonly id: string; readonly attempt: number; readonly actor: string }
  /** Today's: what is resumed keeps its plan and takes the new run's tuning. */
  readonly options: O
  /** Strictly rising over the whole catalog; for backends that can check it. */
  readonly fence: number
  /** What the last commit saved. */
  readonly state: S | undefined
  /** `load -` only: bytes that nobody can read twice. Never stored. */
  readonly input?: AsyncIterable<Uint8Array>
  /**
   * THE safe point and the only way to write to the catalog: phase, state and records in one transaction under the fence.
   * Throws Fenced when the lease is gone, and Stopped for a cancel that the present phase allows: then nothing was written.
   * Throws Stopped for a signal, a time-out or a cancel that came later once the step is written.
   * A destructive step that no backend transaction guards comes directly after a commit.
   */
  commit(step: { readonly phase: string; readonly state: S; readonly records?: readonly RecordWrite[] }): Promise<void>
  /** The last value set from any process and not answered yet. */
  control(name: string): Control | undefined
  answer(control: Control, answer: Json): Promise<void>
  /** Sleeps; wakes early for a control or a stop. */
  idle(ms: number): Promise<void>
  /** A lease below the subject for one part of the work (a user of a table, a slot of a sync); undefined when another process holds it. */
  part(name: string, mode: LeaseRequest['mode']): Promise<Part | undefined>
}
export interface Part extends AsyncDisposable {
  readonly fence: number
}
