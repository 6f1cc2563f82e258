/** drop: the topology says `dropping` first, then the shards go, then the copies, and last the record. There is no way back. */

import type { Json } from '../../core/json.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { dropOptions } from '../../verbs/options.ts'
import { byNode, type Cluster, findTopology } from './cluster.ts'
import { checkHeld } from './node/held.ts'
import { findRecord, parseTopology, type Topology, topologyJson, topologyKey } from './topology.ts'

interface DropPlan extends Plan {
  /** Null: the nodes hold nothing, and only the catalog names the table. */
  readonly topology: Json
}
interface State {
  readonly done: readonly string[]
}

export function drop(cluster: Cluster): Operation<object, DropPlan, { shards: number }, State> {
  return {
    options: dropOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'drop',
    async plan(subject, _options, ctx) {
      const topology = await findTopology(cluster, subject.path, ctx)
      // A node that is away would keep its shards for ever: better no drop than half of one.
      let missing = 0
      if (topology)
        for (const { node, shards } of await byNode(cluster, topology.shards)) {
          const held = await node.held(topology)
          // Without a copy there is nothing of another table, and what is left goes.
          if (held.copy) checkHeld(node.name, topology, held)
          missing += (await node.lacking(shards)).length
        }
      const shards = topology?.shards.length ?? 0
      return {
        changes: topology || subject.spec ? 1 : 0,
        risk: 'severe',
        summary: [
          `drop ${refOfPath(subject.path)} with all its rows: ${shards} shards${missing > 0 ? `, ${missing} of which are not there` : ''}`,
        ],
        basis: { id: topology?.id ?? null, generation: topology?.generation ?? null },
        leases: [{ path: subject.path, mode: 'exclusive' }],
        topology: topology ? topologyJson(topology) : null,
      }
    },
    async execute(plan, ctx) {
      const { path } = ctx.subject
      const key = topologyKey(path)
      const topology = plan.topology === null ? null : parseTopology(plan.topology)
      const record = await findRecord(ctx.records, path)
      const there = record?.topology ?? (ctx.state ? topology : await findTopology(cluster, path, ctx))
      if ((there?.id ?? null) !== plan.basis.id || (there?.generation ?? null) !== plan.basis.generation)
        return { is: 'stale', why: 'another table is in its place' }
      let { done } = ctx.state ?? { done: [] }
      if (topology) {
        const dropping: Topology = { ...topology, state: 'dropping', epoch: topology.epoch + 1 }
        if (!ctx.state)
          await ctx.commit({
            phase: 'dropping',
            state: { done },
            records: [{ key, value: topologyJson(dropping), ifRev: record?.rev ?? 0 }],
          })
        const steps = [
          ...topology.shards.map((shard) => ({
            id: `shard ${shard.id}`,
            run: async () => (await cluster.node(shard.node)).dropShard(shard),
          })),
          ...cluster.names.map((name) => ({
            id: `topology ${name}`,
            run: async () => (await cluster.node(name)).removeCopy(topology),
          })),
        ]
        for (const { id, run } of steps) {
          if (done.includes(id)) continue
          await run()
          done = [...done, id]
          ctx.report({ done: done.length, total: steps.length, unit: 'steps' })
          await ctx.commit({ phase: id, state: { done } })
        }
        await ctx.commit({ phase: 'dropped', state: { done }, records: [{ key, value: undefined }] })
      }
      return {
        is: 'changed',
        result: { shards: topology?.shards.length ?? 0 },
        tables: ctx.subject.spec ? [{ remove: path }] : [],
      }
    },
  }
}
