/**
 * register: the catalog learns of a Delta table that is there, and nothing is written below it. A project's own table is created when
 * nothing is there.
 */
import { fail } from '../../core/errors.ts'
import type { Operation, Plan, Subject } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import { rowsOf } from './facts.ts'
import type { Location } from './location.ts'
import { makeTable } from './make-table.ts'
import { requireOwnPlace } from './own-place.ts'
import { type Lake, snapshotAt } from './table.ts'

type Options = ReturnType<typeof registerOptions.parse>
interface RegisterPlan extends Plan {
  readonly location: string
}

export function register(lake: Lake): Operation<Options, RegisterPlan> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: (options) => `register ${options.location ?? ''}`,
    async plan(subject, options, ctx) {
      const ref = refOfPath(subject.path)
      const location = lake.locations.of({ path: subject.path, spec: null }, options.location)
      const there = subject.spec && lake.locations.of(subject).url
      if (there && there !== location.url)
        throw fail('refused', 'registered-elsewhere', `${ref} is registered at ${there}`, {
          hint: `tblctl unregister ${ref}, then register it at ${location.url}`,
        })
      if (options.location !== null && !subject.spec)
        requireOwnPlace(lake.locations, segmentsOf(subject.path).project, location)
      const snapshot = await snapshotAt(lake, location, ctx)
      const plan = {
        risk: 'routine',
        leases: [{ path: subject.path, mode: 'exclusive' }],
        location: location.url,
      } as const
      if (!snapshot) {
        const schema = await toCreate(lake, location, subject, options)
        const summary = [
          `create ${ref} at ${location.url} from schema ${schema.name} (${schema.fields.length} columns)`,
        ]
        return { ...plan, changes: 1, summary, basis: {} }
      }
      const { version, files, fields } = snapshot
      return {
        ...plan,
        changes: subject.spec ? 0 : 1,
        summary: [
          `adopt ${location.url} as ${ref} (version ${version}, ${files.size} files, ${fields.length} columns)`,
        ],
        basis: { id: snapshot.metadata.id },
        ...(subject.spec ? { found: { answer: 'exists', location: location.url, version } } : {}),
      }
    },
    async execute(plan, ctx) {
      // Registered since it was planned: its labels stay; elsewhere, the new plan says so.
      if (ctx.subject.spec)
        return lake.locations.of(ctx.subject).url === plan.location
          ? { is: 'unchanged' }
          : { is: 'stale', why: 'it was registered elsewhere meanwhile' }
      const location = lake.locations.of(ctx.subject, plan.location)
      const { orCreate } = ctx.options
      const { answer, there } =
        orCreate === null
          ? { answer: 'adopted', there: await snapshotAt(lake, location, ctx) }
          : await makeTable(lake, location, await lake.environment.schema(orCreate), ctx)
      if (!there || (plan.basis.id !== undefined && there.metadata.id !== plan.basis.id))
        return { is: 'stale', why: `another table is at ${plan.location} now` }
      const schema = answer === 'created' ? orCreate : null
      return {
        is: 'changed',
        result: {
          answer,
          location: plan.location,
          version: there.version,
          files: there.files.size,
          rows: rowsOf(there).rows,
          columns: there.fields.length,
        },
        tables: [
          {
            put: ctx.subject.path,
            spec: { schema, location: plan.location, labels: ctx.options.labels, options: {} },
            state: 'active',
          },
        ],
      }
    },
  }
}

/** The schema of a project's own table. Throws `missing` where there is none to make, telling an empty place from one that holds other things. */
async function toCreate(lake: Lake, location: Location, { path, spec }: Subject, { orCreate, ...options }: Options) {
  const ref = refOfPath(path)
  for await (const _ of location.store.list(location.prefix))
    throw fail('missing', 'not-a-delta-table', `what is at ${location.url} is not a Delta table`, {
      where: location.url,
      hint: 'a Delta table holds _delta_log; check the path',
    })
  if (orCreate !== null && !spec) return await lake.environment.schema(orCreate)
  throw fail('missing', 'no-delta-table', `there is no Delta table at ${location.url}`, {
    where: location.url,
    hint:
      options.location === null
        ? `tblctl create ${ref} --schema NAME, or say where it is with --location`
        : 'check the path: the folder must hold _delta_log',
  })
}
