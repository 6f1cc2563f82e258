/** `tblctl sync resume`: takes a pause back. */
import type { CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { runOperation } from '../../tables/operation.ts'
import type { TableContext } from '../../tables/traits.ts'

export const resume: CommandModule<{ ids: readonly string[] }> = {
  name: 'resume',
  summary: 'Let paused syncs run again',
  description: 'The next sync run goes on where they stopped.',
  examples: [{ command: 'tblctl sync resume orders', does: 'the next run goes on' }],
  arguments: [{ name: '<ids...>', description: 'syncs of the config' }],
  takes: ['config', 'output', 'approval', 'timeout'],
  columns: reportColumns,
  run: (context: TableContext, { ids }) => runOperation(context, (api) => api.syncs.pause(ids, false)),
}
