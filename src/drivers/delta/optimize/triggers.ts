/** Why a file is worth rewriting: it is small, it is far too big, or too many of its rows are deleted (Delta Spark's `OPTIMIZE` has the same shares). */
import type { LiveFile } from '../log/replay.ts'
import { numRecordsOf } from '../log/stats.ts'

/** Tag of a file that optimize wrote: bytes of the files it was made of, deleted rows left out. */
export const packedTag = 'tblctl.packedBytes'
/** Tag of files that were divided: the size that was wanted then. */
export const targetTag = 'tblctl.targetSize'

/** Tag of files whose rows were laid out: how, and by which columns. */
export const layoutTag = 'tblctl.layout'

export type Target = {
  /** Bytes of a file. */
  readonly size: number
  /** Somebody asked for it: bigger files are divided. By default they stay, for other writers have other sizes. */
  readonly asked: boolean
}

/** `pack`: with its neighbours, and where `due` also alone. `rewrite`: by itself, as it is. `divide`: into several. */
export interface Due {
  readonly how: 'pack' | 'rewrite' | 'divide'
  readonly due: boolean
  /** Bytes that count against the target. */
  readonly weight: number
}

/** Below this share of the target a file is small. */
const smallShare = 0.75
/** More deleted rows than this share are worth a rewrite. */
const deletedShareAllowed = 0.05
/** More than this many targets are too big for one file. */
const tooBig = 2
/** Of the smallest row group: the engine divides nothing below it. */
export const leastGroupRows = 2048

/** Null for a file that is good as it is. Files of a layout are left in it: only their deleted rows are taken out. */
export function dueOf(file: LiveFile, target: Target): Due | null {
  const deleted = deletedShareOf(file)
  const due = deleted > deletedShareAllowed
  const weight = Math.round(weightOf(file) * (1 - Math.min(1, Number.isFinite(deleted) ? deleted : 0)))
  if (file.tags?.[layoutTag]) return due ? { how: 'rewrite', due, weight } : null
  if (target.asked && file.size > tooBig * target.size && canBeDivided(file, target.size))
    return { how: 'divide', due: true, weight }
  if (weight < smallShare * target.size) return { how: 'pack', due, weight }
  return due ? { how: 'rewrite', due, weight } : null
}

/** It would be rewritten if it were not part of a layout. */
export function keptByLayout(file: LiveFile, target: Target): boolean {
  const { [layoutTag]: layout, ...tags } = file.tags ?? {}
  return Boolean(layout) && dueOf(file, target) === null && dueOf({ ...file, tags }, target) !== null
}

/** Compression can make a full bin's output small; what was packed full once is not packed again. */
const weightOf = (file: LiveFile): number => Math.max(file.size, Number(file.tags?.[packedTag] ?? 0) || 0)

/** A row group is never divided, so that parts can stay bigger than wanted: once is enough. */
function canBeDivided(file: LiveFile, size: number): boolean {
  const before = Number(file.tags?.[targetTag] ?? Number.NaN)
  return !(before <= size) && (numRecordsOf(file.stats) ?? Number.POSITIVE_INFINITY) > leastGroupRows
}

/** Whether its deletion vector makes a rewrite due. Infinite where the log does not say how many rows there are. */
export const tooManyDeleted = (file: LiveFile): boolean => deletedShareOf(file) > deletedShareAllowed

function deletedShareOf({ deletionVector, stats }: LiveFile): number {
  if (deletionVector === undefined) return 0
  const rows = numRecordsOf(stats)
  return rows === null || rows === 0 ? Number.POSITIVE_INFINITY : deletionVector.cardinality / rows
}
