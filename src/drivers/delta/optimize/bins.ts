/** Bin packing: which files become one. Pure: files in, bins out. */
import type { PartitionValues } from '../log/actions.ts'
import type { LiveFile } from '../log/replay.ts'
import { type Due, dueOf, packedTag, type Target, targetTag } from './triggers.ts'

/** What is rewritten together, in one commit. */
export interface Bin {
  /** As its first file has them in the log. */
  readonly partitionValues: PartitionValues
  readonly files: readonly LiveFile[]
  readonly bytes: number
  /** Bytes that the files were packed from: what counts against the target. */
  readonly weight: number
  /** Into how many files: one, or as many as the target size asks for. */
  readonly into: 'one' | 'several'
  /** Of the new files. */
  readonly tags: Readonly<Record<string, string>>
}

interface Item extends Due {
  readonly file: LiveFile
}

/**
 * First-fit decreasing per partition: every bin of several files has at most the target of input, and no two bins fit into one, so that
 * a table that was packed gives none. Bins come in the order of their partitions, the same for the same files in any order.
 */
export function packBins(files: Iterable<LiveFile>, target: Target): Bin[] {
  const items = [...files].flatMap((file): Item[] => {
    const due = dueOf(file, target)
    return due === null ? [] : [{ ...due, file }]
  })
  return partitionsOf(items, ({ file }) => file).flatMap((members) => packPartition(members, target.size))
}

/** In an order of their own: the same for the same files in any order. */
export function partitionsOf<T>(items: Iterable<T>, fileOf: (item: T) => LiveFile): T[][] {
  const partitions = Map.groupBy(items, (item) => partitionKey(fileOf(item).partitionValues))
  return [...partitions.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, members]) => members)
}

/** The log's empty text, null and absent value are one: null (Delta PROTOCOL, "Partition Value Serialization"). */
const partitionKey = (values: PartitionValues): string =>
  JSON.stringify(
    Object.entries(values)
      .filter(([, value]) => value)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

export function binOf(files: readonly LiveFile[], { weight, into, tags }: Pick<Bin, 'weight' | 'into' | 'tags'>): Bin {
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  return { partitionValues: files[0]!.partitionValues, files, bytes, weight, into, tags }
}

function packPartition(items: Item[], targetSize: number): Bin[] {
  items.sort((a, b) => b.weight - a.weight || (a.file.path < b.file.path ? -1 : 1))
  const small = items.filter(({ how }) => how === 'pack')
  const place = firstFit(small.length, targetSize)
  const packed: Item[][] = []
  for (const item of small) {
    const bin = place(item.weight)
    const members = packed[bin]
    if (members) members.push(item)
    else packed[bin] = [item]
  }
  return [
    ...packed.filter((members) => members.length > 1 || members.some(({ due }) => due)).map(packedBin),
    ...items.filter(({ how }) => how === 'rewrite').map(rewrittenBin),
    ...items.filter(({ how }) => how === 'divide').map((item) => dividedBin(item, targetSize)),
  ]
}

function packedBin(members: readonly Item[]): Bin {
  const weight = members.reduce((sum, item) => sum + item.weight, 0)
  return binOf(
    members.map(({ file }) => file),
    { weight, into: 'one', tags: { [packedTag]: String(weight) } },
  )
}

/** What other tags say of it (a layout) stays true: the order of its rows is kept. */
function rewrittenBin({ file, weight }: Item): Bin {
  const kept = Object.entries(file.tags ?? {}).filter((tag): tag is [string, string] => tag[1] !== null)
  return binOf([file], { weight, into: 'one', tags: { ...Object.fromEntries(kept), [packedTag]: String(weight) } })
}

/** Each part counts as full, also the last one, so that the next run does not begin to pack them. */
function dividedBin({ file, weight }: Item, targetSize: number): Bin {
  const tags = { [packedTag]: String(targetSize), [targetTag]: String(targetSize) }
  return binOf([file], { weight, into: 'several', tags })
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
