/** Do the commits that the table is read from say anything? The kernel takes an empty one as it is, and so does every reader. */
import type { ReadContext } from '../../../core/operation.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import { hintedCheckpoint, type LogListing } from '../log/listing.ts'
import { logFolder, paddedVersion } from '../log/paths.ts'
import { readCommit } from '../log/snapshot.ts'
import type { DeltaTable } from '../table.ts'
import { type Problem, problemOf } from './files.ts'

const atOnce = 16

/** Those since the checkpoint that the snapshot was read from are read; of the others only the size is looked at. */
export async function checkCommits(
  { location, snapshot }: DeltaTable,
  { commits }: LogListing,
  ctx: ReadContext,
): Promise<readonly Problem[]> {
  const folder = logFolder(location.prefix)
  const since = [...commits].filter(([version]) => version <= snapshot.version)
  const problems = await mapBounded(since, atOnce, async ([version, { key, size }]): Promise<Problem | null> => {
    ctx.signal.throwIfAborted()
    const name = `_delta_log/${key.slice(folder.length + 1)}`
    if (size === 0)
      return problemOf('empty-commit', name, 'it has no bytes: what its writer committed is lost, or was never written')
    if (version <= (snapshot.checkpoint ?? -1)) return null
    const actions = await readCommit(location.store, location.prefix, version)
    if (actions === undefined || actions.length > 0) return null
    return problemOf('unknown-commit', name, 'none of its lines holds an action of the Delta protocol')
  })
  return problems.filter((problem) => problem !== null)
}

/** Readers built on Delta's own kernel begin at the checkpoint that `_last_checkpoint` names, and fail without it. */
export async function checkHint({ location }: DeltaTable): Promise<readonly Problem[]> {
  const { store, prefix } = location
  const first = await hintedCheckpoint(store, prefix)
  if (first === undefined || first.there) return []
  // Another process may have replaced it, and removed that checkpoint, meanwhile.
  const hint = await hintedCheckpoint(store, prefix)
  if (hint === undefined || hint.there) return []
  return [
    problemOf(
      'wrong-hint',
      '_delta_log/_last_checkpoint',
      `it names a checkpoint of version ${hint.version} (${paddedVersion(hint.version)}.checkpoint…), which is not there: other readers fail; the next checkpoint replaces it, and it can be removed before`,
    ),
  ]
}
