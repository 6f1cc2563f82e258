/** Columns that a sync tells rows apart by, in a target that holds rows of before. */
import { fail } from '../core/errors.ts'
import { type Path, printable, refOfPath } from '../core/ref.ts'
import type { SyncTarget } from '../core/sync.ts'
import type { Field } from '../core/types.ts'

/** Throws `refused`/`sync-column-lost` for one that is missing: added anew, it would be null in the rows that are there. */
export function requireSyncColumns(
  path: Path,
  there: readonly Field[],
  { key, newest }: Pick<Parameters<SyncTarget['ensure']>[1], 'key' | 'newest'>,
): void {
  const missing = (name: string): boolean => !there.some((field) => field.name === name)
  const lost = key.find(missing)
  if (lost !== undefined) throw lostColumn(path, lost, 'its key', 'all of them would come a second time')
  if (key.length > 0 && newest != null && missing(newest))
    throw lostColumn(path, newest, 'its times', 'older versions would replace newer ones')
}

const lostColumn = (path: Path, name: string, what: string, then: string): Error =>
  fail(
    'refused',
    'sync-column-lost',
    `column ${printable(name)}, which the sync needs for ${what}, is not there; added anew it would be null in the rows that are there, and ${then}`,
    {
      where: refOfPath(path),
      hint: 'if it was renamed, rename it back; if it was dropped, sync under a new id into a new table',
    },
  )
