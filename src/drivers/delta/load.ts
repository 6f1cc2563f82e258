/**
 * load: each chunk of the input is one commit, with `txn` telling how many rows of this batch the table holds. The log alone decides
 * where a load goes on, so a killed one never doubles rows, whoever resumes it, and two that load the same batch share the work.
 * One that overwrites is a single commit (overwrite.ts).
 */
import { fail } from '../../core/errors.ts'
import type { Operation, Outcome } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { openEngine } from '../../engine/engine.ts'
import { mergingLoadOptions } from '../../verbs/options.ts'
import { schemaHashOf } from './describe.ts'
import { requireDataColumns } from './files/write-rows.ts'
import { batchOf, type LoadBatch, type LoadPlan, type LoadRequest } from './load/batch.ts'
import { appendChunk, type ChunkStore, columnsOf, stillFit } from './load/chunk.ts'
import { isRepeatable, openChunks } from './load/input.ts'
import { mergeChunk } from './load/merge-chunk.ts'
import { overwrite, overwritePlan } from './load/overwrite.ts'
import { consumedOf, type LoadContext, type Progress, plus, progressSoFar } from './load/progress.ts'
import { isAppendOnly, requireWritable } from './log/protocol.ts'
import { type DeltaTable, type Lake, openTable, refreshed } from './table.ts'

export function load(lake: Lake): Operation<LoadRequest, LoadPlan, object, Progress> {
  return {
    options: mergingLoadOptions,
    version: 2,
    hold: 'run',
    resume: 'continue',
    key: ({ mode = 'append', key = [], batchId }) =>
      mode === 'append' ? batchId : JSON.stringify([mode, key.toSorted(), batchId]),
    async plan(subject, options, ctx) {
      const table = await openTable(lake, subject, ctx)
      const { snapshot, location } = table
      requireWritable(snapshot, location.url)
      requireDataColumns(table)
      const batch = await batchOf(lake, table, subject, options)
      const ref = refOfPath(subject.path)
      if (batch.mode !== 'append' && isAppendOnly(snapshot.metadata))
        throw fail('refused', 'append-only', `${ref} is append-only (delta.appendOnly): its rows cannot be replaced`, {
          where: location.url,
        })
      const what = options.inputs.map(({ path }) => printable(path ?? 'standard input')).join(', ')
      if (batch.mode === 'overwrite') return overwritePlan(table, batch, what, subject.path)
      const before = consumedOf(snapshot, batch)
      // Whether they are there still, the log does not tell: an overwrite, a delete or a restore may have come since.
      const there =
        before > 0 ? `; rows of this batch were loaded before (${before} rows); --again loads them anew` : ''
      return {
        changes: 1,
        risk: 'routine',
        summary: [
          batch.mode === 'append'
            ? `load ${what} into ${ref}${there}`
            : `merge ${what} into ${ref} by ${batch.key.map((name) => printable(name)).join(', ')}${there}`,
        ],
        // Not the version: other writers move it all the time and never make this plan wrong.
        basis: { id: snapshot.metadata.id },
        leases: [{ path: subject.path, mode: 'write' }],
        batch,
        version: snapshot.version,
      }
    },
    async execute(plan, ctx) {
      const { batch } = plan
      let table = await openTable(lake, ctx.subject, ctx)
      if (table.snapshot.metadata.id !== plan.basis.id) return { is: 'stale', why: 'another table is in its place' }
      let progress = await progressSoFar(table, batch, plan.version, ctx)
      await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
      const store = { lake, engine, batch, ctx }
      if (batch.mode === 'overwrite') return await overwrite(store, table, plan, progress)
      for (;;) {
        const reading = await readInput(store, table, progress)
        if (reading.is === 'outcome') return reading.outcome
        progress = reading.progress
        table = await refreshed(lake, table, ctx)
      }
    },
  }
}

type Reading =
  | { readonly is: 'outcome'; readonly outcome: Outcome<object> }
  /** The table has moved on in a way that the rows must be read again for, from where it is now. */
  | { readonly is: 'again'; readonly progress: Progress }

async function readInput(store: ChunkStore, opened: DeltaTable, before: Progress): Promise<Reading> {
  const { lake, engine, batch, ctx } = store
  const columns = columnsOf(opened, batch)
  const layout = schemaHashOf(opened.snapshot)
  const storeChunk = batch.mode === 'merge' ? mergeChunk : appendChunk
  let table = opened
  let progress = before
  for await (const chunk of await openChunks(lake, engine, columns, consumedOf(table.snapshot, batch), ctx)) {
    const stored = await storeChunk(store, table, columns, chunk)
    if (stored.is === 'conflict') return { is: 'outcome', outcome: stored }
    if (stored.is !== 'committed') {
      if (isRepeatable(ctx)) return { is: 'again', progress }
      if (stored.is === 'misfit') throw misfit(table, progress, ctx)
      return { is: 'outcome', outcome: { is: 'conflict', why: 'another process loads standard input as this batch' } }
    }
    progress = plus(progress, stored.figures, stored.version)
    ctx.report({ done: progress.figures.rows ?? null, total: null, unit: 'rows' })
    await ctx.commit({ phase: 'loading', state: progress })
    table = await refreshed(lake, table, ctx)
    if (schemaHashOf(table.snapshot) === layout) continue
    if (isRepeatable(ctx)) return { is: 'again', progress }
    if (!stillFit(columns, table)) throw misfit(table, progress, ctx)
  }
  return { is: 'outcome', outcome: outcomeOf(batch, progress) }
}

function outcomeOf({ mode }: LoadBatch, { figures, commits, version }: Progress): Outcome<object> {
  if (commits === 0) return { is: 'unchanged' }
  const verified = mode === 'merge' ? { verified: ['rows'] } : {}
  return { is: 'changed', result: { ...figures, commits, version, ...verified } }
}

function misfit({ location }: DeltaTable, { figures }: Progress, { options }: LoadContext): Error {
  return fail(
    'data',
    'schema-changed',
    `the table's columns were changed after ${figures.rows} rows of standard input`,
    {
      where: location.url,
      hint: `give the same input again with --batch-id ${printable(options.batchId)}: what was loaded is skipped`,
    },
  )
}
