/** tenant.delete: views are dropped, tables renamed into the trash with their rows, and the catalog forgets them. Killed, it goes on. */

import { fail } from '../../../core/errors.ts'
import { canonicalJson, type JsonObject } from '../../../core/json.ts'
import type { Operation, Plan } from '../../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../../core/ref.ts'
import { runSteps, type StepsState } from '../../../core/run/steps.ts'
import { formatBytes } from '../../../core/units.ts'
import { tenantDeleteOptions } from '../../../verbs/options.ts'
import type { TableObject } from '../objects.ts'
import { setOf } from '../schema-set.ts'
import { graceDays, moveToTrash, type Trashing, trashing } from '../trash.ts'
import { dropView } from '../views.ts'
import type { Warehouse } from '../warehouse.ts'
import { readTenantObjects } from './state.ts'

interface DeletePlan extends Plan {
  readonly views: readonly string[]
  readonly tables: readonly Trashing[]
  /** Names in the project that the catalog forgets. */
  readonly forget: readonly string[]
  readonly rows: number
  readonly bytes: number
}
interface Result {
  readonly tables: number
  readonly views: number
  readonly rows: number
  readonly bytes: number
  readonly trashedUntil: string
}

export function tenantDelete(warehouse: Warehouse): Operation<object, DeletePlan, Result, StepsState> {
  const { database } = warehouse
  return {
    options: tenantDeleteOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'delete',
    async plan(subject, _options, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const { project } = segmentsOf(subject.path)
      const ref = refOfPath(subject.path, 'project')
      const { objects, copies, trashed } = await readTenantObjects(executor, database, project, ctx.signal)
      refuseOrdinary(objects, ref)
      const views = objects.filter(({ identity }) => identity.kind === 'view')
      const tables = objects.filter(({ identity }) => identity.kind !== 'view')
      const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0)
      const bytes = tables.reduce((sum, table) => sum + (table.bytes ?? 0), 0)
      return {
        changes: objects.length,
        risk: 'severe',
        summary:
          objects.length === 0
            ? [`${ref} has no tables`]
            : [
                `delete ${ref}: ${tables.length} tables with ${rows} rows (${formatBytes(bytes)}), and ${views.length} views`,
                `the tables stay in the trash of database ${database} for ${graceDays} days, until tblctl vacuum --trash --backend ${warehouse.backend}`,
                ...copies.map(
                  ({ name }) => `left alone: ${database}.${name}, whose name is that of no table of a tenant`,
                ),
              ],
        basis: { objects: uuidsOf(objects) },
        leases: [{ path: subject.path, mode: 'exclusive' }],
        views: views.map(({ name }) => name),
        tables: tables.map(({ name, identity }) => trashing(name, identity, ctx.now())),
        forget: [...new Set([...objects, ...trashed].map(({ identity }) => identity.table))],
        rows,
        bytes,
      }
    },
    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      if (ctx.state === undefined) {
        const { project } = segmentsOf(ctx.subject.path)
        const { objects } = await readTenantObjects(executor, database, project, ctx.signal)
        if (canonicalJson(uuidsOf(objects)) !== canonicalJson(plan.basis.objects!))
          return { is: 'stale', why: 'its tables are others now' }
        // Each step comes directly after a commit.
        await ctx.commit({ phase: 'begin', state: { done: [] } })
      }
      await runSteps(ctx, 'objects', [
        ...plan.views.map((name) => ({
          id: name,
          run: () => dropView(executor, database, name),
        })),
        ...plan.tables.map((table) => ({ id: table.name, run: () => moveToTrash(executor, database, table) })),
      ])
      const trashedAt = plan.tables[0]?.identity.trashed
      return {
        is: 'changed',
        result: {
          tables: plan.tables.length,
          views: plan.views.length,
          rows: plan.rows,
          bytes: plan.bytes,
          trashedUntil: new Date(
            (trashedAt === undefined ? ctx.now().getTime() : Date.parse(trashedAt)) + graceDays * 86_400_000,
          ).toISOString(),
        },
        tables: plan.forget.map((table) => ({ remove: `${ctx.subject.path}/${table}` })),
      }
    },
  }
}

/** A project whose tables were made one by one is no tenant, and its tables are dropped one by one. */
function refuseOrdinary(objects: readonly TableObject[], ref: string): void {
  const [first] = objects
  if (first === undefined || setOf(objects.map(({ identity }) => identity.table)) !== null) return
  throw fail('missing', 'tenant-not-found', `${ref} is no tenant: it has none of the tables of a schema set`, {
    hint: `its own tables are dropped one by one: tblctl drop ${ref}${first.identity.table}`,
  })
}

const uuidsOf = (objects: readonly TableObject[]): JsonObject =>
  Object.fromEntries(objects.map(({ name, uuid }) => [name, uuid]))
