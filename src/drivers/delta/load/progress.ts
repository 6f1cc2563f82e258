/** What a load has done: the figures that its job keeps, and after a crash those that only the log knows. */
import type { RunContext } from '../../../core/operation.ts'
import type { Action } from '../log/actions.ts'
import { isObject } from '../log/exact-json.ts'
import { readCommit, type Snapshot } from '../log/snapshot.ts'
import type { DeltaTable } from '../table.ts'
import type { LoadBatch, LoadRequest } from './batch.ts'

/** Null: nobody knows. */
export type Figures = Readonly<Record<string, number | null>>

/** A type alias: it is a job's state. */
export type Progress = {
  readonly figures: Figures
  readonly commits: number
  /** Of the last commit; null before the first. */
  readonly version: number | null
}
export type LoadContext = RunContext<Progress, LoadRequest>

/** Figures of a load's report, and what the log's `operationMetrics` call each. */
const metricNames: Readonly<Record<LoadBatch['mode'], Readonly<Record<string, string>>>> = {
  append: { rows: 'numOutputRows', rejected: 'numRejectedRows', files: 'numFiles', bytes: 'numOutputBytes' },
  merge: {
    rows: 'numSourceRows',
    rejected: 'numRejectedRows',
    rowsSuperseded: 'numSupersededRows',
    rowsInserted: 'numTargetRowsInserted',
    rowsUpdated: 'numTargetRowsUpdated',
    duplicatesRemoved: 'numDuplicateRowsRemoved',
    filesRemoved: 'numTargetFilesRemoved',
    filesAdded: 'numTargetFilesAdded',
    bytesRemoved: 'numTargetBytesRemoved',
    bytesAdded: 'numTargetBytesAdded',
  },
  overwrite: {
    rows: 'numOutputRows',
    rejected: 'numRejectedRows',
    rowsBefore: 'numDeletedRows',
    rowsAfter: 'numOutputRows',
    filesBefore: 'numRemovedFiles',
    filesAfter: 'numFiles',
    bytesBefore: 'numRemovedBytes',
    bytesAfter: 'numOutputBytes',
  },
}

export const nothingOf = ({ mode }: LoadBatch): Progress => ({
  figures: Object.fromEntries(Object.keys(metricNames[mode]).map((name) => [name, 0])),
  commits: 0,
  version: null,
})

export const plus = (progress: Progress, figures: Figures, version: number): Progress => ({
  figures: Object.fromEntries(
    Object.entries(progress.figures).map(([name, sum]) => {
      const more = figures[name] ?? null
      return [name, sum === null || more === null ? null : sum + more]
    }),
  ),
  commits: progress.commits + 1,
  version,
})

/** What is not known is left out. */
export function metricsOf({ mode }: LoadBatch, figures: Figures): Readonly<Record<string, number>> {
  const known = Object.entries(metricNames[mode]).flatMap(([name, metric]) => {
    const figure = figures[name] ?? null
    return figure === null ? [] : [[metric, figure] as const]
  })
  return Object.fromEntries(known)
}

/** Rows of the input, rejected ones too, that are behind this table's last commit of the batch. */
export const consumedOf = (snapshot: Snapshot, { appId }: LoadBatch): number =>
  Number(snapshot.txns.get(appId)?.version ?? 0)

/** A process that was killed between its commit to the log and the one to the catalog left the job one commit behind. */
export async function progressSoFar(
  { location, snapshot }: DeltaTable,
  batch: LoadBatch,
  plannedAt: number,
  ctx: LoadContext,
): Promise<Progress> {
  let progress = ctx.state ?? nothingOf(batch)
  if (ctx.job.attempt === 1) return progress
  for (let version = (progress.version ?? plannedAt) + 1; version <= snapshot.version; version++) {
    const actions = (await readCommit(location.store, location.prefix, version)) ?? []
    const figures = figuresOfJob(actions, batch, ctx.job.id)
    if (figures) progress = plus(progress, figures, version)
  }
  return progress
}

function figuresOfJob(actions: readonly Action[], { mode }: LoadBatch, job: string): Figures | undefined {
  for (const action of actions) {
    if (!('commitInfo' in action)) continue
    const { tblctl, operationMetrics } = action.commitInfo
    if (!isObject(tblctl) || tblctl.job !== job || !isObject(operationMetrics)) continue
    const figure = (metric: string): number | null =>
      operationMetrics[metric] === undefined ? null : Number(operationMetrics[metric])
    return Object.fromEntries(Object.entries(metricNames[mode]).map(([name, metric]) => [name, figure(metric)]))
  }
  return undefined
}
