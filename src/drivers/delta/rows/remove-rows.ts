/**
 * Rows out of a table, for delete and for the retention of rows: counted in a plan, taken out in one commit. What is approved is a number of
 * rows at a version: rows that others append later stay, and when the number is another one, nothing is written and it is planned again.
 */
import { fail } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Outcome, ReadContext, RunContext } from '../../../core/operation.ts'
import { type Engine, openEngine } from '../../../engine/engine.ts'
import { commitTo } from '../commit-table.ts'
import { schemaHashOf } from '../describe.ts'
import { bytesOf, discard, withdraw } from '../files/data-file.ts'
import type { CommitOutcome } from '../log/commit-request.ts'
import { isAppendOnly, requireWritable } from '../log/protocol.ts'
import { removeOf } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { committer, type DeltaTable, type Lake, openTable, refreshed } from '../table.ts'
import type { Condition } from './condition.ts'
import { appendedSince, committedByJob } from './own-commit.ts'
import { type Choice, matchesOf, type Removal, removeMatches } from './rewrite-files.ts'

/** Which rows are meant, on a table as it is. */
export type Choose = (engine: Engine, table: DeltaTable) => Promise<Choice>

export interface RemovalPlan {
  readonly version: number
  readonly rows: number
  /** Files that hold such rows: those that go whole, and those that are written again without them. */
  readonly files: number
  readonly filesRemoved: number
  readonly filesRewritten: number
  readonly bytes: number
  /** Files of which some rows are meant and all stay, where a file goes whole or not at all. */
  readonly filesKept: number
  readonly basis: { readonly id: string; readonly schemaHash: string; readonly version: number; readonly rows: number }
}

/** Of a table of which nothing is to go. */
export const nothingToRemove = ({ snapshot }: DeltaTable): RemovalPlan => planOf(snapshot, nothing)

/** Counts in the files. Throws `refused`/`append-only` and what forbids to write the table. */
export async function planRemoval(
  lake: Lake,
  table: DeltaTable,
  choose: Choose,
  ctx: ReadContext,
): Promise<{ readonly removal: RemovalPlan; readonly condition: Condition }> {
  const { snapshot, location } = table
  requireWritable(snapshot, location.url)
  if (isAppendOnly(snapshot.metadata))
    throw fail('refused', 'append-only', 'the table is append-only (delta.appendOnly): its rows cannot be removed', {
      where: location.url,
    })
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  const choice = await choose(engine, table)
  const { condition, files, partial } = choice
  const figures = { ...nothing, filesKept: choice.filesKept ?? 0 }
  let done = 0
  for await (const { file, matching, rows } of matchesOf(lake, engine, table, choice, ctx)) {
    ctx.report({ done: ++done, total: files.length, unit: 'files' })
    if (matching === 0) continue
    if (partial === 'keep' && matching < rows) {
      figures.filesKept++
      continue
    }
    figures.rows += matching
    figures.bytes += file.size
    if (matching === rows) figures.filesRemoved++
    else figures.filesRewritten++
  }
  return { removal: planOf(snapshot, figures), condition }
}

const nothing = { rows: 0, filesRemoved: 0, filesRewritten: 0, bytes: 0, filesKept: 0 }

function planOf(snapshot: Snapshot, figures: typeof nothing): RemovalPlan {
  const { version, metadata } = snapshot
  return {
    version,
    files: figures.filesRemoved + figures.filesRewritten,
    ...figures,
    basis: { id: metadata.id, schemaHash: schemaHashOf(snapshot), version, rows: figures.rows },
  }
}

export interface RemovalResult {
  readonly version: number
  readonly rowsRemoved: number
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesRemoved: number
  readonly bytesAdded: number
  readonly verified: readonly string[]
}
/** Null until the commit is in the log. */
export interface RemovalState {
  readonly result: RemovalResult | null
}

const attempts = 15

export async function executeRemoval(
  lake: Lake,
  { basis }: { readonly basis: JsonObject },
  choose: Choose,
  ctx: RunContext<RemovalState, any>,
): Promise<Outcome<RemovalResult>> {
  if (ctx.state?.result) return { is: 'changed', result: ctx.state.result }
  const { id, schemaHash, version, rows } = basis as unknown as RemovalPlan['basis']
  let table = await openTable(lake, ctx.subject, ctx)
  if (ctx.job.attempt > 1) {
    const own = await committedByJob(table, version, ctx.job.id)
    if (own) return { is: 'changed', result: resultOf(own.version, own.metrics) }
  }
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (table.snapshot.metadata.id !== id) return { is: 'stale', why: 'another table is in its place' }
    if (schemaHashOf(table.snapshot) !== schemaHash) return { is: 'stale', why: 'its columns changed' }
    const removal = await asPlanned(lake, engine, table, choose, version, rows, ctx)
    if (removal === null) return { is: 'stale', why: `it is no longer ${rows} rows that are to go` }
    const outcome = await commitRemoval(lake, table, removal, ctx)
    if (outcome.is === 'committed') {
      const result = resultOf(outcome.version, metricsOf(removal.removal))
      await ctx.commit({ phase: 'committed', state: { result } })
      return { is: 'changed', result }
    }
    await discard(table, removal.removal.adds)
    table = await refreshed(lake, table, ctx)
  }
  return { is: 'conflict', why: `other writers changed its files ${attempts} times in a row` }
}

interface Chosen {
  readonly removal: Removal
  readonly condition: Condition
}

/** Null when the number of rows is not the one that was planned; then nothing is left. */
async function asPlanned(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  choose: Choose,
  version: number,
  rows: number,
  ctx: RunContext<RemovalState, any>,
): Promise<Chosen | null> {
  const choice = await choose(engine, table)
  const later = await appendedSince(table, version)
  const files = later === null ? choice.files : choice.files.filter((file) => !later.has(file.logPath))
  const step = async (done: number): Promise<void> => {
    ctx.report({ done, total: files.length, unit: 'files' })
    await ctx.commit({ phase: 'rewriting', state: { result: null } })
  }
  const removal = await removeMatches(lake, engine, table, { ...choice, files }, rows, step, ctx)
  if (removal === null) return null
  if (removal.rowsRemoved === rows) return { removal, condition: choice.condition }
  await discard(table, removal.adds)
  return null
}

async function commitRemoval(
  lake: Lake,
  table: DeltaTable,
  { removal, condition }: Chosen,
  ctx: RunContext<RemovalState, any>,
): Promise<CommitOutcome> {
  const { location, snapshot } = table
  const now = ctx.now().getTime()
  const removes = removal.removed.map((file) => ({ remove: removeOf(file, now, true) }))
  try {
    return await commitTo(
      lake,
      location,
      {
        snapshot,
        kind: 'rewrite',
        actions: [...removes, ...removal.adds.map((add) => ({ add }))],
        operation: {
          name: 'DELETE',
          parameters: { predicate: JSON.stringify([condition.sql]) },
          metrics: metricsOf(removal),
        },
      },
      committer(ctx),
      ctx,
    )
  } catch (error) {
    await withdraw(lake, table, removal.adds, error, ctx)
    throw error
  }
}

/** As Delta Spark has them. */
const metricsOf = ({ removed, adds, rowsRemoved, rowsCopied }: Removal): Readonly<Record<string, number>> => ({
  numRemovedFiles: removed.length,
  numRemovedBytes: removed.reduce((sum, file) => sum + file.size, 0),
  numAddedFiles: adds.length,
  numAddedBytes: bytesOf(adds),
  numDeletedRows: rowsRemoved,
  numCopiedRows: rowsCopied,
})

const resultOf = (version: number, metrics: Readonly<Record<string, number>>): RemovalResult => ({
  version,
  rowsRemoved: metrics.numDeletedRows ?? 0,
  filesRemoved: metrics.numRemovedFiles ?? 0,
  filesAdded: metrics.numAddedFiles ?? 0,
  bytesRemoved: metrics.numRemovedBytes ?? 0,
  bytesAdded: metrics.numAddedBytes ?? 0,
  verified: ['rows'],
})
