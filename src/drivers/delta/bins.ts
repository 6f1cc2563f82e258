/** Bin packing: which small files become one. Pure: files in, bins out. */
import type { LiveFile } from './log/replay.ts'

export interface Bin {
  /** Text by partition column. */
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly files: readonly LiveFile[]
  readonly bytes: number
}

/** Tag of a file that optimize wrote: bytes of the files it was made of. */
export const packedTag = 'tblctl.packedBytes'

/** Compression can make a full bin's output small; what was packed full once is not packed again. */
const weightOf = (file: LiveFile): number => Math.max(file.size, Number(file.tags?.[packedTag] ?? 0) || 0)

/** A file is a candidate below this share of the target. */
const smallShare = 0.75

/**
 * First-fit decreasing per partition: every bin has at least two files and at most `targetSize` bytes of input; a partition that is
 * packed already gives none. Bins come in the order of their partitions, the same for the same files in any order.
 */
export function packBins(files: Iterable<LiveFile>, targetSize: number): Bin[] {
  const partitions = new Map<string, LiveFile[]>()
  for (const file of files) {
    if (weightOf(file) >= smallShare * targetSize && !file.deletionVector) continue
    const key = JSON.stringify(Object.entries(file.partitionValues).sort(([a], [b]) => (a < b ? -1 : 1)))
    const group = partitions.get(key)
    if (group) group.push(file)
    else partitions.set(key, [file])
  }
  return [...partitions.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => packPartition(group, targetSize))
}

function packPartition(files: LiveFile[], targetSize: number): Bin[] {
  const sorted = files.toSorted((a, b) => weightOf(b) - weightOf(a) || (a.path < b.path ? -1 : 1))
  const open: { files: LiveFile[]; weight: number }[] = []
  // Only the last few bins are looked at: with 100,000 equal files a search of all would be quadratic.
  for (const file of sorted) {
    const weight = weightOf(file)
    const bin = open.slice(-8).find((candidate) => candidate.weight + weight <= targetSize)
    if (bin) {
      bin.files.push(file)
      bin.weight += weight
    } else open.push({ files: [file], weight })
  }
  return open
    .filter((bin) => bin.files.length > 1)
    .map((bin) => ({
      partitionValues: bin.files[0]!.partitionValues,
      files: bin.files,
      bytes: bin.files.reduce((sum, file) => sum + file.size, 0),
    }))
}
