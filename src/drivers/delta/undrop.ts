/** undrop: the log of a dropped table comes back from the trash to where it was. */
import { fail } from '../../core/errors.ts'
import type { Operation, Plan, Subject } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { undropOptions } from '../../verbs/options.ts'
import { rowsOf, sizesOf } from './files/facts.ts'
import type { Location } from './location.ts'
import { logFolder } from './log/paths.ts'
import { type Lake, snapshotAt } from './table.ts'
import { moveLog } from './trash/move-log.ts'
import {
  type Dropped,
  entryOf,
  readNote,
  removeEntry,
  type TrashEntry,
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

export function undrop(lake: Lake): Operation<object, UndropPlan, Result> {
  return {
    options: undropOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'undrop',
    async plan(subject) {
      // Only what lies in the trash knows where there.
      if (subject.spec !== null && trashIdOf(subject.spec) === null) return nothingToDo(subject)
      const { trash, dropped } = await find(lake, subject)
      const location = lake.locations.of(subject, dropped.location)
      await requireEmpty(location, refOfPath(subject.path))
      const until = dropped.version === null ? '' : ` (version ${dropped.version})`
      return {
        changes: 1,
        risk: 'moderate',
        summary: [`bring back ${refOfPath(subject.path)} at ${dropped.location}${until}, dropped ${dropped.droppedAt}`],
        basis: { trash },
        leases: [{ path: subject.path, mode: 'exclusive' }],
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
        if ((await readNote(entry)) === undefined) return { is: 'stale', why: 'it is no longer in the trash' }
        await requireEmpty(location, refOfPath(ctx.subject.path))
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

async function find(
  lake: Lake,
  { path, spec }: Subject,
): Promise<TrashEntry & { readonly trash: string; readonly dropped: Dropped }> {
  const known = spec && trashIdOf(spec)
  if (known !== null) {
    const entry = entryOf(lake, path, known)
    const dropped = await readNote(entry)
    if (dropped) return { ...entry, trash: known, dropped }
  } else {
    // Another machine's catalog dropped it: the trash knows.
    let newest: (TrashEntry & { dropped: Dropped }) | undefined
    for await (const entry of trashEntries(lake))
      if (entry.dropped.path === path && entry.dropped.droppedAt > (newest?.dropped.droppedAt ?? '')) newest = entry
    if (newest) return { ...newest, trash: newest.prefix.slice(newest.prefix.lastIndexOf('/') + 1) }
  }
  throw fail('missing', 'not-in-trash', `${refOfPath(path)} is no longer in the trash: vacuum removed it for good`, {
    hint: 'create it again, or restore it from a backup',
  })
}

async function requireEmpty({ store, prefix, url }: Location, ref: string): Promise<void> {
  for await (const _ of store.list(logFolder(prefix)))
    throw fail('refused', 'place-taken', `another Delta table is at ${url} now`, {
      where: url,
      hint: `drop or move that one first; ${ref} stays in the trash until vacuum --trash removes it`,
    })
}
