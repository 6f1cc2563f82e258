/** `tblctl stats`: rows, bytes, files, and whatever else the backend counts. */
import type { TableStats } from '../../api/tables.ts'
import { fail } from '../../core/errors.ts'
import { formatBytes } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import type { Column, ListView, ObjectView } from '../output/view.ts'
import { factSections } from '../tables/facts.ts'
import { gather, reportErrors } from '../tables/gather.ts'
import { selectionOf, singleRef } from '../tables/selection.ts'
import { readingChosen, type TableContext } from '../tables/traits.ts'

const count = (name: string): Column<TableStats> => ({
  name,
  align: 'right',
  value: (item) => item.status[name],
  unknown: (item) => item.unknown[name],
  ...(name === 'bytes' ? { format: (value: number) => formatBytes(value) } : {}),
})
const columns: readonly Column<TableStats>[] = [
  { name: 'ref', value: (item) => item.ref },
  ...['version', 'files', 'rows', 'bytes'].map(count),
  { name: 'source', wide: true, value: (item) => item.status.source },
]

export const command: CommandModule<{ refs: readonly string[] }, { exact?: boolean }> = {
  name: 'stats',
  summary: 'Count rows, bytes and files of tables',
  description:
    'Every count says how it was got: exact, from the log of the table, or an estimate. What cannot be known is "?" with the reason, and then the exit code is 1.',
  examples: [
    { command: 'tblctl stats lake:acme/metrics', does: 'one table' },
    { command: 'tblctl stats --all --sort-by bytes:desc', does: 'the largest first' },
    { command: 'tblctl stats lake:acme/metrics --exact -o json', does: 'counted, for scripts: .status.rows' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: [{ flags: '--exact', description: 'count what the cheap way does not know; may read the data' }],
  takes: readingChosen,
  columns,
  async run(context: TableContext, { refs }, { exact = false }) {
    const api = await context.api()
    const one = async (ref: string): Promise<TableStats> => {
      const [stats] = await api.stats({ refs: [ref] }, exact)
      if (stats === undefined) throw fail('missing', 'table-not-found', `table ${ref} is not registered`)
      return stats
    }
    const single = singleRef(selectionOf(context.global, refs))
    if (single !== null && !needsRows(context)) {
      const stats = await one(single)
      await context.print(objectView(stats))
      return sayUnknown(context, [stats])
    }
    const { items, errors } = await gather(context, refs, one)
    await context.print(listView(items, errors))
    const partial = sayUnknown(context, items)
    return reportErrors(context, errors) || partial
  },
}

/** The flags of lists make a list of one table, too. */
const needsRows = ({ global }: TableContext): boolean =>
  global.output === 'csv' || global.columns !== null || global.sortBy !== null

function objectView({ kind, ...stats }: TableStats): ObjectView {
  const sections = [
    { lines: [{ label: 'Table', value: stats.ref }] },
    ...factSections('Status', stats.status, stats.unknown),
  ]
  return { is: 'object', kind, object: stats, name: stats.ref, sections }
}

function listView(items: readonly TableStats[], errors: readonly object[]): ListView<TableStats> {
  return { is: 'list', kind: 'TableStatsList', columns, items, after: { errors } }
}

/** A partial answer is no success. */
function sayUnknown({ reporter }: TableContext, items: readonly TableStats[]): number {
  const unknown = items.flatMap(({ ref, unknown: reasons }) =>
    Object.entries(reasons).map(([name, why]) => `${name} of ${ref} is not known: ${why}`),
  )
  for (const line of unknown) reporter.log('warn', line)
  return unknown.length > 0 ? 1 : 0
}
