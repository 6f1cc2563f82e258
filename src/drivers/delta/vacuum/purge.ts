/** purge (`vacuum --backend NAME --trash`): the data of tables that were dropped longer ago than the grace goes for good, then what the trash holds of them. */
import { errorView } from '../../../core/errors.ts'
import type { Outcome, Plan, ReadContext, RunContext } from '../../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../../core/ref.ts'
import { runSteps, type StepsState } from '../../../core/run/steps.ts'
import { formatBytes } from '../../../core/units.ts'
import type { Location } from '../location.ts'
import { readSnapshot } from '../log/snapshot.ts'
import type { Lake } from '../table.ts'
import {
  type Dropped,
  filesNamedBy,
  graceDays,
  graceMs,
  readNote,
  removeEntry,
  snapshotOf,
  type TrashEntry,
  trashEntries,
} from '../trash/trash.ts'
import { innerTables, objectsOf } from './inner-tables.ts'

/** One plan's; the next one goes on. */
const mostTables = 1000
/** In a plan's text. */
const mostLines = 20
const batch = 1000

export interface PurgePlan extends Plan {
  readonly tables: readonly {
    readonly trash: string
    readonly path: string
    readonly files: number
    readonly bytes: number
  }[]
  readonly files: number
  readonly bytes: number
}
export interface Purged {
  readonly tables: number
  readonly filesRemoved: number
  readonly bytesRemoved: number
}

export async function planPurge(lake: Lake, backend: string, ctx: ReadContext): Promise<PurgePlan> {
  const tables: PurgePlan['tables'][number][] = []
  const lines: string[] = []
  for await (const entry of trashEntries(lake)) {
    if (!isDue(entry.dropped, ctx.now()) || tables.length === mostTables) continue
    if (entry.damaged) {
      ctx.log(
        'warn',
        `${printable(entry.prefix)} stays in the trash: its dropped.json cannot be read; remove it by hand`,
      )
      continue
    }
    const found = await unlessDamaged(removable(lake, entry, ctx), entry.dropped, ctx)
    if (found === undefined) continue
    const { files, bytes } = sizeOf(found)
    tables.push({ trash: entry.prefix, path: entry.dropped.path, files, bytes })
    lines.push(
      `  ${refOfPath(entry.dropped.path)}, dropped ${entry.dropped.droppedAt}: ${files} files, ${formatBytes(bytes)}`,
    )
  }
  const files = tables.reduce((sum, table) => sum + table.files, 0)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  return {
    changes: tables.length,
    // The drop itself was confirmed.
    risk: 'moderate',
    summary:
      tables.length === 0
        ? [`no table of ${backend} was dropped more than ${graceDays} days ago`]
        : [
            `remove ${tables.length} dropped tables for good: ${files} files, ${formatBytes(bytes)}`,
            ...lines.slice(0, mostLines),
            ...(lines.length > mostLines ? [`  … and ${lines.length - mostLines} more`] : []),
          ],
    basis: {},
    leases: tables.map(({ path }) => ({ path, mode: 'maintain' as const })),
    tables,
    files,
    bytes,
  }
}

export async function executePurge(
  lake: Lake,
  plan: PurgePlan,
  ctx: RunContext<StepsState, any>,
): Promise<Outcome<Purged>> {
  // Each removal comes directly after a commit.
  if (ctx.state === undefined) await ctx.commit({ phase: 'begin', state: { done: [] } })
  let filesRemoved = 0
  let bytesRemoved = 0
  await runSteps(
    ctx,
    'tables',
    plan.tables.map(({ trash, path }) => ({
      id: trash,
      async run() {
        const entry = { store: lake.locations.root(segmentsOf(path).project), prefix: trash }
        const dropped = await readNote(entry)
        // Undropped meanwhile, or gone with a run that was killed.
        if (dropped === undefined) return
        const { store, keys, bytes } = await removable(lake, { ...entry, dropped }, ctx)
        for (let i = 0; i < keys.length; i += batch) {
          ctx.signal.throwIfAborted()
          await store.delete(keys.slice(i, i + batch), { emptied: true })
        }
        await removeEntry(entry)
        filesRemoved += keys.length
        bytesRemoved += bytes
      },
    })),
  )
  const left = new Set<string>()
  for await (const { dropped } of trashEntries(lake)) left.add(dropped.path)
  const forgotten = plan.tables.map(({ path }) => path).filter((path) => !left.has(path))
  return {
    is: 'changed',
    result: { tables: plan.tables.length, filesRemoved, bytesRemoved },
    tables: [...new Set(forgotten)].map((path) => ({ remove: path, dropped: true })),
  }
}

const isDue = ({ droppedAt }: Dropped, now: Date): boolean => now.getTime() - Date.parse(droppedAt) > graceMs

interface Removable {
  readonly store: Location['store']
  readonly keys: readonly string[]
  readonly bytes: number
}

/** What cannot be told from other tables' files stays. */
async function unlessDamaged<T>(
  work: Promise<T>,
  { path, location }: Dropped,
  ctx: ReadContext,
): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const { kind, code, message } = errorView(error)
    if (kind !== 'data' && code !== 'delta-feature') throw error
    ctx.log('warn', `${refOfPath(path)} stays in the trash: ${message}; remove ${printable(location)} by hand`)
    return undefined
  }
}

const sizeOf = ({ keys, bytes }: Removable) => ({ files: keys.length, bytes })

/** Files that the dropped table's log names, and no table that lies there now. What neither names is vacuum's to judge, or a person's. */
async function removable(
  lake: Lake,
  entry: TrashEntry & { readonly dropped: Dropped },
  ctx: ReadContext,
): Promise<Removable> {
  const location = lake.locations.of({ path: entry.dropped.path, spec: null }, entry.dropped.location)
  const { store, prefix } = location
  const trashed = await snapshotOf(lake, entry, ctx.signal)
  if (trashed === undefined) return { store, keys: [], bytes: 0 }
  const named = filesNamedBy(location, trashed)
  const options = { scratch: await lake.environment.scratch(), signal: ctx.signal, tombstones: true as const }
  const now = await readSnapshot(store, prefix, options)
  if (now !== undefined) for (const path of filesNamedBy(location, now)) named.delete(path)
  const keys: string[] = []
  let bytes = 0
  const inner = await innerTables(lake, location, ctx)
  for await (const { key, path, size } of objectsOf(location, ctx)) {
    if (!named.has(path) || inner.has(path)) continue
    keys.push(key)
    bytes += size
  }
  return { store, keys, bytes }
}
