/**
 * The target of syncs from append-only sources: a page is one commit that holds its rows, the checkpoint behind them, and a transaction id, so
 * that of two processes that write the same page one is told that it was too late.
 */

import type { Batch } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'
import type { Checkpoint, SyncTarget } from '../../core/sync.ts'
import { openEngine } from '../../engine/engine.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { commitTo } from './commit-table.ts'
import { bytesOf, discard, withdraw } from './data-file.ts'
import type { Add } from './log/actions.ts'
import type { CommitOutcome } from './log/commit-request.ts'
import { checkpointAction, checkpointOf, committerOfSync, sameCheckpoint } from './sync-checkpoint.ts'
import { ensure } from './sync-shape.ts'
import { type DeltaTable, type Lake, openTable, snapshotAt, storedFields } from './table.ts'
import { writeRows } from './write-rows.ts'

const attempts = 15

export function syncTarget(lake: Lake): SyncTarget {
  return {
    commits: 'append',
    ensure: (table, { fields }, ctx) => ensure(lake, table, fields, ctx),
    async checkpoint(table, sync, ctx) {
      const snapshot = await snapshotAt(lake, lake.locations.of(table), ctx)
      return snapshot ? checkpointOf(snapshot, table.path, sync) : null
    },
    async write(subject, { batch }, from, to, ctx) {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const table = await openTable(lake, subject, ctx)
        const stored = checkpointOf(table.snapshot, subject.path, to.sync)
        if (stored !== null && stored.fence > to.fence) return 'fenced'
        if (!sameCheckpoint(stored, from)) return 'moved'
        if (await append(lake, subject, table, batch, to, ctx)) return 'committed'
      }
      throw fail('unreachable', 'table-changing', `the table was changed ${attempts} times in a row`, {
        where: lake.locations.of(subject).url,
        retry: 'later',
      })
    },
  }
}

/** False when another commit came first: what it means, the log as it then is tells. */
async function append(
  lake: Lake,
  { path }: Subject,
  table: DeltaTable,
  batch: Batch,
  to: Checkpoint,
  ctx: ReadContext,
): Promise<boolean> {
  const { location, snapshot } = table
  const adds = batch.rows > 0 ? await writeBatch(lake, table, batch, ctx) : []
  let outcome: CommitOutcome
  try {
    outcome = await commitTo(
      lake,
      location,
      {
        snapshot,
        kind: 'append',
        actions: [...adds.map((add) => ({ add })), checkpointAction(to)],
        txn: { appId: `tblctl-sync:${to.sync}`, version: to.sequence },
        operation: {
          name: 'WRITE',
          parameters: { mode: 'Append', partitionBy: JSON.stringify(snapshot.metadata.partitionColumns) },
          metrics: { numFiles: adds.length, numOutputRows: batch.rows, numOutputBytes: bytesOf(adds) },
        },
      },
      committerOfSync(ctx, path),
      ctx,
    )
  } catch (error) {
    await withdraw(lake, table, adds, error, ctx)
    throw error
  }
  if (outcome.is !== 'committed') await discard(table, adds)
  return outcome.is === 'committed'
}

/** A column that the page does not have is null; one that the table does not have would be lost, so it is refused. */
async function writeBatch(lake: Lake, table: DeltaTable, batch: Batch, ctx: ReadContext): Promise<readonly Add[]> {
  const fields = storedFields(table.snapshot)
  const lost = batch.fields.find(({ name }) => !fields.some((field) => field.name === name))
  if (lost)
    throw fail('refused', 'no-such-column', `the table has no column ${printable(lost.name)}`, {
      where: table.location.url,
    })
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  await engine.append('incoming', batch)
  const there = new Set(batch.fields.map(({ name }) => name))
  const columns = fields.map(({ name }) =>
    there.has(name) ? quoteIdentifier(name) : `NULL AS ${quoteIdentifier(name)}`,
  )
  const { adds } = await writeRows(engine, table, `SELECT ${columns.join(', ')} FROM incoming`, { dataChange: true })
  return adds
}
