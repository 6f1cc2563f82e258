/** Every commit of this driver goes through here: the log's own rules stand in log/commit.ts. */
import type { ReadContext } from '../../core/operation.ts'
import type { Location } from './location.ts'
import { type Committer, commit } from './log/commit.ts'
import type { CommitOutcome, CommitRequest } from './log/commit-request.ts'
import type { Lake } from './table.ts'

export function commitTo(
  _lake: Lake,
  { store, prefix }: Location,
  request: CommitRequest,
  committer: Committer,
  _ctx: ReadContext,
): Promise<CommitOutcome> {
  return commit(store, prefix, request, committer)
}
