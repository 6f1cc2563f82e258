/** `tblctl optimize`: fewer and larger files with the same rows. */
import { parseSize } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import { names } from '../flags/values.ts'
import { reportColumns } from '../output/report.ts'
import { given } from '../tables/given.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

interface Options {
  readonly targetSize?: number
  readonly where?: string
  readonly sort?: readonly string[]
  readonly zorder?: readonly string[]
  readonly memory?: number
}

export const command: CommandModule<{ refs: readonly string[] }, Options> = {
  name: 'optimize',
  summary: 'Compact small files, and lay rows out anew',
  description: 'Writers go on meanwhile, and readers see the same rows. Stopped, the same command goes on.',
  examples: [
    { command: 'tblctl optimize lake:acme/metrics --dry-run', does: 'how many files would become how many' },
    {
      command: 'tblctl optimize "lake:*/metrics" --target-size 64MB',
      does: 'every metrics table, files of about 64 MB',
    },
    {
      command: 'tblctl optimize lake:acme/metrics --zorder service,timestamp --where "date >= \'2026-03-01\'"',
      does: 'rows that are asked for together lie together, in recent partitions',
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
    { flags: '--where <condition>', description: "only partitions that it holds for: date >= '2026-03-01'" },
    { flags: '--sort <columns>', description: 'order rows by these columns, by commas', parse: names },
    {
      flags: '--zorder <columns>',
      description: 'cluster rows by these columns together, by commas',
      parse: names,
    },
    { flags: '--memory <size>', description: 'what the whole process may take, such as 600MB', parse: parseSize },
  ],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { targetSize, ...layout }) =>
    runOperation(context, (api) =>
      api.operate(
        'optimize',
        selectionOf(context.global, refs),
        { targetSize: targetSize ?? null, ...given(layout) },
        context.global.dryRun,
      ),
    ),
}
