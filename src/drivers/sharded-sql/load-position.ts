/**
 * How far a batch is loaded. Every shard keeps it in the transaction of its rows, so the shards may differ by one step after a kill: then
 * that step is made again, over the same rows, for the shards that lack it.
 */
import type { JsonObject } from '../../core/json.ts'
import { byNode, type Cluster } from './cluster.ts'
import { marks } from './node/node.ts'
import type { Topology } from './topology.ts'

export interface Position extends JsonObject {
  /** Rows of the input, rejected ones too. */
  readonly consumed: number
  readonly accepted: number
  /** Who brought it here, and from where: a job says of its own work alone how many rows it was. */
  readonly job: string
  readonly since: { readonly consumed: number; readonly accepted: number }
}
const beginning: Position = { consumed: 0, accepted: 0, job: '', since: { consumed: 0, accepted: 0 } }

export const positionOf = (mark: JsonObject | null | undefined): Position =>
  (mark as Position | null | undefined) ?? beginning

/** After a step of this job. */
export function advanced(from: Position, to: { consumed: number; accepted: number }, job: string): Position {
  const { consumed, accepted } = from
  return { ...to, job, since: from.job === job ? from.since : { consumed, accepted } }
}

/** What this job did of the batch. */
export function doneBy(
  { consumed, accepted, since, job: of }: Position,
  job: string,
): { rows: number; rejected: number } {
  if (of !== job) return { rows: 0, rejected: 0 }
  const rows = accepted - since.accepted
  return { rows, rejected: consumed - since.consumed - rows }
}

export interface Standing {
  /** What every shard has. */
  readonly least: Position
  /** What some shard has. */
  readonly most: Position
}

export async function standing(cluster: Cluster, topology: Topology, batch: string): Promise<Standing> {
  let [least, most]: (Position | undefined)[] = []
  for (const { node, shards } of await byNode(cluster, topology.shards)) {
    const found = await node.marks(topology, shards, marks.load(batch))
    for (const shard of shards) {
      const position = positionOf(found.get(shard.name))
      if (!least || position.consumed < least.consumed) least = position
      if (!most || position.consumed > most.consumed) most = position
    }
  }
  return { least: least ?? beginning, most: most ?? beginning }
}
