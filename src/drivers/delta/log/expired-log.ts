/** Which files of a log can go (Delta PROTOCOL, "Metadata Cleanup"). Pure. */
import type { ObjectInfo } from '../../../storage/object-store.ts'
import { parseLogName } from './paths.ts'

export interface ExpiredLog {
  /** The newest checkpoint that is no newer than the cut-off commit: it, its commit and all that follow stay. */
  readonly keptFrom: number
  /** Oldest first. */
  readonly keys: readonly string[]
}

/** A commit and when it was made, in milliseconds, made rising: no commit counts as older than the one before it. */
export interface TimedCommit {
  readonly version: number
  readonly key: string
  readonly size: number
  readonly time: number
}

export interface OldLog {
  readonly entries: readonly ObjectInfo[]
  /** Those at or before the cut-off, in order. */
  readonly commits: readonly TimedCommit[]
}

/** The beginning of a listing, up to the first commit after the cut-off: how long the rest of the log is costs nothing. */
export async function oldLog(listing: AsyncIterable<ObjectInfo>, folder: string, cutoff: Date): Promise<OldLog> {
  const entries: ObjectInfo[] = []
  const commits: TimedCommit[] = []
  for await (const info of listing) {
    const name = info.key.slice(folder.length + 1)
    const file = parseLogName(name)
    if (file?.is === 'commit') {
      const before = commits.at(-1)
      const time = Math.max(info.modifiedAt.getTime(), before === undefined ? 0 : before.time + 1)
      if (time > cutoff.getTime()) break
      commits.push({ version: file.version, key: info.key, size: info.size, time })
    }
    entries.push(info)
  }
  return { entries, commits }
}

/** `cutoffVersion`: of the cut-off commit. Null when no checkpoint is old enough, or nothing lies before it. */
export function expiredLog({ entries }: OldLog, folder: string, cutoffVersion: number): ExpiredLog | null {
  const files = entries.map(({ key }) => ({ key, name: key.slice(folder.length + 1) }))
  const keptFrom = Math.max(-1, ...completeCheckpoints(files.map(({ name }) => name)).filter((v) => v <= cutoffVersion))
  const expired = files.flatMap(({ key, name }) => {
    const version = expiresWith(name)
    return version !== null && version < keptFrom ? [{ key, version }] : []
  })
  if (expired.length === 0) return null
  return { keptFrom, keys: expired.sort((a, b) => a.version - b.version).map(({ key }) => key) }
}

function completeCheckpoints(names: readonly string[]): number[] {
  const found: number[] = []
  const parts = new Map<string, number>()
  for (const name of names) {
    const file = parseLogName(name)
    if (file?.is === 'v2-checkpoint') found.push(file.version)
    if (file?.is !== 'checkpoint') continue
    const set = `${file.version} ${name.endsWith('.checkpoint.parquet') ? 'classic' : file.parts}`
    const there = (parts.get(set) ?? 0) + 1
    parts.set(set, there)
    if (there === file.parts) found.push(file.version)
  }
  return found
}

/**
 * The version that a file of the log goes with; null for what is no business of the clean-up. `.crc`: the checksum of a version, and what
 * Hadoop's local file system puts beside each file under a name with a dot.
 */
function expiresWith(name: string): number | null {
  const plain = /^\.(.+)\.crc$/.exec(name)?.[1] ?? name
  const compacted = /^(\d{20})\.\d{20}\.compacted\.json$/.exec(plain)?.[1]
  // One that begins at the kept version covers commits that stay; it goes when the next checkpoint is kept.
  const version = compacted ?? /^(\d{20})\.crc$/.exec(plain)?.[1]
  if (version !== undefined) return Number(version)
  const file = parseLogName(plain)
  return file !== null && 'version' in file ? file.version : null
}
