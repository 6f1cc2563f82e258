/**
 * The target of a sync. Harper has no transaction over two tables: rows are written first, the checkpoint after them, and rows that come
 * again replace themselves. Two processes at once can at worst write the same rows twice; the checkpoint is read again before it is set.
 */
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type Json, type JsonObject } from '../../core/json.ts'
import type { ReadContext } from '../../core/operation.ts'
import { type Path, printable, refOfPath } from '../../core/ref.ts'
import type { Checkpoint, Cursor, SyncTarget } from '../../core/sync.ts'
import { ensure } from './ensure.ts'
import { recordsOf, type TargetRecord } from './records.ts'
import { checkpoints, type Database, nameOf, primaryKeyOf } from './table.ts'

/** Of one upsert, and of one look-up. */
const mostRecords = 1000

export function syncTarget(database: Database): SyncTarget {
  return {
    commits: 'upsert',
    ensure: async (table, shape, ctx) => {
      await makeCheckpoints(database, ctx)
      return await ensure(database, table.path, shape, ctx)
    },
    checkpoint: (table, sync, ctx) => readCheckpoint(database, table.path, sync, ctx),
    write: async (table, { batch, key, newest }, from, to, ctx) => {
      const { path } = table
      const before = compare(await readCheckpoint(database, path, to.sync, ctx), from, to)
      if (before !== 'as expected') return before
      const records = recordsOf(batch, key, newest)
      for (let start = 0; start < records.length; start += mostRecords) {
        ctx.signal.throwIfAborted()
        const part = records.slice(start, start + mostRecords)
        await writeRows(database, nameOf(path), part, primaryKeyOf(key), newest, ctx)
      }
      const after = compare(await readCheckpoint(database, path, to.sync, ctx), from, to)
      if (after !== 'as expected') return after
      durable('harper.checkpoint:before')
      await database.upsert(checkpoints, [checkpointRecord(nameOf(path), to)], ctx)
      durable('harper.checkpoint:after')
      return 'committed'
    },
  }
}

/** All but those of which a newer one is there. */
async function writeRows(
  database: Database,
  table: string,
  records: readonly TargetRecord[],
  primary: string,
  newest: string | null,
  ctx: ReadContext,
): Promise<void> {
  const there = new Map<string, string | null>()
  if (newest !== null) {
    const ids = records.map(({ id }) => id)
    for (const row of await database.records(table, ids, [primary, newest], ctx))
      there.set(String(row[primary]), (row[newest] as string | null | undefined) ?? null)
  }
  const written = records.filter(({ id, time }) => isNewer(time, there.get(id) ?? null)).map(({ row }) => row)
  if (written.length === 0) return
  durable('harper.rows:before')
  await database.upsert(table, written, ctx)
  durable('harper.rows:after')
}

/** Times of one column sort as their texts do. A row without a time replaces only one without. */
const isNewer = (time: string | null, there: string | null): boolean =>
  there === null || (time !== null && time >= there)

function compare(
  stored: Checkpoint | null,
  from: Checkpoint | null,
  to: Checkpoint,
): 'fenced' | 'moved' | 'as expected' {
  if (stored !== null && stored.fence > to.fence) return 'fenced'
  return canonicalJson(stored as unknown as Json) === canonicalJson(from as unknown as Json) ? 'as expected' : 'moved'
}

async function makeCheckpoints(database: Database, ctx: ReadContext): Promise<void> {
  const texts = ['sync', 'cursor', 'watermark'].map((name) => ({ name, type: 'String' }))
  const counts = ['fence', 'sequence', 'recordsIngested'].map((name) => ({ name, type: 'Long' }))
  await database.make(checkpoints, [...texts, ...counts], 'id', ctx)
}

const checkpointRecord = (id: string, to: Checkpoint): object => ({ id, ...to, cursor: JSON.stringify(to.cursor) })

async function readCheckpoint(
  database: Database,
  path: Path,
  sync: string,
  ctx: ReadContext,
): Promise<Checkpoint | null> {
  const record: JsonObject | undefined = await database.record(checkpoints, nameOf(path), ctx)
  if (record === undefined) return null
  if (record.sync !== sync)
    throw fail('refused', 'other-sync', `${refOfPath(path)} is the target of sync ${printable(String(record.sync))}`, {
      hint: 'give each sync a target table of its own',
    })
  return {
    sync,
    cursor: JSON.parse(record.cursor as string) as Cursor,
    watermark: (record.watermark as string | null | undefined) ?? null,
    fence: record.fence as number,
    sequence: record.sequence as number,
    recordsIngested: record.recordsIngested as number,
  }
}
