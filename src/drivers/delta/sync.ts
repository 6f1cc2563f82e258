/**
 * The target of syncs: a page is one commit that holds its rows, the checkpoint behind them, and a transaction id, so that of two processes
 * that write the same page one is told that it was too late. Rows with a key replace those of that key (merge.ts); others are appended.
 */

import type { Batch } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'
import type { Checkpoint, SyncTarget } from '../../core/sync.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { commitTo } from './commit-table.ts'
import { bytesOf, discard, withdraw } from './files/data-file.ts'
import { writeRows } from './files/write-rows.ts'
import { mergeCommit, stageMerge } from './load/merge.ts'
import { takeRows } from './load/merge-rows.ts'
import type { Add } from './log/actions.ts'
import type { CommitOutcome, CommitRequest } from './log/commit-request.ts'
import { checkpointAction, checkpointOf, committerOfSync, sameCheckpoint } from './sync/checkpoint.ts'
import { ensure } from './sync/shape.ts'
import { type DeltaTable, type Lake, openTable, snapshotAt, storedFields } from './table.ts'

const attempts = 15

type Page = Parameters<SyncTarget['write']>[1]

export function syncTarget(lake: Lake): SyncTarget {
  return {
    commits: 'transaction',
    appends: true,
    ensure: (table, shape, ctx) => ensure(lake, table, shape, ctx),
    async checkpoint(table, sync, ctx) {
      const snapshot = await snapshotAt(lake, lake.locations.of(table), ctx)
      return snapshot ? checkpointOf(snapshot, table.path, sync) : null
    },
    async write(subject, page, from, to, ctx) {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const table = await openTable(lake, subject, ctx)
        const stored = checkpointOf(table.snapshot, subject.path, to.sync)
        if (stored !== null && stored.fence > to.fence) return 'fenced'
        if (!sameCheckpoint(stored, from)) return 'moved'
        if (await put(lake, subject, table, page, to, ctx)) return 'committed'
      }
      throw fail('unreachable', 'table-changing', `the table was changed ${attempts} times in a row`, {
        where: lake.locations.of(subject).url,
        retry: 'later',
      })
    },
  }
}

/** A page whose files are in place. */
type Staged = Pick<CommitRequest, 'kind' | 'actions' | 'operation'> & { readonly adds: readonly Add[] }

/** False when another commit came first: what it means, the log as it then is tells. */
async function put(
  lake: Lake,
  { path }: Subject,
  table: DeltaTable,
  page: Page,
  to: Checkpoint,
  ctx: ReadContext,
): Promise<boolean> {
  const { adds, kind, actions, operation } = await stage(lake, table, page, ctx)
  const request: CommitRequest = {
    snapshot: table.snapshot,
    kind,
    actions: [...actions, checkpointAction(to)],
    txn: { appId: `tblctl-sync:${to.sync}`, version: to.sequence },
    operation,
  }
  let outcome: CommitOutcome
  try {
    outcome = await commitTo(lake, table.location, request, committerOfSync(ctx, path), ctx)
  } catch (error) {
    await withdraw(lake, table, adds, error, ctx)
    throw error
  }
  if (outcome.is !== 'committed') await discard(table, adds)
  return outcome.is === 'committed'
}

async function stage(lake: Lake, table: DeltaTable, page: Page, ctx: ReadContext): Promise<Staged> {
  const { batch, key } = page
  if (batch.rows === 0) return appended(table, [], 0)
  const select = selectOf(table, batch)
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  await engine.append('incoming', batch)
  if (key.length > 0) return await merged(lake, engine, table, select, page, ctx)
  const { adds } = await writeRows(engine, table, select, { dataChange: true })
  return appended(table, adds, batch.rows)
}

function appended({ snapshot }: DeltaTable, adds: readonly Add[], rows: number): Staged {
  return {
    adds,
    kind: 'append',
    actions: adds.map((add) => ({ add })),
    operation: {
      name: 'WRITE',
      parameters: { mode: 'Append', partitionBy: JSON.stringify(snapshot.metadata.partitionColumns) },
      metrics: { numFiles: adds.length, numOutputRows: rows, numOutputBytes: bytesOf(adds) },
    },
  }
}

/** Rows of a page come in the order of their time, so of two with one key the later one is the newer. */
async function merged(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  select: string,
  { batch, key, newest }: Page,
  ctx: ReadContext,
): Promise<Staged> {
  const rows = await takeRows(engine, table, select, { fields: storedFields(table.snapshot), key, newest })
  const staged = await stageMerge(lake, engine, table, rows, ctx)
  const { kind, actions, parameters } = mergeCommit(staged, rows, ctx.now())
  const { adds, hits, rowsInserted, rowsUpdated, rowsCopied } = staged
  return {
    adds,
    kind,
    actions,
    operation: {
      name: 'MERGE',
      parameters,
      metrics: {
        numSourceRows: batch.rows,
        numTargetRowsInserted: rowsInserted,
        numTargetRowsUpdated: rowsUpdated,
        numTargetRowsCopied: rowsCopied,
        numTargetFilesRemoved: hits.length,
        numTargetFilesAdded: adds.length,
        numTargetBytesAdded: bytesOf(adds),
      },
    },
  }
}

/** A column that the page does not have is null; one that the table does not have would be lost, so it is refused. */
function selectOf({ snapshot, location }: DeltaTable, batch: Batch): string {
  const fields = storedFields(snapshot)
  const lost = batch.fields.find(({ name }) => !fields.some((field) => field.name === name))
  if (lost)
    throw fail('refused', 'no-such-column', `the table has no column ${printable(lost.name)}`, { where: location.url })
  const there = new Set(batch.fields.map(({ name }) => name))
  const columns = fields.map(({ name }) =>
    there.has(name) ? quoteIdentifier(name) : `NULL AS ${quoteIdentifier(name)}`,
  )
  return `SELECT ${columns.join(', ')} FROM incoming`
}
