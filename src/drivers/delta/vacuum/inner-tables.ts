/**
 * Tables inside of a table's folder: older layouts have `projects/acme/` around `projects/acme/metrics/`. Whoever removes files or looks for
 * some that nobody names keeps out of them, whether they are registered or not, sound or damaged, dropped or there.
 */
import { realpath } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ReadContext, Subject } from '../../../core/operation.ts'
import { foldersHolding } from '../../../storage/folders-holding.ts'
import { listUnordered } from '../../../storage/list-unordered.ts'
import type { ObjectInfo } from '../../../storage/object-store.ts'
import type { Location } from '../location.ts'
import type { Lake } from '../table.ts'
import { trashEntries } from '../trash/trash.ts'

export interface InnerTables {
  /** Relative to the table's folder. */
  readonly folders: ReadonlySet<string>
  /** Does this path, relative to the table's folder, lie in a table of its own? */
  has(path: string): boolean
}

/** `path` is relative to the table's folder. */
export interface TableObject extends ObjectInfo {
  readonly path: string
}

/** The table's folder as a store of its own: no symbolic link leads out of it, whatever paths a log names. */
export const ownStore = ({ locations }: Lake, subject: Subject): Location =>
  locations.of({ path: subject.path, spec: null }, locations.of(subject).url)

/**
 * Every folder below the table that holds a `_delta_log` of its own, at any depth, and every place there that is registered or was dropped.
 * All of it is looked through before anything else is done: a `_delta_log` can come behind the files of the same table.
 */
export async function innerTables(lake: Lake, location: Location, ctx: ReadContext): Promise<InnerTables> {
  const folders = await innerPlaces(lake, location)
  for await (const folder of foldersHolding(location.store, location.prefix, '_delta_log')) {
    ctx.signal.throwIfAborted()
    if (folder !== '') folders.add(folder)
  }
  return innerTablesOf(folders)
}

/** Without a listing of everything: asked only for the folders of these paths, and those above them. */
export async function innerTablesAround(
  lake: Lake,
  location: Location,
  paths: Iterable<string>,
  ctx: ReadContext,
): Promise<InnerTables> {
  const folders = await innerPlaces(lake, location)
  const asked = new Set<string>()
  for (const path of paths)
    for (const folder of foldersAbove(path)) {
      if (asked.has(folder)) continue
      asked.add(folder)
      ctx.signal.throwIfAborted()
      for await (const _ of location.store.list(keyOf(location, `${folder}/_delta_log`))) {
        folders.add(folder)
        break
      }
    }
  return innerTablesOf(folders)
}

function innerTablesOf(folders: ReadonlySet<string>): InnerTables {
  return { folders, has: (path) => folders.size > 0 && foldersAbove(path).some((folder) => folders.has(folder)) }
}

/** All objects of the table's folder in no order, without what symbolic links lead to; those of inner tables too. */
export async function* objectsOf(location: Location, ctx: ReadContext): AsyncGenerator<TableObject> {
  const cut = location.prefix === '' ? 0 : location.prefix.length + 1
  for await (const object of listUnordered(location.store, location.prefix, { forRemoval: true })) {
    ctx.signal.throwIfAborted()
    yield { ...object, path: object.key.slice(cut) }
  }
}

const keyOf = ({ prefix }: Location, path: string): string => (prefix === '' ? path : `${prefix}/${path}`)

/** `a/b/c` → `a`, `a/b`. */
function foldersAbove(path: string): string[] {
  const folders: string[] = []
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1))
    folders.push(path.slice(0, slash))
  return folders
}

/** What the catalog and the trash know of. */
async function innerPlaces(lake: Lake, { url }: Location): Promise<Set<string>> {
  const places: { readonly path: string; readonly location: string }[] = [...(await lake.environment.registered())]
  for await (const { dropped } of trashEntries(lake)) places.push(dropped)
  const home = await realPlace(url)
  const folders = new Set<string>()
  for (const { path, location } of places) {
    const there = await realPlace(urlOf(lake, path, location))
    if (there.startsWith(`${home}/`)) folders.add(there.slice(home.length + 1))
  }
  return folders
}

/** In this driver's spelling; other backends have places that are none of ours. */
function urlOf({ locations }: Lake, path: string, location: string): string {
  try {
    return locations.of({ path, spec: null }, location).url
  } catch {
    return location
  }
}

/** Where a folder of this machine really is; other URLs as they are. */
async function realPlace(url: string): Promise<string> {
  if (!url.startsWith('file:')) return url
  const path = fileURLToPath(url)
  return realpath(path).catch(() => path)
}
