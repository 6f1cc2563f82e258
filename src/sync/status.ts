/** What is known of a sync from the catalog alone: its record, its controls, its newest job and how its last run ended. */
import type { AuditRow, Catalog, Job } from '../core/catalog.ts'
import type { ErrorView } from '../core/errors.ts'
import { refOfPath } from '../core/ref.ts'
import { readRecord } from './facts.ts'
import { syncPath, syncVerb } from './operation.ts'
import type { Phase } from './phases.ts'
import type { SyncSpec } from './spec.ts'

export const syncStates = ['never run', 'running', 'idle', 'paused', 'failed', 'interrupted'] as const

/** What is not known is null: of a sync that never ran, nothing is. */
export interface SyncStatus {
  readonly id: string
  /** Harper's name for the id. */
  readonly tableId: string
  /** `warehouse:shop/orders`: backend, dataset, table. */
  readonly source: string
  /** Ref of the target table; of the last run, when that had another target than the config says. */
  readonly target: string
  readonly state: (typeof syncStates)[number]
  readonly phase: Phase | null
  readonly lastTimestamp: string | null
  readonly lagSeconds: number | null
  readonly recordsIngested: number | null
  /** Of the first row that waits; null when none does, or nobody looked. */
  readonly nextTimestamp: string | null
  /** Rows of the next page. */
  readonly batchSize: number
  /** Of the last run, when it failed. */
  readonly lastError: string | null
}

export async function isPausedSync(catalog: Catalog, id: string): Promise<boolean> {
  const controls = await catalog.controls(syncPath(id))
  return controls.some((control) => control.name === 'paused' && control.value === true)
}

export async function statusOf(catalog: Catalog, spec: SyncSpec): Promise<SyncStatus> {
  const path = syncPath(spec.id)
  const record = await readRecord(catalog.records('sync'), path)
  const job = await first(catalog.jobs({ path, verb: syncVerb, limit: 1 }))
  const ended = await lastEnd(catalog, path)
  const error = ended?.outcome === 'failed' ? (ended.detail?.error as unknown as ErrorView | undefined) : undefined
  const paused = await isPausedSync(catalog, spec.id)
  const { backend, dataset, table } = spec.source
  return {
    id: spec.id,
    tableId: spec.id,
    source: `${backend}:${dataset}/${table}`,
    target: refOfPath((job?.options as unknown as SyncSpec | undefined)?.target ?? spec.target),
    state: stateOf(job, ended, paused),
    phase: record?.phase ?? null,
    lastTimestamp: record?.lastTimestamp ?? null,
    lagSeconds: record?.lagSeconds ?? null,
    recordsIngested: record?.recordsIngested ?? null,
    nextTimestamp: record?.nextTimestamp ?? null,
    batchSize: spec.batchRows[record?.phase ?? 'initial'],
    lastError: ended?.outcome === 'failed' && !isStop(error) ? (error?.message ?? 'it failed') : null,
  }
}

function stateOf(job: Job | undefined, ended: AuditRow | undefined, paused: boolean): SyncStatus['state'] {
  if (job?.live) return 'running'
  if (paused) return 'paused'
  const error = ended?.detail?.error as unknown as ErrorView | undefined
  // Paused in the middle and resumed, it is as half as one that was stopped.
  const half = (job?.result as { readonly paused?: boolean } | null | undefined)?.paused === true
  if (job?.state === 'open' || half || isStop(error)) return 'interrupted'
  if (ended?.outcome === 'failed') return 'failed'
  return job === undefined && ended === undefined ? 'never run' : 'idle'
}

/** It was told to stop, and goes on with the next run. */
const isStop = (error: ErrorView | undefined): boolean => error?.kind === 'stopped' || error?.kind === 'timeout'

/** Other verbs on the sync (pause, resume) are no ends of it. */
async function lastEnd(catalog: Catalog, path: string): Promise<AuditRow | undefined> {
  for await (const row of catalog.auditTrail({ path })) if (row.verb === syncVerb && row.path === path) return row
  return undefined
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item
  return undefined
}
