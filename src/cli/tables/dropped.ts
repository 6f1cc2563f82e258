/** `tblctl list --dropped`: what the trash of the backends holds. */
import type { Tblctl } from '../../api/open.ts'
import type { Column } from '../output/view.ts'
import { reportErrors } from './gather.ts'
import { labelsText } from './labels.ts'
import { shortTime } from './list-columns.ts'
import { selectionOf } from './selection.ts'
import type { TableContext } from './traits.ts'

type Dropped = Awaited<ReturnType<Tblctl['dropped']>>['items'][number]

export const droppedColumns: readonly Column<Dropped>[] = [
  { name: 'ref', value: ({ ref }) => ref },
  { name: 'id', value: ({ id }) => id },
  { name: 'dropped', value: ({ droppedAt }) => droppedAt, format: shortTime },
  { name: 'until', value: ({ until }) => until, format: shortTime },
  { name: 'version', align: 'right', value: ({ version }) => version },
  { name: 'rows', align: 'right', value: ({ rows }) => rows },
  { name: 'schema', wide: true, value: ({ schema }) => schema },
  { name: 'labels', wide: true, value: ({ labels }) => labelsText(labels) },
  { name: 'location', wide: true, value: ({ location }) => location },
]

export async function printDropped(context: TableContext, refs: readonly string[]): Promise<number> {
  const { items, errors } = await (await context.api()).dropped(selectionOf(context.global, refs))
  await context.print({
    is: 'list',
    kind: 'DroppedTableList',
    columns: droppedColumns,
    items,
    after: { errors },
    none: 'no table was dropped',
  })
  return reportErrors(
    context,
    errors.map(({ backend, error }) => ({ ref: `backend ${backend}`, error })),
  )
}
