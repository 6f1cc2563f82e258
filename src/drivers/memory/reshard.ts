/**
 * reshard: the reference for a long operation that others order about. pending → copying → ready → switching → complete → cleanup.
 * Segments are copied to a new generation while loads go on; the switch seals the table, copies the rest and flips the topology record in one commit.
 */

import { fail } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Operation, Plan, RunContext } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { reshardOptions } from '../../verbs/options.ts'
import type { MemoryStore } from './store.ts'
import { countSegments, readTopology, requireTable, shardOf, type Topology, topologyKey } from './table.ts'

interface ReshardPlan extends Plan {
  readonly from: Topology
  readonly to: { readonly generation: number; readonly shards: number }
}
type Phase = 'copying' | 'ready' | 'switching' | 'complete' | 'cleanup'
interface State {
  readonly phase: Phase
  /** Last segment of the old generation that was copied. */
  readonly copied: number
}
interface Options {
  readonly shards: number
  readonly waitForSwitch?: boolean | undefined
}
interface Result {
  readonly epoch: number
  readonly shards: number
  readonly rows: number
}
type Context = RunContext<State, Options>

/** Segments in one step of the copy: a safe point after each. */
const chunk = 4

export function reshard(store: MemoryStore): Operation<Options, ReshardPlan, Result, State> {
  return {
    options: reshardOptions,
    version: 1,
    hold: 'job',
    resume: 'continue',
    controls: {
      switch: { help: 'cut over now', risk: 'moderate', phases: ['ready'] },
      reverse: { help: 'go back to the old shards', risk: 'moderate', phases: ['complete'] },
      complete: { help: 'drop the old shards; there is no way back', risk: 'severe', phases: ['complete'] },
      cancel: { help: 'take it back before the switch', risk: 'moderate', phases: ['copying', 'ready'] },
    },
    key: (options) => `shards=${options.shards}`,

    async plan(subject, options, ctx) {
      const table = requireTable(store, subject.path)
      const { topology } = await readTopology(ctx.records, subject.path)
      const { segments, rows } = countSegments(store, subject.path, table.generation)
      return {
        changes: topology.shards === options.shards ? 0 : options.shards,
        risk: 'moderate',
        summary: [
          `reshard ${refOfPath(subject.path)}: ${topology.shards} → ${options.shards} shards, ${segments} segments, ${rows} rows`,
        ],
        basis: { epoch: topology.epoch },
        leases: [{ path: subject.path, mode: 'maintain' }],
        from: topology,
        to: { generation: topology.generation + 1, shards: options.shards },
      }
    },

    async execute(plan, ctx) {
      let phase: Phase | 'pending' = ctx.state?.phase ?? 'pending'
      if (phase === 'pending') {
        const { topology } = await readTopology(ctx.records, ctx.subject.path)
        if (topology.epoch !== plan.basis.epoch)
          return { is: 'stale', why: `its epoch moved from ${plan.basis.epoch} to ${topology.epoch}` }
        phase = await enter(ctx, 'copying')
      }
      if (phase === 'copying') phase = await copy(store, plan, ctx)
      if (phase === 'ready') phase = await awaitSwitch(store, plan, ctx)
      if (phase === 'switching') phase = await switchOver(store, plan, ctx)
      if (phase === 'complete') {
        await answerIfAsked(ctx, 'switch', { switched: true })
        const decision = await reverseOrComplete(store, plan, ctx)
        if (decision) return { is: 'waiting', for: ['reverse', 'complete'], result: decision }
      }
      return { is: 'changed', result: await cleanUp(store, ctx) }
    },

    async undo(plan, ctx) {
      const { topology } = await readTopology(ctx.records, ctx.subject.path)
      if (topology.epoch !== plan.basis.epoch)
        throw fail('refused', 'switched', 'traffic is already on the new shards', {
          hint: `tblctl reshard reverse ${refOfPath(ctx.subject.path)}`,
        })
      store.write('reshard-undo', () => {
        store.run('delete from segments where path = ? and generation = ?', ctx.subject.path, plan.to.generation)
        store.run('update tables set sealed = 0 where path = ?', ctx.subject.path)
      })
    },
  }
}

async function enter(ctx: Context, phase: Phase, copied = ctx.state?.copied ?? 0): Promise<Phase> {
  await ctx.commit({ phase, state: { phase, copied } })
  return phase
}

interface Move {
  readonly from: number
  readonly to: number
  readonly shards: number
  /** Only what was loaded there, not what was copied there: the way back. */
  readonly loadedOnly?: boolean
}

/** Copies the next segments after `after`; returns the last one, or null when there are no more. Copied twice, a segment stays one. */
function copyChunk(store: MemoryStore, move: Move, path: string, after: number): number | null {
  return store.write('copy', () => {
    const only = move.loadedOnly ? 'and origin is null' : ''
    const ids = store
      .all(
        `select id from segments where path = ? and generation = ? and id > ? ${only} order by id limit ?`,
        path,
        move.from,
        after,
        chunk,
      )
      .map((row) => Number(row.id))
    for (const id of ids)
      store.run(
        `insert into segments (path, generation, shard, origin, hot, rows, bytes, data)
         select path, ?, ?, id, hot, rows, bytes, data from segments where id = ? on conflict do nothing`,
        move.to,
        shardOf(id, move.shards),
        id,
      )
    return ids.at(-1) ?? null
  })
}
const forward = (plan: ReshardPlan): Move => ({
  from: plan.from.generation,
  to: plan.to.generation,
  shards: plan.to.shards,
})
const backward = (plan: ReshardPlan): Move => ({
  from: plan.to.generation,
  to: plan.from.generation,
  shards: plan.from.shards,
  loadedOnly: true,
})

/** Loads wait from here on; everything that is not copied yet is. */
function sealAndDrain(store: MemoryStore, move: Move, path: string, copied: number): number {
  store.write('seal', () => store.run('update tables set sealed = 1 where path = ?', path))
  for (let last = copyChunk(store, move, path, copied); last !== null; last = copyChunk(store, move, path, copied))
    copied = last
  return copied
}

async function copy(store: MemoryStore, plan: ReshardPlan, ctx: Context): Promise<Phase> {
  const total = countSegments(store, ctx.subject.path, plan.from.generation).segments
  for (;;) {
    const last = copyChunk(store, forward(plan), ctx.subject.path, ctx.state?.copied ?? 0)
    if (last === null) return enter(ctx, 'ready')
    ctx.report({ done: countSegments(store, ctx.subject.path, plan.to.generation).segments, total, unit: 'segments' })
    await enter(ctx, 'copying', last)
  }
}

/** Keeps up with loads until somebody says `switch`. */
async function awaitSwitch(store: MemoryStore, plan: ReshardPlan, ctx: Context): Promise<Phase> {
  while (ctx.options.waitForSwitch && !ctx.control('switch')) {
    const last = copyChunk(store, forward(plan), ctx.subject.path, ctx.state?.copied ?? 0)
    await enter(ctx, 'ready', last ?? undefined)
    if (last === null) await ctx.idle(500)
  }
  return enter(ctx, 'switching')
}

async function switchOver(store: MemoryStore, plan: ReshardPlan, ctx: Context): Promise<Phase> {
  const { path } = ctx.subject
  const copied = sealAndDrain(store, forward(plan), path, ctx.state?.copied ?? 0)
  const before = countSegments(store, path, plan.from.generation)
  const after = countSegments(store, path, plan.to.generation)
  if (before.rows !== after.rows)
    throw fail('failed', 'verification-failed', `${before.rows} rows before, ${after.rows} after`, {
      hint: `tblctl jobs cancel ${ctx.job.id}`,
      retry: 'resume',
    })
  const { topology, rev } = await readTopology(ctx.records, path)
  if (topology.epoch === plan.basis.epoch)
    await flip(
      ctx,
      {
        epoch: topology.epoch + 1,
        ...plan.to,
        previous: { generation: plan.from.generation, shards: plan.from.shards },
      },
      rev,
      { phase: 'complete', copied },
    )
  unseal(store, path, plan.to)
  return 'complete'
}

async function flip(ctx: Context, next: Topology, rev: number, state: State): Promise<void> {
  await ctx.commit({
    phase: state.phase,
    state,
    records: [{ key: topologyKey(ctx.subject.path), value: next as unknown as Json, ifRev: rev }],
  })
}
function unseal(store: MemoryStore, path: string, to: { readonly generation: number; readonly shards: number }): void {
  store.write('unseal', () =>
    store.run(
      'update tables set sealed = 0, generation = ?, shards = ? where path = ?',
      to.generation,
      to.shards,
      path,
    ),
  )
}

/** Returns the result to wait with, or null when it was decided. */
async function reverseOrComplete(store: MemoryStore, plan: ReshardPlan, ctx: Context): Promise<Result | null> {
  const { path } = ctx.subject
  const { topology, rev } = await readTopology(ctx.records, path)
  unseal(store, path, topology) // killed between flip and unseal
  const back = ctx.control('reverse')
  if (back) {
    sealAndDrain(store, backward(plan), path, 0)
    await flip(
      ctx,
      { epoch: topology.epoch + 1, generation: plan.from.generation, shards: plan.from.shards, previous: plan.to },
      rev,
      { phase: 'cleanup', copied: 0 },
    )
    await ctx.answer(back, { reversed: true })
    return null
  }
  if (ctx.control('complete')) {
    await enter(ctx, 'cleanup')
    return null
  }
  return result(store, path, topology)
}

async function cleanUp(store: MemoryStore, ctx: Context): Promise<Result> {
  const { path } = ctx.subject
  const { topology } = await readTopology(ctx.records, path)
  unseal(store, path, topology)
  store.write('drop-previous', () =>
    store.run('delete from segments where path = ? and generation <> ?', path, topology.generation),
  )
  await answerIfAsked(ctx, 'complete', { dropped: true })
  return result(store, path, topology)
}

async function answerIfAsked(ctx: Context, name: string, answer: Json): Promise<void> {
  const order = ctx.control(name)
  if (order) await ctx.answer(order, answer)
}

function result(store: MemoryStore, path: string, topology: Topology): Result {
  return { epoch: topology.epoch, shards: topology.shards, rows: countSegments(store, path, topology.generation).rows }
}
