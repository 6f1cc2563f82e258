/** register: the catalog learns of a table from the copies of its topology that the nodes keep. */
import { fail } from '../../core/errors.ts'
import type { Operation, ReadContext } from '../../core/operation.ts'
import { type Path, refOfPath } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import { byNode, type Cluster, copiesOf, findCopy } from './cluster.ts'
import { specOf } from './create.ts'
import { shardMissing } from './node/errors.ts'
import { checkHeld } from './node/held.ts'
import {
  findRecord,
  requireActive,
  sameTable,
  shapeHash,
  type Topology,
  topologyJson,
  topologyKey,
} from './topology.ts'

export function register(cluster: Cluster): Operation<ReturnType<typeof registerOptions.parse>> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'register',
    async plan(subject, options, ctx) {
      if (options.location !== null)
        throw fail('usage', 'no-location', 'tables of the sharded-sql driver lie on its nodes', {
          hint: 'leave --location out',
        })
      const topology = requireActive(await newest(cluster, subject.path, ctx), subject.path)
      await checkShards(cluster, topology)
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          `adopt ${refOfPath(subject.path)} (${topology.columns.length} columns, ${topology.shards.length} shards)`,
        ],
        basis: { shape: shapeHash(topology) },
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(_plan, ctx) {
      const { path } = ctx.subject
      if (ctx.subject.spec) return { is: 'unchanged' } // registered since it was planned: its labels stay
      const record = await findRecord(ctx.records, path)
      const topology = requireActive(await newest(cluster, path, ctx), path)
      await checkShards(cluster, topology)
      if (!record || record.topology.id !== topology.id || record.topology.epoch !== topology.epoch)
        await ctx.commit({
          phase: 'topology',
          state: {},
          records: [{ key: topologyKey(path), value: topologyJson(topology), ifRev: record?.rev ?? 0 }],
        })
      for (const { node, copies } of await copiesOf(cluster)) {
        const held = copies.find((copy) => sameTable(copy, path))
        if (held?.epoch !== topology.epoch || held.state !== topology.state) await node.putCopy(topology)
      }
      return {
        is: 'changed',
        result: { answer: 'adopted', columns: topology.columns.length, shards: topology.shards.length },
        tables: [{ put: path, spec: specOf(topology, ctx.options.labels), state: 'active' }],
      }
    },
  }
}

/**
 * What the nodes hold: the catalog may know another table of this name, or be from before the last change of what is where (a backup).
 * Its record counts only where no node has a copy.
 */
async function newest(cluster: Cluster, path: Path, ctx: ReadContext): Promise<Topology | undefined> {
  const record = (await findRecord(ctx.records, path))?.topology
  const copy = await findCopy(cluster, path)
  return record && (!copy || (copy.id === record.id && record.epoch >= copy.epoch)) ? record : copy
}

/** Every shard lies where the topology says, on the very node that it was made on. */
async function checkShards(cluster: Cluster, topology: Topology): Promise<void> {
  for (const { node, shards } of await byNode(cluster, topology.shards)) {
    // A copy that was lost is written anew.
    const { node: id, copy } = await node.held(topology)
    checkHeld(node.name, topology, { node: id, copy: copy ?? topology })
    const [missing] = await node.lacking(shards)
    if (missing) throw shardMissing(node.name, missing)
  }
}
