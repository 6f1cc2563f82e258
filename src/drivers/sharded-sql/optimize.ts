/** optimize: planner statistics renewed and the space of deleted rows taken back, shard by shard, where rows were written since. */
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { optimizeOptions } from '../../verbs/options.ts'
import { byNode, type Cluster, requireTopology } from './cluster.ts'
import { countOfMark, marks } from './node/node.ts'
import type { Shard, Topology } from './topology.ts'

interface Result {
  readonly shards: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

export function optimize(cluster: Cluster): Operation<{ targetSize: number | null }, Plan, Result, Result> {
  return {
    options: optimizeOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'optimize',
    async plan(subject, _options, ctx) {
      const topology = await requireTopology(cluster, subject.path, ctx)
      const due = await dueShards(cluster, topology)
      return {
        changes: due.length,
        risk: 'routine',
        summary: [
          `optimize ${refOfPath(subject.path)}: ${due.length} of ${topology.shards.length} shards were written to since the last time`,
        ],
        basis: { generation: topology.generation, id: topology.id },
        leases: [{ path: subject.path, mode: 'maintain' }],
      }
    },
    async execute(plan, ctx) {
      const topology = await requireTopology(cluster, ctx.subject.path, ctx)
      if (topology.generation !== plan.basis.generation || topology.id !== plan.basis.id)
        return { is: 'stale', why: 'another table, or another generation of shards, is in its place' }
      let state = ctx.state ?? { shards: 0, bytesBefore: 0, bytesAfter: 0 }
      for (const shard of await dueShards(cluster, topology)) {
        const node = await cluster.node(shard.node)
        const before = await node.measure(topology, shard)
        await node.optimize(topology, shard)
        const after = await node.measure(topology, shard)
        state = {
          shards: state.shards + 1,
          bytesBefore: state.bytesBefore + before.bytes,
          bytesAfter: state.bytesAfter + after.bytes,
        }
        ctx.report({ done: state.shards, total: plan.changes, unit: 'shards' })
        await ctx.commit({ phase: `shard ${shard.id}`, state })
      }
      return state.shards > 0 ? { is: 'changed', result: state } : { is: 'unchanged' }
    },
  }
}

async function dueShards(cluster: Cluster, topology: Topology): Promise<Shard[]> {
  const due: Shard[] = []
  for (const { node, shards } of await byNode(cluster, topology.shards)) {
    const [written, optimized] = [
      await node.marks(topology, shards, marks.writes),
      await node.marks(topology, shards, marks.optimized),
    ]
    for (const shard of shards)
      if (countOfMark(written.get(shard.name)) > countOfMark(optimized.get(shard.name))) due.push(shard)
  }
  return due.sort((a, b) => a.id - b.id)
}
