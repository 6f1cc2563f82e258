/** create: version 0 of a new table from a named schema. What is there with the same schema is adopted; with another, refused. */
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { refuseSettings, requireSchemaName } from '../../verbs/create.ts'
import { createOptions } from '../../verbs/options.ts'
import type { Snapshot } from './log/snapshot.ts'
import { type Answer, actionsFor, makeTable } from './make-table.ts'
import { requireApart, requireOwnPlace } from './own-place.ts'
import { type Lake, snapshotAt } from './table.ts'
import { formatSchemaString } from './types.ts'

interface CreatePlan extends Plan {
  readonly location: string
  readonly schema: TableSchema
}
interface Result {
  readonly answer: Answer
  readonly location: string
  readonly columns: number
  readonly version: number
}

export function create(lake: Lake): Operation<ReturnType<typeof createOptions.parse>, CreatePlan, Result> {
  return {
    options: createOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => `schema=${options.schema} ${options.location ?? ''}`,
    async plan(subject, options, ctx) {
      const ref = refOfPath(subject.path)
      refuseSettings(options, 'delta')
      const schema = await lake.environment.schema(requireSchemaName(options, 'delta'))
      const location = lake.locations.of(subject, options.location)
      const { project } = segmentsOf(subject.path)
      if (options.location !== null && !subject.spec) requireOwnPlace(lake.locations, project, location)
      const registeredAt = subject.spec && lake.locations.of(subject).url
      if (registeredAt && registeredAt !== location.url)
        throw fail('refused', 'registered-elsewhere', `${ref} is registered at ${registeredAt}`, {
          hint: `tblctl unregister ${ref}`,
        })
      actionsFor(schema, ctx.now()) // refuses by name what Delta cannot hold
      const there = await snapshotAt(lake, location, ctx)
      if (there && !sameTable(there, schema))
        throw fail('refused', 'table-exists', `a Delta table with other columns or partitions is at ${location.url}`, {
          where: location.url,
          hint: subject.spec ? `tblctl describe ${ref}` : `tblctl register ${ref} adopts it as it is`,
        })
      if (!there && subject.spec)
        throw fail('refused', 'table-lost', `${ref} is registered, but there is no Delta table at ${location.url}`, {
          hint: `tblctl unregister ${ref}, then create it again`,
        })
      // Derived places lie beside one another by their names.
      if (!there && options.location !== null) await requireApart(lake.locations, subject.path, location)
      return {
        changes: there && subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          there && subject.spec
            ? `${ref} exists with this schema`
            : there
              ? `adopt ${location.url} as ${ref}: it has this schema`
              : `create ${ref} at ${location.url} from schema ${schema.name} (${schema.fields.length} columns)`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        location: location.url,
        ...(there && subject.spec
          ? { found: { answer: 'exists', location: location.url, version: there.version } }
          : {}),
        schema,
      }
    },
    async execute(plan, ctx) {
      const { schema, location: url } = plan
      const location = lake.locations.of(ctx.subject, url)
      if (ctx.subject.spec) {
        // Registered since it was planned: the same table keeps its labels; what differs, the new plan says.
        const registered = await snapshotAt(lake, lake.locations.of(ctx.subject), ctx)
        const same = registered && lake.locations.of(ctx.subject).url === url && sameTable(registered, schema)
        return same ? { is: 'unchanged' } : { is: 'stale', why: 'it was registered meanwhile' }
      }
      const { answer, there } = await makeTable(lake, location, schema, ctx)
      if (!there || !sameTable(there, schema)) return { is: 'stale', why: `another table was made at ${url} meanwhile` }
      const spec = { schema: schema.name, location: url, labels: ctx.options.labels, options: {} }
      return {
        is: 'changed',
        result: { answer, location: url, columns: schema.fields.length, version: there.version },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}

function sameTable({ metadata }: Snapshot, schema: TableSchema): boolean {
  return (
    metadata.schemaString === formatSchemaString(schema.fields) &&
    JSON.stringify(metadata.partitionColumns) === JSON.stringify(schema.partitions)
  )
}
