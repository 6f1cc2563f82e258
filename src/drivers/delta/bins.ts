/** Bin packing: which small files become one. Pure: files in, bins out. */
import type { LiveFile } from './log/replay.ts'

export interface Bin {
  /** Text by partition column. */
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly files: readonly LiveFile[]
  readonly bytes: number
  /** Bytes that the files were packed from: what counts against the target. */
  readonly weight: number
}

/** Tag of a file that optimize wrote: bytes of the files it was made of. */
export const packedTag = 'tblctl.packedBytes'

/** Compression can make a full bin's output small; what was packed full once is not packed again. */
const weightOf = (file: LiveFile): number => Math.max(file.size, Number(file.tags?.[packedTag] ?? 0) || 0)

/** A file is a candidate below this share of the target. */
const smallShare = 0.75

interface Item {
  readonly file: LiveFile
  readonly weight: number
}

/**
 * First-fit decreasing per partition: every bin has at least two files and at most `targetSize` bytes of input. No two bins fit into
 * one, so a table that was packed gives none. Bins come in the order of their partitions, the same for the same files in any order.
 */
export function packBins(files: Iterable<LiveFile>, targetSize: number): Bin[] {
  const partitions = new Map<string, Item[]>()
  for (const file of files) {
    const weight = weightOf(file)
    if (weight >= smallShare * targetSize) continue
    const key = partitionKey(file.partitionValues)
    const group = partitions.get(key)
    if (group) group.push({ file, weight })
    else partitions.set(key, [{ file, weight }])
  }
  return [...partitions.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => packPartition(group, targetSize))
}

/** The log's empty text, null and absent value are one: null (Delta PROTOCOL, "Partition Value Serialization"). */
const partitionKey = (values: Bin['partitionValues']): string =>
  JSON.stringify(
    Object.entries(values)
      .filter(([, value]) => value)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

function packPartition(items: Item[], targetSize: number): Bin[] {
  items.sort((a, b) => b.weight - a.weight || (a.file.path < b.file.path ? -1 : 1))
  const place = firstFit(items.length, targetSize)
  const packed: Item[][] = []
  for (const item of items) {
    const bin = place(item.weight)
    const members = packed[bin]
    if (members) members.push(item)
    else packed[bin] = [item]
  }
  return packed
    .filter((members) => members.length > 1)
    .map((members) => ({
      partitionValues: members[0]!.file.partitionValues,
      files: members.map(({ file }) => file),
      bytes: members.reduce((sum, { file }) => sum + file.size, 0),
      weight: members.reduce((sum, { weight }) => sum + weight, 0),
    }))
}

/**
 * Numbers of bins, each with this much room at first: gives the lowest number with room for a weight, and takes it. A tree of the
 * most room below each node finds it in O(log n); looking at every bin would be quadratic.
 */
function firstFit(bins: number, room: number): (weight: number) => number {
  let leaves = 1
  while (leaves < bins) leaves *= 2
  const most = new Float64Array(2 * leaves).fill(room)
  return (weight) => {
    let node = 1
    while (node < leaves) node = most[2 * node]! >= weight ? 2 * node : 2 * node + 1
    const bin = node - leaves
    most[node]! -= weight
    for (node >>= 1; node >= 1; node >>= 1) most[node] = Math.max(most[2 * node]!, most[2 * node + 1]!)
    return bin
  }
}
