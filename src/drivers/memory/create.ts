/** create: a table from a named schema. Again with the same schema changes nothing; with another it is refused. */
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type JsonObject } from '../../core/json.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { refuseSettings, requireSchemaName, requireUnregistered } from '../../verbs/create.ts'
import { createOptions } from '../../verbs/options.ts'
import type { MemoryStore } from './store.ts'
import { findTable, refuseTypes } from './table.ts'

interface CreatePlan extends Plan {
  readonly schema: TableSchema
}
type Options = ReturnType<typeof createOptions.parse>

export function create(
  store: MemoryStore,
  environment: DriverEnvironment,
): Operation<Options, CreatePlan, { created: boolean; columns: number }> {
  return {
    options: createOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => `schema=${options.schema}`,
    async plan(subject, options) {
      refuseSettings(options, 'memory')
      const schema = await environment.schema(requireSchemaName(options, 'memory'))
      refuseTypes(schema)
      const ref = refOfPath(subject.path)
      const there = findTable(store, subject.path)
      if (
        there &&
        canonicalJson(there.schema as unknown as JsonObject) !== canonicalJson(schema as unknown as JsonObject)
      )
        throw fail(
          'refused',
          'table-exists',
          `${ref} exists with another schema (${there.schema.name} version ${there.schema.version})`,
          { hint: `tblctl describe ${ref}` },
        )
      if (!there) requireUnregistered(subject)
      return {
        changes: there && subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          there && subject.spec
            ? `${ref} exists with this schema`
            : there
              ? `register ${ref}, which exists with this schema`
              : `create ${ref} from schema ${schema.name} (${schema.fields.length} columns)`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        schema,
      }
    },
    async execute(plan, ctx) {
      const { path } = ctx.subject
      const there = findTable(store, path)
      if (
        there &&
        canonicalJson(there.schema as unknown as JsonObject) !== canonicalJson(plan.schema as unknown as JsonObject)
      )
        return { is: 'stale', why: `${refOfPath(path)} was made with another schema meanwhile` }
      if (there && ctx.subject.spec) return { is: 'unchanged' } // made and registered since it was planned
      if (!there)
        store.write('create', () =>
          store.run(
            'insert into tables (path, schema, generation, job) values (?, ?, 1, ?)',
            path,
            JSON.stringify(plan.schema),
            ctx.job.id,
          ),
        )
      await ctx.commit({ phase: 'created', state: {} })
      return {
        is: 'changed',
        result: { created: !there || there.job === ctx.job.id, columns: plan.schema.fields.length },
        tables: [
          {
            put: path,
            spec: { schema: plan.schema.name, location: null, labels: ctx.options.labels, options: {} },
            state: 'active',
          },
        ],
      }
    },
    async undo(_plan, ctx) {
      store.write('create-undo', () =>
        store.run('delete from tables where path = ? and job = ?', ctx.subject.path, ctx.job.id),
      )
    },
  }
}
