/** `tblctl optimize`: fewer and larger files with the same rows. */
import { parseSize } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, { targetSize?: number }> = {
  name: 'optimize',
  summary: 'Compact small files',
  description: 'Writers go on meanwhile, and readers see the same rows. Stopped, the same command goes on.',
  examples: [
    { command: 'tblctl optimize lake:acme/metrics --dry-run', does: 'how many files would become how many' },
    {
      command: 'tblctl optimize "lake:*/metrics" --target-size 64MB',
      does: 'every metrics table, files of about 64 MB',
    },
    { command: 'tblctl optimize --all -o json', does: 'from cron: one report over all tables' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: [
    {
      flags: '--target-size <size>',
      description: 'size that files should have, such as 64MB or 1GiB',
      parse: parseSize,
    },
  ],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { targetSize }) =>
    runOperation(context, (api) =>
      api.operate(
        'optimize',
        selectionOf(context.global, refs),
        { targetSize: targetSize ?? null },
        context.global.dryRun,
      ),
    ),
}
