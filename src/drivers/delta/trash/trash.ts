/**
 * The trash of a root: a dropped table's log and a note about it lie in `_tblctl_trash/{project}/{table}/{id}/` until vacuum has removed the
 * table's data. The data itself never moves.
 */
import type { DroppedTable } from '../../../core/driver.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { TableSpec } from '../../../core/operation.ts'
import { type Path, segmentsOf, tablePath } from '../../../core/ref.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import type { Location } from '../location.ts'
import { deletionVectorPath } from '../log/deletion-vector.ts'
import { isObject } from '../log/exact-json.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { Lake } from '../table.ts'

const trashFolder = '_tblctl_trash'
const noteName = 'dropped.json'

/** How long a dropped table can be had back. */
export const graceDays = 7
export const graceMs = graceDays * 86_400_000

/** What is known of a dropped table. */
export interface Dropped {
  readonly path: Path
  /** Where its data lies. */
  readonly location: string
  /** Of its metadata; null when its log could not be read. */
  readonly tableId: string | null
  readonly version: number | null
  readonly rows: number | null
  readonly droppedAt: string
  readonly run: string
  readonly spec: TableSpec
}

export interface TrashEntry {
  readonly store: ObjectStore
  /** Of the entry in its store; the log lies below it as it lay below the table. */
  readonly prefix: string
}

export function entryOf({ locations }: Lake, path: Path, id: string): TrashEntry {
  const { project, table } = segmentsOf(path)
  return { store: locations.root(project), prefix: `${trashFolder}/${project}/${table}/${id}` }
}

export async function writeNote({ store, prefix }: TrashEntry, dropped: Dropped): Promise<void> {
  await store.put(`${prefix}/${noteName}`, Buffer.from(`${JSON.stringify({ tblctl: 1, ...dropped }, null, 2)}\n`))
}

/** Undefined for what is no entry, or one that is not whole. */
export async function readNote({ store, prefix }: TrashEntry): Promise<Dropped | undefined> {
  const bytes = await store.read(`${prefix}/${noteName}`)
  if (bytes === undefined) return undefined
  try {
    const note: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (!isObject(note) || note.tblctl !== 1 || typeof note.location !== 'string') return undefined
    if (Number.isNaN(Date.parse(String(note.droppedAt)))) return undefined
    return note as unknown as Dropped
  } catch {
    return undefined
  }
}

/** Whatever is left of the entry; its note last, so that one that was removed in part is found again. */
export async function removeEntry({ store, prefix }: TrashEntry): Promise<void> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) if (key !== `${prefix}/${noteName}`) keys.push(key)
  await store.delete(keys, { emptied: true })
  await store.delete([`${prefix}/${noteName}`], { emptied: true })
}

export async function isEntry({ store, prefix }: TrashEntry): Promise<boolean> {
  for await (const _ of store.list(prefix)) return true
  return false
}

export interface NotedEntry extends TrashEntry {
  readonly dropped: Dropped
  /** The note is lost or damaged, and `dropped` what the entry's own place tells: its files are looked after all the same. */
  readonly damaged: boolean
}

/** Every entry of every root, of one table the newest last. */
export async function* trashEntries({ locations }: Lake): AsyncIterable<NotedEntry> {
  const roots = new Set([locations.root(''), ...locations.projects.map((project) => locations.root(project))])
  for (const store of roots)
    for await (const project of store.folders(trashFolder))
      for await (const table of store.folders(`${trashFolder}/${project}`)) yield* entriesIn(store, project, table)
}

async function* entriesIn(store: ObjectStore, project: string, table: string): AsyncIterable<NotedEntry> {
  const folder = `${trashFolder}/${project}/${table}`
  for await (const id of store.folders(folder)) {
    const entry = { store, prefix: `${folder}/${id}` }
    const dropped = await readNote(entry)
    yield { ...entry, dropped: dropped ?? presumed(store, project, table, id), damaged: dropped === undefined }
  }
}

/** Without its note: the place that a table of this name has by itself. The id begins with the time. */
function presumed(store: ObjectStore, project: string, table: string, id: string): Dropped {
  const location = `${store.url}/projects/${project}/${table}`
  const [, y, m, d, h, min, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(id) ?? []
  return {
    path: `?/${project}/${table}`,
    location,
    tableId: null,
    version: null,
    rows: null,
    droppedAt: y === undefined ? new Date(0).toISOString() : `${y}-${m}-${d}T${h}:${min}:${s}Z`,
    run: '',
    spec: { schema: null, location, labels: {}, options: {} },
  }
}

export async function* listTrash(lake: Lake, backend: string): AsyncIterable<DroppedTable> {
  for await (const { prefix, dropped } of trashEntries(lake)) {
    const [, project, table, id] = prefix.split('/') as [string, string, string, string]
    const { location, version, rows, droppedAt, spec } = dropped
    yield {
      path: tablePath(backend, project, table),
      id,
      location,
      version,
      rows: rows ?? null,
      schema: spec.schema,
      labels: spec.labels,
      droppedAt,
      until: new Date(Date.parse(droppedAt) + graceMs).toISOString(),
    }
  }
}

/** The dropped table as it was, with the tombstones of its log; its paths count from the place where its data lies. */
export async function snapshotOf(
  lake: Lake,
  { store, prefix }: TrashEntry,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  return readSnapshot(store, prefix, { scratch: await lake.environment.scratch(), signal, tombstones: true })
}

/** Every data file that a log names, tombstones and deletion vectors too; keys relative to the table's folder. */
export function filesNamedBy({ store, prefix }: Pick<Location, 'store' | 'prefix'>, snapshot: Snapshot): Set<string> {
  const named = new Set<string>()
  const name = (path: string, vector: Parameters<typeof deletionVectorPath>[2] | undefined): void => {
    named.add(path)
    const beside = vector === undefined ? null : deletionVectorPath(store, prefix, vector)
    if (beside !== null) named.add(beside)
  }
  for (const file of snapshot.files.values()) name(file.path, file.deletionVector)
  for (const [key, remove] of snapshot.tombstones ?? []) name(key.split('\0')[0]!, remove.deletionVector)
  return named
}

/** Files below a place that a table which was dropped from there still needs, should it come back. */
export async function trashedFiles(lake: Lake, location: Location, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const kept = new Set<string>()
  for await (const entry of trashEntries(lake)) {
    if (entry.dropped.location !== location.url) continue
    const snapshot = await snapshotOf(lake, entry, signal)
    if (snapshot !== undefined) for (const path of filesNamedBy(location, snapshot)) kept.add(path)
  }
  return kept
}

export const trashIdOf = ({ options }: TableSpec): string | null =>
  typeof options.trash === 'string' ? options.trash : null

export const withoutTrash = ({ options, ...spec }: TableSpec): TableSpec => {
  const { trash: _trash, ...rest } = options as JsonObject
  return { ...spec, options: rest }
}
