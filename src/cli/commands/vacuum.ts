/** `tblctl vacuum`: what nobody needs any more goes for good. */
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, { trash?: boolean }> = {
  name: 'vacuum',
  summary: 'Remove what is older than the retention',
  description:
    'Drops whole partitions, and only those without a row inside the retention. With --trash, the tables that were deleted more than a week ago.',
  examples: [
    { command: 'tblctl vacuum ch:acme/ --dry-run', does: 'which partitions would go, with rows and bytes' },
    { command: 'tblctl vacuum --backend ch -y', does: 'from cron: every table of a backend' },
    { command: 'tblctl vacuum --backend ch --trash -y', does: 'deleted tables whose time is over' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (ch:acme/) or globs', completes: 'table' }],
  options: [{ flags: '--trash', description: 'empty the trash of --backend of tables whose time is over' }],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { trash = false }) => {
    const { global } = context
    if (!trash)
      return runOperation(context, (api) => api.operate('vacuum', selectionOf(global, refs), {}, global.dryRun))
    const { backend } = global
    if (backend === null || refs.length > 0 || global.project !== null || global.labels.length > 0 || global.all)
      throw fail('usage', 'trash-of-backend', 'the trash is of a whole backend: --trash takes --backend NAME alone', {
        hint: 'tblctl vacuum --trash --backend NAME',
      })
    return runOperation(context, (api) => api.emptyTrash(backend, global.dryRun))
  },
}
