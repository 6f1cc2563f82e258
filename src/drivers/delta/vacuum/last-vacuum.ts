/**
 * `_delta_log/_last_vacuum_info`, as Delta Spark has it: up to which version a vacuum has removed what the log says was removed. A vacuum by
 * the log alone begins there.
 */
import type { ReadContext } from '../../../core/operation.ts'
import type { Location } from '../location.ts'
import { isObject } from '../log/exact-json.ts'
import { listLog } from '../log/listing.ts'
import { logFolder } from '../log/paths.ts'

const keyOf = ({ prefix }: Location): string => `${logFolder(prefix)}/_last_vacuum_info`
const member = 'latestCommitVersionOutsideOfRetentionWindow'

/** Null where nobody knows: no vacuum yet, or one of another program that does not say. */
export async function lastVacuum(location: Location): Promise<number | null> {
  const bytes = await location.store.read(keyOf(location))
  if (bytes === undefined) return null
  try {
    const info: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const version = isObject(info) ? info[member] : undefined
    return Number.isSafeInteger(version) && (version as number) >= 0 ? (version as number) : null
  } catch {
    return null
  }
}

export const noteVacuum = (location: Location, version: number): Promise<void> =>
  location.store.put(keyOf(location), new TextEncoder().encode(`${JSON.stringify({ [member]: version })}\n`))

export interface LogReach {
  /** Commits that are left. */
  readonly versions: readonly number[]
  /** The newest of them that is older than `before` with all that precede it; null when the first is not. */
  readonly newestBefore: number | null
}

export async function logReach({ store, prefix }: Location, before: number, ctx: ReadContext): Promise<LogReach> {
  const { commits } = await listLog(store, prefix, 0)
  ctx.signal.throwIfAborted()
  const versions = [...commits.keys()].sort((a, b) => a - b)
  const young = versions.findIndex((version) => commits.get(version)!.modifiedAt.getTime() >= before)
  const older = young === -1 ? versions : versions.slice(0, young)
  return { versions, newestBefore: older.at(-1) ?? null }
}
