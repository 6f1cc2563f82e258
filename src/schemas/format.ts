/**
 * The shape of a table schema's YAML: TimeFusion's keys (reference: its schemas/*.yaml of 2025 and 2026), then ours.
 * Shape only; what the keys mean together is checked in check.ts.
 */
import { z } from 'zod'
import { clickhouseSection } from './clickhouse-section.ts'

const text = z.string()
const columns = z.array(text)
/** A key that is there without a value (`retention:`) means the same as one that is not. */
const optional = <T extends z.ZodType>(type: T) => type.nullish()

/** What TimeFusion says about a field beside its type. Kept and written back; drivers use what they can. */
const fieldOptions = {
  tantivy: optional(
    z.strictObject({
      indexed: z.boolean().optional(),
      tokenizer: z.enum(['raw', 'ngram3', 'default']).optional(),
      flatten: z.enum(['json', 'kv']).optional(),
    }),
  ),
  dictionary: optional(z.boolean()),
  bloom_filter: optional(z.boolean()),
  mutable: optional(z.boolean()),
}
export const fieldOptionKeys = Object.keys(fieldOptions)

const rollup = z.strictObject({
  grain: text,
  name: optional(text),
  derive_from: optional(text),
  dimensions: columns,
  measures: z.array(
    z.strictObject({
      name: text,
      agg: z.enum(['count', 'sum', 'min', 'max', 'tdigest', 'hll']),
      column: optional(text),
      filter: optional(text),
    }),
  ),
})
export type Rollup = z.output<typeof rollup>

/** A driver's section whose keys only that driver knows. */
const section = optional(z.record(text, z.unknown()))
export const sectionKeys = ['clickhouse', 'delta', 'sharded-sql', 'user-tables'] as const

export const tableFile = z.strictObject({
  table_name: text,
  version: optional(z.int().min(1)),
  description: optional(text),
  partitions: optional(columns),
  sorting_columns: optional(
    z.array(z.strictObject({ name: text, descending: optional(z.boolean()), nulls_first: optional(z.boolean()) })),
  ),
  z_order_columns: optional(columns),
  primary_key: optional(columns),
  /** Not there: `timestamp` when there is such a column. `null`: none. */
  time_column: optional(text),
  retention: optional(text),
  dedup_keys: optional(columns),
  dedup_tiebreak: optional(text),
  tombstone_column: optional(text),
  version_append: optional(z.boolean()),
  rollups: optional(z.array(rollup)),
  fields: z
    .array(
      z.strictObject({
        name: text,
        data_type: text,
        nullable: optional(z.boolean()),
        description: optional(text),
        ...fieldOptions,
      }),
    )
    .min(1),
  clickhouse: optional(clickhouseSection),
  delta: section,
  'sharded-sql': section,
  'user-tables': section,
})
export type TableFile = z.output<typeof tableFile>
