/** `tblctl drop`: a table and all its rows are gone. */
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }> = {
  name: 'drop',
  summary: 'Remove tables with all their rows',
  description:
    'The plan says what goes, and its name has to be typed or given with --confirm: -y alone is not enough. Stopped, the same command goes on. To forget a table and leave its rows: tblctl unregister.',
  examples: [
    { command: 'tblctl drop shop:default/users --dry-run', does: 'what would go' },
    { command: 'tblctl drop shop:default/users --confirm shop:default/users', does: 'one table, without a question' },
    { command: 'tblctl drop "shop:old/*" --confirm "3 tables"', does: 'several: their number is confirmed' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (shop:old/) or globs', completes: 'table' }],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }) =>
    runOperation(context, (api) => api.operate('drop', selectionOf(context.global, refs), {}, context.global.dryRun)),
}
