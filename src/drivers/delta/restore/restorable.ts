/** Whether a table can become what it was: files that come back have to be there. */
import { fail } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { printable } from '../../../core/ref.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import { deletionVectorPath } from '../log/deletion-vector.ts'
import { tableKey } from '../log/paths.ts'
import { isAppendOnly, requireWritable } from '../log/protocol.ts'
import type { DeltaTable } from '../table.ts'
import type { Difference } from './earlier-state.ts'

const looksAtOnce = 16

/** Throws `refused`: `append-only`, `version-vacuumed`, and what this version must not write. */
export async function requireRestorable(
  { location, snapshot }: DeltaTable,
  { gone, back, protocol, metadata }: Difference,
  version: number,
  ctx: ReadContext,
): Promise<void> {
  const { store, prefix, url } = location
  requireWritable({ protocol: protocol ?? snapshot.protocol, metadata: metadata ?? snapshot.metadata }, url)
  if (gone.length > 0 && isAppendOnly(snapshot.metadata))
    throw fail('refused', 'append-only', 'the table is append-only (delta.appendOnly): its rows cannot be removed', {
      where: url,
    })
  const paths = new Set<string>()
  for (const { path, deletionVector } of back) {
    paths.add(path)
    const vector = deletionVector === undefined ? null : deletionVectorPath(store, prefix, deletionVector)
    if (vector !== null) paths.add(vector)
  }
  let looked = 0
  const missing = (
    await mapBounded([...paths], looksAtOnce, async (path) => {
      ctx.signal.throwIfAborted()
      const there = await store.head(tableKey(prefix, path))
      ctx.report({ done: ++looked, total: paths.size, unit: 'files' })
      return there === undefined ? [path] : []
    })
  ).flat()
  if (missing.length === 0) return
  const samples = missing.slice(0, 3).map(printable).join(', ')
  throw fail(
    'refused',
    'version-vacuumed',
    `version ${version} cannot come back: ${missing.length} of its ${paths.size} files that are needed are gone (${samples}${missing.length > 3 ? ', …' : ''})`,
    { where: url, hint: 'vacuum removed them; restore a later version, or bring the files back from a backup' },
  )
}
