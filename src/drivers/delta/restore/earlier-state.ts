/** What makes a table what it was at an earlier version. */
import { canonicalJson, type Json } from '../../../core/json.ts'
import type { Action, Metadata } from '../log/actions.ts'
import { maxColumnIdKey } from '../log/column-mapping.ts'
import { coveringProtocol } from '../log/covering-protocol.ts'
import { type LiveFile, removeOf } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'

export interface Difference {
  /** Live now, and not then. */
  readonly gone: readonly LiveFile[]
  /** Live then, and not now. */
  readonly back: readonly LiveFile[]
  /** Null = as it is. */
  readonly metadata: Metadata | null
  readonly protocol: Snapshot['protocol'] | null
}

export function differenceTo(now: Snapshot, then: Snapshot): Difference {
  const metadata = earlierMetadata(now.metadata, then.metadata)
  const protocol = coveringProtocol(now.protocol, then.protocol)
  return {
    gone: notIn(now, then),
    back: notIn(then, now),
    metadata: same(metadata, now.metadata) ? null : metadata,
    protocol: protocol === now.protocol ? null : protocol,
  }
}
const notIn = ({ files }: Snapshot, other: Snapshot): LiveFile[] =>
  [...files].flatMap(([key, file]) => (other.files.has(key) ? [] : [file]))

export const isSame = ({ gone, back, metadata, protocol }: Difference): boolean =>
  gone.length + back.length === 0 && metadata === null && protocol === null

/** What a table is at any version: who it is, how its commits are timed, and which column ids were ever given. */
function earlierMetadata(now: Metadata, then: Metadata): Metadata {
  const { id, createdTime } = now
  const configuration: Record<string, string> = {}
  for (const [key, value] of Object.entries(then.configuration)) if (!isTiming(key)) configuration[key] = value
  for (const [key, value] of Object.entries(now.configuration)) if (isTiming(key)) configuration[key] = value
  const highest = Math.max(...[now, then].map((each) => Number(each.configuration[maxColumnIdKey] ?? -1)))
  if (highest >= 0) configuration[maxColumnIdKey] = String(highest)
  return { ...then, id, ...(createdTime === undefined ? {} : { createdTime }), configuration }
}
const isTiming = (key: string): boolean => /^delta\.(enableInCommitTimestamps|inCommitTimestamp)/.test(key)

const same = (a: Metadata, b: Metadata): boolean =>
  canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)

/** `at`: milliseconds. */
export function actionsOf({ gone, back, metadata, protocol }: Difference, at: number): Action[] {
  return [
    ...(protocol === null ? [] : [{ protocol }]),
    ...(metadata === null ? [] : [{ metaData: metadata }]),
    ...gone.map((file) => ({ remove: removeOf(file, at, true) })),
    ...back.map(({ logPath, ...add }) => ({ add: { ...add, path: logPath, dataChange: true } })),
  ]
}

const batch = 'tblctl-load:'

export interface UndoneBatch {
  readonly id: string
  /** Some of its rows were there already then. */
  readonly inPart: boolean
}

/** Loads that the table goes on to take for loaded, and whose rows go. */
export function batchesUndone(now: Snapshot, then: Snapshot): UndoneBatch[] {
  const undone: UndoneBatch[] = []
  for (const [app, { version }] of now.txns) {
    const before = then.txns.get(app)?.version ?? 0n
    if (app.startsWith(batch) && version > before) undone.push({ id: app.slice(batch.length), inPart: before > 0n })
  }
  return undone
}
