/** The partitions of a table, from its active parts. Empty parts, which the engine keeps for a while, do not count. */
import type { Executor } from './executor.ts'

export interface Partition {
  readonly id: string
  /** As people see it: `2026-11-20`. */
  readonly label: string
  readonly parts: number
  readonly rows: number
  readonly bytes: number
  /** Seconds since 1970, UTC. */
  readonly modifiedAt: number
  /** Newest time of a row; null when the partition key has no time. Seconds since 1970, UTC. */
  readonly newest: number | null
}

type Row = Readonly<Record<'id' | 'label' | 'parts' | 'rows' | 'bytes' | 'modified' | 'time' | 'day', string>>

/** In the order of their ids. */
export async function readPartitions(
  executor: Executor,
  database: string,
  table: string,
  signal?: AbortSignal,
): Promise<Partition[]> {
  const rows = await executor.query<Row>({
    sql: `SELECT partition_id AS id, any(partition) AS label, toString(count()) AS parts, toString(sum(rows)) AS rows, toString(sum(bytes_on_disk)) AS bytes,
      toString(max(toUnixTimestamp(modification_time))) AS modified, toString(max(toUnixTimestamp(max_time))) AS time, toString(max(toUInt32(toUInt16(max_date)))) AS day
      FROM system.parts WHERE database = {database:String} AND table = {table:String} AND active AND system.parts.rows > 0 GROUP BY partition_id ORDER BY partition_id`,
    parameters: { database, table },
    ...(signal === undefined ? {} : { signal }),
  })
  return rows.map(({ id, label, parts, rows: count, bytes, modified, time, day }) => ({
    id,
    label,
    parts: Number(parts),
    rows: Number(count),
    bytes: Number(bytes),
    modifiedAt: Number(modified),
    newest: newest(Number(time), Number(day)),
  }))
}

/** 0 stands for not known. A day counts up to its end. */
function newest(time: number, day: number): number | null {
  if (time > 0) return time
  return day > 0 ? (day + 1) * 86_400 - 1 : null
}

export function sizesOf(partitions: readonly Partition[]): { parts: number; rows: number; bytes: number } {
  const sum = { parts: 0, rows: 0, bytes: 0 }
  for (const { parts, rows, bytes } of partitions) {
    sum.parts += parts
    sum.rows += rows
    sum.bytes += bytes
  }
  return sum
}
