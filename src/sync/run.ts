/** What the parts of one pass share: its state, its result, and what it carries along. */
import type { RunContext } from '../core/operation.ts'
import type { Counted } from './counts.ts'
import type { SyncEnds } from './ends.ts'
import type { Inspected } from './inspect.ts'
import type { Late } from './late.ts'
import type { Phase } from './phases.ts'
import type { SyncSpec } from './spec.ts'
import type { PageWriter } from './writer.ts'

/** Type aliases: plain JSON, as states and results must be. */
export type SyncState = {
  /** The target's sequence when the pass began: a higher one there means that pages of this pass are written. */
  readonly sequence: number
  readonly rows: number
  readonly pages: number
  /** When the pass began. */
  readonly counted: Counted | null
  readonly late: Late | null
}
export type SyncResult = {
  readonly phase: Phase
  /** Read and written by this job, those included that were read again. */
  readonly rows: number
  readonly pages: number
  readonly recordsIngested: number
  readonly lastTimestamp: string | null
  readonly lagSeconds: number | null
  /** Of the first row that waits until it is older than the lag, or until the source's clock is there; null = none does. */
  readonly nextTimestamp: string | null
  /** Rows of the source without a time; null = nobody counted them. */
  readonly nullRows: number | null
  /** By this run; null when the source does not say. */
  readonly billedBytes: number | null
  readonly created: boolean
  readonly columnsAdded: number
  readonly paused: boolean
}
export type SyncContext = RunContext<SyncState, SyncSpec>

/** What a pass knows and carries along. */
export interface Pass {
  readonly ends: SyncEnds
  readonly spec: SyncSpec
  readonly ctx: SyncContext
  readonly until: string
  /** Changes when the source's columns do. */
  inspected: Inspected
  readonly writer: PageWriter
  phase: Phase
  lagSeconds: number | null
  nullRows: number | null
  nextTimestamp: string | null
  billedBytes: number | null
  columnsAdded: number
}

/** Desired state: it stays on the sync until it is taken back. */
export const isPaused = (ctx: SyncContext): boolean => ctx.control('paused')?.value === true
