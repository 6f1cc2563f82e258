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
  const shared = locations.root('')
  const projects = new Set<string>(locations.projects)
  if (wanted === undefined) for await (const folder of shared.folders('projects')) projects.add(folder)
  for (const project of wanted === undefined ? [...projects].sort() : [wanted]) {
    if (!isSegment(project) || project.startsWith('_')) continue
    const store = locations.root(project)
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
      newest = { version: file.version, marker: `${file.version}.${object.size}.${object.modifiedAt.getTime()}` }
  }
  return newest
}
