/** drop: the table's log goes to the trash of its root and its data stays where it is, until vacuum removes it after the grace. Undrop brings it back. */
import { randomUUID } from 'node:crypto'
import { errorView } from '../../core/errors.ts'
import type { Operation, Plan, ReadContext, Subject, TableSpec } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import { dropOptions } from '../../verbs/options.ts'
import { rowsOf, sizesOf } from './files/facts.ts'
import { requireOwned } from './log/protocol.ts'
import type { Snapshot } from './log/snapshot.ts'
import { type Lake, noDeltaTable, snapshotAt } from './table.ts'
import { moveLog } from './trash/move-log.ts'
import { entryOf, graceDays, graceMs, removeEntry, snapshotOf, type TrashEntry, writeNote } from './trash/trash.ts'

interface DropPlan extends Plan {
  readonly url: string
  /** Of the trash entry. */
  readonly trash: string
  readonly files: number | null
  readonly rows: number | null
  readonly bytes: number | null
  readonly version: number | null
}
interface Result {
  readonly answer: 'dropped'
  readonly location: string
  readonly version: number | null
  readonly files: number | null
  readonly rows: number | null
  readonly bytes: number | null
  readonly undropUntil: string
}
interface State {
  readonly droppedAt: string
}

export function drop(lake: Lake): Operation<object, DropPlan, Result, State> {
  return {
    options: dropOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'drop',
    async plan(subject, _options, ctx) {
      const location = lake.locations.of(subject)
      const { snapshot, damage } = await lookAt(lake, subject, ctx)
      if (snapshot) requireOwned(snapshot, location.url)
      // The place may only be out of reach: a disk that is not mounted.
      if (snapshot === undefined && damage === null) throw noDeltaTable(location, subject)
      const sizes = snapshot ? { ...sizesOf(snapshot), rows: rowsOf(snapshot).rows } : null
      const ref = refOfPath(subject.path)
      const holds = sizes
        ? `${sizes.files} files, ${formatBytes(sizes.bytes)}${sizes.rows === null ? '' : `, ${sizes.rows} rows`}`
        : `its log cannot be read: ${damage}`
      return {
        changes: 1,
        risk: 'severe',
        summary: [
          `drop ${ref} at ${location.url} (${holds})`,
          `tblctl undrop ${ref} brings it back; after ${graceDays} days tblctl vacuum --trash removes its files`,
        ],
        basis: { id: snapshot?.metadata.id ?? null },
        leases: [{ path: subject.path, mode: 'exclusive' }],
        url: location.url,
        trash: `${ctx.now().toISOString().slice(0, 19).replace(/\D/g, '')}-${randomUUID().slice(0, 8)}`,
        files: sizes?.files ?? null,
        rows: sizes?.rows ?? null,
        bytes: sizes?.bytes ?? null,
        version: snapshot?.version ?? null,
      }
    },
    async execute(plan, ctx) {
      const { files, rows, bytes, version, url } = plan
      const figures = { location: url, version, files, rows, bytes }
      const spec: TableSpec = ctx.subject.spec ?? { schema: null, location: url, labels: {}, options: {} }
      if (ctx.state === undefined) {
        const { snapshot } = await lookAt(lake, ctx.subject, ctx)
        if ((snapshot?.metadata.id ?? null) !== plan.basis.id)
          return { is: 'stale', why: 'another table is in its place' }
      }
      const { droppedAt } = ctx.state ?? { droppedAt: ctx.now().toISOString() }
      const entry = entryOf(lake, ctx.subject.path, plan.trash)
      const trashed = { ...spec, location: url, options: { ...spec.options, trash: plan.trash } }
      await writeNote(entry, {
        path: ctx.subject.path,
        location: url,
        tableId: (plan.basis.id as string | null) ?? null,
        version,
        rows,
        droppedAt,
        run: ctx.run,
        spec,
      })
      // From here on the table may be gone in part: its own lease keeps others of us away.
      await ctx.commit({ phase: 'dropping', state: { droppedAt } })
      await moveLog(lake.locations.of(ctx.subject, url), entry, await lake.environment.scratch(), ctx.signal)
      await ctx.commit({ phase: 'dropped', state: { droppedAt } })
      const undropUntil = new Date(Date.parse(droppedAt) + graceMs).toISOString()
      return {
        is: 'changed',
        result: { answer: 'dropped', ...figures, ...(await sizesIn(lake, entry, ctx)), undropUntil },
        tables: [{ put: ctx.subject.path, spec: trashed, state: 'trash' }],
      }
    },
    async undo(plan, ctx) {
      const entry = entryOf(lake, ctx.subject.path, plan.trash)
      await moveLog(entry, lake.locations.of(ctx.subject, plan.url), await lake.environment.scratch(), ctx.signal)
      await removeEntry(entry)
    },
  }
}

/** What the trash holds in the end: another host may have loaded on until the log was gone. */
async function sizesIn(lake: Lake, entry: TrashEntry, ctx: ReadContext): Promise<Partial<Result>> {
  try {
    const there = await snapshotOf(lake, entry, ctx.signal)
    if (there === undefined) return {}
    const { files, bytes } = sizesOf(there)
    return { version: there.version, files, bytes, rows: rowsOf(there).rows }
  } catch (error) {
    ctx.signal.throwIfAborted()
    ctx.log('debug', 'the dropped log cannot be read', { error: String(error) })
    return {}
  }
}

/** A table whose log is damaged can be dropped as well. */
async function lookAt(
  lake: Lake,
  subject: Pick<Subject, 'path' | 'spec'>,
  ctx: ReadContext,
): Promise<{ readonly snapshot: Snapshot | undefined; readonly damage: string | null }> {
  try {
    return { snapshot: await snapshotAt(lake, lake.locations.of(subject), ctx), damage: null }
  } catch (error) {
    const { kind, message, code } = errorView(error)
    if (kind !== 'data' && code !== 'delta-feature') throw error
    return { snapshot: undefined, damage: message }
  }
}
