/** The columns of a shard's physical table, in order: `_row` where rows have no key of their own, the table's, `_vs`. */
import type { Cell } from '../../../core/batch.ts'
import { bucketColumn, type Column, rowColumn, type Topology } from '../topology.ts'
import type { RoutedRows } from './node.ts'

const rowKey: Column = { name: rowColumn, type: { kind: 'Utf8' }, nullable: false, domain: null }
const bucket: Column = { name: bucketColumn, type: { kind: 'Int16' }, nullable: false, domain: null }

export function physicalColumns({ columns, primaryKey }: Topology): readonly Column[] {
  return [...(primaryKey.length === 0 ? [rowKey] : []), ...columns, bucket]
}

/** Cells of one row in the order of the physical columns. */
export function physicalRow({ batch, buckets, rowKeys }: RoutedRows, row: number): Cell[] {
  const cells: Cell[] = rowKeys ? [rowKeys[row]!] : []
  for (const column of batch.columns) cells.push(column[row]!)
  cells.push(buckets[row]!)
  return cells
}

/** A name of any text in SQL: both engines double the quotes. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
