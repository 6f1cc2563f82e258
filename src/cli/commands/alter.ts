/** `tblctl alter`: columns and properties of tables, and how long they keep their rows. */
import { fail } from '../../core/errors.ts'
import type { CommandModule, OptionSpec } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { type ColumnFlags, columnChanges, columnFlags } from '../tables/column-changes.ts'
import { given } from '../tables/given.ts'
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

export const command: CommandModule<{ refs: readonly string[] }, RetentionOptions & ColumnFlags> = {
  name: 'alter',
  summary: 'Change columns, properties and how long rows are kept',
  description:
    'New columns are null in the rows that are there; no row is written anew. Of the retention: longer, nothing is removed; shorter, rows that are too old go when the backend comes to it (Delta: with vacuum --expired), or at once with --apply-now where the backend can.',
  examples: [
    { command: 'tblctl alter lake:acme/metrics --add-column "note Utf8" -y', does: 'one column more' },
    {
      command: 'tblctl alter lake:acme/metrics --to-schema metrics --dry-run',
      does: 'what the table lacks of its schema',
    },
    { command: 'tblctl alter lake:acme/metrics --set delta.appendOnly=true -y', does: 'a property of a Delta table' },
    { command: 'tblctl alter "ch:*/otel_logs" --retention none --dry-run', does: 'of which tables it would change' },
    {
      command: 'tblctl alter ch:acme/otel_logs --retention 7d --apply-now --confirm ch:acme/otel_logs',
      does: 'and remove what is older now',
    },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (ch:acme/) or globs', completes: 'table' }],
  options: [...columnFlags, ...retentionOptions],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { retention, applyNow, ...columns }) => {
    const said = { ...columnChanges(columns), ...given({ retention, applyNow }) }
    if (Object.keys(said).length === 0 || (applyNow !== undefined && retention === undefined))
      throw fail(
        'usage',
        'nothing-to-alter',
        applyNow ? '--apply-now needs --retention' : 'nothing is said that should change',
        {
          hint: 'such as --add-column "note Utf8", or --retention 30d',
        },
      )
    return runOperation(context, (api) =>
      api.operate('alter', selectionOf(context.global, refs), said, context.global.dryRun),
    )
  },
}
