/** scan: every Delta table below the root, and below the projects' own roots. One listing a level, and one of each log; no table is opened. */
import type { Observed } from '../../core/driver.ts'
import { isSegment, tablePath } from '../../core/ref.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Locations } from './location.ts'
import { logFolder, parseLogName } from './log/paths.ts'

export async function* scan(
  locations: Locations,
  backend: string,
  wanted: string | undefined,
): AsyncIterable<Observed> {
  const projects = new Set<string>(locations.projects)
  // One root that cannot be reached hides no tables of the others.
  const failures: unknown[] = []
  if (wanted === undefined)
    try {
      for await (const folder of locations.root('').folders('projects')) projects.add(folder)
    } catch (error) {
      failures.push(error)
    }
  for (const project of wanted === undefined ? [...projects].sort() : [wanted]) {
    if (!isSegment(project) || project.startsWith('_')) continue
    try {
      yield* tablesOf(locations.root(project), backend, project)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not every root could be read')
}

async function* tablesOf(store: ObjectStore, backend: string, project: string): AsyncIterable<Observed> {
  for await (const table of store.folders(`projects/${project}`)) {
    const prefix = `projects/${project}/${table}`
    const newest = isSegment(table) && !table.startsWith('_') ? await newestVersion(store, prefix) : undefined
    if (newest)
      yield {
        path: tablePath(backend, project, table),
        location: `${store.url}/${prefix}`,
        marker: newest.marker,
        schemaHash: null,
        facts: { version: newest.version },
      }
  }
}

/** The marker changes with every commit, also with one that stands in another's place. */
async function newestVersion(
  store: ObjectStore,
  prefix: string,
): Promise<{ version: number; marker: string } | undefined> {
  let newest: { version: number; marker: string } | undefined
  for await (const object of store.list(logFolder(prefix))) {
    const file = parseLogName(object.key.slice(object.key.lastIndexOf('/') + 1))
    if (file && file.version >= (newest?.version ?? 0))
      newest = { version: file.version, marker: `${file.version}.${object.etag}` }
  }
  return newest
}
