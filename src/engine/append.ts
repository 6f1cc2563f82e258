/** Canonical cells (core/batch.ts) into a table of the engine: the way back of cells.ts. */
import type { DuckDBAppender, DuckDBValue } from '@duckdb/node-api'
import type { Batch, Cell } from '../core/batch.ts'
import type { DataType } from '../core/types.ts'
import { typeUnsupported } from './types.ts'

type DuckDB = typeof import('@duckdb/node-api')
type ToValue = (cell: any) => DuckDBValue

/** Rows of one chunk; the engine's own vectors hold no more. */
const chunkRows = 2048

/** The appender's table has the columns of the batch, in order. */
export function appendBatch(duckdb: DuckDB, appender: DuckDBAppender, { fields, columns, rows }: Batch): void {
  const types = fields.map((_, c) => appender.columnType(c))
  const writers = fields.map((field) => orNull(writerOf(duckdb, field.type)))
  for (let from = 0; from < rows; from += chunkRows) {
    const count = Math.min(chunkRows, rows - from)
    const chunk = duckdb.DuckDBDataChunk.create(types, count)
    chunk.setColumns(columns.map((cells, c) => cells.slice(from, from + count).map(writers[c]!)))
    appender.appendDataChunk(chunk)
  }
}

const orNull =
  (write: ToValue): ToValue =>
  (cell: Cell | undefined) =>
    cell === null || cell === undefined ? null : write(cell)

function writerOf(duckdb: DuckDB, type: DataType): ToValue {
  switch (type.kind) {
    case 'Variant':
      throw typeUnsupported(type.kind)
    case 'Date32':
      return (days: number) => new duckdb.DuckDBDateValue(days)
    case 'Binary':
      return (bytes: Uint8Array) => new duckdb.DuckDBBlobValue(bytes)
    case 'Decimal128':
      return (text: string) => new duckdb.DuckDBDecimalValue(unscaled(text, type.scale), type.precision, type.scale)
    case 'Timestamp': {
      if (type.unit === 'Nanosecond') return (nanos: bigint) => new duckdb.DuckDBTimestampNanosecondsValue(nanos)
      return type.zone === null
        ? (micros: bigint) => new duckdb.DuckDBTimestampValue(micros)
        : (micros: bigint) => new duckdb.DuckDBTimestampTZValue(micros)
    }
    case 'List': {
      const item = orNull(writerOf(duckdb, type.item))
      return (items: readonly Cell[]) => new duckdb.DuckDBListValue(items.map(item))
    }
    case 'Map': {
      const [key, value] = [orNull(writerOf(duckdb, type.key)), orNull(writerOf(duckdb, type.value))]
      return (pairs: readonly (readonly Cell[])[]) =>
        new duckdb.DuckDBMapValue(pairs.map((pair) => ({ key: key(pair[0]), value: value(pair[1]) })))
    }
    case 'Struct': {
      const members = type.fields.map((field) => [field.name, orNull(writerOf(duckdb, field.type))] as const)
      return (cells: readonly Cell[]) =>
        new duckdb.DuckDBStructValue(Object.fromEntries(members.map(([name, write], i) => [name, write(cells[i])])))
    }
    default:
      return (cell: DuckDBValue) => cell
  }
}

/** `-1.5` with scale 3 → -1500n. More digits than the scale holds are an error: a decimal is exact or it is wrong. */
function unscaled(text: string, scale: number): bigint {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text)
  if (match === null || (match[3] ?? '').length > scale) throw new Error(`"${text}" is no decimal with scale ${scale}`)
  const digits = BigInt(`${match[2]}${(match[3] ?? '').padEnd(scale, '0')}` || '0')
  return match[1] === '-' ? -digits : digits
}
