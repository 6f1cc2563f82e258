/** describe and stats: shard by shard. A shard whose node does not answer has no figures, and then the totals are not known either. */
import type { TableDescription, TableStatistics } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { type Cluster, copiesOf, inParallel, requireTopology } from './cluster.ts'
import { type Shard, sameTable, type Topology } from './topology.ts'

interface ShardFacts extends JsonObject {
  readonly id: number
  readonly node: string
  readonly rows: number | null
  readonly bytes: number | null
  readonly status: 'active' | 'unreachable' | 'missing' | 'failed'
}

export async function stats(cluster: Cluster, table: Subject, ctx: ReadContext): Promise<TableStatistics> {
  return measured(cluster, await requireTopology(cluster, table.path, ctx))
}

export async function describe(cluster: Cluster, table: Subject, ctx: ReadContext): Promise<TableDescription> {
  const topology = await requireTopology(cluster, table.path, ctx)
  const { status } = await measured(cluster, topology)
  const { primaryKey, shardKey, unique, generation, epoch, hash, createdAt } = topology
  const copies = await copiesOf(cluster)
  return {
    status,
    schema: {
      fields: topology.columns.map(({ domain: _, ...field }) => field),
      partitions: topology.partitions,
    },
    details: {
      primaryKey,
      shardKey,
      shardStrategy: 'hash',
      hash,
      unique,
      generation,
      epoch,
      createdAt,
      sqlTypes: Object.fromEntries(topology.columns.flatMap(({ name, domain }) => (domain ? [[name, domain]] : []))),
      shards: topology.shards.map(({ id, node, name, low, high }) => ({ id, node, name, buckets: [low, high] })),
      topologyCopies: copies.map(({ node, copies: held, error }) => ({
        node: node.name,
        epoch: held.find((copy) => sameTable(copy, table.path))?.epoch ?? null,
        ...(error ? { error: errorView(error).message } : {}),
      })),
    },
  }
}

async function measured(cluster: Cluster, topology: Topology): Promise<TableStatistics> {
  const unreachable: Shard[] = []
  const reasons: string[] = []
  const shards = await inParallel(topology.shards, async (shard): Promise<ShardFacts> => {
    const { id, node } = shard
    try {
      const facts = await (await cluster.node(node)).measure(topology, shard)
      return { id, node, ...facts, status: 'active' }
    } catch (error) {
      const { kind, code, message } = errorView(error)
      unreachable.push(shard)
      if (!reasons.includes(message)) reasons.push(message)
      return {
        id,
        node,
        rows: null,
        bytes: null,
        // Another database at the node's place is no way to the shard either.
        status:
          kind === 'unreachable' || code === 'topology-differs'
            ? 'unreachable'
            : kind === 'missing'
              ? 'missing'
              : 'failed',
      }
    }
  })
  const total = (figure: 'rows' | 'bytes'): number | null =>
    unreachable.length > 0 ? null : shards.reduce((sum, shard) => sum + shard[figure]!, 0)
  const why = `${unreachable.length} of ${shards.length} shards could not be counted: ${reasons.join('; ')}`
  return {
    status: { rows: total('rows'), bytes: total('bytes'), shards, version: topology.epoch, source: 'exact' },
    unknown: unreachable.length > 0 ? { rows: why, bytes: why } : {},
  }
}
