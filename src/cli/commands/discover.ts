/** `tblctl discover`: tables that a backend holds and the catalog does not know. */
import type { TableItem } from '../../api/tables.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { reportErrors } from '../tables/gather.ts'
import { labelOption, mergeLabels } from '../tables/labels.ts'
import { type ListRow, tableColumns } from '../tables/list-columns.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

interface Options {
  readonly register?: boolean
  readonly label?: readonly Readonly<Record<string, string>>[]
}

export const command: CommandModule<{ refs: readonly string[] }, Options> = {
  name: 'discover',
  summary: 'Find tables that are not registered',
  description: 'Lists the backends. With --register, what was found is adopted where it lies.',
  examples: [
    { command: 'tblctl discover --backend lake', does: 'what nobody registered' },
    { command: 'tblctl discover --project acme --register', does: 'adopt all tables of a project' },
    { command: 'tblctl discover "lake:*/metrics" --register --label tier=hot', does: 'some, with a label' },
  ],
  arguments: [{ name: '[refs...]', description: 'only these: refs, projects (lake:acme/) or globs' }],
  options: [{ flags: '--register', description: 'adopt what was found' }, labelOption],
  takes: changingChosen,
  columns: [
    ...tableColumns(true),
    ...reportColumns.filter(({ name }) => !tableColumns(true).some((c) => c.name === name)),
  ],
  async run(context: TableContext, { refs }, { register = false, label }) {
    const { global } = context
    const api = await context.api()
    const { items, errors } = await api.discover(selectionOf(global, refs))
    const failed = reportErrors(
      context,
      errors.map(({ backend, error }) => ({ ref: `backend ${backend}`, error })),
    )
    if (register) {
      const code = await runOperation(context, (open) => open.adopt(items, mergeLabels(label), global.dryRun))
      return code === 0 ? failed : code
    }
    await context.print({
      is: 'list',
      kind: 'TableList',
      columns: tableColumns(true),
      items: items as readonly ListRow[],
      after: { errors },
      name: (item: TableItem) => item.ref,
      none:
        errors.length === 0
          ? 'every table that the backends hold is registered'
          : 'every table of the backends that could be listed is registered',
    })
    return failed
  },
}
