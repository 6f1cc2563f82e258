/**
 * vacuum: partitions whose rows are all older than the retention are dropped whole, which costs nothing. The server's own times of expiry
 * are out of date after a retention was shortened, so rows are asked. On a backend: what lies in the trash longer than its grace.
 */
import { durable } from '../../core/durable.ts'
import type { Operation, Plan, RunContext } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { runSteps, type StepsState } from '../../core/run/steps.ts'
import { formatBytes } from '../../core/units.ts'
import { vacuumOptions } from '../../verbs/options.ts'
import type { Executor } from './executor.ts'
import { quoteName, quoteString } from './names.ts'
import { readObjects } from './objects.ts'
import { type Partition, readPartitions, sizesOf } from './partitions.ts'
import { locate } from './table.ts'
import { dropForGood, expiredTrash, graceDays } from './trash.ts'
import { expiredAt, formatRetention, readTtl } from './ttl.ts'
import type { Warehouse } from './warehouse.ts'

/** In a plan's text; the plan itself has all of them. */
const mostLines = 20
/** One plan's; the next one goes on. */
const most = 1000

type Removal = Pick<Partition, 'id' | 'label' | 'rows' | 'bytes'>
interface VacuumPlan extends Plan {
  readonly what: 'partitions' | 'tables'
  /** Partitions by id, or tables of the trash by name. */
  readonly remove: readonly Removal[]
  /** A condition that every row of these partitions fulfils. */
  readonly expired: string
}
interface Result {
  readonly partitions?: number
  readonly tables?: number
  readonly rowsRemoved: number
  readonly bytesRemoved: number
}

export function vacuum(warehouse: Warehouse): Operation<object, VacuumPlan, Result, StepsState> {
  return {
    options: vacuumOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'vacuum',
    async plan(subject, _options, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      if (subject.kind === 'backend') return planTrash(executor, warehouse, subject.path, ctx.now())
      const table = await locate(warehouse, executor, subject, ctx.signal)
      const ttl = readTtl(table.engineFull)
      const base = {
        risk: 'moderate' as const,
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' as const }],
        what: 'partitions' as const,
      }
      const ref = refOfPath(subject.path)
      if (ttl.is !== 'retention') {
        const why = ttl.is === 'none' ? 'keeps its rows for ever' : `has a TTL that is no plain retention: ${ttl.why}`
        return { ...base, changes: 0, summary: [`${ref} ${why}`], remove: [], expired: '' }
      }
      const cut = Math.floor(ctx.now().getTime() / 1000)
      const condition = expiredAt(ttl.anchor, ttl.seconds, cut)
      const all = await readPartitions(executor, table.database, table.name, ctx.signal)
      const old = all.filter(({ newest }) => newest !== null && newest + ttl.seconds <= cut).slice(0, most)
      const kept = await keptRows(executor, quoteName(table.database, table.name), old, condition)
      const remove = old
        .filter(({ id }) => kept.get(id) === 0)
        .map(({ id, label, rows, bytes }) => ({ id, label, rows, bytes }))
      const sum = sumOf(remove)
      return {
        ...base,
        changes: remove.length,
        summary:
          remove.length === 0
            ? [`${ref} has no partition older than ${formatRetention(ttl.seconds)}`]
            : [
                `drop ${remove.length} partitions of ${ref} that are older than ${formatRetention(ttl.seconds)}: ${sum.rows} rows, ${formatBytes(sum.bytes)}`,
                ...linesOf(remove),
              ],
        remove,
        expired: condition,
      }
    },
    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      if (ctx.job.attempt === 1 && !(await isThere(executor, warehouse, plan, ctx)))
        return { is: 'stale', why: 'another run removed some of it' }
      // Each drop comes directly after a commit.
      if (ctx.state === undefined) await ctx.commit({ phase: 'begin', state: { done: [] } })
      return plan.what === 'tables'
        ? emptyTrash(executor, warehouse.database, plan, ctx)
        : dropPartitions(executor, warehouse, plan, ctx)
    },
  }
}

/** All that the plan would remove. */
async function isThere(
  executor: Executor,
  warehouse: Warehouse,
  plan: VacuumPlan,
  ctx: RunContext<StepsState, object>,
): Promise<boolean> {
  let there: string[]
  if (plan.what === 'tables') there = (await readObjects(executor, warehouse)).map(({ name }) => name)
  else {
    const table = await locate(warehouse, executor, ctx.subject, ctx.signal)
    there = (await readPartitions(executor, table.database, table.name, ctx.signal)).map(({ id }) => id)
  }
  return plan.remove.every(({ id }) => there.includes(id))
}

async function dropPartitions(
  executor: Executor,
  warehouse: Warehouse,
  plan: VacuumPlan,
  ctx: RunContext<StepsState, object>,
) {
  const table = await locate(warehouse, executor, ctx.subject, ctx.signal)
  const name = quoteName(table.database, table.name)
  await runSteps(
    ctx,
    'partitions',
    plan.remove.map((partition) => ({
      id: partition.id,
      async run() {
        const kept = await keptRows(executor, name, [partition], plan.expired)
        if ((kept.get(partition.id) ?? 0) > 0) {
          ctx.log('warn', `partition ${partition.label} has a new row inside the retention, and stays`)
          return
        }
        durable('clickhouse.drop-partition:before')
        await executor.command({
          sql: `ALTER TABLE ${name} DROP PARTITION ID ${quoteString(partition.id)}`,
          settings: { max_partition_size_to_drop: 0 },
        })
        durable('clickhouse.drop-partition:after')
      },
    })),
  )
  const left = new Set((await readPartitions(executor, table.database, table.name)).map(({ id }) => id))
  const gone = plan.remove.filter(({ id }) => !left.has(id))
  const { rows, bytes } = sumOf(gone)
  return { is: 'changed' as const, result: { partitions: gone.length, rowsRemoved: rows, bytesRemoved: bytes } }
}

/** Rows of each partition that the condition does not hold for. */
async function keptRows(
  executor: Executor,
  table: string,
  partitions: readonly Removal[],
  expired: string,
): Promise<Map<string, number>> {
  if (partitions.length === 0) return new Map()
  const rows = await executor.query<{ id: string; kept: string }>({
    sql: `SELECT _partition_id AS id, toString(countIf(NOT (${expired}))) AS kept FROM ${table} WHERE has({ids:Array(String)}, _partition_id) GROUP BY id`,
    parameters: { ids: partitions.map(({ id }) => id) },
  })
  return new Map(rows.map(({ id, kept }) => [id, Number(kept)]))
}

async function planTrash(executor: Executor, { database }: Warehouse, backend: string, now: Date): Promise<VacuumPlan> {
  const objects = await expiredTrash(executor, database, now)
  const remove = objects.slice(0, most).map(({ name, identity, rows, bytes }) => ({
    id: name,
    label: `${identity.project}/${identity.table}, deleted ${identity.trashed}`,
    rows: rows ?? 0,
    bytes: bytes ?? 0,
  }))
  const sum = sumOf(remove)
  return {
    changes: remove.length,
    risk: 'moderate',
    summary:
      remove.length === 0
        ? [`nothing lies in the trash of ${backend} longer than ${graceDays} days`]
        : [
            `drop ${remove.length} tables of ${backend} for good that were deleted more than ${graceDays} days ago: ${sum.rows} rows, ${formatBytes(sum.bytes)}`,
            ...linesOf(remove),
          ],
    basis: {},
    leases: [{ path: backend, mode: 'maintain' }],
    what: 'tables',
    remove,
    expired: '',
  }
}

async function emptyTrash(executor: Executor, database: string, plan: VacuumPlan, ctx: RunContext<StepsState, object>) {
  await runSteps(
    ctx,
    'tables',
    plan.remove.map(({ id }) => ({ id, run: () => dropForGood(executor, database, id) })),
  )
  const { rows, bytes } = sumOf(plan.remove)
  return { is: 'changed' as const, result: { tables: plan.remove.length, rowsRemoved: rows, bytesRemoved: bytes } }
}

const sumOf = (removals: readonly Removal[]) => sizesOf(removals.map((one) => ({ ...one, parts: 0 }) as Partition))

const linesOf = (removals: readonly Removal[]): string[] => [
  ...removals.slice(0, mostLines).map(({ label, rows, bytes }) => `${label}: ${rows} rows, ${formatBytes(bytes)}`),
  ...(removals.length > mostLines ? [`… and ${removals.length - mostLines} more`] : []),
]
