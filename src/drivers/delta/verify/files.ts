/** Is every file that a table names there, with the size that the log says, and what is there besides? One listing of the table's folder. */
import type { Verification } from '../../../core/driver.ts'
import { errorView } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { printable } from '../../../core/ref.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import { deletionVectorPath } from '../log/deletion-vector.ts'
import { tableKey } from '../log/paths.ts'
import { deletedFileRetentionMs } from '../log/properties.ts'
import { fileKey, type LiveFile } from '../log/replay.ts'
import { isData, neededFiles, partitionFoldersOf } from '../rows/needed-files.ts'
import { type DeltaTable, type Lake, refreshed } from '../table.ts'
import { innerTables, objectsOf } from '../vacuum/inner-tables.ts'
import { withoutLostVectors } from './vectors.ts'

export type Problem = Verification['problems'][number]

export interface FileCheck {
  readonly vectors: number
  /** Live data files that are not there. */
  readonly missing: readonly LiveFile[]
  /** Of data files that are there, and of deletion vectors. */
  readonly problems: readonly Problem[]
  /** Data files that are there as the log says. */
  readonly sound: readonly LiveFile[]
  readonly unnamedFiles: number
  readonly unnamedBytes: number
}

const atOnce = 16
/** Before and behind the bitmap in its file: a length and a checksum. */
const vectorFrame = 8

/** `table`: read with its tombstones. */
export async function checkFiles(lake: Lake, whole: DeltaTable, ctx: ReadContext): Promise<FileCheck> {
  const { table, problems: lost } = withoutLostVectors(whole)
  const { location, snapshot } = table
  const vectors = new Map<string, number>()
  for (const { deletionVector: vector } of snapshot.files.values()) {
    const path = vector === undefined ? null : deletionVectorPath(location.store, location.prefix, vector)
    if (path === null) continue
    const end = (vector!.offset ?? 0) + vector!.sizeInBytes + vectorFrame
    vectors.set(path, Math.max(end, vectors.get(path) ?? 0))
  }
  const { sizes, outside, unnamedFiles, unnamedBytes } = await sizesOf(lake, table, vectors, ctx)
  const problems: Problem[] = [
    ...lost,
    ...[...outside].map((path) =>
      problemOf('outside-table', path, 'it is a symbolic link that leads out of the table, and is not followed'),
    ),
  ]
  const missing: LiveFile[] = []
  const sound: LiveFile[] = []
  for (const [key, file] of snapshot.files) {
    const size = sizes.get(file.path)
    if (outside.has(file.path)) continue
    // stillNamed asks for it by its key, and repair by all that the log says of it.
    if (size === undefined) missing.push(whole.snapshot.files.get(key)!)
    else if (size === file.size) sound.push(file)
    else problems.push(wrongSize(file.path, `it has ${size} bytes, and the log says ${file.size}`))
  }
  for (const [path, least] of vectors) {
    const size = sizes.get(path)
    if (outside.has(path)) continue
    if (size === undefined)
      problems.push(
        problemOf('missing-file', path, 'a deletion vector: which rows of its data files are gone is not known'),
      )
    else if (size < least) problems.push(wrongSize(path, `it has ${size} bytes, and the log needs ${least}`))
  }
  const gone = missing.length === 0 ? [] : await stillNamed(lake, table, missing, ctx)
  return { vectors: vectors.size, missing: gone, problems, sound, unnamedFiles, unnamedBytes }
}

/** A value that is none is a problem of its own (verify/properties.ts). */
function retentionOf({ metadata: { configuration } }: DeltaTable['snapshot']): number {
  try {
    return deletedFileRetentionMs(configuration)
  } catch {
    return deletedFileRetentionMs({})
  }
}

/** Sizes of the files that the table names, as far as they are there. */
async function sizesOf(
  lake: Lake,
  table: DeltaTable,
  vectors: ReadonlyMap<string, number>,
  ctx: ReadContext,
): Promise<{ sizes: Map<string, number>; outside: Set<string>; unnamedFiles: number; unnamedBytes: number }> {
  const { location, snapshot } = table
  const folders = partitionFoldersOf(snapshot)
  const live = new Set<string>(vectors.keys())
  for (const { path } of snapshot.files.values()) live.add(path)
  const needed = await neededFiles(lake, table, ctx.now().getTime() - retentionOf(snapshot), ctx)
  const inner = await innerTables(lake, location, ctx)
  const sizes = new Map<string, number>()
  const outside = new Set<string>()
  let unnamedFiles = 0
  let unnamedBytes = 0
  for await (const { path, size } of objectsOf(location, ctx)) {
    if (live.has(path)) sizes.set(path, size)
    else if (!needed.has(path) && !inner.has(path) && isData(path, folders)) {
      unnamedFiles++
      unnamedBytes += size
    }
  }
  // What the listing did not show is asked for by name: it may lie behind a symbolic link.
  const unseen = [...live].filter((path) => !sizes.has(path))
  await mapBounded(unseen, atOnce, async (path) => {
    ctx.signal.throwIfAborted()
    try {
      const there = await location.store.head(tableKey(location.prefix, path))
      if (there) sizes.set(path, there.size)
    } catch (error) {
      if (errorView(error).code !== 'outside-root') throw error
      outside.add(path)
    }
  })
  return { sizes, outside, unnamedFiles, unnamedBytes }
}

/** Another process may have taken files out of the table and removed them, since the log was read. */
async function stillNamed(
  lake: Lake,
  table: DeltaTable,
  files: readonly LiveFile[],
  ctx: ReadContext,
): Promise<readonly LiveFile[]> {
  const { snapshot } = await refreshed(lake, table, ctx)
  return files.filter((file) => snapshot.files.has(fileKey({ ...file, path: file.logPath })))
}

export const problemOf = (problem: string, path: string | null, detail: string, repairable = false): Problem => ({
  problem,
  path: path === null ? null : printable(path),
  detail,
  repairable,
})
const wrongSize = (path: string, detail: string): Problem => problemOf('wrong-size', path, detail)
