/** One step of a load or a sync: its rows into all shards that they belong to, and a mark into every shard, in as few transactions as the nodes allow. */
import type { Batch } from '../../core/batch.ts'
import type { JsonObject } from '../../core/json.ts'
import { byNode, type Cluster } from './cluster.ts'
import type { OnConflict, Session } from './node/node.ts'
import { type Router, route } from './route.ts'
import type { Shard, Topology } from './topology.ts'

export interface Writing extends AsyncDisposable {
  readonly sessions: readonly Session[]
  /** `accepts`: false leaves a shard's rows out, because an earlier attempt has written them. */
  write(batch: Batch, rowKeys: readonly string[] | null, accepts: (shard: Shard) => boolean): Promise<void>
  mark(name: string, value: JsonObject): Promise<void>
  /** Checks every constraint on every node, and only then commits one after the other. */
  commit(): Promise<void>
}

/** Sessions over all shards, begun in one order everywhere, so that two writers never wait for each other. */
export async function beginWriting(
  cluster: Cluster,
  topology: Topology,
  routes: Router,
  onConflict: OnConflict,
): Promise<Writing> {
  const sessions: Session[] = []
  const close = async (): Promise<void> => {
    for (const session of sessions) await session[Symbol.asyncDispose]()
  }
  try {
    for (const { node, shards } of await byNode(cluster, topology.shards)) {
      const groups = node.transaction === 'node' ? [shards] : shards.map((shard) => [shard])
      for (const group of groups) sessions.push(await node.begin(topology, group, onConflict))
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    sessions,
    write: async (batch, rowKeys, accepts) => {
      const { buckets, rowsOf } = route(routes, topology, batch, rowKeys)
      for (const session of sessions) {
        const rows = session.shards.filter(accepts).flatMap((shard) => rowsOf.get(shard.id) ?? [])
        if (rows.length > 0) await session.write({ batch, buckets, rowKeys, rows })
      }
    },
    mark: async (name, value) => {
      for (const session of sessions) for (const shard of session.shards) await session.setMark(shard, name, value)
    },
    commit: async () => {
      for (const session of sessions) await session.settle()
      for (const session of sessions) await session.commit()
    },
    [Symbol.asyncDispose]: close,
  }
}
