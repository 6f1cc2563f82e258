/** optimize: the segments of a shard become one, shard by shard. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverEnvironment } from '../../core/driver.ts'
import { Fenced, fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { openEngine } from '../../engine/engine.ts'
import { scanSql } from '../../engine/scan.ts'
import { writeParquet } from '../../engine/write-parquet.ts'
import { optimizeOptions } from '../../verbs/options.ts'
import { writeSegments } from './segments.ts'
import type { MemoryStore } from './store.ts'
import { requireTable } from './table.ts'

interface Result {
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly rows: number
  readonly verified: readonly string[]
}
type State = Omit<Result, 'verified'>
const nothing: State = { filesRemoved: 0, filesAdded: 0, bytesBefore: 0, bytesAfter: 0, rows: 0 }

export function optimize(
  store: MemoryStore,
  environment: DriverEnvironment,
): Operation<{ targetSize: number | null }, Plan, Result, State> {
  const shardsToDo = (path: string, generation: number) =>
    store
      .all(
        'select shard, count(*) as n, sum(bytes) as bytes from segments where path = ? and generation = ? group by shard having count(*) > 1 order by shard',
        path,
        generation,
      )
      .map((row) => ({ shard: Number(row.shard), segments: Number(row.n), bytes: Number(row.bytes) }))
  return {
    options: optimizeOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'optimize',
    async plan(subject) {
      const { generation } = requireTable(store, subject.path)
      const due = shardsToDo(subject.path, generation)
      const files = due.reduce((n, shard) => n + shard.segments, 0)
      return {
        changes: due.length,
        risk: 'routine',
        summary: [
          `optimize ${refOfPath(subject.path)}: ${files} segments in ${due.length} shards become ${due.length}`,
        ],
        basis: { generation },
        leases: [{ path: subject.path, mode: 'maintain' }],
      }
    },
    async execute(plan, ctx) {
      const { path } = ctx.subject
      const table = requireTable(store, path)
      if (table.generation !== plan.basis.generation) return { is: 'stale', why: 'it was resharded' }
      let state = ctx.state ?? nothing
      await using engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
      for (const { shard } of shardsToDo(path, table.generation)) {
        const rows = store.all(
          'select id, rows, bytes from segments where path = ? and generation = ? and shard = ? order by id',
          path,
          table.generation,
          shard,
        )
        const files = await writeSegments(
          store,
          rows.map((row) => Number(row.id)),
          engine.directory,
        )
        const select = scanSql({
          files: files.map((file) => ({ path: file, partitionValues: {} })),
          fields: table.schema.fields,
          partitions: [],
        })
        const written = await writeParquet(engine, select, join(engine.directory, `shard-${shard}.parquet`), {
          fields: table.schema.fields,
          compression: 'zstd',
        })
        const before = rows.reduce((n, row) => n + Number(row.rows), 0)
        if (written.rows !== before)
          throw fail(
            'failed',
            'verification-failed',
            `${before} rows before, ${written.rows} after; nothing was changed`,
            { where: `${refOfPath(path)} shard ${shard}` },
          )
        const data = await readFile(written.path)
        store.write('optimize', () => {
          const removed = store.run(
            'delete from segments where id in (select value from json_each(?))',
            JSON.stringify(rows.map((row) => Number(row.id))),
          )
          // Whoever took the lease over has merged them: written once more, every row would be there twice.
          if (removed !== rows.length) throw new Fenced(ctx.job.id)
          store.run(
            'insert into segments (path, generation, shard, hot, rows, bytes, data) values (?, ?, ?, 0, ?, ?, ?)',
            path,
            table.generation,
            shard,
            written.rows,
            data.length,
            data,
          )
        })
        state = {
          filesRemoved: state.filesRemoved + rows.length,
          filesAdded: state.filesAdded + 1,
          bytesBefore: state.bytesBefore + rows.reduce((n, row) => n + Number(row.bytes), 0),
          bytesAfter: state.bytesAfter + data.length,
          rows: state.rows + written.rows,
        }
        ctx.report({ done: state.filesRemoved, total: null, unit: 'files' })
        await ctx.commit({ phase: `shard ${shard}`, state })
      }
      return state.filesRemoved > 0 ? { is: 'changed', result: { ...state, verified: ['rows'] } } : { is: 'unchanged' }
    },
  }
}
