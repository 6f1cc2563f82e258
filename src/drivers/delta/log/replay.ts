/** Action reconciliation (Delta PROTOCOL, "Action Reconciliation"): commits in order onto a state. Pure but for the state itself. */
import {
  type Action,
  type Add,
  type DomainMetadata,
  hasRareMembers,
  type Metadata,
  type Protocol,
  type Remove,
  type Txn,
} from './actions.ts'
import { decodePath } from './paths.ts'

/** A live data file. `path` is decoded and confined to the table; `logPath` is how the log names it. */
export interface LiveFile extends Add {
  readonly logPath: string
}

export interface ReplayState {
  protocol: Protocol | undefined
  metadata: Metadata | undefined
  /** By path, and deletion vector where there is one. */
  readonly files: Map<string, LiveFile>
  /** What was removed, by path as in `files`; null = nobody asks. */
  readonly tombstones: Map<string, Remove> | null
  /** Live files that must not be followed: why, by the path in the log. */
  readonly refused: Map<string, string>
  readonly txns: Map<string, Txn>
  readonly domains: Map<string, DomainMetadata>
  /** Of the last commit that was applied. */
  inCommitTimestamp: number | undefined
}

export const emptyState = (tombstones = false): ReplayState => ({
  protocol: undefined,
  metadata: undefined,
  files: new Map(),
  tombstones: tombstones ? new Map() : null,
  refused: new Map(),
  txns: new Map(),
  domains: new Map(),
  inCommitTimestamp: undefined,
})

export function applyAction(state: ReplayState, action: Action): void {
  if ('add' in action) addFile(state, action.add)
  else if ('remove' in action) removeFile(state, action.remove)
  else if ('txn' in action) state.txns.set(action.txn.appId, action.txn)
  else if ('metaData' in action) state.metadata = action.metaData
  else if ('protocol' in action) state.protocol = action.protocol
  else if ('domainMetadata' in action) {
    if (action.domainMetadata.removed) state.domains.delete(action.domainMetadata.domain)
    else state.domains.set(action.domainMetadata.domain, action.domainMetadata)
  } else if ('commitInfo' in action) {
    const time = action.commitInfo.inCommitTimestamp
    state.inCommitTimestamp = typeof time === 'number' ? time : undefined
  }
}

/** Names a logical file: equal for two spellings of one path. */
export function fileKey(file: Add | Remove): string {
  const decoded = decodePath(file.path)
  return withVector('path' in decoded ? decoded.path : file.path, file)
}

const withVector = (path: string, { deletionVector: vector }: Add | Remove): string =>
  vector === undefined ? path : `${path}\0${vector.storageType}${vector.pathOrInlineDv}@${vector.offset ?? ''}`

function addFile(state: ReplayState, add: Add): void {
  const decoded = decodePath(add.path)
  if ('refused' in decoded) {
    state.refused.set(withVector(add.path, add), decoded.refused)
    return
  }
  const file = liveFile(add, decoded.path)
  const key = withVector(file.path, file)
  state.files.set(key, file)
  state.tombstones?.delete(key)
}

/** Spelt out for the usual file, of which there are hundreds of thousands: copying an object by its members takes several times as long. */
function liveFile(add: Add, path: string): LiveFile {
  if (hasRareMembers(add) || add.stats === undefined) return { ...add, path, logPath: add.path }
  const { path: logPath, partitionValues, size, modificationTime, dataChange, stats } = add
  return { path, partitionValues, size, modificationTime, dataChange, stats, logPath }
}

function removeFile(state: ReplayState, remove: Remove): void {
  const key = fileKey(remove)
  state.files.delete(key)
  state.refused.delete(key)
  state.tombstones?.set(key, remove)
}

/** The tombstone of a live file (Delta PROTOCOL, "Remove File"). `at` in milliseconds. */
export function removeOf(file: LiveFile, at: number, dataChange: boolean): Remove {
  return {
    path: file.logPath,
    deletionTimestamp: at,
    dataChange,
    extendedFileMetadata: true,
    partitionValues: file.partitionValues,
    size: file.size,
    ...(file.tags === undefined ? {} : { tags: file.tags }),
    ...(file.deletionVector === undefined ? {} : { deletionVector: file.deletionVector }),
    ...(file.baseRowId === undefined ? {} : { baseRowId: file.baseRowId }),
    ...(file.defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion: file.defaultRowCommitVersion }),
  }
}
