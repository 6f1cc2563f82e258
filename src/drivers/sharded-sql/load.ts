/**
 * load: each chunk of the input is routed by bucket and written to all shards, with how far the batch is in the transactions of the rows.
 * No transaction spans two nodes; load-position.ts tells how a kill between two commits neither loses nor doubles a row.
 */
import { createHash } from 'node:crypto'
import type { LoadOptions } from '../../core/driver.ts'
import type { Operation, Outcome, Plan, RunContext } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import type { Chunk } from '../../engine/ingest/chunk.ts'
import { openInput } from '../../engine/ingest/input.ts'
import { loadOptions } from '../../verbs/options.ts'
import { loadHash } from './buckets.ts'
import { type Cluster, requireTopology } from './cluster.ts'
import { advanced, doneBy, type Position, positionOf, type Standing, standing } from './load-position.ts'
import { marks } from './node/node.ts'
import { type Router, router } from './route.ts'
import { rulesOf } from './rules.ts'
import type { Topology } from './topology.ts'
import { beginWriting } from './write.ts'

interface Result {
  readonly rows: number
  readonly rejected: number
}
interface Loading {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly routes: Router
  readonly engine: Engine
  readonly ctx: RunContext<object, LoadOptions>
}

export function load(cluster: Cluster): Operation<LoadOptions, Plan, Result, object> {
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => options.batchId,
    async plan(subject, options, ctx) {
      const topology = await requireTopology(cluster, subject.path, ctx)
      const { least } = await standing(cluster, topology, options.batchId)
      const what = options.inputs.map(({ path }) => printable(path ?? 'standard input')).join(', ')
      return {
        changes: 1,
        risk: 'routine',
        summary: [
          `load ${what} into ${refOfPath(subject.path)}${least.accepted > 0 ? `; ${least.accepted} rows of this batch are there` : ''}`,
        ],
        basis: { id: topology.id, generation: topology.generation },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const topology = await requireTopology(cluster, ctx.subject.path, ctx)
      if (topology.id !== plan.basis.id || topology.generation !== plan.basis.generation)
        return { is: 'stale', why: 'another table, or another generation of shards, is in its place' }
      // One thread: rows that get a key of their own get it by their order, which must be the same when a chunk is made again.
      const threads = topology.primaryKey.length === 0 ? 1 : 2
      const scratch = await cluster.environment.scratch()
      await using engine = await openEngine({ scratch, signal: ctx.signal, threads })
      const loading: Loading = { cluster, topology, routes: router(topology, await loadHash()), engine, ctx }
      const repeatable = ctx.options.inputs.every(({ path }) => path !== null)
      for (;;) {
        const from = await standing(cluster, topology, ctx.options.batchId)
        const torn = from.most.accepted > from.least.accepted
        const ended = await readInput(loading, from, torn && repeatable)
        if (ended) return ended
      }
    },
  }
}

/** `once`: only the chunk that an earlier attempt wrote to some of the shards; then undefined, and the rest is read as it is asked for. */
async function readInput(
  loading: Loading,
  { least, most }: Standing,
  once: boolean,
): Promise<Outcome<Result> | undefined> {
  const { ctx, topology, engine } = loading
  const { options } = ctx
  const torn = most.accepted - least.accepted
  const limits = { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs }
  const chunks = openInput({
    inputs: options.inputs,
    ...(ctx.input ? { stream: ctx.input } : {}),
    schema: {
      fields: topology.columns,
      partitions: topology.partitions,
      timeColumn: topology.timeColumn,
      rules: rulesOf(topology.columns),
    },
    project: segmentsOf(ctx.subject.path).project,
    skip: torn > 0 ? least.consumed : most.consumed,
    batchId: options.batchId,
    limits: torn > 0 ? { rows: torn, bytes: null, milliseconds: null } : limits,
    rejectTo: options.rejectTo,
    engine,
    signal: ctx.signal,
  })
  let position = torn > 0 ? least : most
  for await (const chunk of chunks) {
    const next = advanced(position, { consumed: chunk.consumed, accepted: position.accepted + chunk.rows }, ctx.job.id)
    if (!(await storeChunk(loading, chunk, position, next)))
      return { is: 'conflict', why: 'another process loads the same batch' }
    position = next
    ctx.report({ done: doneBy(position, ctx.job.id).rows, total: null, unit: 'rows' })
    await ctx.commit({ phase: 'loading', state: {} })
    if (once) return undefined
  }
  const done = doneBy(position, ctx.job.id)
  return done.rows + done.rejected > 0 ? { is: 'changed', result: done } : { is: 'unchanged' }
}

/** False when a shard is neither where this load left it nor where the step ends: nothing was written. */
async function storeChunk(
  { cluster, topology, routes, engine, ctx }: Loading,
  chunk: Chunk,
  from: Position,
  to: Position,
): Promise<boolean> {
  const name = marks.load(ctx.options.batchId)
  await using writing = await beginWriting(cluster, topology, routes, 'error')
  const lacking = new Set<number>()
  for (const session of writing.sessions)
    for (const shard of session.shards) {
      const { accepted } = positionOf(await session.mark(shard, name))
      if (accepted !== from.accepted && accepted !== to.accepted) return false
      if (accepted === from.accepted) lacking.add(shard.id)
    }
  if (lacking.size === 0 && chunk.rows > 0) return false // another process has done this step meanwhile
  if (chunk.rows > 0) {
    const keyless = topology.primaryKey.length === 0
    const batchName = createHash('sha256').update(ctx.options.batchId).digest('hex').slice(0, 24)
    let ordinal = from.accepted
    await using rows = await engine.stream(chunk.select, topology.columns)
    for await (const batch of rows.batches) {
      const first = ordinal
      const rowKeys = keyless ? Array.from({ length: batch.rows }, (_, i) => `${batchName}-${first + i}`) : null
      await writing.write(batch, rowKeys, (shard) => lacking.has(shard.id))
      ordinal += batch.rows
    }
  }
  await writing.mark(name, to)
  await writing.commit()
  return true
}
