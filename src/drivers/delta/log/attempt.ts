/** The actions of one attempt to commit: the request's own, and what depends on the version and the moment of the attempt. */
import { randomUUID } from 'node:crypto'
import type { Action } from './actions.ts'
import type { Committer } from './commit.ts'
import { inCommitTimestampIn } from './commit-info.ts'
import { type CommitRequest, configurationAfter } from './commit-request.ts'
import { inCommitTimestamps } from './properties.ts'

export interface Attempt {
  readonly version: number
  /** When the version before it was committed, in milliseconds; 0 where nobody knows. */
  readonly previous: number
}

export function attemptOf(request: CommitRequest, committer: Committer, attempt: Attempt): readonly Action[] {
  const now = committer.now().getTime()
  // Delta PROTOCOL, "In-Commit Timestamps": rising from version to version, whatever the clocks of the writers say.
  const time = inCommitTimestamps(configurationAfter(request)) ? Math.max(now, attempt.previous + 1) : null
  return [commitInfo(request, committer, now, time), ...transaction(request, now), ...stamped(request, attempt, time)]
}

/** Of somebody's commit; undefined where it has none. */
export function inCommitTimestampOf(actions: readonly Action[]): number | undefined {
  for (const action of actions) if ('commitInfo' in action) return inCommitTimestampIn(action.commitInfo)
  return undefined
}

function transaction({ txn }: CommitRequest, now: number): readonly Action[] {
  return txn === undefined ? [] : [{ txn: { appId: txn.appId, version: BigInt(txn.version), lastUpdated: now } }]
}

/** The commit that turns in-commit timestamps on in a table that is there says from which version and time on they hold. */
function stamped({ actions, snapshot }: CommitRequest, { version }: Attempt, time: number | null): readonly Action[] {
  if (time === null || snapshot === null || inCommitTimestamps(snapshot.metadata.configuration)) return actions
  const enablement = {
    'delta.inCommitTimestampEnablementVersion': String(version),
    'delta.inCommitTimestampEnablementTimestamp': String(time),
  }
  return actions.map((action) =>
    'metaData' in action
      ? { metaData: { ...action.metaData, configuration: { ...action.metaData.configuration, ...enablement } } }
      : action,
  )
}

/** First in the commit. Parameters and metrics are texts, as Spark has them. */
function commitInfo(request: CommitRequest, committer: Committer, now: number, time: number | null): Action {
  const { operation, kind, snapshot } = request
  return {
    commitInfo: {
      ...(time === null ? {} : { inCommitTimestamp: time }),
      timestamp: now,
      operation: operation.name,
      operationParameters: operation.parameters,
      ...(snapshot === null ? {} : { readVersion: snapshot.version }),
      isolationLevel: isolationOf(request),
      isBlindAppend: kind === 'append',
      operationMetrics: Object.fromEntries(
        Object.entries(operation.metrics).map(([name, value]) => [name, String(value)]),
      ),
      engineInfo: committer.engineInfo,
      txnId: randomUUID(),
      tblctl: { run: committer.run, job: committer.job },
    },
  }
}

/** Delta's names for what log/conflicts.ts checks: rows that others append beside a rewrite count as written before it or after it. */
function isolationOf({ kind, actions }: CommitRequest): string {
  if (kind !== 'rewrite') return 'Serializable'
  const changesRows = actions.some(
    (action) => ('add' in action && action.add.dataChange) || ('remove' in action && action.remove.dataChange),
  )
  return changesRows ? 'WriteSerializable' : 'SnapshotIsolation'
}
