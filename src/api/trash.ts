/** What was dropped and can be brought back, as the backends themselves know it. */
import type { DroppedTable } from '../core/driver.ts'
import { type ErrorView, errorView } from '../core/errors.ts'
import { globMatches, parsePattern, refOfPath, segmentsOf } from '../core/ref.ts'
import type { Selection } from './select.ts'
import { requireBackend, type Session } from './session.ts'

export interface DroppedTableList {
  readonly kind: 'DroppedTableList'
  /** By name, of one name the newest first. */
  readonly items: readonly (Omit<DroppedTable, 'path'> & { readonly ref: string })[]
  readonly errors: readonly { readonly backend: string; readonly error: ErrorView }[]
}

/** `selection`: of backends, projects, refs and globs; empty = everything. */
export async function listDropped(
  session: Session,
  { refs, backends, projects }: Selection,
): Promise<DroppedTableList> {
  const patterns = refs.map(parsePattern)
  for (const backend of backends ?? []) requireBackend(session.config, backend)
  const found: DroppedTable[] = []
  const errors: { backend: string; error: ErrorView }[] = []
  for (const backend of backends?.length ? backends : session.config.backends.keys()) {
    if (!(await session.module(backend)).can.includes('trash')) continue
    try {
      const { trash } = (await session.driver(backend)).can
      for await (const table of trash!.list(session.reading(backend))) {
        const { project, table: name } = segmentsOf(table.path)
        const isNamed = patterns.some(
          (pattern) =>
            globMatches(pattern.backend ?? '*', backend) &&
            globMatches(pattern.project, project) &&
            globMatches(pattern.table, name),
        )
        const isInProject = !projects?.length || projects.some((glob) => globMatches(glob, project))
        if ((patterns.length === 0 || isNamed) && isInProject)
          found.push({ ...table, path: `${backend}/${project}/${name}` })
      }
    } catch (error) {
      session.host().stop.hard.throwIfAborted()
      errors.push({ backend, error: errorView(error) })
    }
  }
  found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.droppedAt < b.droppedAt ? 1 : -1))
  return {
    kind: 'DroppedTableList',
    items: found.map(({ path, ...table }) => ({ ref: refOfPath(path), ...table })),
    errors,
  }
}
