/** `tblctl sync pause`: desired state, which a run obeys at its next page. */
import type { CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { runOperation } from '../../tables/operation.ts'
import type { TableContext } from '../../tables/traits.ts'

export const pause: CommandModule<{ ids: readonly string[] }> = {
  name: 'pause',
  summary: 'Stop syncs at their next page until they are resumed',
  description:
    'It stays: a paused sync is passed over by sync run until sync resume. A run that goes on in another process stops at its next page, and keeps what is written.',
  examples: [{ command: 'tblctl sync pause orders', does: 'from the next page on' }],
  arguments: [{ name: '<ids...>', description: 'syncs of the config' }],
  takes: ['config', 'output', 'approval', 'timeout'],
  columns: reportColumns,
  run: (context: TableContext, { ids }) => runOperation(context, (api) => api.syncs.pause(ids, true)),
}
