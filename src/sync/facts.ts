/** The record of a sync in the catalog: what `sync status` tells without asking anybody, and how the next run knows that there is nothing to do. */
import type { Records } from '../core/catalog.ts'
import { microsOf } from '../core/exact-time.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { Checkpoint, SourceFacts, SyncFacts } from '../core/sync.ts'
import { endOfPass } from './pass.ts'
import type { SyncSpec } from './spec.ts'

export interface SyncRecord extends SyncFacts {
  /** Of the checkpoint that this was written after. */
  readonly sequence: number
  /** The source's marker when all of it was read up to the end of the pass; null while there may be more. */
  readonly marker: string | null
  /** The source's identity; null when it has none. */
  readonly identity: string | null
  /** What must stay as it is for a cursor to mean the same. */
  readonly order: string
  /** What must stay as it is for nothing to have to be read again. */
  readonly rows: string
  /** Rows without a time at the end of the last pass; null where they are not known. */
  readonly nullRows: number | null
}

/** Of the namespace `sync`, by the subject's path. */
export async function readRecord(records: Records, path: string): Promise<SyncRecord | null> {
  return ((await records.get(path))?.value as unknown as SyncRecord | undefined) ?? null
}

export function orderOf({ source }: SyncSpec, facts: SourceFacts): string {
  return canonicalJson([source.backend, source.dataset, source.table, source.timestampColumn, facts.key])
}
export function rowsOf({ source, target, nullTimestamps, startTimestamp }: SyncSpec): string {
  return canonicalJson([source as unknown as Json, target, nullTimestamps, startTimestamp])
}

/** Nothing was added or changed since all of it was read, and the time of rows that wait has not come. */
export function isCurrent(
  spec: SyncSpec,
  facts: SourceFacts,
  stored: Checkpoint | null,
  known: SyncRecord | null,
  again: boolean,
): boolean {
  if (known === null || facts.marker === null) return false
  const next = known.nextTimestamp ? microsOf(known.nextTimestamp) : null
  if (next !== null && next <= (microsOf(endOfPass(spec, facts, stored, again)) ?? next)) return false
  return known.marker === facts.marker && known.sequence === (stored?.sequence ?? 0) && known.rows === rowsOf(spec)
}
