/** Figures that a snapshot gives without opening a data file. What the log does not say is null. */
import type { Snapshot } from '../log/snapshot.ts'
import { numRecordsOf } from '../log/stats.ts'

/** Files below this are many requests for little: 0.75 × 128 MB, as other table maintenance services have it. */
const smallFileBytes = 96_000_000

/** `unknownFiles`: files whose statistics do not count their rows; then `rows` is null. */
export function rowsOf(snapshot: Snapshot): { rows: number | null; unknownFiles: number } {
  let rows = 0
  let unknownFiles = 0
  for (const file of snapshot.files.values()) {
    const records = numRecordsOf(file.stats)
    if (records === null) unknownFiles++
    else rows += records - (file.deletionVector?.cardinality ?? 0)
  }
  return { rows: unknownFiles === 0 ? rows : null, unknownFiles }
}

export function sizesOf(snapshot: Snapshot): { files: number; bytes: number; smallFiles: number; partitions: number } {
  let bytes = 0
  let smallFiles = 0
  const partitions = new Set<string>()
  for (const file of snapshot.files.values()) {
    bytes += file.size
    if (file.size < smallFileBytes) smallFiles++
    partitions.add(JSON.stringify(file.partitionValues))
  }
  return { files: snapshot.files.size, bytes, smallFiles, partitions: partitions.size }
}
