/** CREATE TABLE from table schemas, as the real server takes and prints it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DataType, type Field, formatType } from '../../src/core/types.ts'
import { openChdb } from '../../src/drivers/clickhouse/chdb.ts'
import { createDatabaseSql, createTableSql, tableDefinition } from '../../src/drivers/clickhouse/ddl.ts'
import type { Executor } from '../../src/drivers/clickhouse/executor.ts'
import { findTable, readColumns, storedColumns } from '../../src/drivers/clickhouse/table.ts'
import { openRegistry } from '../../src/schemas/registry.ts'

const registry = openRegistry([fileURLToPath(new URL('../../schemas', import.meta.url))])
let folder: string
let executor: Executor
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tblctl-clickhouse-ddl-'))
  executor = await openChdb({ folder: join(folder, 'data'), scratch: async () => folder, lockTimeoutMs: 0 })
  await executor.command({ sql: createDatabaseSql('otel') })
})
afterAll(async () => {
  await executor?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const identity = (table: string) => ({ tblctl: 1, project: 'p', table, schema: table, kind: 'table' }) as const

describe('the shipped schemas', () => {
  test.each([
    'otel_logs',
    'otel_traces',
    'hyperdx_sessions',
    'otel_metrics_gauge',
    'otel_metrics_sum',
    'otel_metrics_histogram',
    'otel_metrics_exponential_histogram',
    'otel_metrics_summary',
    'events',
    'metrics',
  ])('%s is made as it says, and read back as it was declared', async (name) => {
    const schema = await registry.get(name)
    const definition = tableDefinition(schema, await executor.version)
    const place = { database: 'otel', name }
    const retentionSeconds = definition.anchor === null ? null : 30 * 86_400
    await executor.command({
      sql: createTableSql({ ...place, definition, identity: identity(name), retentionSeconds }),
    })
    const table = (await findTable(executor, place))!
    expect(table.identity).toMatchObject({ project: 'p', table: name, hash: definition.hash })
    expect(table.ttl).toMatchObject(
      retentionSeconds === null ? { is: 'none' } : { is: 'retention', seconds: retentionSeconds },
    )
    const fields = storedColumns(await readColumns(executor, table)).map(({ name: column, type }) => [
      column,
      formatType(type),
    ])
    expect(fields).toEqual(schema.fields.map((field) => [field.name, formatType(field.type)]))
  })

  test('logs: text indexes and computed columns from 26.2 on, bloom filters before; the definition’s hash tells them apart', async () => {
    const schema = await registry.get('otel_logs')
    const [now, before] = [tableDefinition(schema, '26.7.2.1'), tableDefinition(schema, '25.8.1.1')]
    expect(now.columns.filter((line) => line.startsWith('INDEX')).every((line) => line.includes('text('))).toBe(true)
    expect(now.columns.filter((line) => line.startsWith('INDEX'))).toHaveLength(8)
    expect(now.columns.filter((line) => line.includes(' ALIAS '))).toHaveLength(3)
    expect(before.columns.filter((line) => line.includes('bloom_filter'))).toHaveLength(7)
    expect(before.columns.some((line) => line.includes(' ALIAS '))).toBe(false)
    expect(now.columns.filter((line) => line.includes(' MATERIALIZED '))).toHaveLength(8)
    expect(now.hash).not.toBe(before.hash)
    expect(now.keys).toBe(
      'PARTITION BY toDate(Timestamp) ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)',
    )
  })
})

const scalar = fc.constantFrom<DataType>(
  { kind: 'Boolean' },
  { kind: 'UInt64' },
  { kind: 'Float32' },
  { kind: 'Utf8' },
  { kind: 'Json' },
  { kind: 'Binary' },
  { kind: 'Date32' },
  { kind: 'Decimal128', precision: 20, scale: 4 },
  { kind: 'Timestamp', unit: 'Second', zone: 'UTC' },
  { kind: 'Timestamp', unit: 'Nanosecond', zone: null },
  { kind: 'Timestamp', unit: 'Millisecond', zone: 'Asia/Tokyo' },
)
const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 })
const column = fc.oneof(
  fc.record({ type: scalar, nullable: fc.boolean() }),
  fc
    .tuple(scalar, fc.boolean())
    .map(([item, itemNullable]) => ({ type: { kind: 'List', item, itemNullable }, nullable: false })),
  scalar.map((value) => ({
    type: { kind: 'Map', key: { kind: 'Utf8' }, value, valueNullable: true },
    nullable: false,
  })),
  fc.uniqueArray(name, { minLength: 1, maxLength: 3 }).map((names) => ({
    type: { kind: 'Struct', fields: names.map((field) => ({ name: field, type: { kind: 'Int64' }, nullable: true })) },
    nullable: false,
  })),
) as fc.Arbitrary<Pick<Field, 'type' | 'nullable'>>

test('columns of any type and name are read back as they were declared', async () => {
  const schema = await registry.get('events')
  const columns = fc.sample(fc.tuple(name, column), { numRuns: 120, seed: 7 })
  // A dot in a name would make the columns parts of one nested structure, whose arrays must be of one length.
  const fields = columns.map(([text, of], i) => ({
    name: `${text.replaceAll('.', '_')} ${i}`,
    ...of,
    description: `it's ${text}`,
  }))
  const definition = tableDefinition(
    {
      ...schema,
      name: 'any',
      fields,
      partitions: [],
      sortingColumns: [],
      primaryKey: [],
      timeColumn: null,
      extensions: {},
    },
    await executor.version,
  )
  const place = { database: 'otel', name: 'any `quoted` \\' }
  await executor.command({
    sql: createTableSql({ ...place, definition, identity: identity('any'), retentionSeconds: null }),
  })
  const read = await readColumns(executor, (await findTable(executor, place))!)
  expect(read.map((one) => [one.name, formatType(one.type), one.nullable, one.description])).toEqual(
    fields.map((field) => [field.name, formatType(field.type), field.nullable, field.description]),
  )
})

test('a retention without a time column is refused', async () => {
  const schema = { ...(await registry.get('events')), timeColumn: null, extensions: {} }
  const definition = tableDefinition(schema, await executor.version)
  expect(() =>
    createTableSql({ database: 'otel', name: 'x', definition, identity: identity('x'), retentionSeconds: 60 }),
  ).toThrow('no time column')
})
