/**
 * When the versions of a table were committed, and which one it had at a time. A commit's time is its own (Delta PROTOCOL, "In-Commit
 * Timestamps") from the version on that the table has them; before, when its object was written, made rising: a copied log has any order of
 * them, and S3 knows seconds only.
 */
import type { PointInTime } from '../../../core/driver.ts'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { inCommitTimestampIn, readCommitInfo } from './commit-info.ts'
import { type LogListing, listLog } from './listing.ts'
import { inCommitTimestamps } from './properties.ts'
import { readSnapshot, type Snapshot, type SnapshotOptions } from './snapshot.ts'

/** Undefined when the folder holds no Delta log. Errors: those of readSnapshot and versionAtTime; `usage`/`bad-timestamp`. */
export async function readSnapshotAt(
  store: ObjectStore,
  prefix: string,
  at: PointInTime,
  options: Omit<SnapshotOptions, 'version'>,
): Promise<Snapshot | undefined> {
  if ('version' in at) return readSnapshot(store, prefix, { ...options, version: at.version })
  const time = Date.parse(at.timestamp)
  if (Number.isNaN(time)) throw fail('usage', 'bad-timestamp', `"${printable(at.timestamp)}" is no time`)
  // Only the newest version says what the times of the others are.
  const newest = await readSnapshot(store, prefix, options)
  if (newest === undefined) return undefined
  const where = printable(prefix === '' ? store.url : `${store.url}/${prefix}`)
  const listing = await listLog(store, prefix, 0)
  const version = await versionAtTime(store, listing, newest.metadata.configuration, time, where)
  return version === newest.version ? newest : readSnapshot(store, prefix, { ...options, version })
}

/** By version, in milliseconds, strictly rising. */
export function writtenTimes(commits: LogListing['commits']): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  let last = Number.NEGATIVE_INFINITY
  for (const [version, { modifiedAt }] of commits) {
    last = Math.max(modifiedAt.getTime(), last + 1)
    times.set(version, last)
  }
  return times
}

/**
 * The newest version whose commit is not later than `time` (milliseconds). `listing`: the whole log; `configuration`: of the newest version.
 * Throws `missing`/`no-such-version` for a time before the oldest version that can be read.
 */
export async function versionAtTime(
  store: ObjectStore,
  listing: LogListing,
  configuration: Readonly<Record<string, string>>,
  time: number,
  where: string,
): Promise<number> {
  const written = writtenTimes(listing.commits)
  const since = inCommitTimestamps(configuration) ? ownTimesSince(configuration) : Number.POSITIVE_INFINITY
  const timeOf = async (version: number): Promise<number> =>
    version < since ? written.get(version)! : ownTime(store, listing.commits.get(version)!)
  const oldest = oldestReadable(listing)
  const versions = [...listing.commits.keys()].filter((version) => version >= oldest)
  const own = versions.filter((version) => version >= since)
  // The two kinds of times need not agree where they meet: each is searched on its own.
  const searched =
    own.length > 0 && (await timeOf(own[0]!)) <= time ? own : versions.slice(0, versions.length - own.length)
  const found = await newestNotLater(searched, timeOf, time)
  if (found !== undefined) return found
  const told = async (version: number | undefined): Promise<string> =>
    version === undefined ? 'unknown' : `${version} of ${timeText(await timeOf(version))}`
  throw fail('missing', 'no-such-version', `the table has no version that can be read of ${timeText(time)}`, {
    where,
    hint: `the oldest is ${await told(versions[0])}, the newest ${await told(versions.at(-1))}`,
  })
}

/** The version that the feature came with; a table that was created with it does not say. */
function ownTimesSince(configuration: Readonly<Record<string, string>>): number {
  const text = configuration['delta.inCommitTimestampEnablementVersion']
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0
}

async function ownTime(store: ObjectStore, commit: ObjectInfo): Promise<number> {
  const time = inCommitTimestampIn(await readCommitInfo(store, commit))
  if (time !== undefined) return time
  throw fail('data', 'corrupt-commit', 'the table has in-commit timestamps, and this commit has none', {
    where: `${store.url}/${commit.key}`,
    hint: 'read the table by --version',
  })
}

/** What lies before the oldest checkpoint can be read only when the log begins with version 0. */
const oldestReadable = ({ commits, checkpoints }: LogListing): number =>
  commits.has(0) ? 0 : (checkpoints.at(-1)?.version ?? 0)

/** Times rise with the versions, so that a few of them are enough. */
async function newestNotLater(
  versions: readonly number[],
  timeOf: (version: number) => Promise<number>,
  time: number,
): Promise<number | undefined> {
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((await timeOf(versions[middle]!)) <= time) low = middle + 1
    else high = middle
  }
  return versions[low - 1]
}

/** A log may hold any number; null when it is no time. */
export function timeText(milliseconds: number | null): string | null {
  const time = new Date(milliseconds ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}
