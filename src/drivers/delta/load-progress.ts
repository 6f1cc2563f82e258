/** What a load has done: the figures that its job keeps, and after a crash those that only the log knows. */
import type { LoadOptions } from '../../core/driver.ts'
import type { RunContext } from '../../core/operation.ts'
import type { Action } from './log/actions.ts'
import { isObject } from './log/exact-json.ts'
import { readCommit, type Snapshot } from './log/snapshot.ts'
import type { DeltaTable } from './table.ts'

export interface Progress {
  readonly rows: number
  readonly rejected: number
  readonly files: number
  readonly bytes: number
  readonly commits: number
  /** Of the last commit; null before the first. */
  readonly version: number | null
}
const nothing: Progress = { rows: 0, rejected: 0, files: 0, bytes: 0, commits: 0, version: null }

export const appIdOf = ({ batchId }: LoadOptions): string => `tblctl-load:${batchId}`

/** Rows of the input, rejected ones too, that are behind this table's last commit of the batch. */
export const consumedOf = (snapshot: Snapshot, options: LoadOptions): number =>
  Number(snapshot.txns.get(appIdOf(options))?.version ?? 0)

export const plus = (a: Progress, b: Omit<Progress, 'commits'>): Progress => ({
  rows: a.rows + b.rows,
  rejected: a.rejected + b.rejected,
  files: a.files + b.files,
  bytes: a.bytes + b.bytes,
  commits: a.commits + 1,
  version: b.version,
})

export const metricsOf = (done: Omit<Progress, 'commits' | 'version'>): Readonly<Record<string, number>> => ({
  numFiles: done.files,
  numOutputRows: done.rows,
  numOutputBytes: done.bytes,
  numRejectedRows: done.rejected,
})

/** A process that was killed between its commit to the log and the one to the catalog left the job one commit behind. */
export async function progressSoFar(
  { location, snapshot }: DeltaTable,
  plannedAt: number,
  ctx: RunContext<Progress, LoadOptions>,
): Promise<Progress> {
  let progress = ctx.state ?? nothing
  if (ctx.job.attempt === 1) return progress
  for (let version = (progress.version ?? plannedAt) + 1; version <= snapshot.version; version++) {
    const actions = (await readCommit(location.store, location.prefix, version)) ?? []
    const metrics = metricsOfJob(actions, ctx.job.id)
    if (metrics) progress = plus(progress, { ...metrics, version })
  }
  return progress
}

function metricsOfJob(actions: readonly Action[], job: string): Omit<Progress, 'commits' | 'version'> | undefined {
  for (const action of actions) {
    if (!('commitInfo' in action)) continue
    const { tblctl, operationMetrics } = action.commitInfo
    if (!isObject(tblctl) || tblctl.job !== job || !isObject(operationMetrics)) continue
    const figure = (name: string): number => Number(operationMetrics[name] ?? 0)
    return {
      rows: figure('numOutputRows'),
      rejected: figure('numRejectedRows'),
      files: figure('numFiles'),
      bytes: figure('numOutputBytes'),
    }
  }
  return undefined
}
