/** What the runner needs from its surroundings: who approves, who listens, when to stop. The CLI gives one; a server gives another. */

import type { Catalog } from './catalog.ts'
import type { ErrorView, Stopped } from './errors.ts'
import type { JsonObject } from './json.ts'
import type { LogLevel, Plan, Progress, Subject } from './operation.ts'

export interface PlannedItem {
  readonly verb: string
  readonly subject: Subject
  readonly plan: Plan
}
export interface Approver {
  /** Asked once for a whole batch. False = declined. Throws a usage error that names the flag when nobody can be asked. */
  approve(items: readonly PlannedItem[]): Promise<boolean>
}

export interface Reporter {
  progress(event: {
    readonly verb: string
    readonly ref: string
    readonly job: string
    readonly progress: Progress
  }): void
  /** Work on this subject ended, in whatever way. */
  finished(ref: string): void
  log(level: LogLevel, message: string, fields?: JsonObject): void
}

/** Set by signals and time-outs. `soft` stops at the next safe point; `hard` aborts what is in flight. */
export interface StopSource {
  readonly why: Stopped['why'] | null
  readonly hard: AbortSignal
  /** Calls back when somebody asks to stop; returns how to unsubscribe. */
  onStop(listener: () => void): () => void
}

export interface Host {
  readonly catalog: Catalog
  /** This process: `host/pid/start/nonce` (see jobs/owner.ts). */
  readonly owner: string
  /** True only for a process of this host that is certainly gone. */
  isGone(owner: string): boolean
  readonly actor: string
  readonly run: string
  readonly leaseMs: number
  readonly lockTimeoutMs: number
  readonly parallelism: number
  readonly approver: Approver
  readonly reporter: Reporter
  readonly stop: StopSource
  newId(): string
  now(): Date
}

/** One subject of an OperationReport. */
export interface ReportItem {
  readonly ref: string
  readonly status: 'changed' | 'unchanged' | 'failed' | 'skipped'
  readonly job?: string
  readonly plan?: Plan
  readonly result?: JsonObject
  /** The job is open and waits: for these controls, or until this time. */
  readonly waitsFor?: readonly string[]
  readonly wakeAt?: string
  readonly resumed?: boolean
  readonly error?: ErrorView
}
