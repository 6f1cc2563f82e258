/** register: the catalog learns of a table that is there. A table without a comment gets its identity as one; no other comment is touched. */
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { defaultProject, type Path, refOfPath, segmentsOf } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import { isMergeTree } from './describe.ts'
import type { Executor } from './executor.ts'
import { formatIdentity } from './identity.ts'
import { physicalName, quoteName, quoteString } from './names.ts'
import {
  type ClickhouseTable,
  findByIdentity,
  findTable,
  locationOf,
  parseLocation,
  readColumns,
  storedColumns,
} from './table.ts'
import type { Warehouse } from './warehouse.ts'

interface RegisterPlan extends Plan {
  readonly location: string
}

export function register(warehouse: Warehouse): Operation<ReturnType<typeof registerOptions.parse>, RegisterPlan> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: (options) => `register ${options.location ?? ''}`,
    async plan(subject, options, ctx) {
      const ref = refOfPath(subject.path)
      await using executor = await warehouse.executor(ctx.signal)
      const table = await findCandidate(warehouse, executor, subject.path, options.location, ctx.signal)
      if (!table)
        throw fail('missing', 'table-not-found', `ClickHouse holds no table for ${ref}`, {
          where: executor.place,
          hint: `tblctl create ${ref} --schema NAME, or say where it is with --location database.table`,
        })
      const location = locationOf(table)
      if (subject.spec?.location && subject.spec.location !== location)
        throw fail('refused', 'registered-elsewhere', `${ref} is registered at ${subject.spec.location}`, {
          hint: `tblctl unregister ${ref}, then register it at ${location}`,
        })
      refuseOthers(table, subject.path)
      const columns = storedColumns(await readColumns(executor, table, ctx.signal))
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          `adopt ${location} as ${ref} (${table.engine}, ${columns.length} columns)`,
          ...(table.comment === '' ? ['it has no comment: its identity is written there'] : []),
        ],
        basis: { uuid: table.uuid },
        leases: [{ path: subject.path, mode: 'exclusive' }],
        location,
      }
    },
    async execute(plan, ctx) {
      // Registered since it was planned: its labels stay; elsewhere, the new plan says so.
      if (ctx.subject.spec)
        return ctx.subject.spec.location === plan.location
          ? { is: 'unchanged' }
          : { is: 'stale', why: 'it was registered elsewhere meanwhile' }
      await using executor = await warehouse.executor(ctx.signal)
      const table = await findTable(executor, parseLocation(plan.location), ctx.signal)
      if (table?.uuid !== plan.basis.uuid) return { is: 'stale', why: `another table is at ${plan.location} now` }
      if (table!.comment === '' && isMergeTree(table!)) {
        const { project, table: name } = segmentsOf(ctx.subject.path)
        const identity = { tblctl: 1, project, table: name, schema: null, kind: 'table', hash: '' } as const
        await ctx.commit({ phase: 'marking', state: {} })
        durable('clickhouse.mark:before')
        await executor.command({
          sql: `ALTER TABLE ${quoteName(table!.database, table!.name)} MODIFY COMMENT ${quoteString(formatIdentity(identity))}`,
          signal: ctx.signal,
        })
        durable('clickhouse.mark:after')
      }
      const spec = {
        schema: table!.identity?.schema ?? null,
        location: plan.location,
        labels: ctx.options.labels,
        options: {},
      }
      return {
        is: 'changed',
        result: { answer: 'adopted', location: plan.location, engine: table!.engine },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}

/** Where it is said to be; else by identity, by the name that `create` would give, and in the project `default` by the bare name. */
async function findCandidate(
  { database }: Warehouse,
  executor: Executor,
  path: Path,
  location: string | null,
  signal: AbortSignal,
): Promise<ClickhouseTable | undefined> {
  if (location !== null) return await findTable(executor, parseLocation(location), signal)
  const { project, table } = segmentsOf(path)
  return (
    (await findByIdentity(executor, database, project, table, signal)) ??
    (await findTable(executor, { database, name: physicalName(table, project) }, signal)) ??
    (project === defaultProject ? await findTable(executor, { database, name: table }, signal) : undefined)
  )
}

function refuseOthers({ identity, ...table }: ClickhouseTable, path: Path): void {
  const { project, table: name } = segmentsOf(path)
  const copy = identity && table.name !== physicalName(identity.table, identity.project)
  if (identity && !copy && (identity.project !== project || identity.table !== name || identity.trashed !== undefined))
    throw fail(
      'refused',
      'other-identity',
      `${locationOf(table)} is ${identity.project}/${identity.table}${identity.trashed ? ' in the trash' : ''}, as its comment says`,
      { hint: `register it as ${identity.project}/${identity.table}` },
    )
}
