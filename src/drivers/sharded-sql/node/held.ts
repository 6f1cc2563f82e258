/** What a node holds of a table, compared with what the caller takes it for: another table, or a newer state of it, is never touched. */
import type { Topology } from '../topology.ts'
import { topologyDiffers } from './errors.ts'

export interface Held {
  /** Id of the node; null when it has none yet. */
  readonly node: string | null
  readonly copy: Topology | null
}

/** A copy that is behind is no harm: what a later epoch adds is there before the first copy of it. */
export function checkHeld(name: string, topology: Topology, { node, copy }: Held): void {
  const wanted = topology.nodes[name]
  if (wanted !== undefined && node !== wanted)
    throw topologyDiffers(name, topology, 'is another database than the one that the table was made on')
  if (copy === null) throw topologyDiffers(name, topology, 'does not know the table')
  if (copy.id !== topology.id) throw topologyDiffers(name, topology, 'holds another table of this name')
  if (copy.epoch > topology.epoch)
    throw topologyDiffers(name, topology, `is at epoch ${copy.epoch}, the catalog at ${topology.epoch}`)
}
