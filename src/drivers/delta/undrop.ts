/** undrop: the log of a dropped table comes back from the trash to where it was. */
import { fail } from '../../core/errors.ts'
import type { Operation, Plan, Subject } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { undropOptions } from '../../verbs/options.ts'
import { rowsOf, sizesOf } from './files/facts.ts'
import type { Location } from './location.ts'
import { logFolder } from './log/paths.ts'
import { type Lake, snapshotAt } from './table.ts'
import { moveLog } from './trash/move-log.ts'
import {
  type Dropped,
  entryOf,
  graceDays,
  isEntry,
  type NotedEntry,
  removeEntry,
  trashEntries,
  trashIdOf,
  withoutTrash,
} from './trash/trash.ts'

interface UndropPlan extends Plan {
  readonly trash: string
  /** Null: there is nothing to do. */
  readonly dropped: Dropped | null
}
interface Result {
  readonly answer: 'undropped'
  readonly location: string
  readonly version: number | null
  readonly files: number | null
  readonly rows: number | null
}

export function undrop(lake: Lake): Operation<{ id: string | null }, UndropPlan, Result> {
  return {
    options: undropOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ id }) => (id === null ? 'undrop' : `undrop ${id}`),
    async plan(subject, { id }) {
      const { spec, path } = subject
      const isDropped = spec !== null && trashIdOf(spec) !== null
      const found = await find(lake, subject, id)
      // Again after it was done; not where another table has taken the place.
      if (spec !== null && !isDropped && !found && (await isThere(lake.locations.of(subject))))
        return nothingToDo(subject)
      if (!found) throw notInTrash(refOfPath(path), id)
      const { trash, dropped } = found
      await requireEmpty(lake.locations.of(subject, dropped.location), refOfPath(path), dropped)
      const which = dropped.version === null ? '' : ` (version ${dropped.version})`
      return {
        changes: 1,
        risk: 'moderate',
        summary: [`bring back ${refOfPath(path)} at ${dropped.location}${which}, dropped ${dropped.droppedAt}`],
        basis: { trash },
        leases: [{ path, mode: 'exclusive' }],
        location: dropped.location,
        trash,
        dropped,
      }
    },
    async execute(plan, ctx) {
      const { trash, dropped } = plan
      if (dropped === null) return { is: 'unchanged' }
      const entry = entryOf(lake, ctx.subject.path, trash)
      const location = lake.locations.of(ctx.subject, dropped.location)
      if (ctx.state === undefined) {
        if (!(await isEntry(entry))) return { is: 'stale', why: 'it is no longer in the trash' }
        await requireEmpty(location, refOfPath(ctx.subject.path), dropped)
        await ctx.commit({ phase: 'undropping', state: {} })
      }
      await moveLog(entry, location, await lake.environment.scratch(), ctx.signal)
      await ctx.commit({ phase: 'undropped', state: {} })
      await removeEntry(entry)
      const snapshot = await snapshotAt(lake, location, ctx).catch(() => undefined)
      return {
        is: 'changed',
        result: {
          answer: 'undropped',
          location: dropped.location,
          version: snapshot?.version ?? dropped.version,
          files: snapshot ? sizesOf(snapshot).files : null,
          rows: snapshot ? rowsOf(snapshot).rows : null,
        },
        tables: [{ put: ctx.subject.path, spec: withoutTrash(dropped.spec), state: 'active' }],
      }
    },
  }
}

function nothingToDo({ path, spec }: Subject): UndropPlan {
  const found = { answer: 'exists', location: spec?.location ?? null }
  const summary = [`${refOfPath(path)} is there`]
  return { changes: 0, risk: 'moderate', summary, basis: {}, leases: [], found, trash: '', dropped: null }
}

/** The entry with this id, else the one that the catalog knows, else the newest of the name. */
async function find(
  lake: Lake,
  { path, spec }: Subject,
  id: string | null,
): Promise<{ readonly trash: string; readonly dropped: Dropped } | undefined> {
  const wanted = id ?? (spec && trashIdOf(spec))
  const { prefix: folder } = entryOf(lake, path, '')
  let newest: NotedEntry | undefined
  for await (const entry of trashEntries(lake)) {
    if (!entry.prefix.startsWith(folder) || (wanted !== null && entry.prefix !== `${folder}${wanted}`)) continue
    if (entry.dropped.droppedAt >= (newest?.dropped.droppedAt ?? '')) newest = entry
  }
  if (!newest) return undefined
  const { dropped, damaged, prefix } = newest
  // What a lost note no longer says, the catalog may.
  const known = damaged && spec !== null ? { spec, location: spec.location ?? dropped.location } : {}
  return { trash: prefix.slice(folder.length), dropped: { ...dropped, path, ...known } }
}

function notInTrash(ref: string, id: string | null): Error {
  const what = id === null ? `no dropped table ${ref} is` : `no dropped table ${ref} with the id ${printable(id)} is`
  return fail(
    'missing',
    'not-in-trash',
    `${what} in the trash; vacuum --trash removes them for good after ${graceDays} days`,
    {
      hint: 'tblctl list --dropped',
    },
  )
}

async function isThere({ store, prefix }: Location): Promise<boolean> {
  for await (const _ of store.list(logFolder(prefix))) return true
  return false
}

async function requireEmpty({ store, prefix, url }: Location, ref: string, { droppedAt }: Dropped): Promise<void> {
  for await (const _ of store.list(logFolder(prefix)))
    throw fail('refused', 'place-taken', `another Delta table is at ${url} now`, {
      where: url,
      hint: `drop that one first; the ${ref} that was dropped ${droppedAt} stays in the trash meanwhile: tblctl list --dropped, tblctl undrop --id`,
    })
}
