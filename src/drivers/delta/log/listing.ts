/** What `_delta_log` holds, by listing it. */
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { lastCheckpointHint } from './last-checkpoint.ts'
import { logFolder, paddedVersion, parseLogName } from './paths.ts'

export interface LogListing {
  readonly commits: ReadonlyMap<number, ObjectInfo>
  /** Complete ones, with the keys of their parts. */
  readonly checkpoints: ReadonlyMap<number, readonly string[]>
  readonly v2Checkpoints: readonly number[]
}

/** Everything from `from` on. */
export async function listLog(store: ObjectStore, prefix: string, from: number): Promise<LogListing> {
  const folder = logFolder(prefix)
  const commits = new Map<number, ObjectInfo>()
  const parts = new Map<string, { version: number; parts: number; keys: string[] }>()
  const v2Checkpoints: number[] = []
  // The bare number sorts directly before everything that begins with it.
  for await (const info of store.list(folder, { startAfter: `${folder}/${paddedVersion(from)}` })) {
    const file = parseLogName(info.key.slice(folder.length + 1))
    if (file === null) continue
    if (file.is === 'commit') commits.set(file.version, info)
    else if (file.is === 'v2-checkpoint') v2Checkpoints.push(file.version)
    else {
      // A classic checkpoint and a multi-part one of the same version may stand side by side.
      const group = `${file.version}/${info.key.endsWith('.checkpoint.parquet') ? 'classic' : file.parts}`
      const set = parts.get(group) ?? { version: file.version, parts: file.parts, keys: [] }
      set.keys.push(info.key)
      parts.set(group, set)
    }
  }
  const complete = [...parts.values()].filter((set) => set.keys.length === set.parts)
  return { commits, checkpoints: new Map(complete.map((set) => [set.version, set.keys])), v2Checkpoints }
}

/** Starts at the hinted checkpoint where there is one that helps to read `version` (default: the newest), else at the beginning. */
export async function listFromCheckpoint(
  store: ObjectStore,
  prefix: string,
  version: number | undefined,
): Promise<LogListing> {
  const hint = await lastCheckpointHint(store, prefix)
  if (hint !== undefined && (version === undefined || hint <= version)) {
    const listing = await listLog(store, prefix, hint)
    if (listing.checkpoints.has(hint)) return listing
  }
  return listLog(store, prefix, 0)
}
