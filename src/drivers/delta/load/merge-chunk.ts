/** One chunk of a load that merges: rows take the place of those of their key in one commit, whoever else writes meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readingFiles } from '../../../engine/engine.ts'
import type { Chunk } from '../../../engine/ingest/chunk.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { commitTo } from '../commit-table.ts'
import { bytesOf, discard, withdraw } from '../files/data-file.ts'
import type { CommitOutcome } from '../log/commit-request.ts'
import { committer, type DeltaTable, refreshed } from '../table.ts'
import { storedField } from '../types.ts'
import { type ChunkOutcome, type ChunkStore, type Columns, parquetInputs, stillFit, transactionOf } from './chunk.ts'
import { mergeCommit, type StagedMerge, stageMerge, stillRight } from './merge.ts'
import { type MergeRows, takeRows } from './merge-rows.ts'
import { type Figures, metricsOf } from './progress.ts'

/** Each commit of another writer costs one; while none of them brings a row of these keys, nothing is written again. */
const attempts = 40

export async function mergeChunk(
  store: ChunkStore,
  base: DeltaTable,
  columns: Columns,
  chunk: Chunk,
): Promise<ChunkOutcome> {
  const { lake, engine, batch, ctx } = store
  const fields = columns.fields.map(storedField)
  const rows = await readingFiles(engine, parquetInputs(engine, chunk), () =>
    takeRows(engine, base, chunk.rows > 0 ? chunk.select : noRows(columns), { fields, key: batch.key, newest: null }),
  )
  let table = base
  let staged = await stageMerge(lake, engine, table, rows, ctx)
  for (let attempt = 1; ; attempt++) {
    const figures = figuresOf(chunk, rows, staged)
    const outcome = await put(store, table, rows, staged, chunk, figures)
    if (outcome.is === 'committed') return { is: 'committed', figures, version: outcome.version }
    const overtaken = outcome.is === 'already' || outcome.is === 'overtaken'
    if (overtaken || attempt === attempts) {
      await discard(table, staged.adds)
      return overtaken
        ? { is: 'overtaken' }
        : { is: 'conflict', why: `other writers were faster ${attempts} times in a row` }
    }
    const before = table
    try {
      await sleep(Math.random() * Math.min(500, 10 * 2 ** attempt), undefined, { signal: ctx.signal })
      table = await refreshed(lake, before, ctx)
      if (outcome.is === 'conflict' && (await stillRight(lake, engine, staged, before, table, rows, ctx))) continue
    } catch (error) {
      await discard(before, staged.adds).catch(() => {})
      throw error
    }
    await discard(before, staged.adds)
    if (!stillFit(columns, table)) return { is: 'misfit' }
    staged = await stageMerge(lake, engine, table, rows, ctx)
  }
}

/** A chunk may have nothing but rejected rows. */
const noRows = ({ fields }: Columns): string =>
  `SELECT ${fields.map(({ name }) => `NULL AS ${quoteIdentifier(name)}`).join(', ')} WHERE false`

async function put(
  { lake, batch, ctx }: ChunkStore,
  table: DeltaTable,
  rows: MergeRows,
  staged: StagedMerge,
  chunk: Chunk,
  figures: Figures,
): Promise<CommitOutcome> {
  const { parameters, ...merge } = mergeCommit(staged, rows, ctx.now())
  const request = {
    ...merge,
    snapshot: table.snapshot,
    txn: transactionOf(batch, chunk),
    operation: {
      name: 'MERGE',
      parameters,
      metrics: { ...metricsOf(batch, figures), numTargetRowsCopied: staged.rowsCopied },
    },
  }
  try {
    return await commitTo(lake, table.location, request, committer(ctx), ctx)
  } catch (error) {
    await withdraw(lake, table, staged.adds, error, ctx)
    throw error
  }
}

const figuresOf = (chunk: Chunk, rows: MergeRows, { hits, adds, ...staged }: StagedMerge): Figures => ({
  rows: rows.rows,
  rejected: chunk.rejected,
  rowsSuperseded: rows.superseded,
  rowsInserted: staged.rowsInserted,
  rowsUpdated: staged.rowsUpdated,
  duplicatesRemoved: staged.duplicatesRemoved,
  filesRemoved: hits.length,
  filesAdded: adds.length,
  bytesRemoved: hits.reduce((sum, { file }) => sum + file.size, 0),
  bytesAdded: bytesOf(adds),
})
