/** The context of one execution of one job: commits, controls, parts, progress and log lines, all under one fence. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Control, Finish, Job, Lease, LeaseMode, LogLine, RecordWrite } from '../catalog.ts'
import { Fenced, fail, Stopped } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Json, JsonObject } from '../json.ts'
import type { AnyOperation, LogLevel, Part, Progress, RunContext, Subject } from '../operation.ts'
import { refOfSubject } from '../ref.ts'
import type { Heartbeat } from './heartbeat.ts'

/** How often `idle` looks for controls from other processes. */
const controlPollMs = 100

export interface ExecutionOf {
  readonly operation: AnyOperation
  readonly subject: Subject
  readonly job: Job
  readonly lease: Lease
  readonly options: object
  readonly namespace: string
  readonly input?: AsyncIterable<Uint8Array>
}

export class Execution implements RunContext<any, any> {
  readonly signal: AbortSignal
  readonly run: string
  readonly subject: Subject
  readonly options: any
  readonly fence: number
  readonly input?: AsyncIterable<Uint8Array>
  state: any
  /** While undoing, a cancel is what we obey, not what stops us. */
  undoing = false

  private readonly host: Host
  private readonly of: ExecutionOf
  private readonly lost = new AbortController()
  private readonly unwatch: () => void
  private readonly heartbeat: Heartbeat
  private phase: string | null
  private seen: readonly Control[] = []
  private latest: Progress | undefined
  private lines: LogLine[] = []

  constructor(host: Host, heartbeat: Heartbeat, of: ExecutionOf) {
    this.host = host
    this.of = of
    this.heartbeat = heartbeat
    this.run = host.run
    this.subject = of.subject
    this.options = of.options
    this.fence = of.lease.fence
    if (of.input) this.input = of.input
    this.state = of.job.data ?? undefined
    this.phase = of.job.phase
    this.signal = AbortSignal.any([host.stop.hard, this.lost.signal])
    this.unwatch = heartbeat.watch(
      this.fence,
      () => this.lost.abort(new Fenced(of.job.id)),
      () => void this.poll().catch(() => {}),
    )
  }

  get job() {
    return { id: this.of.job.id, attempt: this.of.job.attempts, actor: this.of.job.actor }
  }
  get records() {
    return this.host.catalog.records(this.of.namespace)
  }
  now(): Date {
    return this.host.now()
  }
  report(progress: Progress): void {
    this.latest = progress
    this.host.reporter.progress({
      verb: this.of.job.verb,
      ref: refOfSubject(this.subject),
      job: this.job.id,
      progress,
    })
  }
  log(level: LogLevel, message: string, fields?: JsonObject): void {
    // The catalog's text knows no U+0000.
    this.lines.push({
      at: this.host.now().toISOString(),
      level,
      message: message.replaceAll('\0', ''),
      fields: fields ?? null,
    })
    this.host.reporter.log(level, message, { job: this.job.id, ...fields })
  }

  async commit(step: { phase: string; state: any; records?: readonly RecordWrite[] }): Promise<void> {
    this.signal.throwIfAborted()
    // Before the step: it may be the one that ends the time in which cancelling is possible.
    if (this.cancelled(this.phase)) throw new Stopped('cancel')
    const written = await this.host.catalog.commit(this.job.id, this.fence, {
      phase: step.phase,
      data: step.state as JsonObject,
      namespace: this.of.namespace,
      ...(step.records ? { records: step.records } : {}),
      ...(this.latest ? { progress: this.latest } : {}),
      log: this.lines.splice(0),
    })
    if (written === 'moved')
      throw fail('failed', 'record-moved', `a record of ${this.of.namespace} was changed by another process`, {
        retry: 'resume',
      })
    if (written !== 'written') throw new Fenced(this.job.id)
    this.state = step.state
    this.phase = step.phase
    await turn() // signals and heart-beats get their turn even when a driver never waits for anything
    await this.poll()
    if (this.cancelled(step.phase)) throw new Stopped('cancel')
    if (this.host.stop.why && !this.undoing) throw new Stopped(this.host.stop.why)
  }

  control(name: string): Control | undefined {
    return this.seen.find((control) => control.name === name && control.answer === null)
  }
  async answer(control: Control, answer: Json): Promise<void> {
    await this.host.catalog.answer(control, answer)
    await this.poll()
  }
  async idle(ms: number): Promise<void> {
    const until = Date.now() + ms
    const before = this.revisions()
    while (Date.now() < until && !this.signal.aborted && !this.host.stop.why) {
      await sleep(Math.max(1, Math.min(controlPollMs, until - Date.now())))
      await this.poll()
      if (this.revisions() !== before) return
    }
  }
  async part(name: string, mode: LeaseMode): Promise<Part | undefined> {
    const { catalog, owner, leaseMs } = this.host
    const lease = await catalog.acquire(
      [{ path: `${this.subject.path}/${name}`, mode }],
      owner,
      leaseMs,
      this.job.id,
      this.fence,
    )
    if (lease === 'fenced') throw new Fenced(this.job.id)
    if (lease.is === 'busy') return undefined
    const unwatch = this.heartbeat.watch(lease.fence, () => this.lost.abort(new Fenced(this.job.id)))
    return {
      fence: lease.fence,
      [Symbol.asyncDispose]: async () => {
        unwatch()
        await catalog.release(lease.fence)
      },
    }
  }

  /** Reads the job's own controls and those of its subject (desired state such as `paused`). */
  async poll(): Promise<void> {
    const { catalog } = this.host
    this.seen = [...(await catalog.controls(`job/${this.job.id}`)), ...(await catalog.controls(this.subject.path))]
  }
  /** The receiver decides: what this phase does not allow is answered, or a job could never go to `waiting`. True while an order stands. */
  async pending(): Promise<boolean> {
    await this.poll()
    const orders = () => this.seen.filter((control) => control.path === `job/${this.job.id}` && control.answer === null)
    for (const order of orders())
      if (!this.allows(order.name, this.phase))
        await this.answer(order, { refused: `not possible in phase ${this.phase ?? 'begin'}` })
    return orders().length > 0
  }
  async finish(finish: Finish): Promise<'written' | 'fenced' | 'controls' | 'moved'> {
    return this.host.catalog.commit(this.job.id, this.fence, {
      ...(this.latest ? { progress: this.latest } : {}),
      log: this.lines.splice(0),
      finish,
    })
  }
  /** Stops the heart-beat; the job stays open for whoever resumes it. */
  async release(): Promise<void> {
    if (this.lines.length > 0) await this.host.catalog.commit(this.job.id, this.fence, { log: this.lines.splice(0) })
    await this.host.catalog.release(this.fence)
  }
  end(): void {
    this.unwatch()
  }

  /** An order that came while nobody ran the job is obeyed before any work: not every operation ever commits. */
  throwIfCancelled(): void {
    if (this.cancelled(this.phase)) throw new Stopped('cancel')
  }

  private cancelled(phase: string | null): boolean {
    return !this.undoing && this.control('cancel') !== undefined && this.allows('cancel', phase)
  }
  private allows(name: string, phase: string | null): boolean {
    const rule = this.of.operation.controls?.[name]
    if (!rule) return name === 'cancel'
    return rule.phases === 'any' || phase === null || rule.phases.includes(phase)
  }
  private revisions(): string {
    return this.seen.map((control) => `${control.path} ${control.name} ${control.rev}`).join()
  }
}
