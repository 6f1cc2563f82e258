/** `tblctl delete`: rows that a condition holds for are gone from a table. */
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, { where?: string }> = {
  name: 'delete',
  summary: 'Remove the rows that a condition holds for',
  description:
    "The plan counts the rows, and the table's name has to be typed or given with --confirm: -y alone is not enough. A row for which the condition is null stays. Where a table has versions, tblctl restore brings the rows back until vacuum removes their files.",
  examples: [
    {
      command: 'tblctl delete lake:acme/metrics --where "service = \'test\'" --dry-run',
      does: 'how many rows would go',
    },
    {
      command: 'tblctl delete lake:acme/metrics --where "date < \'2026-01-01\'" --confirm metrics',
      does: 'without a question',
    },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: [{ flags: '--where <condition>', description: 'an SQL condition on the columns of the table' }],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { where }) => {
    if (where === undefined)
      throw fail('usage', 'missing-where', 'delete needs --where CONDITION', {
        hint: 'all rows: --where true; the table itself: tblctl drop',
      })
    return runOperation(context, (api) =>
      api.operate('delete', selectionOf(context.global, refs), { where }, context.global.dryRun),
    )
  },
}
