/**
 * load: each chunk of the input is one insert, with an entry in the book of loads before and after it (load-book.ts). An insert that was
 * interrupted is done again with the same rows in the same order under the same token, and the server takes each block once.
 */
import type { LoadOptions } from '../../core/driver.ts'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Outcome, Plan, RunContext } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import type { Chunk, ChunkLimits } from '../../engine/ingest/chunk.ts'
import type { LoadSchema } from '../../engine/ingest/derive.ts'
import { openInput } from '../../engine/ingest/input.ts'
import { loadOptions } from '../../verbs/options.ts'
import { deduplicationWindow } from './ddl.ts'
import { fieldOf, isMergeTree, plainColumns } from './describe.ts'
import type { Executor } from './executor.ts'
import { expiredRows, retentionNote } from './expired.ts'
import { type Book, type Entry, openBook } from './load-book.ts'
import { insertChunk, writeChunk } from './load-chunk.ts'
import { quoteName } from './names.ts'
import { type ClickhouseTable, type Column, locate, locationOf, readColumns, storedColumns } from './table.ts'
import { timeRules } from './times.ts'
import type { Warehouse } from './warehouse.ts'

interface Result {
  readonly rows: number
  readonly rejected: number
  /** Of the rows: those that the table's TTL does not keep. Null: it cannot be told beforehand. */
  readonly expired: number | null
  /** Of the rows as Parquet, which is how they go to the server. */
  readonly bytes: number
  readonly inserts: number
}
type Context = RunContext<Result, LoadOptions>

/** Rows of one insert when no limit says less: what is done again after a crash, and what lies on the disk meanwhile. */
const mostRows = 1_000_000

export function load(warehouse: Warehouse): Operation<LoadOptions, Plan, Result, Result> {
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => options.batchId,
    async plan(subject, options, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const table = await locate(warehouse, executor, subject, ctx.signal)
      refuseEngine(table)
      const entries = await openBook(executor, table, options.batchId, ctx.signal).entries()
      const before = entries.findLast(({ done }) => done)?.to ?? 0
      const what = options.inputs.map(({ path }) => printable(path ?? 'standard input')).join(', ')
      const window = windowOf(table)
      return {
        changes: 1,
        risk: 'routine',
        summary: [
          `load ${what} into ${refOfPath(subject.path)}${before > 0 ? `; ${before} rows of this batch were loaded before` : ''}`,
          ...retentionNote(table),
          ...(window === null ? [`${locationOf(table)} will remember its last inserts, so that none comes twice`] : []),
        ],
        // Of this very table; its parts move all the time and never make this plan wrong.
        basis: { uuid: table.uuid },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const { environment } = warehouse
      await using executor = await warehouse.executor(ctx.signal)
      const table = await locate(warehouse, executor, ctx.subject, ctx.signal)
      if (table.uuid !== plan.basis.uuid) return { is: 'stale', why: 'another table is in its place' }
      if (windowOf(table) === null) await remember(executor, table, ctx)
      const book = openBook(executor, table, ctx.options.batchId, ctx.signal)
      await using engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
      const all = await readColumns(executor, table, ctx.signal)
      const columns = storedColumns(all)
      const schema = { ...(await schemaOf(warehouse, table, columns, ctx)), rules: timeRules(table, all) }
      for (;;) {
        const outcome = await readInput({ executor, engine, table, columns, book, schema }, ctx)
        if (outcome !== 'again') return outcome
      }
    },
  }
}

interface Loading {
  readonly executor: Executor
  readonly engine: Engine
  readonly table: ClickhouseTable
  readonly columns: readonly Column[]
  readonly book: Book
  readonly schema: LoadSchema
}

/** `again`: somebody else went further with this batch, and the input has to be read again from there. */
async function readInput(loading: Loading, ctx: Context): Promise<Outcome<Result> | 'again'> {
  const { options } = ctx
  const { book, engine } = loading
  const before = await book.entries()
  // An open entry says where its chunk ended: the same rows must come again, whatever the limits are now.
  let open = before.find(({ done }) => !done)
  const chunks = openInput({
    inputs: options.inputs,
    ...(ctx.input ? { stream: ctx.input } : {}),
    schema: loading.schema,
    project: segmentsOf(ctx.subject.path).project,
    skip: before.findLast(({ done }) => done)?.to ?? 0,
    batchId: options.batchId,
    limits: limitsOf(options, () => open),
    rejectTo: options.rejectTo,
    engine,
    signal: ctx.signal,
  })
  let from = before.findLast(({ done }) => done)?.to ?? 0
  for await (const chunk of chunks) {
    if (chunk.rows === 0 && chunk.consumed <= from) continue // rejected rows at the end of an entry that was done again
    const entry = await store(loading, chunk, from, ctx)
    if (entry === undefined) {
      if (options.inputs.every(({ path }) => path !== null)) return 'again'
      return { is: 'conflict', why: 'another process loads standard input as this batch' }
    }
    open = undefined
    from = entry.to
    const state = await resultOf(book, ctx)
    ctx.report({ done: state.rows, total: null, unit: 'rows' })
    await ctx.commit({ phase: 'loading', state })
  }
  const result = await resultOf(book, ctx)
  warnOfExpired(result, ctx)
  return result.inserts > 0 ? { is: 'changed', result } : { is: 'unchanged' }
}

/** Undefined: another process's entry stands at this place, with other rows, or it is done. */
async function store(loading: Loading, chunk: Chunk, from: number, ctx: Context): Promise<Entry | undefined> {
  const { executor, engine, table, columns, book } = loading
  const written = chunk.rows === 0 ? undefined : await writeChunk(engine, chunk, columns)
  const mine = {
    from,
    to: chunk.consumed,
    rows: chunk.rows,
    rejected: chunk.rejected,
    expired: written ? await expiredRows(engine, written.path, table, columns, ctx.now()) : 0,
    bytes: written?.bytes ?? 0,
    job: ctx.job.id,
  }
  const last = (await book.entries()).findLast((entry) => entry.from >= from)
  const entry = last === undefined ? await book.claim(mine) : last
  // Rejected rows at the end of a chunk belong to the next one when it is cut again.
  if (entry.from !== from || entry.done || entry.rows !== chunk.rows) return undefined
  if (written) await insertChunk(executor, table, columns, written.path, book.token(entry), ctx)
  await book.finish(entry, ctx.job.id)
  return entry
}

function warnOfExpired({ rows, expired }: Result, ctx: Context): void {
  if (expired !== null && expired > 0)
    ctx.log(
      'warn',
      `${expired} of the ${rows} rows are older than the table's retention, and the server does not keep them`,
    )
}

const limitsOf = (options: LoadOptions, open: () => Entry | undefined): ChunkLimits => ({
  get rows() {
    const entry = open()
    return entry ? entry.rows || null : Math.min(options.commitRows ?? mostRows, mostRows)
  },
  get bytes() {
    return open() ? null : options.commitBytes
  },
  get milliseconds() {
    return open() ? null : options.commitMs
  },
})

/** What this job has brought; the book knows it also after a crash. */
async function resultOf(book: Book, ctx: Context): Promise<Result> {
  const mine = (await book.entries()).filter(({ job, done }) => done && job === ctx.job.id)
  const sum = (of: (entry: Entry) => number): number => mine.reduce((total, entry) => total + of(entry), 0)
  return {
    rows: sum(({ rows }) => rows),
    rejected: sum(({ rejected }) => rejected),
    expired: mine.some(({ expired }) => expired === null) ? null : sum(({ expired }) => expired ?? 0),
    bytes: sum(({ bytes }) => bytes),
    inserts: mine.length,
  }
}

function refuseEngine(table: ClickhouseTable): void {
  if (isMergeTree(table)) return
  throw fail('unsupported', 'engine-unsupported', `${locationOf(table)} has the engine ${table.engine}`, {
    hint: 'only tables of the MergeTree family remember their inserts, so that none comes twice',
  })
}

/** Null: the table does not remember its inserts. Replicated ones do by themselves. */
function windowOf({ engine, engineFull }: ClickhouseTable): number | null {
  if (engine.startsWith('Replicated') || engine.startsWith('Shared')) return Number.POSITIVE_INFINITY
  const window = Number(/\bnon_replicated_deduplication_window = (\d+)/.exec(engineFull)?.[1] ?? 0)
  return window > 0 ? window : null
}

/** Tables of others forget at once: from now on this one remembers. */
async function remember(executor: Executor, table: ClickhouseTable, ctx: Context): Promise<void> {
  durable('clickhouse.remember:before')
  await executor.command({
    sql: `ALTER TABLE ${quoteName(table.database, table.name)} MODIFY SETTING non_replicated_deduplication_window = ${deduplicationWindow}`,
    signal: ctx.signal,
  })
  durable('clickhouse.remember:after')
}

async function schemaOf(
  warehouse: Warehouse,
  table: ClickhouseTable,
  columns: readonly Column[],
  ctx: Context,
): Promise<LoadSchema> {
  const name = ctx.subject.spec?.schema ?? null
  const declared = name === null ? null : await warehouse.environment.schema(name).catch(() => null)
  const usual = columns.some((column) => column.name === 'timestamp') ? 'timestamp' : null
  return {
    fields: columns.map(fieldOf),
    partitions: plainColumns(table.partitionKey, columns),
    timeColumn: declared ? declared.timeColumn : usual,
  }
}
