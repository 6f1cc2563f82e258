/** `tblctl unregister`: the catalog forgets a table; its data stays. */
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }> = {
  name: 'unregister',
  summary: 'Forget tables and leave their data',
  examples: [
    { command: 'tblctl unregister lake:acme/metrics', does: 'one table; register brings it back' },
    { command: 'tblctl unregister --project acme --dry-run', does: 'see which tables a project has first' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }) =>
    runOperation(context, (api) =>
      api.operate('unregister', selectionOf(context.global, refs), {}, context.global.dryRun),
    ),
}
