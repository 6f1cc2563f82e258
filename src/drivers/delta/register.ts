/**
 * register: the catalog learns of a Delta table that is there, and nothing is written below it. A project's own table is created when
 * nothing is there, and with `convert` a folder of Parquet files becomes a table.
 */
import { fail } from '../../core/errors.ts'
import type { Operation, Outcome, Plan, ReadContext, RunContext, Subject } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import { convertingRegisterOptions } from '../../verbs/options.ts'
import { commitConversion, describeConversion, readFolder } from './convert.ts'
import { rowsOf } from './files/facts.ts'
import { legacyLocation } from './legacy-layout.ts'
import type { Location } from './location.ts'
import type { Snapshot } from './log/snapshot.ts'
import { type Answer, makeTable, wasMadeBy } from './make-table.ts'
import { requireOutside, requireOwnPlace } from './own-place.ts'
import { type Lake, snapshotAt } from './table.ts'

type Options = ReturnType<typeof convertingRegisterOptions.parse>
type Context = RunContext<any, Options>
interface RegisterPlan extends Plan {
  readonly location: string
}

export function register(lake: Lake): Operation<Options, RegisterPlan> {
  return {
    options: convertingRegisterOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: (options) => `register ${options.location ?? ''}`,
    async plan(subject, options, ctx) {
      const ref = refOfPath(subject.path)
      const location = await placeOf(lake, subject, options, ctx)
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
      if (!snapshot && options.convert && !subject.spec) {
        if (options.location !== null) await requireOutside(lake.locations, subject.path, location)
        const conversion = await readFolder(lake, subject, location.url, ctx)
        const summary = describeConversion(subject, location.url, conversion)
        const { folder, adds, rows, fields } = conversion
        const figures = { files: adds.length, bytes: folder.bytes, rows, columns: fields.length }
        return { ...plan, changes: 1, summary, basis: { listing: folder.listing }, ...figures }
      }
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
      if (plan.basis.listing !== undefined) return convert(lake, location, plan, ctx)
      const { answer, there } = await found(lake, location, ctx)
      if (!there || (plan.basis.id !== undefined && there.metadata.id !== plan.basis.id))
        return { is: 'stale', why: `another table is at ${plan.location} now` }
      return registered(
        there,
        { answer, url: plan.location, schema: answer === 'created' ? ctx.options.orCreate : null },
        ctx,
      )
    },
  }
}

/** What is there, or is made of a project's own table. */
async function found(
  lake: Lake,
  location: Location,
  ctx: Context,
): Promise<{ readonly answer: Answer | 'converted'; readonly there: Snapshot | undefined }> {
  const { orCreate, convert: converting } = ctx.options
  if (orCreate !== null) return makeTable(lake, location, await lake.environment.schema(orCreate), ctx)
  const there = await snapshotAt(lake, location, ctx)
  // Killed after its commit, the job finds its own table.
  const own = converting && there !== undefined && (await wasMadeBy(location, ctx.job.id))
  return { answer: own ? 'converted' : 'adopted', there }
}

async function convert(lake: Lake, location: Location, plan: RegisterPlan, ctx: Context): Promise<Outcome> {
  const url = plan.location
  const conversion = await readFolder(lake, ctx.subject, url, ctx)
  if (conversion.folder.listing !== plan.basis.listing) return { is: 'stale', why: `files came to ${url} or went` }
  await ctx.commit({ phase: 'converting', state: {} })
  const there = await commitConversion(lake, location, conversion, ctx)
  if (there === undefined) return { is: 'stale', why: `a table was made at ${url} meanwhile` }
  return registered(there, { answer: 'converted', url, schema: null, verified: ['files', 'rows'] }, ctx)
}

/** `answer` says how it came to be there. */
function registered(
  there: Snapshot,
  {
    url,
    schema,
    ...more
  }: { answer: Answer | 'converted'; url: string; schema: string | null; verified?: readonly string[] },
  ctx: Context,
): Outcome {
  const spec = { schema, location: url, labels: ctx.options.labels, options: {} }
  return {
    is: 'changed',
    result: {
      ...more,
      location: url,
      version: there.version,
      files: there.files.size,
      rows: rowsOf(there).rows,
      columns: there.fields.length,
    },
    tables: [{ put: ctx.subject.path, spec, state: 'active' }],
  }
}

/** Where the table lies, or would: at its usual place, unless nothing is there and the older layout has it. */
async function placeOf(lake: Lake, subject: Subject, { location }: Options, ctx: ReadContext): Promise<Location> {
  const usual = lake.locations.of({ path: subject.path, spec: null }, location)
  const older = location === null ? legacyLocation(lake.locations, subject) : null
  if (older === null || (await snapshotAt(lake, usual, ctx))) return usual
  return (await snapshotAt(lake, older, ctx)) ? older : usual
}

/** The schema of a project's own table. Throws `missing` where there is none to make, telling an empty place from one that holds other things. */
async function toCreate(lake: Lake, location: Location, { path, spec }: Subject, { orCreate, ...options }: Options) {
  const ref = refOfPath(path)
  for await (const { key } of location.store.list(location.prefix))
    throw fail('missing', 'not-a-delta-table', `what is at ${location.url} is not a Delta table`, {
      where: location.url,
      hint: /\.parquet$/i.test(key)
        ? 'with --convert a folder of Parquet files becomes a table, in place'
        : 'a Delta table holds _delta_log; check the path',
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
