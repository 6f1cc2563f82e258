/**
 * load --mode overwrite: the files of all rows are written first, and one commit puts them in the place of all others, so that readers see
 * the table as it was or as it is to be. Killed before that commit, its files wait for vacuum and the same command begins again.
 */

import { fail } from '../../../core/errors.ts'
import type { Outcome, Plan } from '../../../core/operation.ts'
import { type Path, refOfPath } from '../../../core/ref.ts'
import { formatBytes } from '../../../core/units.ts'
import { commitTo } from '../commit-table.ts'
import { bytesOf, discard, withdraw } from '../files/data-file.ts'
import { rowsOf, sizesOf } from '../files/facts.ts'
import type { Action, Add } from '../log/actions.ts'
import type { CommitOutcome } from '../log/commit-request.ts'
import { removeOf } from '../log/replay.ts'
import { readCommit, type Snapshot } from '../log/snapshot.ts'
import { committer, type DeltaTable } from '../table.ts'
import { isBatch, type LoadBatch, type LoadPlan } from './batch.ts'
import { type ChunkStore, columnsOf, writeChunk } from './chunk.ts'
import { isRepeatable, openChunks } from './input.ts'
import { type Figures, metricsOf, type Progress, plus } from './progress.ts'

/** Unchanged when the table's rows are those that this very batch put there. */
export async function overwritePlan(table: DeltaTable, batch: LoadBatch, what: string, path: Path): Promise<LoadPlan> {
  const { snapshot } = table
  const ref = refOfPath(path)
  const there = await isAsLeft(table, batch)
  const { rows } = rowsOf(snapshot)
  const { files, bytes } = sizesOf(snapshot)
  return {
    changes: there ? 0 : 1,
    risk: 'moderate',
    summary: [
      there
        ? `${ref} holds the rows of this batch and no others`
        : `${what} takes the place of ${rows === null ? 'all' : rows} rows of ${ref} (${files} files, ${formatBytes(bytes)})`,
      ...(!there && [...snapshot.txns.keys()].some(isBatch)
        ? ['batches that were loaded before still count as loaded: load --again loads them anew']
        : []),
    ],
    // What was approved is the end of these rows and of no others.
    basis: { id: snapshot.metadata.id, version: snapshot.version },
    leases: [{ path, mode: 'exclusive' }],
    batch,
    version: snapshot.version,
  }
}

export async function overwrite(
  store: ChunkStore,
  table: DeltaTable,
  plan: Plan,
  done: Progress,
): Promise<Outcome<object>> {
  const { lake, batch, ctx } = store
  // Killed after its commit to the log.
  if (done.commits > 0) return changed(done)
  if (table.snapshot.version !== plan.basis.version) return { is: 'stale', why: 'the table was changed' }
  const staged = await stage(store, table, done)
  let outcome: CommitOutcome
  const figures = figuresOf(table.snapshot, staged)
  try {
    outcome = await commitTo(
      lake,
      table.location,
      {
        snapshot: table.snapshot,
        kind: 'replace',
        actions: [
          ...Array.from(table.snapshot.files.values(), (file) => ({
            remove: removeOf(file, ctx.now().getTime(), true),
          })),
          ...staged.adds.map((add) => ({ add })),
        ],
        txn: { appId: batch.appId, version: table.snapshot.version + 1 },
        operation: {
          name: 'WRITE',
          parameters: { mode: 'Overwrite', partitionBy: JSON.stringify(table.snapshot.metadata.partitionColumns) },
          metrics: metricsOf(batch, figures),
        },
      },
      committer(ctx),
      ctx,
    )
  } catch (error) {
    await withdraw(lake, table, staged.adds, error, ctx)
    throw error
  }
  if (outcome.is !== 'committed') {
    await discard(table, staged.adds)
    const why = 'the table was changed while the rows were written'
    return isRepeatable(ctx)
      ? { is: 'stale', why }
      : { is: 'conflict', why: `${why}, and standard input cannot be read again` }
  }
  const progress = plus(done, figures, outcome.version)
  await ctx.commit({ phase: 'overwritten', state: progress })
  return changed(progress)
}

interface Staged {
  readonly adds: readonly Add[]
  readonly rows: number
  readonly rejected: number
}

/** Nobody sees these files yet; when it throws, none is left. */
async function stage(store: ChunkStore, table: DeltaTable, done: Progress): Promise<Staged> {
  const { lake, engine, batch, ctx } = store
  const columns = columnsOf(table, batch)
  const adds: Add[] = []
  let [rows, rejected] = [0, 0]
  try {
    for await (const chunk of await openChunks(lake, engine, columns, 0, ctx)) {
      adds.push(...(await writeChunk(engine, table, columns, chunk)))
      rows += chunk.rows
      rejected += chunk.rejected
      ctx.report({ done: rows, total: null, unit: 'rows' })
      await ctx.commit({ phase: 'writing', state: done })
    }
    if (rows === 0)
      throw fail('refused', 'no-rows', 'the input has no rows, and to overwrite with nothing empties the table', {
        where: table.location.url,
        hint: `tblctl delete ${refOfPath(ctx.subject.path)} --where true removes all rows`,
      })
    return { adds, rows, rejected }
  } catch (error) {
    await discard(table, adds).catch(() => {})
    throw error
  }
}

function figuresOf(snapshot: Snapshot, { adds, rows, rejected }: Staged): Figures {
  const { files, bytes } = sizesOf(snapshot)
  return {
    rows,
    rejected,
    rowsBefore: rowsOf(snapshot).rows,
    rowsAfter: rows,
    filesBefore: files,
    filesAfter: adds.length,
    bytesBefore: bytes,
    bytesAfter: bytesOf(adds),
  }
}

function changed({ figures, commits, version }: Progress): Outcome<object> {
  const unknown =
    figures.rowsBefore === null
      ? { rowsBeforeUnknown: 'files of other writers do not say how many rows they hold' }
      : {}
  return { is: 'changed', result: { ...figures, ...unknown, commits, version, verified: ['rows'] } }
}

/** That no row came or went since this batch took the place of all others. Commits that the log no longer has may have been anything. */
async function isAsLeft({ location, snapshot }: DeltaTable, { appId }: LoadBatch): Promise<boolean> {
  if (!snapshot.txns.has(appId)) return false
  for (let version = snapshot.version; version >= 0; version--) {
    const actions = await readCommit(location.store, location.prefix, version)
    if (actions === undefined) return false
    if (actions.some((action) => 'txn' in action && action.txn.appId === appId)) return true
    if (actions.some(changesRows)) return false
  }
  return false
}

const changesRows = (action: Action): boolean =>
  ('add' in action && action.add.dataChange) || ('remove' in action && action.remove.dataChange)
