/** `tblctl restore`: a table becomes what it was. */
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { type TravelOptions, travelOf, travelOptions } from '../tables/time-travel.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, TravelOptions> = {
  name: 'restore',
  summary: 'Bring a table back to an earlier version',
  description:
    'A new version with the rows of the earlier one: those between stay in the history, and can be restored in their turn. A version whose files vacuum removed is refused.',
  examples: [
    { command: 'tblctl history lake:acme/metrics', does: 'which versions there are' },
    { command: 'tblctl restore lake:acme/metrics --version 3 --dry-run', does: 'what would change' },
    { command: 'tblctl restore lake:acme/metrics --timestamp 2026-03-01T12:00:00Z -y', does: 'as it was then' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: travelOptions,
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, options) => {
    const at = travelOf(options)
    if (at === null)
      throw fail('usage', 'missing-version', 'restore needs --version N or --timestamp TIME', {
        hint: 'tblctl history REF',
      })
    const given = { version: null, timestamp: null, ...at }
    return runOperation(context, (api) =>
      api.operate('restore', selectionOf(context.global, refs), given, context.global.dryRun),
    )
  },
}
