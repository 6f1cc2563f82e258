/** `tblctl tenant retention`: how long all tables of a tenant keep their rows. */
import { fail } from '../../../core/errors.ts'
import type { CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { runOperation } from '../../tables/operation.ts'
import { changing, type TableContext } from '../../tables/traits.ts'
import { type RetentionOptions, retentionOptions } from '../alter.ts'
import { type ChoiceOptions, choiceOf, choiceOptions, tenantsArgument } from './choice.ts'

export const retention: CommandModule<{ tenants: readonly string[] }, ChoiceOptions & RetentionOptions> = {
  name: 'retention',
  summary: 'Change how long tenants keep their rows',
  description:
    'Each table keeps the column that it measures by. Longer, nothing is removed; shorter, rows that are too old go when the backend comes to it, or at once with --apply-now.',
  examples: [
    { command: 'tblctl tenant retention ch:acme --retention 90d', does: 'all tables of a tenant' },
    {
      command: 'tblctl tenant retention ch:acme --retention 7d --apply-now --confirm acme',
      does: 'and remove what is older now',
    },
  ],
  arguments: [tenantsArgument],
  options: [...retentionOptions, ...choiceOptions],
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { tenants }, { retention: wanted, applyNow = false, ...choice }) => {
    if (wanted === undefined)
      throw fail('usage', 'missing-retention', 'tenant retention needs --retention DURATION', {
        hint: 'such as --retention 30d, or --retention none',
      })
    const options = { retention: wanted, applyNow }
    return runOperation(context, (api) =>
      api.tenants.operate('tenant.retention', choiceOf(tenants, choice), options, context.global.dryRun),
    )
  },
}
