/** The older layout: a project's one table lies in the project's own folder, `projects/acme/_delta_log`, perhaps around its other tables. */
import type { Subject } from '../../core/operation.ts'
import { segmentsOf } from '../../core/ref.ts'
import type { Location, Locations } from './location.ts'

/** What a project has when it has but one table. */
export const projectTable = 'otel_logs_and_spans'

export const legacyPrefix = (project: string): string => `projects/${project}`

/**
 * What the table in the project's folder is called: the project's own, unless a table of that name lies below. The last resort is no folder
 * of a lake, where names do not begin with `_`, so that it meets no other.
 */
export const legacyName = (below: ReadonlySet<string>): string =>
  [projectTable, 'legacy'].find((name) => !below.has(name)) ?? '_legacy'

/** Where the older layout has a project's own table; null for any other table. */
export function legacyLocation(locations: Locations, { path }: Pick<Subject, 'path'>): Location | null {
  const { project, table } = segmentsOf(path)
  if (table !== projectTable) return null
  return locations.of({ path, spec: null }, `${locations.root(project).url}/${legacyPrefix(project)}`)
}
