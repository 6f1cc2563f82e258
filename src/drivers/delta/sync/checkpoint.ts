/** A sync's checkpoint in the log of its target: a metadata domain, committed together with the rows (Delta PROTOCOL, "Domain Metadata"). */
import { fail } from '../../../core/errors.ts'
import { canonicalJson, type Json } from '../../../core/json.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { type Path, printable, refOfPath } from '../../../core/ref.ts'
import type { Checkpoint } from '../../../core/sync.ts'
import { version } from '../../../core/version.ts'
import type { Action } from '../log/actions.ts'
import type { Committer } from '../log/commit.ts'
import type { Snapshot } from '../log/snapshot.ts'

const domain = 'tblctl.sync'

export const checkpointAction = (checkpoint: Checkpoint): Action => ({
  domainMetadata: { domain, configuration: canonicalJson(checkpoint as unknown as Json), removed: false },
})

/** Id of the sync whose target the table is. */
export function syncOf(snapshot: Snapshot): string | null {
  const text = snapshot.domains.get(domain)?.configuration
  return text === undefined ? null : (JSON.parse(text) as Checkpoint).sync
}

/** Throws `refused`/`other-sync` when the table is another sync's. */
export function checkpointOf(snapshot: Snapshot, path: Path, sync: string): Checkpoint | null {
  const text = snapshot.domains.get(domain)?.configuration
  if (text === undefined) return null
  const checkpoint = JSON.parse(text) as Checkpoint
  if (checkpoint.sync === sync) return checkpoint
  throw fail('refused', 'other-sync', `${refOfPath(path)} is the target of sync ${printable(checkpoint.sync)}`, {
    hint: 'give each sync a target table of its own',
  })
}

export const sameCheckpoint = (a: Checkpoint | null, b: Checkpoint | null): boolean =>
  canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)

/** A sync's job is known to its engine alone; the log names the table's path in its place. */
export const committerOfSync = (ctx: ReadContext, path: Path): Committer => ({
  engineInfo: `tblctl/${version}`,
  run: ctx.run,
  job: path,
  now: () => ctx.now(),
  signal: ctx.signal,
})
