/** Which commits can stand behind which: what a request must be in itself, and what a winner's commit means for it. */
import { fail } from '../../../core/errors.ts'
import type { Action } from './actions.ts'
import type { CommitOutcome, CommitRequest } from './commit-request.ts'
import { decodePath } from './paths.ts'
import { isAppendOnly } from './protocol.ts'
import { fileKey } from './replay.ts'

/** Throws `refused`/`append-only`, and a bug for what the protocol forbids in one commit. */
export function checkRequest({ kind, actions, snapshot, txn }: CommitRequest): void {
  const seen = new Set<string>()
  for (const action of actions) {
    const key = reconciliationKey(action)
    if (key === null || seen.has(key)) throw wrong(`${key ?? 'commitInfo'} does not belong in this commit`)
    seen.add(key)
    const changesTable = 'metaData' in action || 'protocol' in action
    if (changesTable && kind !== 'metadata' && kind !== 'replace')
      throw wrong(`a commit of kind ${kind} changes the table`)
    if ('remove' in action && kind === 'append') throw wrong('a commit of kind append removes files')
    if ('remove' in action && action.remove.dataChange && snapshot !== null && isAppendOnly(snapshot.metadata))
      throw fail('refused', 'append-only', 'the table is append-only (delta.appendOnly): its rows cannot be removed')
  }
  if (txn !== undefined && seen.has(`txn ${txn.appId}`)) throw wrong('a transaction stands twice')
  if (snapshot === null && !(seen.has('protocol') && seen.has('metaData')))
    throw wrong('a new table needs a protocol and metadata')
}

/**
 * What a winner's commit means for a request; undefined = it can go on behind it. By the kind of the request:
 *
 * | the winner …                               | append           | rewrite          | replace          | metadata         |
 * | ------------------------------------------ | ---------------- | ---------------- | ---------------- | ---------------- |
 * | wrote the request's transaction, or beyond | already          | already          | already          | already          |
 * | wrote an earlier version of it             | overtaken        | overtaken        | overtaken        | overtaken        |
 * | changed metadata or protocol               | metadata-changed | metadata-changed | metadata-changed | metadata-changed |
 * | wrote a metadata domain that it writes     | conflict         | conflict         | conflict         | conflict         |
 * | removed, or gave a vector to, an input     | –                | conflict         | conflict         | conflict         |
 * | added or removed other rows                | goes on          | goes on          | conflict         | goes on          |
 * | rewrote other files, changing no row       | goes on          | goes on          | goes on          | goes on          |
 *
 * The first line that fits counts. An input is a file that the request removes.
 */
export function conflictWith(
  winner: readonly Action[],
  version: number,
  { actions, txn, kind }: CommitRequest,
): CommitOutcome | undefined {
  for (const action of winner)
    if (txn !== undefined && 'txn' in action && action.txn.appId === txn.appId)
      return { is: action.txn.version >= txn.version ? 'already' : 'overtaken' }
  if (winner.some((action) => 'metaData' in action || 'protocol' in action)) return { is: 'metadata-changed', version }
  const domains = new Set(
    actions.flatMap((action) => ('domainMetadata' in action ? [action.domainMetadata.domain] : [])),
  )
  for (const action of winner)
    if ('domainMetadata' in action && domains.has(action.domainMetadata.domain))
      return { is: 'conflict', why: `version ${version} changed the same metadata domain` }
  const removedInputs = inputsTakenBy(winner, actions)
  if (removedInputs.length > 0)
    return { is: 'conflict', why: `version ${version} removed files that this commit rewrites`, removedInputs }
  const changesRows = (action: Action): boolean =>
    ('add' in action && action.add.dataChange) || ('remove' in action && action.remove.dataChange)
  if (kind === 'replace' && winner.some(changesRows))
    return { is: 'conflict', why: `version ${version} changed rows that this commit is based on` }
  return undefined
}

/**
 * By path alone: who gives a file a deletion vector removes it as it was and adds it again with the vector, and some writers leave the
 * vector out of the remove.
 */
function inputsTakenBy(winner: readonly Action[], actions: readonly Action[]): readonly string[] {
  const inputs = new Set(actions.flatMap((action) => ('remove' in action ? [plainPath(action.remove.path)] : [])))
  if (inputs.size === 0) return []
  const removed = winner.flatMap((action) => ('remove' in action ? [plainPath(action.remove.path)] : []))
  return [...new Set(removed.filter((path) => inputs.has(path)))]
}

function plainPath(logPath: string): string {
  const decoded = decodePath(logPath)
  return 'path' in decoded ? decoded.path : logPath
}

function reconciliationKey(action: Action): string | null {
  if ('add' in action) return `file ${fileKey(action.add)}`
  if ('remove' in action) return `file ${fileKey(action.remove)}`
  if ('txn' in action) return `txn ${action.txn.appId}`
  if ('domainMetadata' in action) return `domainMetadata ${action.domainMetadata.domain}`
  if ('metaData' in action) return 'metaData'
  if ('protocol' in action) return 'protocol'
  return null
}

const wrong = (why: string): Error => fail('bug', 'bad-commit', why)
