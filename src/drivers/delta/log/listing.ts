/** What `_delta_log` holds, by listing it. */
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { lastCheckpointHint } from './last-checkpoint.ts'
import { logFolder, paddedVersion, parseLogName } from './paths.ts'

/**
 * Compacted commits (`x.y.compacted.json`) are passed over: the commits that they stand for are there as long as they are, must be read for
 * their times all the same, and are what every other reader believes.
 */
export interface LogListing {
  /** By version, ascending. */
  readonly commits: ReadonlyMap<number, ObjectInfo>
  /** Complete ones, newest first. */
  readonly checkpoints: readonly CheckpointFiles[]
}

/** Several of one version may stand side by side. */
export interface CheckpointFiles {
  readonly version: number
  /** One file, or all parts in order. */
  readonly keys: readonly string[]
}

/** Everything from `from` on. */
export async function listLog(store: ObjectStore, prefix: string, from: number): Promise<LogListing> {
  const folder = logFolder(prefix)
  const commits = new Map<number, ObjectInfo>()
  const checkpoints: CheckpointFiles[] = []
  const parts = new Map<string, { version: number; parts: number; keys: string[] }>()
  // The bare number sorts directly before everything that begins with it.
  for await (const info of store.list(folder, { startAfter: `${folder}/${paddedVersion(from)}` })) {
    const file = parseLogName(info.key.slice(folder.length + 1))
    if (file === null) continue
    if (file.is === 'commit') commits.set(file.version, info)
    else if (file.is === 'v2-checkpoint') checkpoints.push({ version: file.version, keys: [info.key] })
    else {
      // A classic checkpoint and a multi-part one of the same version may stand side by side.
      const group = `${file.version}/${info.key.endsWith('.checkpoint.parquet') ? 'classic' : file.parts}`
      const set = parts.get(group) ?? { version: file.version, parts: file.parts, keys: [] }
      set.keys.push(info.key)
      parts.set(group, set)
    }
  }
  checkpoints.push(...[...parts.values()].filter((set) => set.keys.length === set.parts))
  return { commits, checkpoints: checkpoints.sort((a, b) => b.version - a.version) }
}

/** The version that `_last_checkpoint` names, and whether that checkpoint is there; undefined when it names none. */
export async function hintedCheckpoint(
  store: ObjectStore,
  prefix: string,
): Promise<{ readonly version: number; readonly there: boolean } | undefined> {
  const version = await lastCheckpointHint(store, prefix)
  if (version === undefined) return undefined
  const { checkpoints } = await listLog(store, prefix, version)
  return { version, there: checkpoints.some((checkpoint) => checkpoint.version === version) }
}

/** Starts at the hinted checkpoint where there is one that helps to read `version` (default: the newest), else at the beginning. */
export async function listFromCheckpoint(
  store: ObjectStore,
  prefix: string,
  version: number | undefined,
): Promise<{ readonly listing: LogListing; readonly from: number }> {
  const hint = await lastCheckpointHint(store, prefix)
  if (hint !== undefined && (version === undefined || hint <= version)) {
    const listing = await listLog(store, prefix, hint)
    if (listing.checkpoints.some((checkpoint) => checkpoint.version === hint)) return { listing, from: hint }
  }
  return { listing: await listLog(store, prefix, 0), from: 0 }
}
