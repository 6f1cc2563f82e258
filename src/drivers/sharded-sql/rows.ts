/** A table's rows, read from its shards side by side into a file that the embedded engine opens. Each shard is read at a moment of its own. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { ReadContext } from '../../core/operation.ts'
import { type Cluster, inParallel } from './cluster.ts'
import type { Filter } from './node/node.ts'
import { openBatchSpool } from './spool.ts'
import type { Shard, Topology } from './topology.ts'

export interface SpooledTable {
  readonly select: string
  readonly file: string
}

/** `folder`: the caller's own, which it removes. */
export async function spoolTable(
  cluster: Cluster,
  topology: Topology,
  shards: readonly Shard[],
  filter: Filter | null,
  folder: string,
  ctx: ReadContext,
): Promise<SpooledTable> {
  await using spool = await openBatchSpool(join(folder, `rows-${randomUUID()}.ndjson`), topology.columns)
  await inParallel(shards, async (shard) => {
    const node = await cluster.node(shard.node)
    for await (const batch of node.read(topology, shard, filter, ctx.signal)) await spool.append(batch)
  })
  return { select: spool.select(), file: spool.path }
}
