/** load: each chunk of the input and the progress of the batch are one transaction of the hot store, so a killed load never doubles rows. */
import type { LoadOptions } from '../../core/driver.ts'
import type { Operation, Plan, RunContext } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import type { Chunk } from '../../engine/ingest/chunk.ts'
import { openInput } from '../../engine/ingest/input.ts'
import { loadOptions } from '../../verbs/options.ts'
import { requireNewKeys } from './new-keys.ts'
import { type Staged, stageRows, writeRows } from './staging.ts'
import type { HotStore } from './store.ts'
import { ensureUser, findUser, type Home, requireSame, requireTable, type UserTable } from './table.ts'
import { requireUser } from './user.ts'

interface Result {
  readonly rows: number
  readonly rejected: number
}
const nothing: Result = { rows: 0, rejected: 0 }

interface Batch {
  /** Rows of the input that are dealt with. */
  readonly consumed: number
  readonly finished: boolean
  /** The job that dealt with the last of them, and what it had done by then: exact even when it was killed before its next commit. */
  readonly job: string
  readonly state: Result
}

type Context = RunContext<Result, LoadOptions>

export function load(home: Home): Operation<LoadOptions, Plan, Result, Result> {
  const { store } = home
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ batchId, as }) => `${batchId} as ${as}`,
    async plan(subject, options) {
      const table = requireTable(store, subject.path)
      const name = requireUser(options.as)
      const before = findBatch(store, table, name, options.batchId)
      const what = options.inputs.map((input) => printable(input.path ?? 'standard input')).join(', ')
      const there = before ? ` (${before.consumed} rows of this batch are there)` : ''
      return {
        changes: before?.finished ? 0 : 1,
        risk: 'routine',
        summary: [`load ${what} into ${refOfPath(subject.path)} as user ${printable(name)}${there}`],
        basis: { table: table.id },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const { options } = ctx
      const table = requireTable(store, ctx.subject.path)
      if (table.id !== plan.basis.table) return { is: 'stale', why: 'another table is in its place' }
      const name = requireUser(options.as)
      const before = findBatch(store, table, name, options.batchId)
      let state = before?.job === ctx.job.id ? before.state : nothing
      const ended = () =>
        state.rows + state.rejected > 0 ? ({ is: 'changed', result: state } as const) : ({ is: 'unchanged' } as const)
      if (before?.finished) return ended()
      let consumed = before?.consumed ?? 0
      const advance = (to: Omit<Batch, 'job'>, staged: Staged | null, sequence: number | null) =>
        add(home, table, name, consumed, { ...to, job: ctx.job.id }, staged, sequence, ctx)
      await using engine = await openEngine({ scratch: await home.environment.scratch(), signal: ctx.signal })
      for await (const chunk of chunksOf(engine, table, consumed, ctx)) {
        state = { rows: state.rows + chunk.rows, rejected: state.rejected + chunk.rejected }
        const to = { consumed: chunk.consumed, finished: false, state }
        if (!(await addChunk(home, engine, table, name, chunk, ctx, (...rows) => advance(to, ...rows))))
          return overtaken
        consumed = chunk.consumed
        ctx.report({ done: state.rows, total: null, unit: 'rows' })
        await ctx.commit({ phase: 'loading', state })
      }
      return advance({ consumed, finished: true, state }, null, null) === 'added' ? ended() : overtaken
    },
  }
}

const overtaken = { is: 'conflict', why: 'another process loads the same batch' } as const

function chunksOf(engine: Engine, table: UserTable, consumed: number, ctx: Context): AsyncIterable<Chunk> {
  const { options } = ctx
  // An id that is missing is filled in when the row is staged.
  const fields = table.fields.map((field) =>
    table.generatesId && field.name === 'id' ? { ...field, nullable: true } : field,
  )
  return openInput({
    inputs: options.inputs,
    ...(ctx.input ? { stream: ctx.input } : {}),
    schema: { fields, partitions: table.partitions, timeColumn: table.timeColumn },
    project: segmentsOf(table.path).project,
    skip: consumed,
    batchId: options.batchId,
    limits: { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs },
    rejectTo: options.rejectTo,
    engine,
    signal: ctx.signal,
  })
}

type Added = 'added' | 'moved' | 'overtaken'

/** False: somebody else has loaded these rows. */
async function addChunk(
  home: Home,
  engine: Engine,
  table: UserTable,
  name: string,
  chunk: Chunk,
  ctx: Context,
  advance: (staged: Staged | null, sequence: number | null) => Added,
): Promise<boolean> {
  if (chunk.rows === 0) return advance(null, null) === 'added'
  await using rows = await engine.stream(chunk.select)
  using staged = await stageRows(home, table, rows.batches, () => ctx.now(), { keyed: false })
  for (;;) {
    ctx.signal.throwIfAborted()
    // A chunk that somebody else has loaded would find its own keys there.
    if (isOvertaken(home.store, table, name, ctx.options.batchId, chunk)) return false
    const added = advance(staged, await requireNewKeys(home, table, name, staged, engine))
    if (added !== 'moved') return added === 'added'
  }
}

function isOvertaken(store: HotStore, table: UserTable, name: string, batch: string, chunk: Chunk): boolean {
  const now = findBatch(store, table, name, batch)
  return now !== undefined && (now.finished || now.consumed >= chunk.consumed)
}

/** `moved` (the user's rows are no longer as they were at `sequence`), `overtaken` (nor is the batch): nothing was written. */
function add(
  { store }: Home,
  table: UserTable,
  name: string,
  from: number,
  to: Batch,
  staged: Staged | null,
  sequence: number | null,
  ctx: Context,
): Added {
  return store.write('load', () => {
    requireSame(store, table)
    const { batchId } = ctx.options
    const before = findBatch(store, table, name, batchId)
    if (before?.finished || (before?.consumed ?? 0) !== from) return 'overtaken'
    if (staged && !writeRows(store, table, name, staged, { sequence, deleted: false, live: 1, now: ctx.now() }))
      return 'moved'
    store.run(
      'insert or replace into batches (user_id, batch, consumed, finished, job, state) values (?, ?, ?, ?, ?, ?)',
      ensureUser(store, table, name).id,
      batchId,
      to.consumed,
      Number(to.finished),
      to.job,
      JSON.stringify(to.state),
    )
    return 'added'
  })
}

function findBatch(store: HotStore, table: UserTable, name: string, batch: string): Batch | undefined {
  const user = findUser(store, table, name)
  const row = user && store.get('select * from batches where user_id = ? and batch = ?', user.id, batch)
  return (
    row && {
      consumed: Number(row.consumed),
      finished: row.finished === 1,
      job: row.job as string,
      state: JSON.parse(row.state as string) as Result,
    }
  )
}
