/** `tblctl undrop`: a dropped table comes back. */
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { changing, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, { id?: string }> = {
  name: 'undrop',
  summary: 'Bring dropped tables back',
  description:
    'With all rows, versions and labels, where it lay. Possible until vacuum --trash has removed it, which it does a week after the drop, and while no other table is in its place.',
  examples: [
    { command: 'tblctl list --dropped', does: 'what can be brought back' },
    { command: 'tblctl undrop lake:acme/metrics -y', does: 'the newest of that name' },
  ],
  arguments: [{ name: '<refs...>', description: 'tables that were dropped' }],
  options: [{ flags: '--id <id>', description: 'which of several of one name (list --dropped)' }],
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { id = null }: { id?: string | null }) =>
    runOperation(context, (api) => api.undrop(refs, id, context.global.dryRun)),
}
