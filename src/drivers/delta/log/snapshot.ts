/** A table at one version: the newest checkpoint before it and the commits since (Delta PROTOCOL, "Snapshot"). */
import { errorView, fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { parseSchemaString } from '../types.ts'
import type { Action, DomainMetadata, Metadata, Protocol, Remove, Txn } from './actions.ts'
import { applyCheckpoint } from './checkpoint.ts'
import { type ColumnMapping, columnMappingOf } from './column-mapping.ts'
import { parseCommit } from './commit-file.ts'
import { type LogListing, listFromCheckpoint, listLog } from './listing.ts'
import { commitKey, refusedPath } from './paths.ts'
import { requireReadable } from './protocol.ts'
import { applyAction, emptyState, type LiveFile, type ReplayState } from './replay.ts'

export interface Snapshot {
  readonly version: number
  /** Of this version, in milliseconds: the commit's own where it carries one, else when its object was written; null when neither is left. */
  readonly timestamp: number | null
  readonly protocol: Protocol
  readonly metadata: Metadata & { readonly schemaString: string }
  readonly fields: readonly Field[]
  /** What the columns are called in files and in the log; null = as the schema names them. */
  readonly mapping: ColumnMapping | null
  /** Live files by path. */
  readonly files: ReadonlyMap<string, LiveFile>
  /** Removed files that the log still knows, by path and deletion vector; null when they were not asked for. */
  readonly tombstones: ReadonlyMap<string, Remove> | null
  readonly txns: ReadonlyMap<string, Txn>
  readonly domains: ReadonlyMap<string, DomainMetadata>
  /** The object of this version's commit; null when only its checkpoint is left. */
  readonly commit: ObjectInfo | null
  /** Version of the checkpoint that it was read from; null when from the commits alone. */
  readonly checkpoint: number | null
}

export interface SnapshotOptions {
  /** Default: the newest. */
  readonly version?: number
  /** Keeps what was removed: memory for each of them. */
  readonly tombstones?: true
  /** Folder for the engine that reads checkpoints; may be lost at any time. */
  readonly scratch: string
  readonly signal?: AbortSignal
  /** What is damaged and was gone around. */
  readonly warn?: (message: string) => void
}

/**
 * Undefined when the folder holds no Delta log. A checkpoint that cannot be read is gone around where an older one or the commits alone lead to
 * the same version. Errors: `data` (`log-gap`, `corrupt-commit`, `corrupt-checkpoint`, `no-protocol`, `no-metadata`, `path-outside-table`,
 * `bad-schema`), `refused`/`delta-feature`, `missing`/`no-such-version`.
 */
export async function readSnapshot(
  store: ObjectStore,
  prefix: string,
  options: SnapshotOptions,
): Promise<Snapshot | undefined> {
  try {
    return await readListed(store, prefix, options)
  } catch (error) {
    if (!isGone(error)) throw error
    return await readListed(store, prefix, options)
  }
}

async function readListed(store: ObjectStore, prefix: string, options: SnapshotOptions): Promise<Snapshot | undefined> {
  const { listing, from } = await listFromCheckpoint(store, prefix, options.version)
  const newest = newestVersion(listing)
  if (newest < 0) return undefined
  const where = place(store, prefix)
  const version = options.version ?? newest
  if (version > newest || version < 0)
    throw fail('missing', 'no-such-version', `the table has no version ${version}; its newest is ${newest}`, { where })
  try {
    return await snapshotFrom(store, prefix, listing, version, options)
  } catch (error) {
    if (from === 0 || !isCorruptCheckpoint(error)) throw error
    return await snapshotFrom(store, prefix, await listLog(store, prefix, 0), version, options)
  }
}

/** By the newest checkpoint that can be read, or else from version 0. */
async function snapshotFrom(
  store: ObjectStore,
  prefix: string,
  listing: LogListing,
  version: number,
  options: SnapshotOptions,
): Promise<Snapshot> {
  const where = place(store, prefix)
  let damage: { readonly error: Error } | undefined
  for (const checkpoint of [...listing.checkpoints.filter((each) => each.version <= version), null]) {
    const from = checkpoint === null ? 0 : checkpoint.version + 1
    // Without its commits an older checkpoint leads nowhere; what is missing then is not the point.
    if (damage !== undefined && missingCommit(listing, from, version) !== undefined) continue
    const commits = requireContiguous(listing, from, version, where)
    const state = emptyState(options.tombstones)
    try {
      if (checkpoint !== null) await applyCheckpoint(store, prefix, checkpoint.keys, state, options)
    } catch (error) {
      if (!isCorruptCheckpoint(error)) throw error
      damage ??= { error }
      continue
    }
    await applyCommits(store, state, commits, options)
    try {
      const commit = listing.commits.get(version) ?? null
      const snapshot = toSnapshot(state, version, commit, checkpoint?.version ?? null, where)
      if (damage !== undefined) options.warn?.(`${damage.error.message}; the log is read without it`)
      return snapshot
    } catch (error) {
      // Commits that come to no table are no way around: what is damaged is the checkpoint.
      throw damage !== undefined && errorView(error).kind === 'data' ? damage.error : error
    }
  }
  throw damage!.error
}

/** What a log looks like that was moved away, or begun anew, between listing and reading it: to be listed again, once. */
const isGone = (error: unknown): boolean =>
  isCorruptCheckpoint(error) || (error instanceof TblctlError && error.view.code === 'log-gap')

const isCorruptCheckpoint = (error: unknown): error is TblctlError =>
  error instanceof TblctlError && error.view.code === 'corrupt-checkpoint'

/** The newest snapshot, reading only the commits after `snapshot`; from the beginning where those do not follow on it. */
export async function updateSnapshot(
  store: ObjectStore,
  prefix: string,
  snapshot: Snapshot,
  options: Omit<SnapshotOptions, 'version'>,
): Promise<Snapshot | undefined> {
  if (options.tombstones && snapshot.tombstones === null) return readSnapshot(store, prefix, options)
  const { commits } = await listLog(store, prefix, snapshot.version)
  const same = commits.get(snapshot.version)
  const since = [...commits.values()].slice(1)
  const follows =
    same !== undefined &&
    snapshot.commit !== null &&
    same.etag === snapshot.commit.etag &&
    since.every((info, i) => info.key === commitKey(prefix, snapshot.version + 1 + i))
  if (!follows) return readSnapshot(store, prefix, options)
  if (since.length === 0) return snapshot
  const state: ReplayState = {
    protocol: snapshot.protocol,
    metadata: snapshot.metadata,
    files: new Map(snapshot.files),
    tombstones: snapshot.tombstones && new Map(snapshot.tombstones),
    refused: new Map(),
    txns: new Map(snapshot.txns),
    domains: new Map(snapshot.domains),
    inCommitTimestamp: undefined,
  }
  try {
    await applyCommits(store, state, since, options)
  } catch (error) {
    if (!isGone(error)) throw error
    return readSnapshot(store, prefix, options)
  }
  return toSnapshot(state, snapshot.version + since.length, since.at(-1)!, snapshot.checkpoint, place(store, prefix))
}

/** Actions of one commit; undefined when that version does not exist (yet). */
export async function readCommit(
  store: ObjectStore,
  prefix: string,
  version: number,
): Promise<readonly Action[] | undefined> {
  const key = commitKey(prefix, version)
  const bytes = await store.read(key)
  return bytes === undefined ? undefined : [...parseCommit(bytes, locate(store, key))]
}

const place = (store: ObjectStore, prefix: string): string =>
  printable(prefix === '' ? store.url : `${store.url}/${prefix}`)
const locate = (store: ObjectStore, key: string): string => printable(store.localPath(key) ?? `${store.url}/${key}`)
const newestVersion = ({ commits, checkpoints }: LogListing): number =>
  Math.max(-1, ...[...commits.keys()].slice(-1), ...checkpoints.slice(0, 1).map(({ version }) => version))

function missingCommit(listing: LogListing, from: number, to: number): number | undefined {
  for (let version = from; version <= to; version++) if (!listing.commits.has(version)) return version
  return undefined
}

function requireContiguous(listing: LogListing, from: number, to: number, where: string): readonly ObjectInfo[] {
  const missing = missingCommit(listing, from, to)
  if (missing !== undefined) throw gap(listing, missing, to, where)
  return Array.from({ length: to - from + 1 }, (_, i) => listing.commits.get(from + i)!)
}

function gap(listing: LogListing, missing: number, wanted: number, where: string): Error {
  const later = listing.checkpoints.filter(({ version }) => version > wanted)
  if (later.length > 0)
    return fail('missing', 'no-such-version', `version ${wanted} can no longer be read: its log was cleaned up`, {
      where,
      hint: `the oldest version that can still be read is ${later.at(-1)!.version}`,
    })
  return fail('data', 'log-gap', `the Delta log lacks version ${missing}`, {
    where,
    hint: 'restore the missing commit; without it the rows of this table are not known',
  })
}

const readAhead = 16

/** Reads some commits at once and applies them in order. */
async function applyCommits(
  store: ObjectStore,
  state: ReplayState,
  commits: readonly ObjectInfo[],
  { signal, warn }: Pick<SnapshotOptions, 'signal' | 'warn'>,
): Promise<void> {
  const pending: Promise<Uint8Array | undefined>[] = []
  const read = (i: number): void => {
    const info = commits[i]
    if (info === undefined) return
    const bytes = store.read(info.key)
    // Whoever awaits it sees the failure; until then it must not count as unhandled.
    bytes.catch(() => undefined)
    pending.push(bytes)
  }
  const empty: string[] = []
  for (let i = 0; i < readAhead; i++) read(i)
  for (const [i, info] of commits.entries()) {
    signal?.throwIfAborted()
    const bytes = await pending.shift()!
    read(i + readAhead)
    const where = locate(store, info.key)
    if (bytes === undefined)
      throw fail('data', 'log-gap', `${where} was deleted while the log was being read`, { where, retry: 'later' })
    if (bytes.length === 0) empty.push(where)
    state.inCommitTimestamp = undefined
    for (const action of parseCommit(bytes, where)) applyAction(state, action)
  }
  if (empty.length === 0) return
  const others = empty.length === 1 ? '' : ` (and ${empty.length - 1} more commits)`
  warn?.(
    `${empty[0]}${others} has no bytes: what its writer committed may be lost; tblctl verify names every such commit`,
  )
}

function toSnapshot(
  state: ReplayState,
  version: number,
  commit: ObjectInfo | null,
  checkpoint: number | null,
  where: string,
): Snapshot {
  const { protocol, metadata } = state
  if (protocol === undefined)
    throw fail('data', 'no-protocol', `the Delta log names no protocol up to version ${version}`, { where })
  if (metadata === undefined)
    throw fail('data', 'no-metadata', `the Delta log names no metadata up to version ${version}`, { where })
  requireReadable({ protocol, metadata }, where)
  const { schemaString } = metadata
  if (schemaString === undefined)
    throw fail('data', 'bad-schema', `the table has no schema (version ${version})`, { where })
  const [refused] = state.refused
  if (refused !== undefined) throw refusedPath(refused[0], refused[1], where)
  const fields = parseSchemaString(schemaString)
  for (const column of metadata.partitionColumns)
    if (!fields.some((field) => field.name === column))
      throw fail('data', 'bad-schema', `the partition column ${printable(column)} is no column of the table`, { where })
  return {
    version,
    timestamp: state.inCommitTimestamp ?? commit?.modifiedAt.getTime() ?? null,
    protocol,
    metadata: { ...metadata, schemaString },
    fields,
    mapping: columnMappingOf(protocol, metadata),
    files: state.files,
    tombstones: state.tombstones,
    txns: state.txns,
    domains: state.domains,
    commit,
    checkpoint,
  }
}
