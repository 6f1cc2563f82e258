/** `tblctl tenant delete`: a tenant's tables into the trash. */
import type { CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { runOperation } from '../../tables/operation.ts'
import { changing, type TableContext } from '../../tables/traits.ts'
import { type ChoiceOptions, choiceOf, choiceOptions, tenantsArgument } from './choice.ts'

export const remove: CommandModule<{ tenants: readonly string[] }, ChoiceOptions> = {
  name: 'delete',
  summary: 'Delete tenants with all their tables',
  description:
    'Tables go to the trash of their database at once, with their rows; tblctl vacuum --trash drops them for good after a week. Views hold no rows and are dropped.',
  examples: [
    { command: 'tblctl tenant delete ch:acme --dry-run', does: 'what would go' },
    { command: 'tblctl tenant delete ch:acme --confirm acme', does: 'for scripts' },
  ],
  arguments: [tenantsArgument],
  options: choiceOptions,
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { tenants }, choice) =>
    runOperation(context, (api) =>
      api.tenants.operate('tenant.delete', choiceOf(tenants, choice), {}, context.global.dryRun),
    ),
}
