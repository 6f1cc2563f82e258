/**
 * The `clickhouse:` section: what a CREATE TABLE there needs beyond columns. Expressions are ClickHouse SQL, written as they stand.
 * `since` and `before` name server versions: from 26.2 on text indexes replace bloom filters.
 */
import { z } from 'zod'

const sql = z.string().min(1)
const version = z.string().regex(/^\d{2}\.\d{1,2}$/, 'a ClickHouse version such as "26.2"')
const versions = { since: version.optional(), before: version.optional() }

export const clickhouseSection = z.strictObject({
  engine: sql.default('MergeTree'),
  /** By column: its type where the mapped one is not meant (`LowCardinality(String)`), codec, DEFAULT expression. */
  columns: z
    .record(z.string(), z.strictObject({ type: sql.optional(), codec: sql.optional(), default: sql.optional() }))
    .default({}),
  /** Columns that the server computes and stores, after the fields in the DDL. */
  materialized: z
    .array(z.strictObject({ name: sql, type: sql, expression: sql, codec: sql.optional(), ...versions }))
    .default([]),
  /** Columns that the server computes when they are read, last in the DDL. */
  aliases: z.array(z.strictObject({ name: sql, type: sql, expression: sql, ...versions })).default([]),
  indexes: z
    .array(
      z.strictObject({ name: sql, expression: sql, type: sql, granularity: z.int().min(1).optional(), ...versions }),
    )
    .default([]),
  partition_by: sql.optional(),
  order_by: z.array(sql),
  primary_key: z.array(sql).optional(),
  /** The expression that the retention is added to. */
  ttl: sql.optional(),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
})
