/** `tblctl label`: sets and removes labels of registered tables. */
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

/** A ref has no "="; one that ends in "-" is told from `tier-` by its backend (`lake:acme/old-`). */
const isChange = (word: string): boolean => word.includes('=') || (word.endsWith('-') && !word.includes(':'))

export const command: CommandModule<{ words: readonly string[] }> = {
  name: 'label',
  summary: 'Set or remove labels of tables',
  description:
    'NAME=VALUE sets a label, NAME- removes one. Labels choose tables (-l NAME=VALUE), and protect=true refuses what destroys a table. A table whose name ends in "-" is written with its backend.',
  examples: [
    { command: 'tblctl label lake:acme/metrics tier=hot', does: 'set one' },
    { command: 'tblctl label lake:acme/metrics tier-', does: 'remove it' },
    { command: 'tblctl label -l tier=hot protect=true', does: 'on every table with another label' },
  ],
  arguments: [{ name: '<words...>', description: 'tables or globs, then NAME=VALUE and NAME-', completes: 'table' }],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { words }) => {
    const refs = words.filter((word) => !isChange(word))
    const changes = words.filter(isChange)
    if (changes.length === 0)
      throw fail('usage', 'no-label', 'no label is named', { hint: 'write NAME=VALUE to set one, NAME- to remove it' })
    return runOperation(context, (api) => api.label(selectionOf(context.global, refs), changes, context.global.dryRun))
  },
}
