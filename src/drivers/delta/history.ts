/** history: the commits of a table, newest first, as the log tells them. Each is read when it is asked for, a few ahead. */
import type { HistoryEntry } from '../../core/driver.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { type CommitInfo, inCommitTimestampIn, readCommitInfo } from './log/commit-info.ts'
import { isObject } from './log/exact-json.ts'
import { listLog } from './log/listing.ts'
import { timeText, writtenTimes } from './log/versions.ts'
import { type Lake, noDeltaTable } from './table.ts'

const readAhead = 8

/** Also of a table that uses what we cannot read: what was done to it stands in its commits. */
export async function* history(
  lake: Lake,
  subject: Subject,
  { limit }: { readonly limit: number | null },
  ctx: ReadContext,
): AsyncGenerator<HistoryEntry> {
  const location = lake.locations.of(subject)
  const { store, prefix } = location
  const { commits, checkpoints } = await listLog(store, prefix, 0)
  if (commits.size === 0 && checkpoints.length === 0) throw noDeltaTable(location, subject)
  const times = writtenTimes(commits)
  const versions = [...commits.keys()].reverse().slice(0, limit ?? undefined)
  const pending: Promise<CommitInfo | null | undefined>[] = []
  for (const [i, version] of versions.entries()) {
    ctx.signal.throwIfAborted()
    while (pending.length < readAhead && i + pending.length < versions.length) {
      const reading = readCommitInfo(store, commits.get(versions[i + pending.length]!)!)
      // Whoever awaits it sees the failure; until then it must not count as unhandled.
      reading.catch(() => undefined)
      pending.push(reading)
    }
    const info = await pending.shift()!
    // Cleaned up meanwhile: what is older is gone too.
    if (info === undefined) return
    yield entryOf(version, inCommitTimestampIn(info) ?? times.get(version)!, info ?? {})
  }
}

/** Writers put anything into their commitInfo; what is not as we know it is null. */
function entryOf(version: number, time: number, info: CommitInfo): HistoryEntry {
  const own = isObject(info.tblctl) ? info.tblctl : {}
  return {
    version,
    timestamp: timeText(time),
    operation: text(info.operation),
    parameters: object(info.operationParameters),
    metrics: object(info.operationMetrics),
    engine: text(info.engineInfo),
    run: text(own.run),
    job: text(own.job),
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const object = (value: unknown): JsonObject => (isObject(value) ? (value as JsonObject) : {})
