import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseType } from '../../../src/core/types.ts'
import { diffSchemas } from '../../../src/schemas/diff.ts'
import { readTableSchema } from '../../../src/schemas/read.ts'
import { openRegistry } from '../../../src/schemas/registry.ts'
import { widens } from '../../../src/schemas/widen.ts'
import { tableSchema } from './arbitrary.ts'

const base = `table_name: t
version: 1
partitions: [day]
fields:
  - { name: day, data_type: Date32, nullable: false }
  - { name: n, data_type: Int32, nullable: false }
  - { name: text, data_type: Utf8 }
  - { name: gone, data_type: Boolean }
`
const read = (text: string) => readTableSchema(text, 't.yaml')
const changes = (from: string, to: string) => diffSchemas(read(from), read(to))
const change = (search: string, put: string) => {
  expect(base).toContain(search)
  return changes(base, base.replace(search, put))
}

test('equal schemas have no changes, whatever their names and versions', () => {
  fc.assert(
    fc.property(tableSchema, (schema) => {
      expect(diffSchemas(schema, { ...schema, name: 'other', version: schema.version + 1 })).toEqual([])
    }),
  )
})

test('a schema differs from another one both ways or not at all', () => {
  fc.assert(
    fc.property(tableSchema, tableSchema, (a, b) => {
      expect(diffSchemas(a, b).length > 0).toBe(diffSchemas(b, a).length > 0)
    }),
  )
})

describe('columns', () => {
  test('a nullable one is added safely, another one is not', () => {
    expect(changes(base, `${base}  - { name: x, data_type: Json }`)).toEqual([
      {
        is: 'add-column',
        field: { name: 'x', type: { kind: 'Json' }, nullable: true },
        safe: true,
        rewrites: 'nothing',
        why: 'rows that are there have no value in it',
      },
    ])
    expect(changes(base, `${base}  - { name: x, data_type: Json, nullable: false }`)).toMatchObject([
      { is: 'add-column', safe: false, rewrites: 'table' },
    ])
  })
  test('dropped', () => {
    expect(change('  - { name: text, data_type: Utf8 }\n', '')).toMatchObject([
      { is: 'drop-column', field: { name: 'text' }, safe: false },
    ])
  })
  test('a rename is one dropped and one added', () => {
    expect(change('name: text', 'name: texts').map(({ is }) => is)).toEqual(['drop-column', 'add-column'])
  })
  test('widened, and changed in another way', () => {
    expect(change('Int32', 'Int64')).toMatchObject([
      { is: 'widen-type', column: 'n', from: { kind: 'Int32' }, to: { kind: 'Int64' }, safe: true },
    ])
    expect(change('Int32', 'Int16')).toMatchObject([
      { is: 'change-type', column: 'n', safe: false, rewrites: 'column' },
    ])
  })
  test('nullability: relaxing is safe', () => {
    expect(change('Int32, nullable: false', 'Int32, nullable: true')).toMatchObject([
      { is: 'change-nullability', column: 'n', nullable: true, safe: true },
    ])
    expect(change('data_type: Utf8', 'data_type: Utf8, nullable: false')).toMatchObject([
      { is: 'change-nullability', nullable: false, safe: false },
    ])
  })
  test('descriptions and order', () => {
    expect(change('data_type: Utf8', 'data_type: Utf8, description: d')).toMatchObject([
      { is: 'change-description', column: 'text', from: null, to: 'd', safe: true },
    ])
    const swapped = change(
      '  - { name: text, data_type: Utf8 }\n  - { name: gone, data_type: Boolean }\n',
      '  - { name: gone, data_type: Boolean }\n  - { name: text, data_type: Utf8 }\n',
    )
    expect(swapped).toMatchObject([
      { is: 'reorder-columns', from: ['day', 'n', 'text', 'gone'], to: ['day', 'n', 'gone', 'text'], safe: false },
    ])
  })
})

describe('the table', () => {
  const withKeys = (keys: string) => changes(base, base.replace('version: 1\n', `version: 1\n${keys}\n`))
  test.each([
    ['description: d', { is: 'change-description', column: null, to: 'd', safe: true }],
    [
      'sorting_columns: [{ name: n }]',
      {
        is: 'change-sorting',
        to: [{ name: 'n', descending: false, nullsFirst: false }],
        safe: false,
        rewrites: 'table',
      },
    ],
    ['z_order_columns: [n]', { is: 'change-z-order', to: ['n'], safe: true }],
    ['primary_key: [n]', { is: 'change-primary-key', from: [], to: ['n'], safe: false }],
    ['time_column: day', { is: 'change-setting', setting: 'timeColumn', from: null, to: 'day', safe: false }],
    ['dedup_keys: [n]', { is: 'change-setting', setting: 'dedupKeys', from: [], to: ['n'] }],
    ['dedup_tiebreak: n', { is: 'change-setting', setting: 'dedupTiebreak' }],
    ['tombstone_column: gone', { is: 'change-setting', setting: 'tombstoneColumn', to: 'gone', safe: false }],
    ['delta: { a: 1 }', { is: 'change-section', section: 'delta', from: null, to: { a: 1 }, safe: false }],
  ])('%s', (keys, expected) => {
    expect(withKeys(keys)).toMatchObject([expected])
  })
  test('partitions move every row', () => {
    expect(change('partitions: [day]', 'partitions: [day, n]')).toMatchObject([
      { is: 'change-partitions', from: ['day'], to: ['day', 'n'], safe: false, rewrites: 'table' },
    ])
  })
  test('retention: longer is safe, shorter removes rows, the same in other units is no change', () => {
    const kept = (time: string) => base.replace('version: 1\n', `version: 1\ntime_column: day\n${time}\n`)
    const both = (from: string, to: string) => changes(kept(from), kept(to))
    expect(both('retention: 30d', 'retention: 60d')).toMatchObject([
      { is: 'change-retention', from: '30d', to: '60d', safe: true },
    ])
    expect(both('retention: 30d', '')).toMatchObject([{ from: '30d', to: null, safe: true }])
    expect(both('', 'retention: 30d')).toMatchObject([
      { from: null, to: '30d', safe: false, why: 'rows older than 30d will be removed' },
    ])
    expect(both('retention: 2w', 'retention: 7d')).toMatchObject([{ safe: false }])
    expect(both('retention: 1w', 'retention: 7d')).toEqual([])
  })
})

test('a section that says its defaults is no change', () => {
  const from = `${base}clickhouse: { order_by: [n] }`
  expect(changes(from, `${base}clickhouse: { settings: {}, order_by: [n], engine: MergeTree }`)).toEqual([])
})

test('two shipped schemas differ in what their files say', async () => {
  const registry = openRegistry([])
  const found = diffSchemas(await registry.get('otel_metrics_gauge'), await registry.get('otel_metrics_sum'))
  expect(found.map((change) => (change.is === 'add-column' ? change.field.name : change.is))).toEqual([
    'AggregationTemporality',
    'IsMonotonic',
    'change-description',
    'change-section',
  ])
})

describe('widening', () => {
  test.each([
    ['Int8', 'Int64'],
    ['UInt8', 'UInt32'],
    ['UInt8', 'Int16'],
    ['UInt32', 'Int64'],
    ['Float32', 'Float64'],
    ['Decimal(10, 2)', 'Decimal(12, 2)'],
    ['Decimal(10, 2)', 'Decimal(12, 4)'],
    ['List(Int32 not null)', 'List(Int64)'],
    ['Map(Utf8, Int32)', 'Map(Utf8, Int64)'],
    ['Struct(a: Int32 not null)', 'Struct(a: Int64, b: Utf8)'],
  ])('%s → %s, and not back', (from, to) => {
    expect(widens(parseType(from), parseType(to))).toBe(true)
    expect(widens(parseType(to), parseType(from))).toBe(false)
  })
  test.each([
    ['Int32', 'Int32'],
    ['Int8', 'UInt16'],
    ['UInt64', 'Int64'],
    ['Int64', 'Float64'],
    ['Date32', 'Timestamp(Microsecond, None)'],
    ['Timestamp(Second, None)', 'Timestamp(Microsecond, None)'],
    ['Timestamp(Microsecond, None)', 'Timestamp(Microsecond, Some("UTC"))'],
    ['Decimal(10, 2)', 'Decimal(11, 4)'],
    ['Utf8', 'Json'],
    ['List(Int32)', 'List(Int64 not null)'],
    ['Map(Int32, Utf8)', 'Map(Int64, Utf8)'],
    ['Struct(a: Utf8)', 'Struct(a: Utf8, b: Utf8 not null)'],
    ['Struct(a: Utf8)', 'Struct(b: Utf8)'],
    ['Utf8', 'List(Utf8)'],
  ])('%s is not widened to %s', (from, to) => {
    expect(widens(parseType(from), parseType(to))).toBe(false)
  })
})
