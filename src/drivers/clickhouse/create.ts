/** create: a table from a named schema. What is there and was made from the same definition is adopted; anything else is refused. */
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { refuseSettings, requireSchemaName } from '../../verbs/create.ts'
import { createOptions } from '../../verbs/options.ts'
import { createDatabaseSql, createTableSql, type TableDefinition, tableDefinition } from './ddl.ts'
import { codeOf } from './errors.ts'
import type { Executor } from './executor.ts'
import { type ClickhouseTable, findTable, locationOf, parseLocation, placeOf } from './table.ts'
import { retentionSeconds } from './ttl.ts'
import type { Warehouse } from './warehouse.ts'

interface CreatePlan extends Plan {
  readonly location: string
  readonly schema: TableSchema
}
interface Result {
  readonly answer: 'created' | 'adopted'
  readonly location: string
  readonly columns: number
}
const tableAlreadyExists = 57

export function create(warehouse: Warehouse): Operation<ReturnType<typeof createOptions.parse>, CreatePlan, Result> {
  return {
    options: createOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => `schema=${options.schema}`,
    async plan(subject, options, ctx) {
      const ref = refOfPath(subject.path)
      refuseSettings(options, 'clickhouse')
      if (options.location !== null)
        throw fail('usage', 'no-location', `new tables of this backend lie in its database, ${warehouse.database}`, {
          hint: `leave --location out; tblctl register ${ref} --location database.table adopts a table from elsewhere`,
        })
      const schema = await warehouse.environment.schema(requireSchemaName(options, 'clickhouse'))
      await using executor = await warehouse.executor(ctx.signal)
      const definition = tableDefinition(schema, await executor.version)
      retentionOf(schema, definition)
      const place = placeOf(warehouse, { path: subject.path, spec: subject.spec })
      const there = await findTable(executor, place, ctx.signal)
      if (there && !isSame(there, schema, definition))
        throw fail('refused', 'table-exists', `${ref}: another table is at ${locationOf(place)}`, {
          where: executor.place,
          hint: subject.spec ? `tblctl describe ${ref}` : `tblctl register ${ref} adopts it as it is`,
        })
      if (!there && subject.spec)
        throw fail('refused', 'table-lost', `${ref} is registered, but there is no table ${locationOf(place)}`, {
          hint: `tblctl unregister ${ref}, then create it again`,
        })
      return {
        changes: there && subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          there && subject.spec
            ? `${ref} exists with this schema`
            : there
              ? `adopt ${locationOf(place)} as ${ref}: it has this schema`
              : `create ${ref} as ${locationOf(place)} from schema ${schema.name} (${schema.fields.length} columns)`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        location: locationOf(place),
        schema,
      }
    },
    async execute(plan, ctx) {
      const { schema, location } = plan
      const place = parseLocation(location)
      await using executor = await warehouse.executor(ctx.signal)
      const definition = tableDefinition(schema, await executor.version)
      if (ctx.subject.spec) {
        // Registered since it was planned: the same table keeps its labels; what differs, the new plan says.
        const there = ctx.subject.spec.location === location && (await findTable(executor, place, ctx.signal))
        return there && isSame(there, schema, definition)
          ? { is: 'unchanged' }
          : { is: 'stale', why: 'it was registered meanwhile' }
      }
      let there = await findTable(executor, place, ctx.signal)
      const made = there === undefined
      if (!there) {
        const { project, table } = segmentsOf(ctx.subject.path)
        const identity = { tblctl: 1, project, table, schema: schema.name, kind: 'table' } as const
        await makeDatabase(executor, warehouse.database, ctx.signal)
        await ctx.commit({ phase: 'creating', state: {} })
        await makeTable(
          executor,
          createTableSql({ ...place, definition, identity, retentionSeconds: retentionOf(schema, definition) }),
          ctx.signal,
        )
        there = await findTable(executor, place, ctx.signal)
      }
      if (!there || !isSame(there, schema, definition))
        return { is: 'stale', why: `another table was made at ${location} meanwhile` }
      const spec = { schema: schema.name, location, labels: ctx.options.labels, options: {} }
      return {
        is: 'changed',
        result: { answer: made ? 'created' : 'adopted', location, columns: schema.fields.length },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}

/** A schema's retention needs a time column; refused when the plan is made, and not when the table is. */
function retentionOf(schema: TableSchema, definition: TableDefinition): number | null {
  if (schema.retention === null) return null
  if (definition.anchor !== null) return retentionSeconds(schema.retention)
  throw fail('refused', 'no-time-column', `schema ${schema.name} has a retention and no time column to count it from`, {
    hint: 'give it a time_column, or take the retention out',
  })
}

const isSame = ({ identity }: ClickhouseTable, schema: TableSchema, { hash }: TableDefinition): boolean =>
  identity !== null && identity.schema === schema.name && identity.hash === hash

async function makeDatabase(executor: Executor, database: string, signal: AbortSignal): Promise<void> {
  const there = await executor.query({
    sql: 'SELECT 1 AS there FROM system.databases WHERE name = {database:String}',
    parameters: { database },
    signal,
  })
  if (there.length > 0) return
  durable('clickhouse.create-database:before')
  await executor.command({ sql: createDatabaseSql(database), signal })
  durable('clickhouse.create-database:after')
}

/** Somebody else may make one of that name at the same moment: whose it is, the comment says. */
async function makeTable(executor: Executor, sql: string, signal: AbortSignal): Promise<void> {
  durable('clickhouse.create-table:before')
  try {
    await executor.command({ sql, signal })
  } catch (error) {
    if (codeOf(error) !== tableAlreadyExists) throw error
  }
  durable('clickhouse.create-table:after')
}
