/** load: each chunk of the input becomes one segment; segment and progress of the batch are one transaction, so a killed load never doubles rows. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DriverEnvironment, LoadOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import type { Chunk } from '../../engine/ingest/chunk.ts'
import { openInput } from '../../engine/ingest/input.ts'
import { writeParquet } from '../../engine/write-parquet.ts'
import { loadOptions } from '../../verbs/options.ts'
import type { MemoryStore } from './store.ts'
import { requireTable, shardOf } from './table.ts'

interface Result {
  readonly rows: number
  readonly rejected: number
  readonly files: number
  readonly bytes: number
}

interface Batch {
  /** Rows of the input that are dealt with. */
  readonly consumed: number
  readonly finished: boolean
  /** The job that dealt with the last of them, and what it had done by then: exact even when it was killed before its next commit. */
  readonly job: string
  readonly state: Result
}
const nothing: Result = { rows: 0, rejected: 0, files: 0, bytes: 0 }

export function load(store: MemoryStore, environment: DriverEnvironment): Operation<LoadOptions, Plan, Result, Result> {
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => options.batchId,
    async plan(subject, options) {
      requireTable(store, subject.path)
      const before = findBatch(store, subject.path, options.batchId)
      const what = options.inputs.map((input) => input.path ?? 'standard input').join(', ')
      const there = before ? ` (${before.consumed} rows of this batch are there)` : ''
      return {
        changes: before?.finished ? 0 : 1,
        risk: 'routine',
        summary: [`load ${what} into ${refOfPath(subject.path)}${there}`],
        basis: {},
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(_plan, ctx) {
      const { path } = ctx.subject
      const { options } = ctx
      const { schema } = requireTable(store, path)
      const before = findBatch(store, path, options.batchId)
      let state = before?.job === ctx.job.id ? before.state : nothing
      const ended = () =>
        state.rows + state.rejected > 0 ? ({ is: 'changed', result: state } as const) : ({ is: 'unchanged' } as const)
      if (before?.finished) return ended()
      let consumed = before?.consumed ?? 0
      await using engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
      const chunks = openInput({
        inputs: options.inputs,
        ...(ctx.input ? { stream: ctx.input } : {}),
        schema,
        project: segmentsOf(path).project,
        skip: consumed,
        batchId: options.batchId,
        limits: { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs },
        rejectTo: options.rejectTo,
        engine,
        signal: ctx.signal,
      })
      const advance = async (to: Omit<Batch, 'job'>, segment: Segment | null): Promise<boolean> => {
        for (;;) {
          const added = add(store, path, options.batchId, consumed, { ...to, job: ctx.job.id }, segment)
          if (added !== 'sealed') return added === 'added'
          ctx.signal.throwIfAborted()
          await sleep(20) // a reshard is switching
        }
      }
      const overtaken = { is: 'conflict', why: 'another process loads the same batch' } as const
      for await (const chunk of chunks) {
        const segment = chunk.rows > 0 ? await writeSegment(engine, chunk, schema) : null
        state = {
          rows: state.rows + chunk.rows,
          rejected: state.rejected + chunk.rejected,
          files: state.files + (segment ? 1 : 0),
          bytes: state.bytes + (segment?.data.length ?? 0),
        }
        if (!(await advance({ consumed: chunk.consumed, finished: false, state }, segment))) return overtaken
        consumed = chunk.consumed
        ctx.report({ done: state.rows, total: null, unit: 'rows' })
        await ctx.commit({ phase: 'loading', state })
      }
      if (!(await advance({ consumed, finished: true, state }, null))) return overtaken
      return ended()
    },
  }
}

function findBatch(store: MemoryStore, path: string, batch: string): Batch | undefined {
  const row = store.get('select * from batches where path = ? and batch = ?', path, batch)
  return (
    row && {
      consumed: Number(row.consumed),
      finished: row.finished === 1,
      job: row.job as string,
      state: JSON.parse(row.state as string) as Result,
    }
  )
}

interface Segment {
  readonly rows: number
  readonly data: Uint8Array
}

async function writeSegment(engine: Engine, chunk: Chunk, { fields }: TableSchema): Promise<Segment> {
  const file = join(engine.directory, 'chunk.parquet')
  const { rows } = await writeParquet(engine, chunk.select, file, { fields, compression: 'zstd' })
  if (rows !== chunk.rows) throw fail('bug', 'rows-differ', `${chunk.rows} rows were read and ${rows} written`)
  return { rows, data: await readFile(file) }
}

/** `sealed`, `overtaken` (the batch is no longer where `from` says): nothing was written. */
function add(
  store: MemoryStore,
  path: string,
  batch: string,
  from: number,
  to: Batch,
  segment: Segment | null,
): 'added' | 'sealed' | 'overtaken' {
  return store.write('load', () => {
    const table = requireTable(store, path)
    if (table.sealed) return 'sealed'
    const now = findBatch(store, path, batch)
    if (now?.finished || (now?.consumed ?? 0) !== from) return 'overtaken'
    if (segment) {
      const { id } = store.get(
        `insert into segments (path, generation, shard, hot, rows, bytes, data) values (?, ?, 0, 1, ?, ?, ?) returning id`,
        path,
        table.generation,
        segment.rows,
        segment.data.length,
        segment.data,
      )!
      store.run('update segments set shard = ? where id = ?', shardOf(Number(id), table.shards), id!)
    }
    store.run(
      'insert or replace into batches (path, batch, consumed, finished, job, state) values (?, ?, ?, ?, ?, ?)',
      path,
      batch,
      to.consumed,
      Number(to.finished),
      to.job,
      JSON.stringify(to.state),
    )
    return 'added'
  })
}
