/** The engine's values as canonical cells (core/batch.ts). */
import type { DuckDBDataChunk, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, DuckDBType } from '@duckdb/node-api'
import type { Cell } from '../core/batch.ts'
import type { DataType } from '../core/types.ts'
import { dataTypeOf } from './types.ts'

type ToCell = (value: any) => Cell

/** How a column's values become cells; undefined when they are cells already. */
function converter(type: DuckDBType): ToCell | undefined {
  const shown = dataTypeOf(type)
  // No DataType holds these (TIME, INTERVAL, …): a query shows them as text.
  if (shown === undefined) return (value) => String(value)
  return nested(type, shown)
}

function nested(type: DuckDBType, shown: DataType): ToCell | undefined {
  switch (shown.kind) {
    case 'Date32':
      return (value) => value.days
    case 'Binary':
      // A copy: the engine reuses its memory.
      return (value) => Uint8Array.from(value.bytes)
    case 'Decimal128':
      return String
    case 'Utf8':
      // UUIDs are values of their own; enums and texts are strings.
      return (value) => (typeof value === 'string' ? value : String(value))
    case 'Timestamp':
      if (shown.unit === 'Second') return (value) => value.seconds * 1_000_000n
      if (shown.unit === 'Millisecond') return (value) => value.millis * 1000n
      return shown.unit === 'Nanosecond' ? (value) => value.nanos : (value) => value.micros
    case 'List': {
      const item = orNull(converter((type as Extract<DuckDBType, { valueType: DuckDBType }>).valueType))
      return (value: DuckDBListValue) => value.items.map(item)
    }
    case 'Map': {
      const map = type as Extract<DuckDBType, { keyType: DuckDBType }>
      const [key, value] = [orNull(converter(map.keyType)), orNull(converter(map.valueType))]
      return (pairs: DuckDBMapValue) => pairs.entries.map((entry) => [key(entry.key), value(entry.value)])
    }
    case 'Struct': {
      const struct = type as Extract<DuckDBType, { entryTypes: readonly DuckDBType[] }>
      const members = struct.entryTypes.map((entry, i) => [struct.entryNames[i]!, orNull(converter(entry))] as const)
      return (value: DuckDBStructValue) => members.map(([name, member]) => member(value.entries[name]))
    }
    default:
      return undefined
  }
}
const orNull =
  (convert: ToCell | undefined): ToCell =>
  (value) =>
    value === null || value === undefined ? null : convert === undefined ? value : convert(value)

/** Reads chunks of one result: column-major canonical cells. */
export function chunkReader(types: readonly DuckDBType[]): (chunk: DuckDBDataChunk) => Cell[][] {
  const converters = types.map((type) => {
    const convert = converter(type)
    return convert && orNull(convert)
  })
  return (chunk) =>
    converters.map((convert, i) => {
      const values = chunk.getColumnValues(i) as Cell[]
      return convert === undefined ? values : values.map(convert)
    })
}
