/** list, describe, stats: what the catalog and the backends say about tables, as plain objects. */
import type { TableRow } from '../core/catalog.ts'
import type { Observed, PointInTime, TableDescription, TableStatistics } from '../core/driver.ts'
import { type ErrorView, errorView } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { globMatches, type Path, refOfPath, segmentsOf } from '../core/ref.ts'
import { mapBounded } from '../core/run/pool.ts'
import { formatType } from '../core/types.ts'
import { checkTravel } from './data.ts'
import { type Selection, selectTables, tableSubject } from './select.ts'
import type { Session } from './session.ts'

export interface TableItem {
  readonly ref: string
  readonly backend: string
  readonly project: string
  readonly table: string
  /** null: the backend is no longer in the configuration. */
  readonly driver: string | null
  readonly schema: string | null
  readonly location: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: string | null
  readonly updatedAt: string | null
  /** Only with `live`: what the backend says; null when that is not known, and then `unknown` says why. */
  readonly live?: 'present' | 'missing' | 'unregistered' | null
  readonly unknown?: string
  readonly facts?: JsonObject
}
export interface TableList {
  readonly kind: 'TableList'
  readonly items: readonly TableItem[]
  /** Backends that could not be asked (`live`). */
  readonly errors: readonly { readonly backend: string; readonly error: ErrorView }[]
}

export async function listTables(session: Session, selection: Selection, live = false): Promise<TableList> {
  const rows = await selectTables(session, selection, true)
  if (!live) return { kind: 'TableList', items: rows.map((row) => itemOf(session, row)), errors: [] }
  const registered = new Map(rows.map((row) => [row.path, row]))
  const items: TableItem[] = []
  const errors: { backend: string; error: ErrorView }[] = []
  const wanted = selection.backends?.length ? selection.backends : [...session.config.backends.keys()]
  for (const backend of wanted) {
    const seen = new Set<string>()
    /** What kept the backend, or parts of it, from being listed. */
    let failures: ErrorView[] = []
    let whole = true
    try {
      const driver = await session.driver(backend)
      for await (const observed of driver.scan({}, session.reading(backend))) {
        const row = registered.get(observed.path)
        // Registered elsewhere under this name: what lies here is another table.
        if (row && (row.spec.location ?? observed.location) !== observed.location) continue
        seen.add(observed.path)
        if (row) items.push({ ...itemOf(session, row), live: 'present', facts: observed.facts })
        else if (selection.refs.length === 0 && !selection.labels && inProjects(observed, selection))
          items.push(unregistered(session, observed))
      }
    } catch (error) {
      stopIfAsked(session)
      whole = error instanceof AggregateError
      failures = distinct((error instanceof AggregateError ? error.errors : [error]).map(errorView))
      errors.push(...failures.map((failure) => ({ backend, error: failure })))
    }
    // A table at a location of its own is not below the backend's root: ask for it by itself, unless the backend is out of reach.
    const unseen = rows.filter((row) => segmentsOf(row.path).backend === backend && !seen.has(row.path))
    items.push(
      ...(await mapBounded(unseen, session.host().parallelism, async (row): Promise<TableItem> => {
        const item = itemOf(session, row)
        if (!whole) return { ...item, live: null, unknown: failures[0]!.message }
        try {
          return { ...item, live: (await exists(session, row)) ? 'present' : 'missing' }
        } catch (error) {
          // One table that cannot be read hides no other, and is no news where a root cannot be reached.
          stopIfAsked(session)
          const view = errorView(error)
          if (!failures.some(({ code }) => code === view.code)) errors.push({ backend, error: view })
          return { ...item, live: null, unknown: view.message }
        }
      })),
    )
  }
  for (const row of rows)
    if (!wanted.includes(segmentsOf(row.path).backend))
      items.push({ ...itemOf(session, row), live: null, unknown: 'its backend is not in tblctl.yaml' })
  items.sort((a, b) => (a.ref < b.ref ? -1 : 1))
  return { kind: 'TableList', items, errors }
}

/** What was broken off says nothing about a backend. */
const stopIfAsked = (session: Session): void => session.host().stop.hard.throwIfAborted()

const distinct = (views: readonly ErrorView[]): ErrorView[] => [
  ...new Map(views.map((view) => [view.message, view])).values(),
]

function inProjects({ path }: Observed, { projects }: Selection): boolean {
  return !projects?.length || projects.some((glob) => globMatches(glob, segmentsOf(path).project))
}

async function exists(session: Session, row: TableRow): Promise<boolean> {
  const { backend } = segmentsOf(row.path)
  try {
    await (await session.driver(backend)).describe(tableSubject(row), session.reading(backend))
    return true
  } catch (error) {
    if (errorView(error).kind === 'missing') return false
    throw error
  }
}

function itemOf(session: Session, row: TableRow): TableItem {
  const { schema, location, labels } = row.spec
  return { ...named(session, row.path), schema, location, labels, createdAt: row.createdAt, updatedAt: row.updatedAt }
}

function unregistered(session: Session, { path, location, facts }: Observed): TableItem {
  const unknown = { schema: null, labels: {}, createdAt: null, updatedAt: null }
  return { ...named(session, path), ...unknown, location, live: 'unregistered', facts }
}

function named(session: Session, path: Path): Pick<TableItem, 'ref' | 'backend' | 'project' | 'table' | 'driver'> {
  const { backend, project, table } = segmentsOf(path)
  return { ref: refOfPath(path), backend, project, table, driver: session.config.backends.get(backend)?.driver ?? null }
}

export interface TableView {
  readonly kind: 'Table'
  readonly ref: string
  readonly spec: JsonObject
  readonly status: JsonObject
  readonly schema: {
    readonly fields: readonly {
      readonly name: string
      readonly type: string
      readonly nullable: boolean
      readonly description?: string
    }[]
    readonly partitions: readonly string[]
  }
  readonly details: JsonObject
}

export async function describeTable(
  session: Session,
  row: TableRow,
  at: PointInTime | null = null,
): Promise<TableView> {
  const { backend } = segmentsOf(row.path)
  await checkTravel(session, backend, at)
  const driver = await session.driver(backend)
  const description: TableDescription = await driver.describe(tableSubject(row), session.reading(backend), at)
  return {
    kind: 'Table',
    ref: refOfPath(row.path),
    spec: {
      driver: driver.kind,
      schema: row.spec.schema,
      location: row.spec.location,
      labels: row.spec.labels,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    },
    status: description.status,
    schema: {
      fields: description.schema.fields.map((field) => ({
        name: field.name,
        type: formatType(field.type),
        nullable: field.nullable,
        ...(field.description === undefined ? {} : { description: field.description }),
      })),
      partitions: description.schema.partitions,
    },
    details: description.details,
  }
}

export interface TableStats {
  readonly kind: 'TableStats'
  readonly ref: string
  readonly status: JsonObject
  /** Why a field of `status` is null. Not empty: the answer is partial, and the command exits non-zero. */
  readonly unknown: Readonly<Record<string, string>>
}

export async function tableStats(session: Session, row: TableRow, exact: boolean): Promise<TableStats> {
  const { backend } = segmentsOf(row.path)
  const driver = await session.driver(backend)
  const stats: TableStatistics = await driver.stats(tableSubject(row), { exact }, session.reading(backend))
  return { kind: 'TableStats', ref: refOfPath(row.path), status: stats.status, unknown: stats.unknown }
}
