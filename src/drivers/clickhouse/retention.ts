/**
 * Changing how long tables keep their rows, after the rules of HyperDX's own reconciler: compared in seconds whatever the syntax, the
 * table's own anchor kept, parts recalculated when rows live longer (materialize_ttl_after_modify = 1) and left alone when they live shorter
 * (0; without the setting 26.7 removes rows at once), and a TTL that says more than a retention refused by name.
 */

import type { LeaseRequest } from '../../core/catalog.ts'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { Outcome, Plan, RunContext } from '../../core/operation.ts'
import { runSteps, type StepsState } from '../../core/run/steps.ts'
import type { Executor } from './executor.ts'
import { quoteName } from './names.ts'
import { expiredAt, formatRetention, intervalOf, readTtl, retentionSeconds, type Ttl } from './ttl.ts'

/** A table as it is, and the expression that a retention would be added to where it has none yet. */
export interface Retained {
  /** For people: the table's name in its project. */
  readonly table: string
  readonly database: string
  readonly name: string
  readonly ttl: Ttl
  anchor(): Promise<string | null>
}

interface Change {
  readonly table: string
  readonly database: string
  readonly name: string
  readonly anchor: string
  /** Seconds; null = for ever. */
  readonly from: number | null
  readonly to: number | null
  /** Rows that go at once: exact when the plan was made. */
  readonly expired: number
}
export interface RetentionPlan extends Plan {
  readonly tables: readonly Change[]
  /** Seconds since 1970: what is too old was counted then, and no row that grows old later goes. */
  readonly cut: number
}
export interface RetentionResult {
  readonly tables: number
  readonly retention: string
  readonly rowsRemoved: number
}

export async function planRetention(
  executor: Executor,
  tables: readonly Retained[],
  wanted: { readonly retention: string; readonly applyNow: boolean },
  more: { readonly leases: readonly LeaseRequest[]; readonly now: Date; readonly signal: AbortSignal },
): Promise<RetentionPlan> {
  const to = retentionSeconds(wanted.retention)
  if (to === null && wanted.applyNow)
    throw fail('usage', 'nothing-to-apply', 'rows that are kept for ever are never too old', {
      hint: 'leave --apply-now out',
    })
  const cut = Math.floor(more.now.getTime() / 1000)
  const changes: Change[] = []
  for (const table of tables) {
    const change = await changeOf(table, to)
    if (change === null) continue
    const expired =
      wanted.applyNow && to !== null ? await countExpired(executor, { ...change, to }, cut, more.signal) : 0
    if (change.from !== to || expired > 0) changes.push({ ...change, expired })
  }
  const expired = changes.reduce((sum, change) => sum + change.expired, 0)
  return {
    changes: changes.length,
    risk: expired > 0 ? 'severe' : 'moderate',
    summary:
      changes.length > 0
        ? changes.map((change) => summaryOf(change, wanted.applyNow))
        : [nothingToDo(to, wanted.applyNow)],
    basis: { from: Object.fromEntries(changes.map(({ name, from }) => [name, from])) },
    leases: more.leases,
    tables: changes,
    cut,
  }
}

export async function executeRetention(
  executor: Executor,
  plan: RetentionPlan,
  ctx: RunContext<StepsState, { readonly retention: string | null }>,
): Promise<Outcome<RetentionResult>> {
  if (ctx.state === undefined) {
    const ttls = await readTtls(executor, plan.tables)
    const moved = plan.tables.find(({ name, from }) => secondsOf(ttls.get(name)) !== from)
    if (moved) return { is: 'stale', why: `the retention of ${moved.table} was changed` }
    // What follows removes rows: it comes directly after a commit.
    await ctx.commit({ phase: 'begin', state: { done: [] } })
  }
  await runSteps(
    ctx,
    'steps',
    plan.tables.flatMap((change) => [
      ...(change.from === change.to ? [] : [{ id: `ttl ${change.name}`, run: () => setTtl(executor, change) }]),
      ...(change.expired === 0
        ? []
        : [{ id: `rows ${change.name}`, run: () => removeExpired(executor, change, plan.cut) }]),
    ]),
  )
  const to = plan.tables[0]!.to
  return {
    is: 'changed',
    result: {
      tables: plan.tables.length,
      retention: to === null ? 'none' : formatRetention(to),
      rowsRemoved: plan.tables.reduce((sum, { expired }) => sum + expired, 0),
    },
  }
}

/** Null: kept for ever, and it shall be. */
async function changeOf(table: Retained, to: number | null): Promise<Omit<Change, 'expired'> | null> {
  const { ttl, database, name } = table
  if (ttl.is === 'other')
    throw fail('refused', 'ttl-is-no-retention', `the TTL of ${table.table} is no plain retention: ${ttl.why}`, {
      where: ttl.text,
      hint: 'ALTER TABLE … MODIFY TTL by hand',
    })
  if (ttl.is === 'retention') return { table: table.table, database, name, anchor: ttl.anchor, from: ttl.seconds, to }
  if (to === null) return null
  const anchor = await table.anchor()
  if (anchor !== null) return { table: table.table, database, name, anchor, from: null, to }
  throw fail('refused', 'no-time-column', `${table.table} has no time column that a retention could be measured by`, {
    hint: 'give its table schema a time_column',
  })
}

/** Undefined for a table that is gone, and for a TTL that is no plain retention. */
const secondsOf = (ttl: Ttl | undefined): number | null | undefined =>
  ttl?.is === 'retention' ? ttl.seconds : ttl?.is === 'none' ? null : undefined

/** Of tables of one database, by their names. */
async function readTtls(executor: Executor, tables: readonly Change[]): Promise<Map<string, Ttl>> {
  const rows = await executor.query<{ name: string; engine_full: string }>({
    sql: 'SELECT name, engine_full FROM system.tables WHERE database = {database:String} AND has({names:Array(String)}, name)',
    parameters: { database: tables[0]!.database, names: tables.map(({ name }) => name) },
  })
  return new Map(rows.map((row) => [row.name, readTtl(row.engine_full)]))
}

async function setTtl(executor: Executor, change: Change): Promise<void> {
  const { database, name, anchor, from, to } = change
  if (secondsOf((await readTtls(executor, [change])).get(name)) === to) return
  const longer = to === null || (from !== null && to > from)
  durable('clickhouse.ttl:before')
  await executor.command({
    sql: `ALTER TABLE ${quoteName(database, name)} ${to === null ? 'REMOVE TTL' : `MODIFY TTL ${anchor} + ${intervalOf(to)}`}`,
    settings: { materialize_ttl_after_modify: longer ? 1 : 0, mutations_sync: 2, alter_sync: 2 },
  })
  durable('clickhouse.ttl:after')
}

async function removeExpired(executor: Executor, change: Change, cut: number): Promise<void> {
  durable('clickhouse.expire:before')
  await executor.command({
    sql: `ALTER TABLE ${quoteName(change.database, change.name)} DELETE WHERE ${expiredAt(change.anchor, change.to!, cut)}`,
    settings: { mutations_sync: 2 },
  })
  durable('clickhouse.expire:after')
}

async function countExpired(
  executor: Executor,
  { database, name, anchor, to }: { database: string; name: string; anchor: string; to: number },
  cut: number,
  signal: AbortSignal,
): Promise<number> {
  const [row] = await executor.query<{ n: string }>({
    sql: `SELECT toString(count()) AS n FROM ${quoteName(database, name)} WHERE ${expiredAt(anchor, to, cut)}`,
    signal,
  })
  return Number(row?.n)
}

const text = (seconds: number | null): string => (seconds === null ? 'for ever' : formatRetention(seconds))

const nothingToDo = (to: number | null, applyNow: boolean): string =>
  `rows are kept ${text(to)} already${applyNow ? ', and none is older' : ''}`

function summaryOf({ table, from, to, expired }: Change, applyNow: boolean): string {
  const kept =
    from === to ? `${table} keeps rows ${text(to)}` : `${table} keeps rows ${text(to)} instead of ${text(from)}`
  if (expired > 0) return `${kept}; ${expired} rows are older and go now, for good`
  if (applyNow) return `${kept}; no row is older`
  return from !== to && to !== null && (from === null || to < from)
    ? `${kept}; older rows go when the server merges, or by tblctl vacuum`
    : kept
}
