/** Which tables a command means: refs, globs, `--project`, `--backend`, `-l label=value`, `--all`. An empty choice is a usage error. */
import type { TableRow } from '../core/catalog.ts'
import { fail } from '../core/errors.ts'
import type { Subject } from '../core/operation.ts'
import {
  formatRef,
  globMatches,
  hasGlob,
  isProjectRef,
  type Pattern,
  parsePattern,
  parseProjectRef,
  parseRef,
  printable,
  refOfPath,
  segmentsOf,
  tablePath,
} from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import { requireBackend, type Session } from './session.ts'

export interface Selection {
  readonly refs: readonly string[]
  readonly projects?: readonly string[]
  readonly backends?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly all?: boolean
}

const isEmpty = (s: Selection): boolean =>
  s.refs.length === 0 &&
  !s.all &&
  !s.projects?.length &&
  !s.backends?.length &&
  Object.keys(s.labels ?? {}).length === 0

/** Registered tables, in path order, each once. With `orAll` an empty choice means every table (`list`). */
export async function selectTables(session: Session, selection: Selection, orAll = false): Promise<TableRow[]> {
  if (isEmpty(selection) && !orAll)
    throw fail('usage', 'empty-choice', 'no table is chosen', {
      hint: 'name tables (lake:acme/metrics, lake:*/metrics), or use --project, --backend, -l label=value or --all',
    })
  for (const backend of selection.backends ?? []) requireBackend(session.config, backend)
  const rows = new Map<string, TableRow>()
  const patterns =
    selection.refs.length > 0
      ? selection.refs.map(parsePattern)
      : [{ backend: '*', project: '*', table: '*', text: '*' }]
  for (const pattern of patterns)
    for (const row of await matching(session, pattern)) if (fits(row, selection)) rows.set(row.path, row)
  if (rows.size === 0 && !isEmpty(selection) && !orAll)
    throw fail('usage', 'empty-choice', 'no registered table fits the choice', { hint: 'tblctl list' })
  return [...rows.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function fits(row: TableRow, { projects, backends, labels }: Selection): boolean {
  const { backend, project } = segmentsOf(row.path)
  return (
    (!projects?.length || projects.some((glob) => globMatches(glob, project))) &&
    (!backends?.length || backends.includes(backend)) &&
    Object.entries(labels ?? {}).every(([name, value]) => row.spec.labels[name] === value)
  )
}

async function matching(session: Session, pattern: Pattern): Promise<TableRow[]> {
  const isGlob = hasGlob(`${pattern.backend ?? ''}${pattern.project}${pattern.table}`)
  if (!isGlob) return [await registered(session, pattern.text)]
  if (pattern.backend !== null && !hasGlob(pattern.backend)) requireBackend(session.config, pattern.backend)
  const found: TableRow[] = []
  for await (const row of session.catalog().tables()) {
    const { backend, project, table } = segmentsOf(row.path)
    if (
      globMatches(pattern.backend ?? '*', backend) &&
      globMatches(pattern.project, project) &&
      globMatches(pattern.table, table)
    )
      found.push(row)
  }
  return found
}

/** One registered table by its ref; `missing` with a suggestion when it is not registered. */
export async function registered(session: Session, text: string): Promise<TableRow> {
  const path = await resolveRef(session, text)
  const row = await session.catalog().table(path)
  if (row) return row
  if (await session.catalog().table(path, 'trash'))
    throw fail('missing', 'table-dropped', `table ${refOfPath(path)} was dropped`, {
      hint: `tblctl undrop ${refOfPath(path)}`,
    })
  const { backend, project } = segmentsOf(path)
  const refs: string[] = []
  for await (const other of session.catalog().tables({ backend })) refs.push(refOfPath(other.path))
  const meant = didYouMean(refOfPath(path), refs)
  const look = `tblctl list --backend ${backend} --project ${project}`
  throw fail('missing', 'table-not-found', `table ${refOfPath(path)} is not registered`, {
    hint: meant ? `did you mean ${meant}?\ntry: ${look}` : look,
  })
}

/** The path that a ref means, registered or not. Without a backend the catalog decides; with one backend configured there is no choice. */
export async function resolveRef(session: Session, text: string): Promise<string> {
  const ref = parseRef(text)
  if (ref.backend !== null) {
    requireBackend(session.config, ref.backend)
    return tablePath(ref.backend, ref.project, ref.table)
  }
  const found: string[] = []
  for (const backend of session.config.backends.keys()) {
    const path = tablePath(backend, ref.project, ref.table)
    if (await session.catalog().table(path)) found.push(path)
  }
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    throw fail(
      'usage',
      'ambiguous-ref',
      `${formatRef(ref)} is a table of several backends: ${found.map((path) => refOfPath(path)).join(', ')}`,
      { hint: 'write the backend: BACKEND:PROJECT/TABLE' },
    )
  const only = onlyBackend(session)
  if (only === undefined)
    throw fail('missing', 'table-not-found', `no backend has a table ${printable(text)} registered`, {
      hint: `write the backend: ${[...session.config.backends.keys()].map((b) => `${b}:${formatRef(ref)}`).join(', ')}`,
    })
  return tablePath(only, ref.project, ref.table)
}

/** A table's or (`acme/`) a project's subject, registered or not: what `create` and `register` work on. */
export async function subjectOf(session: Session, text: string): Promise<Subject> {
  if (!isProjectRef(text)) {
    const path = await resolveRef(session, text)
    return { kind: 'table', path, spec: (await session.catalog().table(path))?.spec ?? null }
  }
  const ref = parseProjectRef(text)
  const backend = ref.backend ?? onlyBackend(session)
  if (backend === undefined)
    throw fail('usage', 'ambiguous-ref', `${printable(text)} does not say which backend`, {
      hint: `write it: ${[...session.config.backends.keys()].map((b) => `${b}:${text}`).join(', ')}`,
    })
  requireBackend(session.config, backend)
  return { kind: 'project', path: `${backend}/${ref.project}`, spec: null }
}

/** What undrop works on: a name. Its spec is that of the table that was dropped, or of one that is there. */
export async function droppedSubject(session: Session, text: string): Promise<Subject> {
  const path = await resolveRef(session, text)
  const row = (await session.catalog().table(path)) ?? (await session.catalog().table(path, 'trash'))
  return { kind: 'table', path, spec: row?.spec ?? null }
}

export const tableSubject = (row: TableRow): Subject => ({ kind: 'table', path: row.path, spec: row.spec })

/** Undefined when there is a choice, or no backend at all. */
export function onlyBackend(session: Session): string | undefined {
  const names = [...session.config.backends.keys()]
  return names.length === 1 ? names[0] : undefined
}
