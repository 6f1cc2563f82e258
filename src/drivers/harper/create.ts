/** create: a table with the attributes of a table schema. Again with the same schema changes nothing; with another it is refused. */
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import type { Operation, Plan, ReadContext } from '../../core/operation.ts'
import { type Path, refOfPath } from '../../core/ref.ts'
import { refuseSettings, requireSchemaName, requireUnregistered } from '../../verbs/create.ts'
import { createOptions } from '../../verbs/options.ts'
import { type Database, nameOf, type Shape } from './table.ts'
import { refuseNames } from './types.ts'

interface CreatePlan extends Plan {
  readonly schema: string
  readonly shape: Shape
}
type Options = ReturnType<typeof createOptions.parse>

export function create(
  database: Database,
  environment: DriverEnvironment,
): Operation<Options, CreatePlan, { created: boolean; columns: number }> {
  return {
    options: createOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => `schema=${options.schema}`,
    async plan(subject, options, ctx) {
      refuseSettings(options, 'harper')
      if (options.location !== null)
        throw fail('usage', 'no-location', 'Harper places its tables itself', { hint: 'leave --location out' })
      const schema = await environment.schema(requireSchemaName(options, 'harper'))
      refuseNames(schema.fields)
      const shape = { fields: schema.fields, key: schema.primaryKey, partitions: schema.partitions }
      const ref = refOfPath(subject.path)
      const there = await isThere(database, subject.path, shape, ctx)
      if (there === 'other')
        throw fail('refused', 'table-exists', `${ref} exists with other columns`, {
          hint: `tblctl describe ${ref}, or tblctl register ${ref}`,
        })
      if (there === 'missing') requireUnregistered(subject)
      const done = there === 'same' && subject.spec !== null
      return {
        changes: done ? 0 : 1,
        risk: 'routine',
        summary: [
          done
            ? `${ref} exists with this schema`
            : there === 'same'
              ? `register ${ref}, which exists with this schema`
              : `create ${ref} from schema ${schema.name} (${schema.fields.length} columns)`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        schema: schema.name,
        shape,
      }
    },
    async execute({ schema, shape }, ctx) {
      const { path, spec } = ctx.subject
      const there = await isThere(database, path, shape, ctx)
      if (there === 'other') return { is: 'stale', why: `${refOfPath(path)} was made with other columns meanwhile` }
      if (there === 'same' && spec) return { is: 'unchanged' } // made and registered since it was planned
      // Harper checks no fence: whoever lost the lease stops here.
      await ctx.commit({ phase: 'create', state: {} })
      if (there === 'missing') await database.create(nameOf(path), shape, ctx)
      return {
        is: 'changed',
        result: { created: there === 'missing', columns: shape.fields.length },
        tables: [
          { put: path, spec: { schema, location: null, labels: ctx.options.labels, options: {} }, state: 'active' },
        ],
      }
    },
  }
}

async function isThere(
  database: Database,
  path: Path,
  shape: Shape,
  ctx: ReadContext,
): Promise<'missing' | 'same' | 'other'> {
  const table = await database.find(nameOf(path), ctx)
  if (!table) return 'missing'
  const there = await database.shape(table, ctx)
  return canonicalJson(there as unknown as Json) === canonicalJson(shape as unknown as Json) ? 'same' : 'other'
}
