/** scan: every table of which some node keeps a topology. */
import type { Observed } from '../../core/driver.ts'
import { tablePath } from '../../core/ref.ts'
import { type Cluster, copiesOf } from './cluster.ts'
import { shapeHash, type Topology } from './topology.ts'

/** Tables come first, then what kept a node from being asked. */
export async function* scan(cluster: Cluster, project: string | undefined): AsyncIterable<Observed> {
  const all = await copiesOf(cluster)
  const tables = new Map<string, Topology>()
  for (const topology of all.flatMap(({ copies }) => copies)) {
    if (topology.state === 'creating') continue
    if (project !== undefined && topology.project !== project) continue
    const path = tablePath(cluster.backend, topology.project, topology.table)
    if ((tables.get(path)?.epoch ?? 0) < topology.epoch) tables.set(path, topology)
  }
  for (const [path, topology] of [...tables].sort(([a], [b]) => (a < b ? -1 : 1)))
    yield {
      path,
      location: null,
      // What is where is known; whether rows changed is not, without counting them.
      marker: null,
      schemaHash: shapeHash(topology),
      facts: { shards: topology.shards.length, epoch: topology.epoch, rows: null },
    }
  for (const { error } of all) if (error) throw error
}
