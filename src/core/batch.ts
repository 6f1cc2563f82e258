/** Rows between drivers: columns, not objects. Engine-internal copies never become batches. */
import type { Field } from './types.ts'

/**
 * One canonical JavaScript form per Arrow type: Boolean boolean · Int8–32, UInt8–32, Float32/64 number · Int64, UInt64 bigint ·
 * Decimal128 exact text · Date32 days as number · Timestamp microseconds as bigint (Nanosecond: nanoseconds; the zone is the type's) ·
 * Utf8 string · Binary Uint8Array · Json and Variant their own text · List array · Struct array in field order · Map array of pairs.
 */
export type Cell = null | boolean | number | bigint | string | Uint8Array | readonly Cell[]

export interface Batch {
  readonly fields: readonly Field[]
  /** Column-major: `columns[c][r]`. */
  readonly columns: readonly (readonly Cell[])[]
  readonly rows: number
}

/** A stream of batches with one set of fields. Dispose it when you stop early: an engine may be open behind it. */
export interface Rows extends AsyncDisposable {
  readonly fields: readonly Field[]
  readonly batches: AsyncIterable<Batch>
}

export type RowFormat = 'ndjson' | 'csv' | 'parquet'
