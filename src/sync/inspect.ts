/** What both halves of a sync begin with: the source as it is now, the target's checkpoint, and whether the two fit together. */
import { fail } from '../core/errors.ts'
import type { ReadContext } from '../core/operation.ts'
import { type Path, printable, refOfPath } from '../core/ref.ts'
import type { Checkpoint, SourceFacts } from '../core/sync.ts'
import { readingFor, type SyncEnds } from './ends.ts'
import { orderOf, readRecord, type SyncRecord } from './facts.ts'
import { mayBeNull, replaceable } from './pass.ts'
import type { SyncSpec } from './spec.ts'

export interface Inspected {
  readonly facts: SourceFacts
  readonly stored: Checkpoint | null
  readonly known: SyncRecord | null
  /** Rows may be written twice without being there twice. */
  readonly again: boolean
  /** There may be rows without a time. */
  readonly nulls: boolean
}

export async function inspect(ends: SyncEnds, spec: SyncSpec, path: Path, ctx: ReadContext): Promise<Inspected> {
  const { source, target } = ends
  const facts = await source.port.inspect(spec.source, readingFor(ctx, source.records))
  refuseUnfit(ends, spec, facts)
  const stored = await target.port.checkpoint(target.table, spec.id, readingFor(ctx, target.records))
  const known = await readRecord(ctx.records, path)
  if (stored !== null && known !== null) refuseChanged(spec, facts, known)
  return { facts, stored, known, again: replaceable(spec, facts, target.port), nulls: mayBeNull(spec, facts) }
}

function refuseUnfit({ target }: SyncEnds, spec: SyncSpec, facts: SourceFacts): void {
  const where = whereOf(spec)
  if (spec.source.appendOnly) {
    if (spec.lookbackMs !== null && !replaceable(spec, facts, target.port))
      throw fail('config', 'no-lookback', 'rows that are not replaced by a key would be there twice with a lookback', {
        where,
        hint: 'use lag instead: rows younger than that are left to the next run',
      })
    return
  }
  if (facts.key.length === 0)
    throw fail('refused', 'no-key', 'the source has no key that tells its rows apart', {
      where,
      hint: 'name its columns with key: [...], or set appendOnly: true where rows are never updated',
    })
}

/** A cursor means nothing in another order or in another table; going on would lose rows, and beginning anew is not for us to decide. */
function refuseChanged(spec: SyncSpec, facts: SourceFacts, known: SyncRecord): void {
  const where = whereOf(spec)
  const hint = 'sync it under a new id into a new target table'
  if (known.identity !== null && facts.identity !== undefined && known.identity !== facts.identity)
    throw fail('refused', 'source-recreated', 'the source table was dropped and made again since the last run', {
      where,
      hint,
    })
  if (known.order !== orderOf(spec, facts))
    throw fail('refused', 'sync-changed', 'source, time column or key are not those of the checkpoint in the target', {
      where,
      hint: `take the change back, or ${hint}`,
    })
}

/** Both ends, for errors. */
export const whereOf = ({ source, target }: SyncSpec): string =>
  `${source.backend}:${printable(source.dataset)}/${printable(source.table)} -> ${refOfPath(target)}`
