/**
 * The clean-up of a log (Delta PROTOCOL, "Metadata Cleanup"). What is to go is first thought away, and the table read without it; then it goes,
 * oldest first: at any moment, and after any crash, what a reader finds from the kept checkpoint on is whole.
 */
import { durable } from '../../../core/durable.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import { inCommitTimestampIn, readCommitInfo } from './commit-info.ts'
import { expiredLog, oldLog, type TimedCommit } from './expired-log.ts'
import { lastCheckpointHint } from './last-checkpoint.ts'
import { logFolder } from './paths.ts'
import { readSnapshot } from './snapshot.ts'

export interface CleanUpOptions {
  /** Commits before the beginning of this day (UTC) can go. */
  readonly olderThan: Date
  /** The table has in-commit timestamps: an object that was copied later is not a later commit, and one that says it is later is. */
  readonly inCommitTimestamps: boolean
  readonly scratch: string
  readonly signal?: AbortSignal
}

export interface CleanedUp {
  readonly keptFrom: number
  readonly filesRemoved: number
}

const day = 24 * 3_600_000
const atOnce = 1000

/** Null when there is nothing to do. Throws as readSnapshot does when the kept checkpoint cannot be read; then nothing was removed. */
export async function cleanUpLog(
  store: ObjectStore,
  prefix: string,
  options: CleanUpOptions,
): Promise<CleanedUp | null> {
  const { olderThan, inCommitTimestamps, scratch, signal } = options
  const folder = logFolder(prefix)
  const cutoff = new Date(Math.floor(olderThan.getTime() / day) * day)
  const old = await oldLog(store.list(folder), folder, cutoff)
  const newest = await cutoffCommit(store, old.commits, cutoff, inCommitTimestamps)
  if (newest === undefined) return null
  const expired = expiredLog(old, folder, newest.version)
  if (expired === null) return null
  const { keptFrom, keys } = expired
  // Readers without a hint list everything; readers with one begin there.
  const hint = await lastCheckpointHint(store, prefix)
  if (hint !== undefined && hint < keptFrom) return null
  const { version } = (await readSnapshot(without(store, new Set(keys)), prefix, {
    version: keptFrom,
    scratch,
    ...(signal === undefined ? {} : { signal }),
  }))!
  for (let i = 0; i < keys.length; i += atOnce) {
    signal?.throwIfAborted()
    durable('delta.clean-up:before')
    await store.delete(keys.slice(i, i + atOnce))
    durable('delta.clean-up:after')
  }
  return { keptFrom: version, filesRemoved: keys.length }
}

/** Of the commits before the cut-off by their objects' times, those that are later by their own do not count. */
async function cutoffCommit(
  store: ObjectStore,
  commits: readonly TimedCommit[],
  cutoff: Date,
  inCommitTimestamps: boolean,
): Promise<TimedCommit | undefined> {
  if (!inCommitTimestamps) return commits.at(-1)
  for (const commit of commits.toReversed()) {
    const own = inCommitTimestampIn(await readCommitInfo(store, commit))
    if (own === undefined || own <= cutoff.getTime()) return commit
  }
  return undefined
}

/** The store as it will be when these are gone. */
function without(store: ObjectStore, gone: ReadonlySet<string>): ObjectStore {
  return {
    ...store,
    async *list(folder, options) {
      for await (const info of store.list(folder, options)) if (!gone.has(info.key)) yield info
    },
    head: async (key) => (gone.has(key) ? undefined : store.head(key)),
    read: async (key, range) => (gone.has(key) ? undefined : store.read(key, range)),
  }
}
