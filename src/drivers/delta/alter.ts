/** alter: columns, properties and retention of a table, all in one commit that touches no data file. Loads go on meanwhile. */
import { createHash } from 'node:crypto'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type Json, type JsonObject } from '../../core/json.ts'
import type { Operation, Plan, RunContext, Subject } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { columnAlterOptions } from '../../verbs/options.ts'
import { type Alteration, alterationOf } from './alter/alteration.ts'
import type { Wanted } from './alter/draft.ts'
import { type Counts, countsOf, linesOf, operationOf } from './alter/report.ts'
import { commitTo } from './commit-table.ts'
import { commitOfJob } from './log/commit-of-job.ts'
import { requireWritable } from './log/protocol.ts'
import type { Snapshot } from './log/snapshot.ts'
import { committer, type DeltaTable, type Lake, openTable, refreshed } from './table.ts'

type Options = ReturnType<typeof columnAlterOptions.parse>
interface AlterPlan extends Plan {
  readonly version: number
  readonly wanted: Wanted
  readonly counts: Partial<Counts>
}
interface Result extends Partial<Counts> {
  readonly version: number
  readonly verified: readonly string[]
}

export function alter(lake: Lake): Operation<Options, AlterPlan, Result> {
  return {
    options: columnAlterOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: nameOf,
    async plan(subject, options, ctx) {
      const { location, snapshot } = await openTable(lake, subject, ctx)
      const wanted = await wantedOf(lake, subject, options)
      const { changes, done, remarks } = alterationOf(snapshot, wanted)
      requireWritable(snapshot, location.url)
      return {
        changes,
        risk: 'moderate',
        summary: [...linesOf(refOfPath(subject.path), done, changes), ...remarks],
        basis: basisOf(snapshot),
        leases: [{ path: subject.path, mode: 'exclusive' }],
        ...(changes === 0 ? { found: { version: snapshot.version } } : {}),
        version: snapshot.version,
        wanted,
        counts: countsOf(done),
      }
    },
    async execute(plan, ctx) {
      const table = await openTable(lake, ctx.subject, ctx)
      const { location, snapshot } = table
      if (canonicalJson(basisOf(snapshot)) !== canonicalJson(plan.basis)) {
        // Killed between the log and the catalog, it finds its own commit.
        const range = { from: plan.version + 1, to: snapshot.version }
        const version = ctx.job.attempt > 1 ? await commitOfJob(location, ctx.job.id, range) : undefined
        if (version === undefined) return { is: 'stale', why: 'its columns or properties were changed meanwhile' }
        return { is: 'changed', result: { version, ...plan.counts, verified: ['log'] } }
      }
      const alteration = alterationOf(snapshot, plan.wanted)
      // The log checks no fence: who was overtaken stops here.
      await ctx.commit({ phase: 'altering', state: {} })
      const outcome = await commitTo(lake, location, requestOf(snapshot, alteration), committer(ctx), ctx)
      if (outcome.is === 'metadata-changed')
        return { is: 'stale', why: `version ${outcome.version} changed its columns or properties` }
      if (outcome.is !== 'committed')
        return { is: 'conflict', why: outcome.is === 'conflict' ? outcome.why : 'another commit came first' }
      await verify(lake, table, alteration, outcome.version, ctx)
      await ctx.commit({ phase: 'altered', state: {} })
      return { is: 'changed', result: { version: outcome.version, ...plan.counts, verified: ['log'] } }
    },
  }
}

/** What is said names the work; a long text by its hash. */
function nameOf(options: Options): string {
  const said = Object.entries(options).filter(([, value]) => value !== null && Object.keys(value).length > 0)
  const text = canonicalJson(Object.fromEntries(said) as JsonObject)
  return text.length <= 200 ? text : createHash('sha256').update(text).digest('hex')
}

async function wantedOf(lake: Lake, { spec }: Subject, { toSchema, ...wanted }: Options): Promise<Wanted> {
  const { environment } = lake
  const name = spec?.schema ?? null
  const origin = name === null ? null : await environment.schema(name).catch(() => null)
  const schema = toSchema === null ? null : await environment.schema(toSchema)
  const { retention = null, timeColumn = null } = origin ?? {}
  return { ...wanted, schema, declared: { retention, timeColumn } }
}

/** The metadata alone: rows come and go without making a plan wrong. */
function basisOf({ protocol, metadata, domains }: Snapshot): JsonObject {
  const all = [protocol, metadata, domains.get('delta.clustering')?.configuration ?? null] as unknown as Json
  return { id: metadata.id, metadata: createHash('sha256').update(canonicalJson(all)).digest('hex') }
}

function requestOf(snapshot: Snapshot, { protocol, metadata, done }: Alteration) {
  return {
    snapshot,
    kind: 'metadata' as const,
    actions: [...(protocol === snapshot.protocol ? [] : [{ protocol }]), { metaData: metadata }],
    operation: operationOf(done),
  }
}

/** The log is read again; a commit of others may stand behind ours by then. */
async function verify(
  lake: Lake,
  table: DeltaTable,
  { metadata }: Alteration,
  version: number,
  ctx: RunContext<any, any>,
): Promise<void> {
  const { snapshot } = await refreshed(lake, table, ctx)
  if (snapshot.version > version || snapshot.metadata.schemaString === metadata.schemaString) return
  throw fail('failed', 'verification-failed', `version ${version} does not read as it was written`, {
    where: table.location.url,
  })
}
