/** Which files of a table's folder must stay (Delta PROTOCOL, "VACUUM"), and which of the others are Delta's to remove. */
import { fail } from '../../../core/errors.ts'
import type { ReadContext, Subject } from '../../../core/operation.ts'
import { isTemporary } from '../../../storage/keys.ts'
import type { Add, Remove } from '../log/actions.ts'
import { physicalName } from '../log/column-mapping.ts'
import { deletionVectorPath } from '../log/deletion-vector.ts'
import { decodePath } from '../log/paths.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import { type DeltaTable, type Lake, openTable } from '../table.ts'
import { trashedFiles } from '../trash/trash.ts'

/** With the tombstones of its log. `location`: where it is reached, by default as by every other verb. Throws `missing`/`no-delta-table`. */
export async function openWithTombstones(
  lake: Lake,
  subject: Subject,
  ctx: ReadContext,
  location = lake.locations.of(subject),
): Promise<DeltaTable> {
  const { store, prefix } = location
  const scratch = await lake.environment.scratch()
  const snapshot = await readSnapshot(store, prefix, { scratch, signal: ctx.signal, tombstones: true })
  return snapshot ? { location, snapshot } : openTable(lake, subject, ctx)
}

/**
 * Paths of live files, of those that were removed at `before` (milliseconds) or later, of the deletion vectors of both, and of a table that
 * was dropped from here and may come back.
 */
export async function neededFiles(
  lake: Lake,
  { location, snapshot }: DeltaTable,
  before: number,
  ctx: ReadContext,
): Promise<Set<string>> {
  const needed = new Set(await trashedFiles(lake, location, ctx.signal))
  for (const file of snapshot.files.values()) {
    needed.add(file.path)
    addVector(needed, file, location)
  }
  for (const remove of tombstonesOf(snapshot)) if (isYoung(remove, before)) addNamed(needed, remove, location)
  return needed
}

export function tombstonesOf({ tombstones }: Snapshot): Iterable<Remove> {
  if (tombstones === null) throw fail('bug', 'no-tombstones', 'the log was read without its tombstones')
  return tombstones.values()
}

export const isYoung = ({ deletionTimestamp = 0 }: Remove, before: number): boolean => deletionTimestamp >= before

/** A file that an action names, and its vector's. */
export function addNamed(paths: Set<string>, action: Add | Remove, location: DeltaTable['location']): void {
  const path = pathOf(action, location)
  if (path !== null) paths.add(path)
  addVector(paths, action, location)
}

function addVector(
  paths: Set<string>,
  { deletionVector: vector }: Pick<Add, 'deletionVector'>,
  { store, prefix }: DeltaTable['location'],
): void {
  const path = vector === undefined ? null : deletionVectorPath(store, prefix, vector)
  if (path !== null) paths.add(path)
}

/** Relative to the table; null for what lies elsewhere. A URL can name a file of the table, too. */
function pathOf(action: Add | Remove, { url }: DeltaTable['location']): string | null {
  const decoded = decodePath(action.path)
  if ('path' in decoded) return decoded.path
  const full = action.path.replace(/^s3[an]:/i, 's3:').replace(/^file:\/*/i, 'file:///')
  if (!full.startsWith(`${url}/`)) return null
  const inside = decodePath(full.slice(url.length + 1))
  return 'path' in inside ? inside.path : null
}

/**
 * Is a file with this path Delta's? Names that begin with `_` or `.` are none of its data, but for the change feed, folders of partition
 * columns that are called so, and temporary files of our own. `metadata/` belongs to Iceberg.
 */
export function isData(path: string, partitionFolders: readonly string[]): boolean {
  const segments = path.split('/')
  if (isTemporary(segments.at(-1)!)) return true
  if (segments[0] === 'metadata' && segments.length > 1) return false
  return segments.every(
    (name) =>
      !/^[_.]/.test(name) || name === '_change_data' || partitionFolders.some((folder) => name.startsWith(folder)),
  )
}

/** How names of partition folders begin, with the columns' names and their physical ones, as they are and encoded. */
export function partitionFoldersOf({ mapping, metadata }: Snapshot): readonly string[] {
  const names = metadata.partitionColumns.flatMap((column) => [column, physicalName(mapping, column)])
  return names.flatMap((name) => [`${name}=`, `${encodeURIComponent(name)}=`])
}
