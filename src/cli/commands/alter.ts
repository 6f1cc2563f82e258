/** `tblctl alter`: how long tables keep their rows. */
import { fail } from '../../core/errors.ts'
import type { CommandModule, OptionSpec } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export interface RetentionOptions {
  readonly retention?: string
  readonly applyNow?: boolean
}
export const retentionOptions: readonly OptionSpec[] = [
  { flags: '--retention <duration>', description: 'how long rows are kept, such as 30d, or none for ever' },
  { flags: '--apply-now', description: 'remove rows that are too old now; there is no way back' },
]

export const command: CommandModule<{ refs: readonly string[] }, RetentionOptions> = {
  name: 'alter',
  summary: 'Change how long tables keep their rows',
  description:
    'A table keeps the column that it measures by. Longer, nothing is removed; shorter, rows that are too old go when the backend comes to it, or at once with --apply-now.',
  examples: [
    { command: 'tblctl alter ch:acme/otel_logs --retention 90d', does: 'one table' },
    { command: 'tblctl alter "ch:*/otel_logs" --retention none --dry-run', does: 'of which tables it would change' },
    {
      command: 'tblctl alter ch:acme/otel_logs --retention 7d --apply-now --confirm ch:acme/otel_logs',
      does: 'and remove what is older now',
    },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (ch:acme/) or globs', completes: 'table' }],
  options: retentionOptions,
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { retention, applyNow = false }) => {
    if (retention === undefined)
      throw fail('usage', 'missing-retention', 'alter needs --retention DURATION', {
        hint: 'such as --retention 30d, or --retention none',
      })
    return runOperation(context, (api) =>
      api.operate('alter', selectionOf(context.global, refs), { retention, applyNow }, context.global.dryRun),
    )
  },
}
