/**
 * What a committed version asks for besides: a checkpoint every `delta.checkpointInterval` versions, and after one the end of what the log need
 * not keep. The commit stands whatever becomes of it: a failure is told and left to the next multiple.
 */
import { errorView } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { Location } from './location.ts'
import type { Metadata } from './log/actions.ts'
import { cleanUpLog } from './log/clean-up.ts'
import { type CommitRequest, configurationAfter } from './log/commit-request.ts'
import { hintedCheckpoint } from './log/listing.ts'
import { checkpointInterval, expiredLogCleanup, inCommitTimestamps, logRetentionMs } from './log/properties.ts'
import { readSnapshot, type Snapshot } from './log/snapshot.ts'
import { writeCheckpoint } from './log/write-checkpoint.ts'
import type { Lake } from './table.ts'

/** By table, the newest version that this process wrote a checkpoint of, tried to, or heard of. */
const tried = new WeakMap<Lake, Map<string, number>>()

/** After the request was committed as `version`. Never throws. */
export async function keepUpLog(
  lake: Lake,
  location: Location,
  request: CommitRequest,
  version: number,
  ctx: ReadContext,
): Promise<void> {
  const told = (failed: string, error: unknown): void => {
    const { code, message } = errorView(ctx.signal.aborted ? ctx.signal.reason : error)
    ctx.log('warn', `version ${version} is committed, but ${failed}: ${message}`, { code })
  }
  let snapshot: Snapshot | null
  try {
    const interval = checkpointInterval(configurationAfter(request))
    if (!(await isDue(lake, location, version, interval, request.snapshot?.checkpoint ?? 0))) return
    snapshot = await checkpointAt(lake, location, version, ctx)
  } catch (error) {
    told('no checkpoint was written', error)
    return
  }
  try {
    if (snapshot !== null) await cleanUp(lake, location, snapshot.metadata.configuration, ctx)
  } catch (error) {
    told('its log could not be cleaned up', error)
  }
}

/**
 * A multiple of the interval, or any version when two of them passed without: foreign writers need not write checkpoints. `known`: of a
 * checkpoint that was there before.
 */
async function isDue(
  lake: Lake,
  { store, prefix, url }: Location,
  version: number,
  interval: number,
  known: number,
): Promise<boolean> {
  const newest = tried.get(lake) ?? new Map<string, number>()
  tried.set(lake, newest)
  const learn = (of: number): void => void newest.set(url, Math.max(newest.get(url) ?? 0, of))
  const late = (): boolean => version - newest.get(url)! > 2 * interval
  learn(known)
  const multiple = version > 0 && version % interval === 0
  // Somebody else may have written one meanwhile: only then a commit costs a request more.
  if (!multiple && late()) {
    const hint = await hintedCheckpoint(store, prefix)
    if (hint?.there) learn(hint.version)
  }
  const due = multiple || late()
  if (due) learn(version)
  return due
}

/** The version's snapshot; null when the checkpoint is another process's. */
async function checkpointAt(
  lake: Lake,
  { store, prefix }: Location,
  version: number,
  ctx: ReadContext,
): Promise<Snapshot | null> {
  const { signal } = ctx
  const scratch = await lake.environment.scratch()
  const snapshot = await readSnapshot(store, prefix, { version, tombstones: true, scratch, signal })
  if (snapshot === undefined) return null
  const written = await writeCheckpoint(store, prefix, snapshot, { scratch, now: ctx.now(), signal })
  if (written === null) return null
  ctx.log('debug', `checkpoint of version ${version}`, { ...written })
  return snapshot
}

async function cleanUp(
  lake: Lake,
  { store, prefix }: Location,
  configuration: Metadata['configuration'],
  ctx: ReadContext,
): Promise<void> {
  if (!expiredLogCleanup(configuration)) return
  const removed = await cleanUpLog(store, prefix, {
    olderThan: new Date(ctx.now().getTime() - logRetentionMs(configuration)),
    inCommitTimestamps: inCommitTimestamps(configuration),
    scratch: await lake.environment.scratch(),
    signal: ctx.signal,
  })
  if (removed !== null) ctx.log('debug', `the log before version ${removed.keptFrom} was removed`, { ...removed })
}
