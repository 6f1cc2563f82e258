/** Rows of a load that the table does not keep: they are older than its retention, and the server removes them when it takes or merges them. */
import type { Engine } from '../../engine/engine.ts'
import { parquetSource, quoteIdentifier } from '../../engine/sql-text.ts'
import type { ClickhouseTable, Column } from './table.ts'
import { formatRetention } from './ttl.ts'

/** What the plan says beforehand. */
export function retentionNote({ ttl }: ClickhouseTable): string[] {
  if (ttl.is === 'none') return []
  const kept = ttl.is === 'retention' ? `rows ${formatRetention(ttl.seconds)}` : `rows as its TTL says (${ttl.text})`
  return [`the table keeps ${kept}: what is older goes at once, and is counted as expired`]
}

/** Null where the TTL is no column's own time and cannot be asked before the rows are there. */
export async function expiredRows(
  engine: Engine,
  file: string,
  { ttl }: ClickhouseTable,
  columns: readonly Column[],
  now: Date,
): Promise<number | null> {
  if (ttl.is === 'none') return 0
  if (ttl.is === 'other') return null
  const [, convert = '', quoted, plain] =
    /^(?:(toDateTime|toDate)\()?(?:`((?:[^`\\])+)`|(\w+))\)?$/.exec(ttl.anchor) ?? []
  const column = columns.find(({ name }) => name === (quoted ?? plain))
  if (column === undefined || (column.type.kind !== 'Timestamp' && column.type.kind !== 'Date32')) return null
  const unit = convert === 'toDate' ? 86_400_000 : convert === 'toDateTime' ? 1000 : 1
  const anchor = `floor(epoch_ms(${quoteIdentifier(column.name)}) / ${unit}) * ${unit}`
  const cut = (Math.floor(now.getTime() / 1000) - ttl.seconds) * 1000
  const [row] = await engine.all(
    `SELECT count(*) FILTER (WHERE ${anchor} <= ${cut}) AS n FROM ${parquetSource([file])}`,
  )
  return Number(row!.n)
}
