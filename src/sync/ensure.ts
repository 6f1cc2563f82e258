/** The target table follows the source's columns, or the sync ends and says what stands in the way. */
import { fail, TblctlError } from '../core/errors.ts'
import { patiently, readingFor } from './ends.ts'
import { whereOf } from './inspect.ts'
import type { Pass } from './run.ts'

/** Makes the target table, or adds what the source has got since. Returns whether it was made. Throws `schema-conflict`. */
export async function ensure(pass: Pass): Promise<boolean> {
  const { ends, spec, ctx } = pass
  const { port, table, records } = ends.target
  const { facts, again } = pass.inspected
  try {
    const shape = again
      ? { fields: facts.fields, key: facts.key, newest: spec.source.timestampColumn }
      : { fields: facts.fields, key: [], newest: null }
    const made = await patiently(spec, ctx, () => port.ensure(table, shape, readingFor(ctx, records)))
    if (!made.created) pass.columnsAdded += made.added.length
    if (made.added.length > 0 && !made.created)
      ctx.log('info', `columns added to the target: ${made.added.join(', ')}; rows that are there have NULL in them`)
    return made.created
  } catch (thrown) {
    if (!(thrown instanceof TblctlError) || thrown.view.kind !== 'refused') throw thrown
    const { message, code } = thrown.view
    if (code === 'sync-column-lost') throw thrown
    const keyless = code === 'no-key'
    // A first sync has no earlier shape: what it has is not what the target takes.
    const stands = pass.writer.stored === null ? 'this source' : 'what the source is now'
    const said = keyless ? `the target needs a key: ${message}` : `the target cannot take ${stands}: ${message}`
    throw fail('refused', keyless ? code : 'schema-conflict', said, {
      where: thrown.view.where ?? whereOf(spec),
      hint: thrown.view.hint ?? 'change the target table by hand, or sync under a new id into a new one',
      cause: thrown,
    })
  }
}
