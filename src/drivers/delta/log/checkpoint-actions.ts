/** What belongs into the checkpoint of a snapshot (Delta PROTOCOL, "Checkpoints" and "Action Reconciliation"), and a fingerprint of it. */
import { createHash } from 'node:crypto'
import type { Action, Add, Remove } from './actions.ts'
import { deletedFileRetentionMs } from './properties.ts'
import type { LiveFile } from './replay.ts'
import type { Snapshot } from './snapshot.ts'

export type CheckpointAction =
  | Exclude<Action, { readonly commitInfo: unknown }>
  | { readonly checkpointMetadata: { readonly version: number } }

/** A snapshot that was read with its tombstones. `now` decides which of them are expired. */
export function* checkpointActions(snapshot: Snapshot, now: Date): Generator<CheckpointAction> {
  const { protocol, metadata, tombstones } = snapshot
  if (tombstones === null) throw new Error('a checkpoint without the tombstones would lose them')
  if (hasV2Checkpoints(snapshot)) yield { checkpointMetadata: { version: snapshot.version } }
  yield { protocol }
  yield { metaData: metadata }
  for (const txn of snapshot.txns.values()) yield { txn }
  for (const domainMetadata of snapshot.domains.values()) yield { domainMetadata }
  const expired = now.getTime() - deletedFileRetentionMs(metadata.configuration)
  // What has no time counts as removed in 1970, as for Delta Spark.
  for (const remove of tombstones.values())
    if ((remove.deletionTimestamp ?? 0) > expired) yield { remove: withoutStatistics(remove) }
  const stats = keepsStatistics(metadata.configuration)
  for (const file of snapshot.files.values()) yield { add: addOf(file, stats) }
}

const hasV2Checkpoints = ({ protocol }: Pick<Snapshot, 'protocol'>): boolean =>
  protocol.writerFeatures?.includes('v2Checkpoint') ?? false

/**
 * JSON statistics are left out where the table says so (`delta.checkpoint.writeStatsAsJson`); but with `writeStatsAsStruct` its owner
 * wants them in the other form, which we do not write, and then this form is better than losing them.
 */
const keepsStatistics = (configuration: Readonly<Record<string, string>>): boolean =>
  configuration['delta.checkpoint.writeStatsAsJson']?.toLowerCase() !== 'false' ||
  configuration['delta.checkpoint.writeStatsAsStruct']?.toLowerCase() === 'true'

function addOf({ path: _decoded, logPath, stats, ...rest }: LiveFile, withStats: boolean): Add {
  // Nothing of a checkpoint changes the table.
  return { ...rest, path: logPath, dataChange: false, ...(withStats && stats !== undefined ? { stats } : {}) }
}

const withoutStatistics = ({ tags: _tags, ...rest }: Remove): Remove => ({ ...rest, dataChange: false })

/** Counts by kind of action, and one number for all files: what is written and what is read again must have the same. */
export interface Fingerprint {
  readonly counts: Readonly<Record<string, number>>
  /** Order-independent: the MD5 of each file's text, its last eight bytes as a little-endian number, by exclusive or. */
  readonly files: bigint
}

export class FingerprintBuilder {
  private readonly counts: Record<string, number> = {}
  private files = 0n
  add(action: CheckpointAction): void {
    const [kind] = Object.keys(action) as [string]
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    if ('add' in action) this.mix(`add\n${action.add.path}\n${action.add.size}\n${action.add.stats ?? ''}`)
    if ('remove' in action) this.mix(`remove\n${action.remove.path}\n${action.remove.deletionTimestamp}`)
  }
  private mix(text: string): void {
    this.files ^= createHash('md5').update(text).digest().readBigUInt64LE(8)
  }
  result(): Fingerprint {
    return { counts: this.counts, files: this.files }
  }
}

/** The same text by the engine, for a row of the checkpoint. */
export const fingerprintSql: Readonly<Record<'add' | 'remove', string>> = {
  add: `'add' || chr(10) || "add".path || chr(10) || "add".size || chr(10) || coalesce("add".stats, '')`,
  remove: `'remove' || chr(10) || "remove".path || chr(10) || "remove".deletionTimestamp`,
}
