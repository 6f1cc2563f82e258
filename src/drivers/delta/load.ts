/**
 * load: each chunk of the input is one commit, with `txn` telling how many rows of this batch the table holds. The log alone decides
 * where a load goes on, so a killed one never doubles rows, whoever resumes it, and two that load the same batch share the work.
 */
import type { LoadOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Outcome, Plan } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { openInput } from '../../engine/ingest/input.ts'
import { loadOptions } from '../../verbs/options.ts'
import { schemaHashOf } from './describe.ts'
import { type Columns, columnsOf, type LoadContext, stillFit, storeChunk } from './load-chunk.ts'
import { consumedOf, type Progress, plus, progressSoFar } from './load-progress.ts'
import { requireWritable } from './log/protocol.ts'
import { type DeltaTable, type Lake, openTable, refreshed } from './table.ts'

interface LoadPlan extends Plan {
  readonly version: number
}

export function load(lake: Lake): Operation<LoadOptions, LoadPlan, Progress, Progress> {
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => options.batchId,
    async plan(subject, options, ctx) {
      const { snapshot, location } = await openTable(lake, subject, ctx)
      requireWritable(snapshot, location.url)
      const before = consumedOf(snapshot, options)
      const what = options.inputs.map(({ path }) => printable(path ?? 'standard input')).join(', ')
      return {
        changes: 1,
        risk: 'routine',
        summary: [
          `load ${what} into ${refOfPath(subject.path)}${before > 0 ? `; ${before} rows of this batch are there` : ''}`,
        ],
        // Not the version: other appends move it all the time and never make this plan wrong.
        basis: { id: snapshot.metadata.id },
        leases: [{ path: subject.path, mode: 'write' }],
        version: snapshot.version,
      }
    },
    async execute(plan, ctx) {
      let table = await openTable(lake, ctx.subject, ctx)
      if (table.snapshot.metadata.id !== plan.basis.id) return { is: 'stale', why: 'another table is in its place' }
      let progress = await progressSoFar(table, plan.version, ctx)
      await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
      for (;;) {
        const reading = await readInput(lake, engine, table, progress, ctx)
        if (reading.is === 'outcome') return reading.outcome
        progress = reading.progress
        table = await refreshed(lake, table, ctx)
      }
    },
  }
}

type Reading =
  | { readonly is: 'outcome'; readonly outcome: Outcome<Progress> }
  /** The table has moved on in a way that the rows must be read again for, from where it is now. */
  | { readonly is: 'again'; readonly progress: Progress }

async function readInput(
  lake: Lake,
  engine: Engine,
  opened: DeltaTable,
  before: Progress,
  ctx: LoadContext,
): Promise<Reading> {
  const { options } = ctx
  const columns = columnsOf(opened)
  const layout = schemaHashOf(opened.snapshot)
  const repeatable = options.inputs.every(({ path }) => path !== null)
  let table = opened
  let progress = before
  const chunks = openInput({
    inputs: options.inputs,
    ...(ctx.input ? { stream: ctx.input } : {}),
    schema: { ...columns, timeColumn: await timeColumnOf(lake, table, ctx), emptyIsNull: emptyIsNull(columns) },
    project: segmentsOf(ctx.subject.path).project,
    skip: consumedOf(table.snapshot, options),
    batchId: options.batchId,
    limits: { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs },
    rejectTo: options.rejectTo,
    engine,
    signal: ctx.signal,
  })
  for await (const chunk of chunks) {
    const stored = await storeChunk(lake, engine, table, columns, chunk, ctx)
    if (stored.is === 'conflict') return { is: 'outcome', outcome: stored }
    if (stored.is !== 'committed') {
      if (repeatable) return { is: 'again', progress }
      if (stored.is === 'misfit') throw misfit(table, progress, options)
      return { is: 'outcome', outcome: { is: 'conflict', why: 'another process loads standard input as this batch' } }
    }
    progress = plus(progress, stored.done)
    ctx.report({ done: progress.rows, total: null, unit: 'rows' })
    await ctx.commit({ phase: 'loading', state: progress })
    table = await refreshed(lake, table, ctx)
    if (schemaHashOf(table.snapshot) === layout) continue
    if (repeatable) return { is: 'again', progress }
    if (!stillFit(columns, table)) throw misfit(table, progress, options)
  }
  return {
    is: 'outcome',
    outcome: progress.commits > 0 ? { is: 'changed', result: progress } : { is: 'unchanged' },
  }
}

function misfit({ location }: DeltaTable, { rows }: Progress, { batchId }: LoadOptions): Error {
  return fail('data', 'schema-changed', `the table's columns were changed after ${rows} rows of standard input`, {
    where: location.url,
    hint: `give the same input again with --batch-id ${printable(batchId)}: what was loaded is skipped`,
  })
}

/** Delta PROTOCOL, "Partition Value Serialization": an empty text is a null. */
const emptyIsNull = ({ fields, partitions }: Columns): readonly string[] =>
  fields.filter(({ name, type }) => partitions.includes(name) && type.kind === 'Utf8').map(({ name }) => name)

/** The time column that `date` follows from is the schema's to say; an adopted table has only the usual name. */
async function timeColumnOf(lake: Lake, { snapshot }: DeltaTable, ctx: LoadContext): Promise<string | null> {
  const name = ctx.subject.spec?.schema ?? null
  const declared = name === null ? null : await lake.environment.schema(name).catch(() => null)
  if (declared) return declared.timeColumn
  return snapshot.fields.some((field) => field.name === 'timestamp') ? 'timestamp' : null
}
