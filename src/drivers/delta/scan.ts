/**
 * scan: every Delta table below the root, and below the projects' own roots, in `projects/{project}/{table}/` and in `projects/{project}/`
 * itself. No deeper, and no table is opened: one listing of each level, and one of the end of each log.
 */
import type { Observed } from '../../core/driver.ts'
import { isSegment, type Path, tablePath } from '../../core/ref.ts'
import { mapBounded } from '../../core/run/pool.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { legacyName, legacyPrefix } from './legacy-layout.ts'
import { lastCheckpointHint } from './log/last-checkpoint.ts'
import { logFolder, paddedVersion, parseLogName } from './log/paths.ts'
import type { Lake } from './table.ts'

/** What cannot be read hides nothing else: all failures come last, as an AggregateError. */
export async function* scan(
  { locations, environment }: Lake,
  backend: string,
  wanted: string | undefined,
): AsyncIterable<Observed> {
  // What lies here may be registered under another name than its folder has.
  const names = new Map<string, Path>()
  for (const { path, location } of await environment.registered())
    if (path.startsWith(`${backend}/`)) names.set(location, path)
  const projects = new Set<string>(locations.projects)
  const failures: unknown[] = []
  if (wanted === undefined)
    try {
      for await (const folder of locations.root('').folders('projects')) projects.add(folder)
    } catch (error) {
      failures.push(error)
    }
  for (const project of wanted === undefined ? [...projects].sort() : [wanted]) {
    if (!isName(project)) continue
    try {
      for await (const found of tablesOf(locations.root(project), backend, project, failures))
        yield { ...found, path: names.get(found.location) ?? found.path }
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not every root could be read')
}

const isName = (folder: string): boolean => isSegment(folder) && !folder.startsWith('_')

type Found = Observed & { readonly location: string }

/** Logs that are looked at together. */
const atOnce = 16

async function* tablesOf(
  store: ObjectStore,
  backend: string,
  project: string,
  failures: unknown[],
): AsyncIterable<Found> {
  const home = legacyPrefix(project)
  const look = async (prefix: string): Promise<Newest | undefined> => {
    try {
      return await newestVersion(store, prefix)
    } catch (error) {
      failures.push(error)
      return undefined
    }
  }
  const observed = (table: string, prefix: string, { version, marker }: Newest): Found => ({
    path: tablePath(backend, project, table),
    location: `${store.url}/${prefix}`,
    marker,
    schemaHash: null,
    facts: { version },
  })
  const tables = (await Array.fromAsync(store.folders(home))).filter(isName)
  const below = new Set<string>()
  for (let i = 0; i < tables.length; i += atOnce) {
    const some = tables.slice(i, i + atOnce)
    const found = await mapBounded(some, atOnce, (table) => look(`${home}/${table}`))
    for (const [j, newest] of found.entries()) {
      if (newest === undefined) continue
      below.add(some[j]!)
      yield observed(some[j]!, `${home}/${some[j]}`, newest)
    }
  }
  const own = await look(home)
  if (own !== undefined) yield observed(legacyName(below), home, own)
}

interface Newest {
  readonly version: number
  readonly marker: string
}

/** The marker changes with every commit, also with one that stands in another's place. */
async function newestVersion(store: ObjectStore, prefix: string): Promise<Newest | undefined> {
  const hint = await lastCheckpointHint(store, prefix)
  return (
    (hint === undefined ? undefined : await newestFrom(store, prefix, paddedVersion(hint))) ??
    (await newestFrom(store, prefix, ''))
  )
}

async function newestFrom(store: ObjectStore, prefix: string, name: string): Promise<Newest | undefined> {
  const folder = logFolder(prefix)
  let newest: Newest | undefined
  for await (const { key, etag } of store.list(folder, name === '' ? {} : { startAfter: `${folder}/${name}` })) {
    const file = parseLogName(key.slice(folder.length + 1))
    if (file && file.version >= (newest?.version ?? 0))
      newest = { version: file.version, marker: `${file.version}.${etag}` }
  }
  return newest
}
