/** tenant.list and tenant.describe: what each tenant has, from two queries over the server's own tables. */
import type { Tenant } from '../../../core/driver.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { ReadContext, Subject } from '../../../core/operation.ts'
import { idOfSegment, refOfPath, segmentsOf } from '../../../core/ref.ts'
import type { Executor } from '../executor.ts'
import { isGenuine, readObjects, type TableObject } from '../objects.ts'
import { readSet, type SetObject, setOf } from '../schema-set.ts'
import { formatRetention } from '../ttl.ts'
import type { Warehouse } from '../warehouse.ts'
import { noTenant } from './retention.ts'
import { type ObjectState, readColumns, readTenantObjects, stateOf, tenantState } from './state.ts'

/** Tenants in the order of their names. A project with tables of its own, and none of a set, is no tenant. */
export async function* listTenants(warehouse: Warehouse, ctx: ReadContext): AsyncGenerator<Tenant> {
  await using executor = await warehouse.executor(ctx.signal)
  const objects = (await readObjects(executor, { database: warehouse.database }, ctx.signal)).filter(isGenuine)
  const projects = Map.groupBy(objects, ({ identity }) => identity.project)
  const columns = await readColumns(
    executor,
    warehouse.database,
    objects.map(({ name }) => name),
    ctx.signal,
  )
  const sets = new Map<string, SetObject[]>()
  for (const [project, own] of [...projects].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = setName(own)
    if (name === null) continue
    const set = sets.get(name) ?? (await readSet(name, warehouse.environment, await executor.version))
    sets.set(name, set)
    yield tenantOf(project, name, own, statesOf(set, own, columns))
  }
}

export async function describeTenant(
  warehouse: Warehouse,
  subject: Subject,
  ctx: ReadContext,
): Promise<Tenant & { readonly objects: readonly JsonObject[] }> {
  await using executor = await warehouse.executor(ctx.signal)
  const { project } = segmentsOf(subject.path)
  const { objects } = await readTenantObjects(executor, warehouse.database, project, ctx.signal)
  const name = setName(objects)
  if (objects.length === 0) throw noTenant(refOfPath(subject.path, 'project'))
  const states = await readStates(executor, warehouse, name, objects, ctx.signal)
  const byTable = new Map(objects.map((object) => [object.identity.table, object]))
  const tables = [...new Set([...states.keys(), ...byTable.keys()])]
  return {
    ...tenantOf(project, name, objects, states),
    objects: tables.map((table) => objectOf(table, byTable.get(table), states.get(table))),
  }
}

async function readStates(
  executor: Executor,
  { database, environment }: Warehouse,
  set: string | null,
  objects: readonly TableObject[],
  signal: AbortSignal,
): Promise<Map<string, ObjectState>> {
  if (set === null) return new Map()
  const names = objects.map(({ name }) => name)
  return statesOf(
    await readSet(set, environment, await executor.version),
    objects,
    await readColumns(executor, database, names, signal),
  )
}

const setName = (objects: readonly TableObject[]): string | null => setOf(objects.map(({ identity }) => identity.table))

function statesOf(
  set: readonly SetObject[],
  objects: readonly TableObject[],
  columns: ReadonlyMap<string, readonly string[]>,
): Map<string, ObjectState> {
  const byTable = new Map(objects.map((object) => [object.identity.table, object]))
  return new Map(
    set.map((wanted) => {
      const object = byTable.get(wanted.table)
      return [wanted.table, stateOf(wanted, object, object && columns.get(object.name))]
    }),
  )
}

function tenantOf(
  project: string,
  schemaSet: string | null,
  objects: readonly TableObject[],
  states: ReadonlyMap<string, ObjectState>,
): Tenant {
  const tables = objects.filter(({ identity }) => identity.kind !== 'view')
  const base = tables.filter(({ identity }) => identity.kind === 'table')
  return {
    project,
    id: objects.find(({ identity }) => identity.id !== undefined)?.identity.id ?? idOfSegment(project),
    schemaSet,
    tables: tables.length,
    // A rollup's rows are made of the same rows again.
    rows: base.reduce((total, { rows }) => total + (rows ?? 0), 0),
    bytes: tables.reduce((total, { bytes }) => total + (bytes ?? 0), 0),
    state: tenantState(states),
    retention: Object.fromEntries(tables.map((table) => [table.identity.table, retentionOf(table)])),
  }
}

/** What is no plain retention is shown as it stands. */
function retentionOf({ ttl }: TableObject): string | null {
  if (ttl.is === 'none') return null
  return ttl.is === 'retention' ? formatRetention(ttl.seconds) : ttl.text
}

/** `extra`: it is the project's, and no set wants it. */
function objectOf(table: string, object: TableObject | undefined, state: ObjectState = 'extra'): JsonObject {
  return {
    table,
    kind: object?.identity.kind ?? null,
    name: object?.name ?? null,
    rows: object?.rows ?? null,
    bytes: object?.bytes ?? null,
    retention: object === undefined ? null : retentionOf(object),
    state,
  }
}
