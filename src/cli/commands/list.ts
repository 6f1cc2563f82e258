/** `tblctl list`: the tables of the catalog; with --live what the backends say about them. */
import { setFlagsFromString } from 'node:v8'
import type { TableItem } from '../../api/tables.ts'
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { droppedColumns, printDropped } from '../tables/dropped.ts'
import { reportErrors } from '../tables/gather.ts'
import { checkLiveColumns, type ListRow, tableColumns } from '../tables/list-columns.ts'
import { selectionOf } from '../tables/selection.ts'
import { readingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, { live?: boolean; dropped?: boolean }> = {
  name: 'list',
  summary: 'List tables',
  description:
    'Reads the catalog only. With --live every backend is asked too: missing tables are registered but gone, unregistered ones are there but not in the catalog.',
  examples: [
    { command: 'tblctl list', does: 'every table' },
    { command: 'tblctl list "lake:*/metrics" -l tier=hot', does: 'some of them' },
    { command: 'tblctl list --live --backend lake -o wide', does: 'ask the backend, too' },
    { command: 'tblctl list --project acme -o name | xargs -n1 tblctl stats', does: 'refs for other commands' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: [
    { flags: '--live', description: 'ask the backends: what is missing or unregistered, files, rows, bytes' },
    { flags: '--dropped', description: 'tables that were dropped and can be brought back' },
  ],
  takes: readingChosen,
  columns: [
    ...tableColumns(true),
    ...droppedColumns.filter(({ name }) => !tableColumns(true).some((c) => c.name === name)),
  ],
  async run(context: TableContext, { refs }, { live = false, dropped = false }) {
    keepNurserySmall()
    if (live && dropped)
      throw fail('usage', 'bad-option', 'for what was dropped the backends are asked anyway', {
        hint: 'leave --live out',
      })
    if (dropped) return printDropped(context, refs)
    if (!live) checkLiveColumns(context.global)
    const { items, errors } = await (await context.api()).list(selectionOf(context.global, refs), live)
    await context.print({
      is: 'list',
      kind: 'TableList',
      columns: tableColumns(live),
      items: items as readonly ListRow[],
      ...(live ? { after: { errors } } : {}),
      name: (item: TableItem) => item.ref,
      none: 'no tables; tblctl create makes one, tblctl register adopts one',
    })
    return reportErrors(
      context,
      errors.map(({ backend, error }) => ({ ref: `backend ${backend}`, error })),
    )
  },
}

/** A listing keeps what it reads until its end: space that the collector's nursery grows to meanwhile is only held (123 → 96 MB for 10,000 tables, in the same time). */
function keepNurserySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
