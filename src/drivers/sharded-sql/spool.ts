/** Rows on their way into the embedded engine: NDJSON in scratch that it reads back exactly, whatever the type. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Batch, Cell } from '../../core/batch.ts'
import type { Field } from '../../core/types.ts'
import { quoteIdentifier, quotePath, quoteString } from '../../engine/sql-text.ts'
import { sqlType } from '../../engine/types.ts'
import type { Column } from './topology.ts'

export interface BatchSpool extends AsyncDisposable {
  readonly path: string
  append(batch: Batch): Promise<void>
  /** SELECT of the fields over all rows that were appended. UUIDs are of that type, so that they compare however they are written. */
  select(): string
}

const leastObjectSize = 1024 * 1024

export async function openBatchSpool(path: string, fields: readonly Column[]): Promise<BatchSpool> {
  const handle: FileHandle = await open(path, 'wx')
  const write = fields.map(({ type }) => toJson(type))
  let longest = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    path,
    append: async ({ columns, rows }) => {
      const lines: string[] = []
      for (let row = 0; row < rows; row++) {
        let line = '{'
        for (let c = 0; c < columns.length; c++) {
          const cell = columns[c]![row]!
          if (cell !== null) line += `${line.length > 1 ? ',' : ''}"${c}":${write[c]!(cell)}`
        }
        line += '}\n'
        if (line.length > longest) longest = line.length
        lines.push(line)
      }
      // Shards are read side by side, and their lines must not run into one another.
      last = last.then(() => handle.appendFile(lines.join('')))
      await last
    },
    select: () => {
      const columns = fields.map((field, i) => `'${i}': ${quoteString(spooled(field.type).type)}`)
      const list = fields.map(
        (field, i) =>
          `CAST(${spooled(field.type).read(quoteIdentifier(String(i)))} AS ${field.domain === 'uuid' ? 'UUID' : sqlType(field.type)}) AS ${quoteIdentifier(field.name)}`,
      )
      // Characters are counted here and bytes there: three for one at most.
      const size = Math.max(longest * 3, leastObjectSize)
      return `SELECT ${list.join(', ')} FROM read_json(${quotePath(path)}, columns = {${columns.join(', ')}}, format = 'newline_delimited', auto_detect = false, maximum_object_size = ${size})`
    },
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

/** As what a value stands in the file, and the SQL that makes the column's type of it. */
function spooled(type: Field['type']): { readonly type: string; read(own: string): string } {
  const plain = (own: string): string => own
  switch (type.kind) {
    case 'Binary':
      return { type: 'VARCHAR', read: (own) => `unhex(${own})` }
    case 'Date32':
      return { type: 'INTEGER', read: (own) => finite(own, 'DATE', 2n ** 31n - 1n, `DATE '1970-01-01' + ${own}`) }
    case 'Timestamp':
      return {
        type: 'BIGINT',
        read: (own) =>
          type.unit === 'Nanosecond'
            ? finite(own, 'TIMESTAMP_NS', 2n ** 63n - 1n, `make_timestamp_ns(${own})`)
            : finite(own, 'TIMESTAMP', 2n ** 63n - 1n, `make_timestamp(${own})`),
      }
    case 'Float32':
    case 'Float64':
    case 'Decimal128':
    case 'Json':
      return { type: 'VARCHAR', read: plain }
    default:
      return { type: sqlType(type), read: plain }
  }
}

/** No load brings infinite times, but one that is there must not keep the others from being read. */
const finite = (own: string, type: string, most: bigint, otherwise: string): string =>
  `CASE ${own} WHEN ${most} THEN 'infinity'::${type} WHEN ${-most} THEN '-infinity'::${type} ELSE ${otherwise} END`

function toJson(type: Field['type']): (cell: Exclude<Cell, null>) => string {
  switch (type.kind) {
    case 'Binary':
      return (cell) => `"${Buffer.from(cell as Uint8Array).toString('hex')}"`
    case 'Float32':
    case 'Float64':
      return (cell) => `"${Object.is(cell, -0) ? '-0.0' : String(cell)}"`
    case 'Decimal128':
    case 'Utf8':
    case 'Json':
      return (cell) => JSON.stringify(cell)
    default:
      return String
  }
}
