/** One page of a sync: a query for one row more than is wanted, cut so that rows of equal time and key stay together. */

import { errorView } from '../../core/errors.ts'
import { exactTime } from '../../core/exact-time.ts'
import { nullKey } from '../../core/null-key.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { Cursor, Page } from '../../core/sync.ts'
import type { Field } from '../../core/types.ts'
import { decodeRows } from './decode.ts'
import { countStatement, pageStatement, type Reading, tieStatement } from './keyset.ts'
import type { SourceReading } from './reading.ts'
import type { QueryPage, Statement, WireRow } from './requests.ts'
import type { Warehouse } from './table.ts'
import type { FieldSchema } from './types.ts'

interface Read {
  readonly schema: readonly FieldSchema[]
  readonly rows: readonly WireRow[]
  /** The answer had more rows than were read. */
  readonly cut: boolean
  readonly billedBytes: number | null
}

/** At most `limit` rows and bytes of the wire; more only where that many rows have one time and one key. */
export async function readPage(
  warehouse: Warehouse,
  reading: SourceReading,
  fields: readonly Field[],
  from: Cursor,
  until: string,
  limit: { readonly rows: number; readonly bytes: number },
  ctx: ReadContext,
): Promise<Page> {
  const read = await readRows(warehouse, reading, from, until, limit, ctx)
  const identity = identityOf(reading, from.lane)
  if (!read.cut && read.rows.length <= limit.rows) return pageOf(reading, fields, read, from, false)
  // The first row that is left to the next page. Its equals go with it.
  const next = read.rows.length > limit.rows ? limit.rows : read.rows.length - 1
  let end = next
  while (end > 0 && identity(read.rows[end - 1]!) === identity(read.rows[next]!)) end--
  if (end > 0) return pageOf(reading, fields, { ...read, rows: read.rows.slice(0, end) }, from, true)
  const { time, key } = cursorAfter(reading, from.lane, read.rows[0]!)
  const ties = await run(warehouse, reading, tieStatement(reading, time, key!), Number.POSITIVE_INFINITY, ctx)
  const billedBytes = ties.billedBytes === null ? read.billedBytes : ties.billedBytes + (read.billedBytes ?? 0)
  return pageOf(reading, fields, { ...ties, billedBytes }, from, true)
}

export async function countRows(
  warehouse: Warehouse,
  reading: SourceReading,
  from: Cursor,
  until: string,
  ctx: ReadContext,
): Promise<number> {
  const { rows } = await run(warehouse, reading, countStatement(reading, from, until), Number.POSITIVE_INFINITY, ctx)
  return Number(rows[0]!.f[0]!.v)
}

/** An answer that is too large for BigQuery is asked for in smaller parts. */
async function readRows(
  warehouse: Warehouse,
  reading: SourceReading,
  from: Cursor,
  until: string,
  limit: { readonly rows: number; readonly bytes: number },
  ctx: ReadContext,
): Promise<Read> {
  for (let rows = limit.rows; ; rows = Math.ceil(rows / 2)) {
    try {
      const read = await run(warehouse, reading, pageStatement(reading, from, until, rows + 1), limit.bytes, ctx)
      return rows < limit.rows ? { ...read, cut: read.rows.length > rows } : read
    } catch (error) {
      if (errorView(error).code !== 'response-too-large' || rows === 1) throw error
      ctx.log('warn', `BigQuery cannot answer ${rows} rows at once; asking for half as many`, { rows })
    }
  }
}

/** Reads page by page until there are more than `bytes`. Results that expired meanwhile are asked for anew. */
async function run(
  { requests }: Warehouse,
  reading: SourceReading,
  statement: Statement,
  bytes: number,
  ctx: ReadContext,
): Promise<Read> {
  const where = reading.table.join('.')
  for (let again = 0; ; again++) {
    const rows: WireRow[] = []
    let first: QueryPage | undefined
    let size = 0
    try {
      for await (const page of requests.query(statement, reading.location, where, ctx)) {
        first ??= page
        const fit = rowsWithin(page.rows, bytes - size)
        rows.push(...page.rows.slice(0, fit.rows))
        size += fit.bytes
        if (size >= bytes) return { ...readOf(first, rows), cut: fit.rows < page.rows.length || page.more }
      }
      return { ...readOf(first!, rows), cut: false }
    } catch (error) {
      if (first === undefined || again === 2 || errorView(error).kind !== 'missing') throw error
    }
  }
}
const readOf = ({ fields, billedBytes }: QueryPage, rows: readonly WireRow[]) => ({ schema: fields, rows, billedBytes })

/** How many of the rows come to `bytes`: those before, and the one that reaches it. */
function rowsWithin(rows: readonly WireRow[], bytes: number): { rows: number; bytes: number } {
  let size = 0
  for (const [i, row] of rows.entries()) {
    size += sizeOf(row)
    if (size >= bytes) return { rows: i + 1, bytes: size }
  }
  return { rows: rows.length, bytes: size }
}
/** Of the text; a cell has 8 more. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 8 + value.length
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + sizeOf(item), 0)
  if (value === null || typeof value !== 'object') return 8
  return sizeOf('v' in value ? value.v : (value as { f: unknown }).f)
}

function pageOf(reading: Reading, fields: readonly Field[], read: Read, from: Cursor, more: boolean): Page {
  const { schema, rows, billedBytes } = read
  const last = rows.at(-1)
  return {
    batch: decodeRows(schema, rows, fields),
    next: last === undefined ? from : cursorAfter(reading, from.lane, last),
    more,
    billedBytes,
  }
}

/** Throws `data` for a key that is NULL: no other row can be said to come after it. */
function cursorAfter(reading: Reading, lane: Cursor['lane'], row: WireRow): Cursor {
  const cell = (name: string) => row.f[reading.columns.indexOf(name)]!.v as string | null
  const keys = reading.key.length === 0 ? [row.f.at(-1)!.v as string] : reading.key.map(({ name }) => cell(name))
  const time = lane === 'null' ? null : timeText(reading.time.type, cell(reading.time.name)!)
  const empty = keys.indexOf(null)
  if (empty >= 0) throw nullKey(reading.key[empty]!.name, time, reading.table.join('.'))
  return { lane, time, key: keys as string[] }
}

function identityOf(reading: Reading, lane: Cursor['lane']): (row: WireRow) => string {
  return (row) => {
    const { time, key } = cursorAfter(reading, lane, row)
    return JSON.stringify([time, key])
  }
}

/** As the wire brings it: an instant as microseconds, a wall-clock time and a date as text. */
const timeText = (type: Reading['time']['type'], wire: string): string =>
  type === 'TIMESTAMP' ? exactTime(BigInt(wire)) : wire
