/** Files that a vacuum removes: found by listing the table's folder (full), or by what the log says was removed (lite). */
import { fail } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import { tableKey } from '../log/paths.ts'
import { readCommit } from '../log/snapshot.ts'
import { addNamed, isData, isYoung, neededFiles, partitionFoldersOf, tombstonesOf } from '../rows/needed-files.ts'
import type { DeltaTable, Lake } from '../table.ts'
import { innerTables, innerTablesAround, objectsOf, type TableObject } from './inner-tables.ts'
import { lastVacuum, logReach } from './last-vacuum.ts'

export interface Candidates {
  /** Grows with what commits name while the vacuum runs. */
  readonly needed: Set<string>
  readonly objects: AsyncIterable<TableObject>
  /** Files that nobody names and that are too young, found so far; the log alone knows none. */
  readonly young: { files: number }
}

/** Of a table that was read with its tombstones. `before` (milliseconds): what was written or removed then or later stays. */
export async function candidates(
  lake: Lake,
  table: DeltaTable,
  mode: 'full' | 'lite',
  before: number,
  ctx: ReadContext,
): Promise<Candidates> {
  const needed = await neededFiles(lake, table, before, ctx)
  const young = { files: 0 }
  const objects =
    mode === 'full' ? listed(lake, table, needed, before, young, ctx) : removedByLog(lake, table, needed, before, ctx)
  return { needed, objects, young }
}

async function* listed(
  lake: Lake,
  { location, snapshot }: DeltaTable,
  needed: ReadonlySet<string>,
  before: number,
  young: { files: number },
  ctx: ReadContext,
): AsyncGenerator<TableObject> {
  const inner = await innerTables(lake, location, ctx)
  const folders = partitionFoldersOf(snapshot)
  for await (const object of objectsOf(location, ctx)) {
    const { path, modifiedAt } = object
    if (needed.has(path) || inner.has(path) || !isData(path, folders)) continue
    // Also what a writer has uploaded and not yet committed.
    if (modifiedAt.getTime() >= before) young.files++
    else yield object
  }
}

const atOnce = 16

async function* removedByLog(
  lake: Lake,
  table: DeltaTable,
  needed: ReadonlySet<string>,
  before: number,
  ctx: ReadContext,
): AsyncGenerator<TableObject> {
  const { location, snapshot } = table
  const removed = new Set<string>()
  for (const remove of tombstonesOf(snapshot)) if (!isYoung(remove, before)) addNamed(removed, remove, location)
  // A checkpoint forgets tombstones, its commits do not.
  const versions = await versionsSinceVacuum(table, before, ctx)
  for (let i = 0; i < versions.length; i += atOnce) {
    ctx.signal.throwIfAborted()
    const some = await mapBounded(versions.slice(i, i + atOnce), atOnce, (version) =>
      readCommit(location.store, location.prefix, version),
    )
    for (const action of some.flatMap((actions) => actions ?? []))
      if ('remove' in action && !isYoung(action.remove, before)) addNamed(removed, action.remove, location)
  }
  const paths = [...removed].filter((path) => !needed.has(path))
  const inner = await innerTablesAround(lake, location, paths, ctx)
  for (let i = 0; i < paths.length; i += atOnce) {
    ctx.signal.throwIfAborted()
    const found = await mapBounded(paths.slice(i, i + atOnce), atOnce, async (path) => {
      const object = inner.has(path) ? undefined : await location.store.head(tableKey(location.prefix, path))
      return object && object.modifiedAt.getTime() < before ? { ...object, path } : undefined
    })
    yield* found.filter((object) => object !== undefined)
  }
}

/** Throws `refused`/`vacuum-lite-impossible` when commits that no vacuum has looked at are gone. */
async function versionsSinceVacuum({ location }: DeltaTable, before: number, ctx: ReadContext): Promise<number[]> {
  const [{ versions }, last] = await Promise.all([logReach(location, before, ctx), lastVacuum(location)])
  const first = versions[0] ?? Number.POSITIVE_INFINITY
  if (first > (last ?? -1) + 1)
    throw fail(
      'refused',
      'vacuum-lite-impossible',
      `the log no longer says all that was removed: it begins at version ${versions[0] ?? 'none'}, and ${last === null ? 'no vacuum of the whole folder is known' : `the last vacuum looked at versions up to ${last}`}`,
      { where: location.url, hint: 'vacuum once with --mode full; after that, lite works again' },
    )
  return versions.filter((version) => version >= (last ?? 0))
}
