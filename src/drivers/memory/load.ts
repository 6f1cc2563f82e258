/** load: each chunk of the input becomes one segment; segment and progress of the batch are one transaction, so a killed load never doubles rows. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DriverEnvironment, LoadOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import { openEngine } from '../../engine/engine.ts'
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

export function load(store: MemoryStore, environment: DriverEnvironment): Operation<LoadOptions, Plan, Result, Result> {
  const consumed = (path: string, batch: string): number =>
    Number(store.get('select consumed from batches where path = ? and batch = ?', path, batch)?.consumed ?? 0)
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => options.batchId,
    async plan(subject, options) {
      requireTable(store, subject.path)
      const before = consumed(subject.path, options.batchId)
      const what = options.inputs.map((input) => input.path ?? 'standard input').join(', ')
      return {
        changes: 1,
        risk: 'routine',
        summary: [
          `load ${what} into ${refOfPath(subject.path)}${before > 0 ? ` (${before} rows of this batch are there)` : ''}`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(_plan, ctx) {
      const { path } = ctx.subject
      const { options } = ctx
      const { schema } = requireTable(store, path)
      let state: Result = ctx.state ?? { rows: 0, rejected: 0, files: 0, bytes: 0 }
      await using engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
      const chunks = openInput({
        inputs: options.inputs,
        ...(ctx.input ? { stream: ctx.input } : {}),
        schema,
        project: segmentsOf(path).project,
        skip: consumed(path, options.batchId),
        limits: { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs },
        rejectTo: options.rejectTo,
        engine,
        signal: ctx.signal,
      })
      for await (const chunk of chunks) {
        const file = join(engine.directory, 'chunk.parquet')
        const written =
          chunk.rows > 0
            ? await writeParquet(engine, chunk.select, file, { fields: schema.fields, compression: 'zstd' })
            : null
        const data = written ? await readFile(file) : null
        if (written && written.rows !== chunk.rows)
          throw fail('bug', 'rows-differ', `${chunk.rows} rows were read and ${written.rows} written`)
        while (
          !add(store, path, options.batchId, chunk.consumed, written && data ? { rows: written.rows, data } : null)
        ) {
          ctx.signal.throwIfAborted()
          await sleep(20) // a reshard is switching
        }
        state = {
          rows: state.rows + chunk.rows,
          rejected: state.rejected + chunk.rejected,
          files: state.files + (written ? 1 : 0),
          bytes: state.bytes + (data?.length ?? 0),
        }
        ctx.report({ done: state.rows, total: null, unit: 'rows' })
        await ctx.commit({ phase: 'loading', state })
      }
      return state.rows + state.rejected > 0 ? { is: 'changed', result: state } : { is: 'unchanged' }
    },
  }
}

/** False while the table is sealed: then nothing was written. */
function add(
  store: MemoryStore,
  path: string,
  batch: string,
  consumed: number,
  segment: { rows: number; data: Uint8Array } | null,
): boolean {
  return store.write('load', () => {
    const table = requireTable(store, path)
    if (table.sealed) return false
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
      'insert into batches values (?, ?, ?) on conflict do update set consumed = excluded.consumed',
      path,
      batch,
      consumed,
    )
    return true
  })
}
