/** restore: one commit that makes a table what it was. The versions between stay in its history. */
import type { PointInTime } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Outcome, Plan, RunContext, Subject } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import { restoreOptions } from '../../verbs/options.ts'
import { commitTo } from './commit-table.ts'
import { rowsOf, sizesOf } from './files/facts.ts'
import type { CommitOutcome } from './log/commit-request.ts'
import { requireWritable } from './log/protocol.ts'
import type { LiveFile } from './log/replay.ts'
import {
  actionsOf,
  batchesUndone,
  type Difference,
  differenceTo,
  isSame,
  type UndoneBatch,
} from './restore/earlier-state.ts'
import { requireRestorable } from './restore/restorable.ts'
import { committedByJob } from './rows/own-commit.ts'
import { committer, type DeltaTable, type Lake, openTable } from './table.ts'

interface RestoreOptions {
  readonly version: number | null
  readonly timestamp: string | null
}
interface Figures {
  readonly filesRestored: number
  readonly filesRemoved: number
  readonly bytesRestored: number
  readonly bytesRemoved: number
  /** As the log counts them; null where it does not say. */
  readonly rowsBefore: number | null
  readonly rowsAfter: number | null
  readonly schemaRestored: boolean
  /** Loads whose rows go, and which the table still takes for loaded. */
  readonly batchesUndone: number
}
interface RestorePlan extends Plan, Figures {
  /** That the table is at, and the one that it goes back to. */
  readonly version: number
  readonly restoredVersion: number
  readonly batches: readonly string[]
}
interface Result extends Figures {
  readonly version: number
  readonly restoredVersion: number
  readonly verified: readonly string[]
}
interface State {
  readonly result: Result | null
}

/** Of batch ids. */
const mostSamples = 20

export function restore(lake: Lake): Operation<RestoreOptions, RestorePlan, Result, State> {
  return {
    options: restoreOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ version, timestamp }) => (version === null ? `timestamp=${timestamp}` : `version=${version}`),
    async plan(subject, { version, timestamp }, ctx) {
      const now = await openTable(lake, subject, ctx)
      requireWritable(now.snapshot, now.location.url)
      const at = version === null ? { timestamp: timestamp! } : { version }
      const then = await openTable(lake, subject, ctx, at)
      const difference = differenceTo(now.snapshot, then.snapshot)
      await requireRestorable(now, difference, then.snapshot.version, ctx)
      const undone = batchesUndone(now.snapshot, then.snapshot)
      return {
        changes: isSame(difference) ? 0 : 1,
        risk: 'moderate',
        summary: summaryOf(subject, now, then, difference, undone),
        found: { version: now.snapshot.version, restoredVersion: then.snapshot.version },
        basis: { id: now.snapshot.metadata.id, version: now.snapshot.version },
        leases: [{ path: subject.path, mode: 'exclusive' }],
        version: now.snapshot.version,
        restoredVersion: then.snapshot.version,
        ...figuresOf(now, then, difference, undone),
        batches: undone.slice(0, mostSamples).map(({ id }) => id),
      }
    },
    execute: (plan, ctx) => execute(lake, plan, ctx),
  }
}

function figuresOf(now: DeltaTable, then: DeltaTable, difference: Difference, undone: readonly UndoneBatch[]): Figures {
  const { gone, back, metadata, protocol } = difference
  const bytes = (files: readonly LiveFile[]): number => files.reduce((sum, { size }) => sum + size, 0)
  return {
    filesRestored: back.length,
    filesRemoved: gone.length,
    bytesRestored: bytes(back),
    bytesRemoved: bytes(gone),
    rowsBefore: rowsOf(now.snapshot).rows,
    rowsAfter: rowsOf(then.snapshot).rows,
    schemaRestored: metadata !== null || protocol !== null,
    batchesUndone: undone.length,
  }
}

function summaryOf(
  { path }: Subject,
  now: DeltaTable,
  then: DeltaTable,
  difference: Difference,
  undone: readonly UndoneBatch[],
): readonly string[] {
  const what = `restore ${refOfPath(path)} to version ${then.snapshot.version}`
  if (isSame(difference)) return [`${what}: it is as it was then`]
  const figures = figuresOf(now, then, difference, undone)
  const rows =
    figures.rowsBefore === null || figures.rowsAfter === null
      ? ''
      : `; rows ${figures.rowsBefore} → ${figures.rowsAfter}`
  const sync = syncOf(now) !== syncOf(then) && syncOf(now) !== undefined
  return [
    `${what}: ${figures.filesRestored} files come back (${formatBytes(figures.bytesRestored)}), ${figures.filesRemoved} go (${formatBytes(figures.bytesRemoved)})${rows}`,
    ...(figures.schemaRestored ? ['its columns and properties become what they were, too'] : []),
    ...undoneText(undone),
    ...(sync ? ['the sync into this table goes on where it is: what it brought since then is not brought again'] : []),
  ]
}

function undoneText(undone: readonly UndoneBatch[]): string[] {
  const lines: string[] = []
  const some = (batches: readonly UndoneBatch[]): string =>
    `${batches
      .slice(0, 3)
      .map(({ id }) => printable(id))
      .join(', ')}${batches.length > 3 ? ', …' : ''}`
  const whole = undone.filter(({ inPart }) => !inPart)
  const inPart = undone.filter((batch) => batch.inPart)
  if (whole.length > 0)
    lines.push(
      `${whole.length} loads are undone and still count as loaded; load them anew with --again: ${some(whole)}`,
    )
  if (inPart.length > 0)
    lines.push(
      `${inPart.length} loads are undone in part, and --again would double the other part: ${some(inPart)}; a version before them undoes all of it`,
    )
  return lines
}
const syncOf = ({ snapshot }: DeltaTable): string | undefined => snapshot.domains.get('tblctl.sync')?.configuration

async function execute(lake: Lake, plan: RestorePlan, ctx: RunContext<State, any>): Promise<Outcome<Result>> {
  if (ctx.state?.result) return { is: 'changed', result: ctx.state.result }
  const now = await openTable(lake, ctx.subject, ctx)
  if (now.snapshot.metadata.id !== plan.basis.id) return { is: 'stale', why: 'another table is in its place' }
  if (ctx.job.attempt > 1) {
    const own = await committedByJob(now, plan.version, ctx.job.id)
    if (own) return { is: 'changed', result: resultOf(plan, own.version) }
  }
  if (now.snapshot.version !== plan.basis.version)
    return { is: 'stale', why: `it is at version ${now.snapshot.version} now` }
  const at: PointInTime = { version: plan.restoredVersion }
  const then = await openTable(lake, ctx.subject, ctx, at)
  const difference = differenceTo(now.snapshot, then.snapshot)
  await requireRestorable(now, difference, plan.restoredVersion, ctx)
  await ctx.commit({ phase: 'restoring', state: { result: null } })
  const outcome = await commitRestore(lake, now, then, difference, plan, ctx)
  if (outcome.is !== 'committed') return { is: 'stale', why: 'another writer changed it' }
  await verify(lake, outcome.version, then, ctx)
  const result = resultOf(plan, outcome.version)
  await ctx.commit({ phase: 'restored', state: { result } })
  return { is: 'changed', result }
}

function commitRestore(
  lake: Lake,
  { location, snapshot }: DeltaTable,
  then: DeltaTable,
  difference: Difference,
  plan: RestorePlan,
  ctx: RunContext<State, any>,
): Promise<CommitOutcome> {
  const { files, bytes } = sizesOf(then.snapshot)
  const { options } = ctx
  return commitTo(
    lake,
    location,
    {
      snapshot,
      kind: 'replace',
      actions: actionsOf(difference, ctx.now().getTime()),
      operation: {
        name: 'RESTORE',
        parameters: {
          version: options.version === null ? String(plan.restoredVersion) : String(options.version),
          ...(options.timestamp === null ? {} : { timestamp: options.timestamp }),
        },
        // As Delta Spark has them.
        metrics: {
          tableSizeAfterRestore: bytes,
          numOfFilesAfterRestore: files,
          numRemovedFiles: plan.filesRemoved,
          removedFilesSize: plan.bytesRemoved,
          numRestoredFiles: plan.filesRestored,
          restoredFilesSize: plan.bytesRestored,
        },
      },
    },
    committer(ctx),
    ctx,
  )
}

/** The log, read again, names the files that it named then. */
async function verify(lake: Lake, version: number, then: DeltaTable, ctx: RunContext<State, any>): Promise<void> {
  const { snapshot, location } = await openTable(lake, ctx.subject, ctx, { version })
  const missing = [...then.snapshot.files.keys()].filter((key) => !snapshot.files.has(key)).length
  const others = snapshot.files.size - (then.snapshot.files.size - missing)
  if (missing + others > 0)
    throw fail(
      'failed',
      'verification-failed',
      `version ${version} lacks ${missing} files of version ${then.snapshot.version} and has ${others} others`,
      { where: location.url },
    )
}

const resultOf = (plan: RestorePlan, version: number): Result => ({
  version,
  restoredVersion: plan.restoredVersion,
  filesRestored: plan.filesRestored,
  filesRemoved: plan.filesRemoved,
  bytesRestored: plan.bytesRestored,
  bytesRemoved: plan.bytesRemoved,
  rowsBefore: plan.rowsBefore,
  rowsAfter: plan.rowsAfter,
  schemaRestored: plan.schemaRestored,
  batchesUndone: plan.batchesUndone,
  verified: ['files', 'log'],
})
