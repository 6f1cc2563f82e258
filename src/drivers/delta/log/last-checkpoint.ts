/** `_last_checkpoint` (Delta PROTOCOL, "Last Checkpoint File"): a hint where to start listing, never trusted further. */
import type { ObjectStore } from '../../../storage/object-store.ts'
import { isObject } from './exact-json.ts'
import { logFolder } from './paths.ts'

/** The version that the hint names; undefined when there is none or it makes no sense. */
export async function lastCheckpointHint(store: ObjectStore, prefix: string): Promise<number | undefined> {
  const bytes = await store.read(`${logFolder(prefix)}/_last_checkpoint`)
  if (bytes === undefined) return undefined
  try {
    const hint: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const version = isObject(hint) ? hint.version : undefined
    return Number.isSafeInteger(version) && (version as number) >= 0 ? (version as number) : undefined
  } catch {
    return undefined
  }
}
