/** What a process that was killed had committed to the log, and what others appended since: the log knows, when the catalog was not told any more. */
import { commitOfJob } from '../log/commit-of-job.ts'
import { isObject } from '../log/exact-json.ts'
import { readCommit } from '../log/snapshot.ts'
import type { DeltaTable } from '../table.ts'

export interface OwnCommit {
  readonly version: number
  /** As the operation gave them. */
  readonly metrics: Readonly<Record<string, number>>
}

/** The newest commit of this job after version `since`; undefined when there is none that can still be read. */
export async function committedByJob(
  { location, snapshot }: DeltaTable,
  since: number,
  job: string,
): Promise<OwnCommit | undefined> {
  const version = await commitOfJob(location, job, { from: since + 1, to: snapshot.version })
  if (version === undefined) return undefined
  for (const action of (await readCommit(location.store, location.prefix, version)) ?? []) {
    if (!('commitInfo' in action) || !isObject(action.commitInfo.operationMetrics)) continue
    const metrics = Object.entries(action.commitInfo.operationMetrics)
    return { version, metrics: Object.fromEntries(metrics.map(([name, figure]) => [name, Number(figure)])) }
  }
  return undefined
}

/** Files that came after version `since`, where nothing but appends did; null when rows may have moved, or the log does not say. */
export async function appendedSince(
  { location, snapshot }: DeltaTable,
  since: number,
): Promise<ReadonlySet<string> | null> {
  const paths = new Set<string>()
  for (let version = since + 1; version <= snapshot.version; version++) {
    const actions = await readCommit(location.store, location.prefix, version)
    if (actions === undefined) return null
    for (const action of actions) {
      if ('remove' in action || ('add' in action && !action.add.dataChange)) return null
      if ('add' in action) paths.add(action.add.path)
    }
  }
  return paths
}
