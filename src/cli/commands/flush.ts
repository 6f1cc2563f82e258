/** `tblctl flush`: hot rows into cold storage. */
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'
import { asOption } from '../tables/user.ts'

export const command: CommandModule<{ refs: readonly string[] }, { as?: string }> = {
  name: 'flush',
  summary: 'Move hot rows into cold storage',
  description:
    'All hot rows of the chosen tables, whatever their flush policy says. Readers see the same rows before and after; several flushes at once share the work. Stopped, the same command goes on.',
  examples: [
    { command: 'tblctl flush people:chat/messages', does: 'the rows of all users' },
    { command: 'tblctl flush people:chat/messages --as u1', does: 'of one user' },
    { command: 'tblctl flush --backend people --dry-run', does: 'how much is hot' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (people:chat/) or globs', completes: 'table' }],
  options: [asOption],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { as }) =>
    runOperation(context, (api) => api.flush(selectionOf(context.global, refs), as ?? null, context.global.dryRun)),
}
