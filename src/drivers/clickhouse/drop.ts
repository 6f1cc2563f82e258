/** drop: one table into the trash, with its rows. Views that read it or write to it are dropped before it. */
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import { runSteps, type StepsState } from '../../core/run/steps.ts'
import { formatBytes } from '../../core/units.ts'
import { dropOptions } from '../../verbs/options.ts'
import type { Identity } from './identity.ts'
import { readPartitions, sizesOf } from './partitions.ts'
import { viewsOn } from './schema-set.ts'
import { findTable, locate, locationOf } from './table.ts'
import { readTenantObjects } from './tenant/state.ts'
import { graceDays, moveToTrash, type Trashing, trashing } from './trash.ts'
import { dropView } from './views.ts'
import type { Warehouse } from './warehouse.ts'

interface DropPlan extends Plan {
  readonly table: Trashing & { readonly database: string }
  readonly uuid: string
  readonly views: readonly string[]
  readonly rows: number
  readonly bytes: number
}
interface Result {
  readonly location: string
  readonly trash: string
  readonly rows: number
  readonly bytes: number
}

export function drop(warehouse: Warehouse): Operation<object, DropPlan, Result, StepsState> {
  return {
    options: dropOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'drop',
    async plan(subject, _options, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const table = await locate(warehouse, executor, subject, ctx.signal)
      const { project, table: named } = segmentsOf(subject.path)
      const { rows, bytes } = sizesOf(await readPartitions(executor, table.database, table.name, ctx.signal))
      const views = await viewsOf(executor, warehouse.database, project, named)
      const unmarked: Identity = { tblctl: 1, project, table: named, schema: null, kind: 'table', hash: '' }
      const move = trashing(table.name, table.identity ?? unmarked, ctx.now())
      return {
        changes: 1,
        risk: 'severe',
        summary: [
          `drop ${refOfPath(subject.path)}: ${rows} rows, ${formatBytes(bytes)}`,
          ...views.map((view) => `drop view ${view}, which works on it`),
          `the table stays in the trash of database ${table.database} for ${graceDays} days, until tblctl vacuum --trash --backend ${warehouse.backend}`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        table: { ...move, database: table.database },
        uuid: table.uuid,
        views,
        rows,
        bytes,
      }
    },
    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const { table, rows, bytes } = plan
      if (ctx.state === undefined) {
        const there = await findTable(executor, table, ctx.signal)
        if (there?.uuid !== plan.uuid) return { is: 'stale', why: `another table is at ${locationOf(table)} now` }
        // Each step comes directly after a commit.
        await ctx.commit({ phase: 'begin', state: { done: [] } })
      }
      await runSteps(ctx, 'objects', [
        ...plan.views.map((view) => ({ id: view, run: () => dropView(executor, warehouse.database, view) })),
        { id: table.name, run: () => moveToTrash(executor, table.database, table) },
      ])
      const result = { location: locationOf(table), trash: `${table.database}.${table.trash}`, rows, bytes }
      return { is: 'changed', result, tables: [{ remove: ctx.subject.path }] }
    },
  }
}

async function viewsOf(
  executor: Parameters<typeof readTenantObjects>[0],
  database: string,
  project: string,
  table: string,
): Promise<string[]> {
  const views = viewsOn(table)
  if (views.length === 0) return []
  const { objects } = await readTenantObjects(executor, database, project)
  return objects
    .filter(({ identity }) => identity.kind === 'view' && views.includes(identity.table))
    .map(({ name }) => name)
}
