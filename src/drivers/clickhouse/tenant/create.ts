/**
 * tenant.create: a tenant's whole set, one committed step for each object: tables, rollups, views, and then a look at all of them. What is
 * there already is compared, because `IF NOT EXISTS` would hide that it is another table. A failure takes back what this job made.
 */
import { durable } from '../../../core/durable.ts'
import { fail } from '../../../core/errors.ts'
import type { Operation, Plan, TableEffect } from '../../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../../core/ref.ts'
import { runSteps, type StepsState } from '../../../core/run/steps.ts'
import { tenantCreateOptions } from '../../../verbs/options.ts'
import { createDatabaseSql } from '../ddl.ts'
import { codeOf } from '../errors.ts'
import type { Executor } from '../executor.ts'
import { physicalName, quoteName } from '../names.ts'
import { isGenuine, readObjects } from '../objects.ts'
import { readSet, type SetObject } from '../schema-set.ts'
import { formatRetention, retentionSeconds } from '../ttl.ts'
import type { Warehouse } from '../warehouse.ts'
import { readColumns, readTenantObjects, stateOf } from './state.ts'

/** A server warns from here on (max_table_num_to_warn), and starts ever more slowly. */
const manyTables = 5000
const tableAlreadyExists = 57

type Options = ReturnType<typeof tenantCreateOptions.parse>

interface TenantPlan extends Plan {
  readonly schemaSet: string
  readonly id: string | null
  /** Seconds; null = for ever. Absent = as the table schemas say. */
  readonly retention?: number | null
  /** Names in the project, in the order in which they are made. */
  readonly create: readonly string[]
  readonly makeDatabase: boolean
}
interface Result {
  readonly created: number
  readonly objects: number
}

export function tenantCreate(warehouse: Warehouse): Operation<Options, TenantPlan, Result, StepsState> {
  const { database, environment } = warehouse
  return {
    options: tenantCreateOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ schemaSet, retention }) => `set=${schemaSet}${retention === null ? '' : ` retention=${retention}`}`,
    async plan(subject, { schemaSet, id, retention }, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const { project } = segmentsOf(subject.path)
      const set = await readSet(schemaSet, environment, await executor.version)
      const missing = await missingOf(executor, database, project, set, ctx.signal)
      await requireFree(executor, database, project, missing)
      const wanted = retention === null ? undefined : retentionSeconds(retention)
      if (wanted !== undefined)
        await requireRetention(executor, database, project, wanted, refOfPath(subject.path, 'project'))
      const [counts] = await executor.query<{ databases: string; tables: string }>({
        sql: 'SELECT toString((SELECT count() FROM system.databases WHERE name = {database:String})) AS databases, toString((SELECT count() FROM system.tables WHERE database = {database:String})) AS tables',
        parameters: { database },
      })
      const tables = Number(counts!.tables) + missing.length
      return {
        changes: missing.length,
        risk: 'routine',
        summary: [
          missing.length === 0
            ? `all ${set.length} objects of ${refOfPath(subject.path, 'project')} exist`
            : `create ${missing.length} of ${set.length} objects of ${refOfPath(subject.path, 'project')}${wanted === undefined ? '' : `, which keep rows ${wanted === null ? 'for ever' : formatRetention(wanted)}`}`,
          ...(missing.length > 0 && tables > manyTables * 0.9
            ? [`warning: database ${database} will have ${tables} tables, and a server is made for ${manyTables}`]
            : []),
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        schemaSet,
        id: id === null || id === project ? null : id,
        ...(wanted === undefined ? {} : { retention: wanted }),
        create: missing.map(({ table }) => table),
        makeDatabase: counts!.databases === '0',
      }
    },

    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const { backend, project } = segmentsOf(ctx.subject.path)
      const set = await readSet(plan.schemaSet, environment, await executor.version)
      const created = set.filter(({ table }) => plan.create.includes(table))
      if (ctx.job.attempt === 1) {
        const there = await readTenantObjects(executor, database, project, ctx.signal)
        const other = there.objects.find(({ identity }) => plan.create.includes(identity.table))
        if (other) return { is: 'stale', why: `${other.name} was created meanwhile` }
      }
      const place = { database, project, id: plan.id }
      await runSteps(ctx, 'objects', [
        ...(plan.makeDatabase
          ? [{ id: 'database', run: () => executeDdl(executor, createDatabaseSql(database)) }]
          : []),
        ...created.map((object) => ({
          id: object.table,
          run: () => make(executor, database, project, object, object.create(place, plan.retention)),
        })),
        { id: 'verify', run: () => verify(executor, database, project, set, ctx.signal) },
      ])
      return {
        is: 'changed',
        result: { created: created.length, objects: set.length },
        tables: created.flatMap((object) => effectOf(backend, project, object, database)),
      }
    },

    async undo(plan, ctx) {
      await using executor = await warehouse.executor()
      const { project } = segmentsOf(ctx.subject.path)
      const made = await readTenantObjects(executor, database, project)
      const names = new Map(made.objects.map(({ identity, name }) => [identity.table, name]))
      // The last one first: a view goes before what it reads and writes.
      for (const table of [...plan.create].reverse()) {
        const name = names.get(table)
        if (name !== undefined) await executeDdl(executor, `DROP TABLE IF EXISTS ${quoteName(database, name)} SYNC`)
      }
    },
  }
}

/** What the set wants and the tenant has not. Throws when what it has is not what the set wants. */
async function missingOf(
  executor: Executor,
  database: string,
  project: string,
  set: readonly SetObject[],
  signal?: AbortSignal,
): Promise<SetObject[]> {
  const { objects } = await readTenantObjects(executor, database, project, signal)
  const byTable = new Map(objects.map((object) => [object.identity.table, object]))
  const columns = await readColumns(
    executor,
    database,
    objects.map(({ name }) => name),
    signal,
  )
  const missing: SetObject[] = []
  const drifted: string[] = []
  for (const wanted of set) {
    const object = byTable.get(wanted.table)
    const state = stateOf(wanted, object, object && columns.get(object.name))
    if (state === 'missing') missing.push(wanted)
    else if (state !== 'whole') drifted.push(`${wanted.table} ${state}`)
  }
  if (drifted.length === 0) return missing
  throw fail('refused', 'tenant-drifted', `tenant ${project} is not as the set wants it: ${drifted.join('; ')}`, {
    hint: 'tblctl tenant describe shows each object; alter it by hand, or delete the tenant',
  })
}

/** What is there keeps the retention that it has: another one is another command's. */
async function requireRetention(
  executor: Executor,
  database: string,
  project: string,
  wanted: number | null,
  ref: string,
): Promise<void> {
  const { objects } = await readTenantObjects(executor, database, project)
  const other = objects.find(
    ({ identity, ttl }) =>
      identity.kind !== 'view' &&
      (ttl.is === 'retention' ? ttl.seconds : ttl.is === 'none' ? null : undefined) !== wanted,
  )
  if (other === undefined) return
  const { ttl, identity } = other
  const kept = ttl.is === 'retention' ? formatRetention(ttl.seconds) : ttl.is === 'none' ? 'for ever' : `by ${ttl.text}`
  const asked = wanted === null ? 'none' : formatRetention(wanted)
  throw fail('refused', 'retention-differs', `${ref} exists, and its ${identity.table} keeps rows ${kept}`, {
    hint: `tblctl tenant retention ${ref.replace(/\/$/, '')} --retention ${asked} changes it`,
  })
}

async function requireFree(
  executor: Executor,
  database: string,
  project: string,
  missing: readonly SetObject[],
): Promise<void> {
  if (missing.length === 0) return
  const rows = await executor.query<{ name: string }>({
    sql: 'SELECT name FROM system.tables WHERE database = {database:String} AND has({names:Array(String)}, name) ORDER BY name',
    parameters: { database, names: missing.map(({ table }) => physicalName(table, project)) },
  })
  if (rows[0]) throw nameTaken(database, rows[0].name)
}

const nameTaken = (database: string, name: string): Error =>
  fail('refused', 'name-taken', `${database}.${name} exists, and is no table of this tenant`, {
    where: `${database}.${name}`,
    hint: 'rename it, or drop it by hand',
  })

async function make(
  executor: Executor,
  database: string,
  project: string,
  object: SetObject,
  sql: string,
): Promise<void> {
  try {
    await executeDdl(executor, sql)
  } catch (error) {
    if (codeOf(error) !== tableAlreadyExists) throw error
    // Made before this process was killed, or by somebody else.
    const name = physicalName(object.table, project)
    const [there] = await readObjects(executor, { database, names: [name] })
    if (!there || !isGenuine(there) || there.identity.hash !== object.hash) throw nameTaken(database, name)
  }
}

async function verify(
  executor: Executor,
  database: string,
  project: string,
  set: readonly SetObject[],
  signal: AbortSignal,
): Promise<void> {
  const missing = await missingOf(executor, database, project, set, signal)
  if (missing.length > 0)
    throw fail('failed', 'tenant-incomplete', `${missing.map(({ table }) => table).join(', ')} cannot be found again`)
}

async function executeDdl(executor: Executor, sql: string): Promise<void> {
  durable('clickhouse.ddl:before')
  await executor.command({ sql })
  durable('clickhouse.ddl:after')
}

/** What holds rows is registered: it can be asked, optimized and vacuumed. */
function effectOf(
  backend: string,
  project: string,
  { table, kind, schema }: SetObject,
  database: string,
): TableEffect[] {
  if (kind === 'view') return []
  const location = `${database}.${physicalName(table, project)}`
  return [
    { put: `${backend}/${project}/${table}`, spec: { schema, location, labels: {}, options: {} }, state: 'active' },
  ]
}
