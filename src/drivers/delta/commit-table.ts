/** Every commit of this driver goes through here: the log's own rules stand in log/commit.ts, its upkeep in log-upkeep.ts. */
import type { ReadContext } from '../../core/operation.ts'
import type { Location } from './location.ts'
import { type Committer, commit } from './log/commit.ts'
import type { CommitOutcome, CommitRequest } from './log/commit-request.ts'
import { keepUpLog } from './log-upkeep.ts'
import type { Lake } from './table.ts'

/** As log/commit.ts; when it has committed, checkpoints and the clean-up of the log follow where they are due. */
export async function commitTo(
  lake: Lake,
  location: Location,
  request: CommitRequest,
  committer: Committer,
  ctx: ReadContext,
): Promise<CommitOutcome> {
  const outcome = await commit(location.store, location.prefix, request, committer)
  if (outcome.is === 'committed') await keepUpLog(lake, location, request, outcome.version, ctx)
  return outcome
}
