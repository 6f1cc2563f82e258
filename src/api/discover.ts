/** discover: tables that a backend holds and the catalog does not know; and their adoption, each where it lies. */
import { realpathSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { globMatches, parsePattern } from '../core/ref.ts'
import { type OperationReport, reportOf } from './operate.ts'
import { provision } from './provision.ts'
import type { Selection } from './select.ts'
import type { Session } from './session.ts'
import { listTables, type TableItem, type TableList } from './tables.ts'

/** `selection`: backends, projects, refs and globs; empty = everything. */
export async function discover(session: Session, { refs, ...where }: Selection): Promise<TableList> {
  const patterns = refs.map(parsePattern)
  const fits = ({ backend, project, table }: TableItem): boolean =>
    patterns.length === 0 ||
    patterns.some(
      (pattern) =>
        globMatches(pattern.backend ?? '*', backend) &&
        globMatches(pattern.project, project) &&
        globMatches(pattern.table, table),
    )
  const { items, ...list } = await listTables(session, { ...where, refs: [] }, true)
  // A table may be registered under another name than its folder has, and its place be spelled in another way.
  const known = new Set<string>()
  for await (const { spec } of session.catalog().tables())
    if (spec.location !== null) known.add(realPlace(spec.location))
  const unknown = items.filter(
    ({ live, location }) => live === 'unregistered' && (location === null || !known.has(realPlace(location))),
  )
  return { ...list, items: unknown.filter(fits) }
}

/** Where a folder of this machine really is; other places as they are. */
function realPlace(location: string): string {
  if (!location.startsWith('file:')) return location
  try {
    return pathToFileURL(realpathSync(fileURLToPath(location))).href
  } catch {
    return location
  }
}

export async function adopt(
  session: Session,
  found: readonly TableItem[],
  labels: Readonly<Record<string, string>>,
  dryRun: boolean,
): Promise<OperationReport> {
  const items: OperationReport['items'][number][] = []
  for (const { ref, location } of found)
    items.push(...(await provision(session, 'register', [ref], { location, labels }, dryRun)).items)
  return reportOf(session, 'register', dryRun, items)
}
