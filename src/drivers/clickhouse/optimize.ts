/**
 * optimize: the parts of a partition become one, partition by partition. The server merges by itself what it writes to; so a partition is
 * due when it is small enough for a merge to cost nothing, closed and in more parts than the server leaves, or in very many.
 */
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { runSteps, type StepsState } from '../../core/run/steps.ts'
import { formatBytes } from '../../core/units.ts'
import { optimizeOptions } from '../../verbs/options.ts'
import { codeOf } from './errors.ts'
import type { Executor } from './executor.ts'
import { quoteName, quoteString } from './names.ts'
import { type Partition, readPartitions, sizesOf } from './partitions.ts'
import { type ClickhouseTable, locate } from './table.ts'
import { removalCondition } from './ttl.ts'
import type { Warehouse } from './warehouse.ts'

const MiB = 2 ** 20
/** Merging so little costs nothing, even where rows still come in. */
const smallBytes = 256 * MiB
/** A merge needs as much free disk again; the server itself stops at 150 GiB. */
const mostBytes = 50 * 1024 * MiB
const closedParts = 10
const anyParts = 100
/** A partition is closed when nothing was written to it for so long. */
const quietSeconds = 3600
/** One plan's; the next one goes on. */
const mostPartitions = 1000

interface OptimizePlan extends Plan {
  readonly partitions: readonly { readonly id: string; readonly label: string }[]
  readonly partsBefore: number
  readonly bytesBefore: number
  readonly rowsBefore: number
}

/** A part is ClickHouse's file: it is written whole, and merging makes one of many. */
interface Result {
  readonly partitions: number
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly rowsBefore: number
  readonly rowsAfter: number
}

export function optimize(
  warehouse: Warehouse,
): Operation<{ targetSize: number | null }, OptimizePlan, Result, StepsState> {
  return {
    options: optimizeOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'optimize',
    async plan(subject, { targetSize }, ctx) {
      if (targetSize !== null)
        throw fail(
          'usage',
          'no-target-size',
          'ClickHouse merges a partition into one part: --target-size means nothing here',
          {
            hint: 'leave --target-size out',
          },
        )
      await using executor = await warehouse.executor(ctx.signal)
      const table = await locate(warehouse, executor, subject, ctx.signal)
      const all = await readPartitions(executor, table.database, table.name, ctx.signal)
      const due = all.filter((partition) => isDue(partition, ctx.now()))
      const chosen = due.sort((a, b) => b.parts - a.parts || (a.id < b.id ? -1 : 1)).slice(0, mostPartitions)
      const { parts, bytes, rows } = sizesOf(chosen)
      const expired = await countExpired(executor, table, chosen, ctx)
      return {
        changes: chosen.length,
        // A merge removes rows that the table's TTL does not keep any more: that is asked for.
        risk: expired === 0 ? 'routine' : 'moderate',
        summary:
          chosen.length === 0
            ? [`${refOfPath(subject.path)}: no partition is worth a merge`]
            : [
                `merge ${parts} parts of ${chosen.length} partitions (${formatBytes(bytes)}) of ${refOfPath(subject.path)} into ${chosen.length}`,
                ...(expired === 0
                  ? []
                  : [
                      expired === null
                        ? 'the merge removes the rows that the TTL of the table does not keep; how many cannot be told'
                        : `${expired} of the ${rows} rows are older than the retention, and the merge removes them, for good`,
                    ]),
                ...(due.length > chosen.length
                  ? [`${due.length - chosen.length} more partitions are due after these`]
                  : []),
              ],
        basis: {},
        leases: [{ path: subject.path, mode: 'maintain' }],
        partitions: chosen.map(({ id, label }) => ({ id, label })),
        partsBefore: parts,
        bytesBefore: bytes,
        rowsBefore: rows,
      }
    },
    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const table = await locate(warehouse, executor, ctx.subject, ctx.signal)
      const ids = new Set(plan.partitions.map(({ id }) => id))
      const sizes = async () =>
        sizesOf((await readPartitions(executor, table.database, table.name)).filter(({ id }) => ids.has(id)))
      // Planned before another run did it. A run that was killed says what it did.
      if (ctx.job.attempt === 1 && (await sizes()).parts <= ids.size) return { is: 'unchanged' }
      await runSteps(
        ctx,
        'partitions',
        plan.partitions.map(({ id, label }) => ({
          id,
          run: () => merge(executor, quoteName(table.database, table.name), id, label),
        })),
      )
      const after = await sizes()
      return {
        is: 'changed',
        result: {
          partitions: plan.partitions.length,
          filesRemoved: plan.partsBefore,
          filesAdded: after.parts,
          bytesBefore: plan.bytesBefore,
          bytesAfter: after.bytes,
          rowsBefore: plan.rowsBefore,
          rowsAfter: after.rows,
        },
      }
    },
  }

  function isDue({ parts, bytes, modifiedAt }: Partition, now: Date): boolean {
    if (parts < 2 || bytes > mostBytes) return false
    if (bytes <= smallBytes || parts >= anyParts) return true
    return parts >= closedParts && modifiedAt < now.getTime() / 1000 - quietSeconds
  }
}

/** Rows that a merge of these partitions removes; null when the TTL's own conditions decide. */
async function countExpired(
  executor: Executor,
  table: ClickhouseTable,
  partitions: readonly Partition[],
  ctx: { now(): Date; readonly signal: AbortSignal },
): Promise<number | null> {
  const condition = removalCondition(table.ttl, Math.floor(ctx.now().getTime() / 1000))
  if (condition === 'nothing' || partitions.length === 0) return 0
  if (condition === 'unknown') return null
  const [row] = await executor.query<{ n: string }>({
    sql: `SELECT toString(count()) AS n FROM ${quoteName(table.database, table.name)} WHERE has({ids:Array(String)}, _partition_id) AND ${condition.sql}`,
    parameters: { ids: partitions.map(({ id }) => id) },
    signal: ctx.signal,
  })
  return Number(row!.n)
}

/** `OPTIMIZE` without FINAL may silently do nothing; with the two settings it does or says. */
async function merge(executor: Executor, table: string, id: string, label: string): Promise<void> {
  durable('clickhouse.optimize:before')
  try {
    await executor.command({
      sql: `OPTIMIZE TABLE ${table} PARTITION ID ${quoteString(id)} FINAL`,
      settings: { optimize_throw_if_noop: 1, optimize_skip_merged_partitions: 1 },
    })
  } catch (error) {
    if (codeOf(error) === partitionGone) return
    if (codeOf(error) === mergesStopped)
      throw fail('busy', 'merges-stopped', `merges are stopped for ${table}: partition ${label} stays as it is`, {
        hint: 'SYSTEM START MERGES, then the same command',
        retry: 'later',
        cause: error,
      })
    throw error
  }
  durable('clickhouse.optimize:after')
}
/** CANNOT_ASSIGN_OPTIMIZE: nothing is left in it, or it is one part already. */
const partitionGone = 388
/** ABORTED */
const mergesStopped = 236
