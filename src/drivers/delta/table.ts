/** An open Delta table: where it lies and what it is at its newest version. */
import type { DriverEnvironment, PointInTime } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { ReadContext, RunContext, Subject } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import { version } from '../../core/version.ts'
import type { ScanFile } from '../../engine/scan.ts'
import { scanSql } from '../../engine/scan.ts'
import { localCopies } from '../../storage/local-copies.ts'
import { deletedIn } from './files/count.ts'
import { deletedRowsOf } from './files/deleted-rows.ts'
import { columnsOfFiles } from './files/file-columns.ts'
import type { Location, Locations } from './location.ts'
import { partitionValuesOf } from './log/column-mapping.ts'
import type { Committer } from './log/commit.ts'
import { tableKey } from './log/paths.ts'
import type { LiveFile } from './log/replay.ts'
import { readSnapshot, type Snapshot, updateSnapshot } from './log/snapshot.ts'
import { readSnapshotAt } from './log/versions.ts'
import { storedField } from './types.ts'

/** What every verb of this driver works with. */
export interface Lake {
  readonly locations: Locations
  readonly environment: DriverEnvironment
  /** What was read before: a run that plans, loads and compacts reads each commit once. */
  readonly snapshots: Map<string, Snapshot>
}
export interface DeltaTable {
  readonly location: Location
  readonly snapshot: Snapshot
}

/** `at`: null = as it is now. */
export async function openTable(
  lake: Lake,
  subject: Pick<Subject, 'path' | 'spec'>,
  ctx: ReadContext,
  at: PointInTime | null = null,
): Promise<DeltaTable> {
  const location = lake.locations.of(subject)
  const snapshot = await (at === null ? snapshotAt(lake, location, ctx) : earlierSnapshot(lake, location, at, ctx))
  if (!snapshot) throw noDeltaTable(location, subject)
  return { location, snapshot }
}

export const noDeltaTable = (location: Location, { path }: Pick<Subject, 'path'>): Error =>
  fail('missing', 'no-delta-table', `there is no Delta table at ${location.url}, where ${refOfPath(path)} should be`, {
    where: location.url,
    hint: `tblctl unregister ${refOfPath(path)}, or put the table back`,
  })

/** Undefined when nothing is there. */
export async function snapshotAt(lake: Lake, location: Location, ctx: ReadContext): Promise<Snapshot | undefined> {
  const { store, prefix } = location
  const options = await readOptions(lake, ctx)
  const known = lake.snapshots.get(placeOf(location))
  const snapshot = await unlessStopped(
    ctx.signal,
    known ? updateSnapshot(store, prefix, known, options) : readSnapshot(store, prefix, options),
  )
  remember(lake, location, snapshot)
  return snapshot
}

async function earlierSnapshot(
  lake: Lake,
  { store, prefix }: Location,
  at: PointInTime,
  ctx: ReadContext,
): Promise<Snapshot | undefined> {
  return unlessStopped(ctx.signal, readSnapshotAt(store, prefix, at, await readOptions(lake, ctx)))
}

const readOptions = async (lake: Lake, ctx: ReadContext) => ({
  scratch: await lake.environment.scratch(),
  signal: ctx.signal,
  warn: (message: string) => {
    const before = told.get(lake) ?? new Set()
    told.set(lake, before)
    if (!before.has(message)) ctx.log('warn', message)
    before.add(message)
  },
})

/** Warnings about a log: a command reads it several times, and says each of them once. */
const told = new WeakMap<Lake, Set<string>>()

/** Reading that is given up goes on until its store is closed; nobody waits for it. */
async function unlessStopped<T>(signal: AbortSignal, reading: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([reading, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Tables that are worth remembering: small ones, and not too many of them. */
const mostFiles = 10_000
const mostTables = 64

/** A snapshot's keys count from its store's root: one folder reached in two ways is two places. */
const placeOf = ({ store, prefix }: Location): string => `${store.url}\n${prefix}`

function remember({ snapshots }: Lake, location: Location, snapshot: Snapshot | undefined): void {
  const place = placeOf(location)
  snapshots.delete(place)
  if (!snapshot || snapshot.files.size > mostFiles) return
  snapshots.set(place, snapshot)
  if (snapshots.size > mostTables) snapshots.delete(snapshots.keys().next().value!)
}

/** The same table at its newest version; only the commits since are read. */
export async function refreshed(lake: Lake, { location, snapshot }: DeltaTable, ctx: ReadContext): Promise<DeltaTable> {
  const newest = await updateSnapshot(location.store, location.prefix, snapshot, await readOptions(lake, ctx))
  remember(lake, location, newest)
  if (!newest)
    throw fail('missing', 'no-delta-table', 'the table was removed while it was being worked on', {
      where: location.url,
    })
  if (newest.metadata.id !== snapshot.metadata.id)
    throw fail('refused', 'table-replaced', 'another table was put in its place while it was being worked on', {
      where: location.url,
      hint: 'run the command again for the table that is there now',
    })
  return { location, snapshot: newest }
}

export function committer(ctx: RunContext<any, any>): Committer {
  return {
    engineInfo: `tblctl/${version}`,
    run: ctx.run,
    job: ctx.job.id,
    now: () => ctx.now(),
    signal: ctx.signal,
  }
}

export const storedFields = (snapshot: Snapshot): readonly Field[] => snapshot.fields.map(storedField)

export interface FileScan extends AsyncDisposable {
  readonly select: string
  /** The data files, on the local disk. */
  readonly paths: readonly string[]
  /** Everything that the select opens: the data files, and a list of deleted rows where there are any. */
  readonly opens: readonly string[]
  /** Rows of the data files that the select leaves out, by the files' deletion vectors. */
  readonly deletedRows: number
  /** Of files that were copied here: path → URL. */
  readonly names: ReadonlyMap<string, string>
}

/**
 * A SELECT over these files with these columns, by the names that people see, without rows that deletion vectors take out. Files of a
 * remote store are copied to the scratch folder until it is disposed.
 */
export async function scanFiles(
  lake: Lake,
  { location, snapshot }: DeltaTable,
  files: Iterable<LiveFile>,
  fields: readonly Field[],
  ctx: ReadContext,
): Promise<FileScan> {
  const live = [...files]
  const { partitionColumns } = snapshot.metadata
  const options = { scratch: await lake.environment.scratch(), signal: ctx.signal }
  await using made = new AsyncDisposableStack()
  const deleted = made.use(await deletedRowsOf(location, live, options))
  const keys = live.map((file) => tableKey(location.prefix, file.path))
  const { paths, names } = made.use(await localCopies(location.store, keys, options))
  const stored = fields.filter(({ name }) => !partitionColumns.includes(name))
  const calls = snapshot.mapping === null ? [] : await columnsOfFiles(snapshot.mapping, stored, paths, names, options)
  const scan = live.map((file, i): ScanFile => {
    const [called, deletions] = [calls[i], deleted.numbers[i]]
    return {
      path: paths[i]!,
      partitionValues: partitionValuesOf(snapshot, file),
      ...(called === undefined ? {} : { calls: called }),
      ...(deletions === undefined ? {} : { deletions }),
    }
  })
  const select = scanSql({
    files: scan,
    fields,
    partitions: partitionColumns,
    ...(deleted.path === null ? {} : { deleted: deleted.path }),
  })
  const kept = made.move()
  return {
    select,
    paths,
    opens: deleted.path === null ? paths : [...paths, deleted.path],
    deletedRows: deletedIn(live),
    names,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
