/**
 * Committing (Delta PROTOCOL, "Delta Log Entries"; the rules for concurrent writers are those of Delta's own conflict checker):
 * version N+1 is put if absent; who loses reads what the winners did, and goes on behind them where that changes nothing for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import type { Action } from './actions.ts'
import { attemptOf, inCommitTimestampOf } from './attempt.ts'
import { formatCommit } from './commit-file.ts'
import type { CommitOutcome, CommitRequest } from './commit-request.ts'
import { checkRequest, conflictWith } from './conflicts.ts'
import { commitKey } from './paths.ts'
import { requireWritable } from './protocol.ts'
import { readCommit, type Snapshot } from './snapshot.ts'

export interface Committer {
  /** `tblctl/1.2.3` */
  readonly engineInfo: string
  readonly run: string
  readonly job: string
  readonly now: () => Date
  readonly signal?: AbortSignal
}

/** Of eight writers that do nothing but commit, none loses as often as this. */
const attempts = 50
const longestPauseMs = 250

/**
 * Throws `refused` or `denied` when this version must not write the table, `missing`/`no-delta-table` when it was removed or replaced
 * since the snapshot; lost races are outcomes, not errors.
 */
export async function commit(
  store: ObjectStore,
  prefix: string,
  request: CommitRequest,
  committer: Committer,
): Promise<CommitOutcome> {
  const { snapshot, txn } = request
  if (snapshot !== null) requireWritable(snapshot, prefix === '' ? store.url : `${store.url}/${prefix}`)
  checkRequest(request)
  const before = txn === undefined ? undefined : snapshot?.txns.get(txn.appId)
  if (txn !== undefined && before !== undefined && before.version >= txn.version) return { is: 'already' }
  if (txn?.after !== undefined && before !== undefined && before.version > txn.after) return { is: 'overtaken' }
  await requireThere(store, snapshot)

  let base = snapshot?.version ?? -1
  let previous = snapshot?.timestamp ?? 0
  for (let attempt = 1; attempt <= attempts; attempt++) {
    committer.signal?.throwIfAborted()
    const actions = attemptOf(request, committer, { version: base + 1, previous })
    if ((await putVersion(store, prefix, base + 1, actions)) === 'written')
      return { is: 'committed', version: base + 1 }
    if (snapshot === null) return { is: 'conflict', why: 'the table was created by another writer' }
    // First the pause, then the winners: who read them before it would come too late for certain.
    await sleep(Math.random() * Math.min(longestPauseMs, 5 * 2 ** attempt), undefined, { signal: committer.signal })
    for (let winner = await readCommit(store, prefix, base + 1); winner !== undefined; ) {
      const lost = conflictWith(winner, base + 1, request)
      if (lost !== undefined) return lost
      previous = inCommitTimestampOf(winner) ?? previous
      base++
      winner = await readCommit(store, prefix, base + 1)
    }
  }
  return { is: 'conflict', why: `other writers were faster ${attempts} times in a row` }
}

/** Without its predecessor a commit would begin a broken table where there is none, or go into another one. */
async function requireThere(store: ObjectStore, snapshot: Snapshot | null): Promise<void> {
  const known = snapshot?.commit
  if (!known) return
  const now = await store.head(known.key)
  if (now?.etag === known.etag) return
  throw fail('missing', 'no-delta-table', 'the table was removed or replaced while it was being worked on', {
    where: `${store.url}/${known.key}`,
    hint: 'run the command again for the table that is there now',
  })
}

/**
 * An answer can get lost after the object was written, and a retried request then meets its own object. So whatever is not a
 * plain success is decided by reading the object: it is ours when it carries the id that we gave to this very attempt.
 */
async function putVersion(
  store: ObjectStore,
  prefix: string,
  version: number,
  actions: readonly Action[],
): Promise<'written' | 'exists'> {
  const bytes = formatCommit(actions)
  const key = commitKey(prefix, version)
  let failure: { readonly error: unknown } | undefined
  try {
    if ((await store.putIfAbsent(key, bytes)) === 'written') return 'written'
  } catch (error) {
    failure = { error }
  }
  const there = await store.read(key)
  if (there !== undefined && Buffer.from(there).equals(bytes)) return 'written'
  if (failure !== undefined) throw failure.error
  if (there === undefined) {
    const where = printable(store.localPath(key) ?? `${store.url}/${key}`)
    throw fail('failed', 'commit-vanished', `version ${version} of the table is taken, and cannot be read: ${where}`, {
      where,
      hint: 'where a folder or a link that leads nowhere has this name, remove it; then run the same command again',
      retry: 'later',
    })
  }
  return 'exists'
}
