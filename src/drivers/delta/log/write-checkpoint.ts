/**
 * Writing a classic checkpoint (Delta PROTOCOL, "Checkpoints"): all that is known of one version as one Parquet file. It is read again from
 * where it lies before `_last_checkpoint` names it. Memory beyond the snapshot's own is the engine's budget.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { durable } from '../../../core/durable.ts'
import { fail, TblctlError } from '../../../core/errors.ts'
import { type Engine, openEngine } from '../../../engine/engine.ts'
import { parquetSource, quoteIdentifier, quotePath, quoteString } from '../../../engine/sql-text.ts'
import { writeParquet } from '../../../engine/write-parquet.ts'
import { localCopies } from '../../../storage/local-copies.ts'
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { checkpointActions, type Fingerprint, FingerprintBuilder, fingerprintSql } from './checkpoint-actions.ts'
import { checkpointColumns, checkpointMetadataColumn } from './checkpoint-schema.ts'
import { formatExact } from './exact-json.ts'
import { logFolder, paddedVersion } from './paths.ts'
import type { Snapshot } from './snapshot.ts'
import { writeLastCheckpoint } from './write-last-checkpoint.ts'

export interface WriteCheckpointOptions {
  /** Folder for files that may be lost at any time. */
  readonly scratch: string
  readonly now: Date
  readonly signal?: AbortSignal
}

export interface WrittenCheckpoint {
  readonly version: number
  readonly actions: number
  readonly files: number
  readonly bytes: number
}

/** The engine holds a row group for each of its threads until it is full; statistics make rows of any length. */
const rowGroupBytes = 8 * 1024 * 1024
const mostRows = 20_480
/** The engine's default. */
const leastObjectBytes = 16 * 1024 * 1024

export const checkpointKey = (prefix: string, version: number): string =>
  `${logFolder(prefix)}/${paddedVersion(version)}.checkpoint.parquet`

/**
 * `snapshot`: of a committed version, read with its tombstones. Null when that version has a checkpoint already: another process was first,
 * and its to check and to name. Throws `failed`/`checkpoint-differs` when what was read again is not what the log says; then it is gone.
 */
export async function writeCheckpoint(
  store: ObjectStore,
  prefix: string,
  snapshot: Snapshot,
  { scratch, now, signal }: WriteCheckpointOptions,
): Promise<WrittenCheckpoint | null> {
  await using engine = await openEngine({ scratch, ...(signal === undefined ? {} : { signal }) })
  const lines = join(engine.directory, 'actions.ndjson')
  const { fingerprint: wanted, ...text } = await writeLines(lines, snapshot, now, signal)
  const file = join(engine.directory, 'checkpoint.parquet')
  await writeParquet(engine, `SELECT * FROM ${linesSource(lines, columnsOf(wanted), text.longest)}`, file, {
    fields: [],
    compression: 'zstd',
    rowGroupRows: Math.ceil(Math.min(mostRows, rowGroupBytes / (text.bytes / text.lines))),
  })
  const key = checkpointKey(prefix, snapshot.version)
  const placed = await place(store, key, file)
  if (placed === null) return null
  const why = await difference(engine, store, key, wanted)
  if (why !== null) {
    await store.delete([key])
    throw fail('failed', 'checkpoint-differs', `the checkpoint was read again after it was written, and ${why}`, {
      where: store.localPath(key) ?? `${store.url}/${key}`,
      hint: 'it was removed again; the table itself is as it was',
    })
  }
  const { version } = snapshot
  const actions = Object.values(wanted.counts).reduce((a, b) => a + b, 0)
  const files = wanted.counts.add ?? 0
  await writeLastCheckpoint(store, prefix, { version, size: actions, sizeInBytes: placed.size, numOfAddFiles: files })
  return { version, actions, files, bytes: placed.size }
}

interface Lines {
  readonly fingerprint: Fingerprint
  readonly lines: number
  readonly bytes: number
  readonly longest: number
}

/** One action a line, written as fast as the disk takes them. */
async function writeLines(path: string, snapshot: Snapshot, now: Date, signal?: AbortSignal): Promise<Lines> {
  const fingerprint = new FingerprintBuilder()
  await using out = createWriteStream(path, { highWaterMark: 1024 * 1024 })
  let [lines, bytes, longest] = [0, 0, 0]
  for (const action of checkpointActions(snapshot, now)) {
    fingerprint.add(action)
    const line = Buffer.from(`${formatExact(action)}\n`)
    lines++
    bytes += line.length
    longest = Math.max(longest, line.length)
    if (out.write(line)) continue
    signal?.throwIfAborted()
    await once(out, 'drain')
  }
  out.end()
  await finished(out)
  return { fingerprint: fingerprint.result(), lines, bytes, longest }
}

type Columns = Readonly<Record<string, string>>

const columnsOf = ({ counts }: Fingerprint): Columns => ({
  ...checkpointColumns,
  ...(counts.checkpointMetadata === undefined ? {} : { checkpointMetadata: checkpointMetadataColumn }),
})

function linesSource(path: string, columns: Columns, longest: number): string {
  const options = `format = 'newline_delimited', maximum_object_size = ${Math.max(leastObjectBytes, longest)}`
  const types = Object.entries(columns).map(([name, type]) => `${quoteIdentifier(name)}: ${quoteString(type)}`)
  return `read_json(${quotePath(path)}, ${options}, columns = {${types.join(', ')}})`
}

async function place(store: ObjectStore, key: string, file: string): Promise<ObjectInfo | null> {
  durable('delta.checkpoint:before')
  try {
    const info = await store.upload(key, file)
    durable('delta.checkpoint:after')
    return info
  } catch (error) {
    if (error instanceof TblctlError && error.view.code === 'object-exists') return null
    throw error
  }
}

/** Null when the checkpoint in its place holds what was to be written. */
async function difference(
  engine: Engine,
  store: ObjectStore,
  key: string,
  wanted: Fingerprint,
): Promise<string | null> {
  await using local = await localCopies(store, [key], { scratch: engine.directory })
  const found = await fingerprintOf(engine, local.paths[0]!, Object.keys(columnsOf(wanted)))
  const count = (of: Fingerprint, kind: string): number => of.counts[kind] ?? 0
  for (const kind of Object.keys(columnsOf(wanted)))
    if (count(found, kind) !== count(wanted, kind))
      return `it holds ${count(found, kind)} actions of the kind ${kind} in place of ${count(wanted, kind)}`
  return found.files === wanted.files ? null : 'its files are not those of the log'
}

async function fingerprintOf(engine: Engine, path: string, kinds: readonly string[]): Promise<Fingerprint> {
  const counts = kinds.map(
    (kind) => `count(*) FILTER (${quoteIdentifier(kind)} IS NOT NULL) AS ${quoteIdentifier(kind)}`,
  )
  const texts = Object.entries(fingerprintSql).map(
    ([kind, text]) =>
      `bit_xor(md5_number_lower(${text})) FILTER (${quoteIdentifier(kind)} IS NOT NULL) AS "${kind} files"`,
  )
  const [row] = await engine.all(`SELECT ${[...counts, ...texts].join(', ')} FROM ${parquetSource([path])}`)
  const mixed = Object.keys(fingerprintSql).map((kind) => BigInt(String(row![`${kind} files`] ?? 0)))
  return {
    counts: Object.fromEntries(kinds.map((kind) => [kind, Number(row![kind])])),
    files: mixed.reduce((a, b) => a ^ b, 0n),
  }
}
