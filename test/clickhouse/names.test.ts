/** Names, identities, type names: pure, for any input. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DataType, formatType } from '../../src/core/types.ts'
import { parameterText } from '../../src/drivers/clickhouse/chdb.ts'
import { versionNumber } from '../../src/drivers/clickhouse/executor.ts'
import { formatIdentity, type Identity, parseIdentity } from '../../src/drivers/clickhouse/identity.ts'
import { logicalName, physicalName, quoteIdentifier, quoteString } from '../../src/drivers/clickhouse/names.ts'
import { parseTypeText } from '../../src/drivers/clickhouse/type-text.ts'
import { clickhouseType, columnType } from '../../src/drivers/clickhouse/types.ts'

const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)

describe('physical names', () => {
  test('are read back', () => {
    fc.assert(
      fc.property(segment, segment, (table, project) => {
        expect(logicalName(physicalName(table, project))).toEqual({ table, project })
      }),
    )
  })
  test('two tables never have one name, not even where upper and lower case are one', () => {
    fc.assert(
      fc.property(segment, segment, segment, segment, (table, project, otherTable, otherProject) => {
        fc.pre(table !== otherTable || project !== otherProject)
        const names = [physicalName(table, project), physicalName(otherTable, otherProject)]
        expect(names[0]!.toLowerCase()).not.toBe(names[1]!.toLowerCase())
      }),
    )
  })
  test.each([
    ['otel_logs', '65f2c0ffee65f2c0ffee65f2', 'otel_logs_65f2c0ffee65f2c0ffee65f2'],
    ['x', 'a_b', 'x_a-5fb'],
    ['x_a', 'b', 'x_a_b'],
    ['events', 'T1', 'events_-541'],
    ['a.b', 'p-q', 'a-2eb_p-2dq'],
  ])('%s of %s is %s', (table, project, name) => {
    expect(physicalName(table, project)).toBe(name)
  })
  test.each(['otel', '_x', 'x_', 'a-zz_b', 'x_a-62', 'Ä_b', 'x_a-5Fb'])('%s is nobody’s', (name) => {
    expect(logicalName(name)).toBeUndefined()
  })
  test('one that is too long is refused', () => {
    expect(() => physicalName('t', 'P'.repeat(128))).toThrow('206 bytes')
  })
})

describe('identity', () => {
  const identity: Identity = { tblctl: 1, project: 'a', table: 't', schema: null, kind: 'table', hash: 'h' }
  test('is read back, with what is optional too', () => {
    for (const one of [
      identity,
      { ...identity, id: 'a "quoted" ü', types: { c: 'Json' }, trashed: '2024-05-01T00:00:00Z' },
    ])
      expect(parseIdentity(formatIdentity(one as Identity))).toEqual(one)
  })
  test.each(['', 'my table', '{', '{"tblctl":2}', '{"tblctl":1,"project":"a"}', '[1]'])('%s is none', (comment) => {
    expect(parseIdentity(comment)).toBeUndefined()
  })
})

test('quoting: nothing ends a name or a text early', () => {
  expect(quoteIdentifier('a`b\\')).toBe('`a\\`b\\\\`')
  expect(quoteString("it's \\")).toBe("'it\\'s \\\\'")
})

test('parameters are escaped as in TSV, texts in arrays quoted', () => {
  expect(parameterText('a\tb\\c\n')).toBe('a\\tb\\\\c\\n')
  expect(parameterText(["it's", 'x'])).toBe("['it\\'s','x']")
  expect([parameterText(true), parameterText(false), parameterText(5n)]).toEqual(['1', '0', '5'])
})

test('versions are compared by their numbers', () => {
  expect(versionNumber('26.10.1')).toBeGreaterThan(versionNumber('26.2'))
  expect(versionNumber('24.8.4.13')).toBe(versionNumber('24.8'))
})

const plain = fc.constantFrom<DataType>(
  { kind: 'Boolean' },
  { kind: 'Int64' },
  { kind: 'UInt8' },
  { kind: 'Float32' },
  { kind: 'Utf8' },
  { kind: 'Date32' },
  { kind: 'Decimal128', precision: 38, scale: 10 },
  { kind: 'Timestamp', unit: 'Second', zone: 'UTC' },
  { kind: 'Timestamp', unit: 'Nanosecond', zone: 'Europe/Berlin' },
)
const { type: anyType } = fc.letrec<{ type: DataType; nested: DataType }>((tie) => ({
  type: fc.oneof({ maxDepth: 3 }, plain, tie('nested')),
  nested: fc.oneof(
    tie('type').map((item): DataType => ({ kind: 'List', item, itemNullable: false })),
    fc.tuple(plain, tie('type')).map(([key, value]): DataType => ({ kind: 'Map', key, value, valueNullable: false })),
    fc
      .uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 })
      .chain((names) =>
        fc.tuple(...names.map(() => tie('type'))).map(
          (types): DataType => ({
            kind: 'Struct',
            fields: names.map((name, i) => ({ name, type: types[i]!, nullable: false })),
          }),
        ),
      ),
  ),
}))

describe('types', () => {
  test('every one that has a ClickHouse type is read back from it', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        const text = clickhouseType({ name: 'c', type, nullable: false })
        expect(formatType(columnType(text).type)).toBe(formatType(type))
      }),
    )
  })
  test('what ClickHouse does not tell comes back from what was declared, while the column is still stored so', () => {
    for (const declared of ['Json', 'Binary', 'Timestamp(Microsecond, None)']) {
      const stored = declared.startsWith('T') ? "DateTime64(6, 'UTC')" : 'Nullable(String)'
      expect(formatType(columnType(stored, declared).type)).toBe(declared)
      expect(formatType(columnType('Int64', declared).type)).toBe('Int64')
    }
    expect(columnType('String', 'Nonsense(1').type).toEqual({ kind: 'Utf8' })
  })
  test.each([
    'UUID',
    "Enum8('a' = 1, 'b' = -2)",
    'Decimal(76, 3)',
    'Array(IPv6)',
    'Nullable(Int256)',
    'JSON',
    'Tuple()',
  ])('%s is shown as text', (text) => {
    expect(columnType(text)).toMatchObject({ type: { kind: 'Utf8' }, asText: true })
  })
  test.each([
    ['LowCardinality(Nullable(String))', 'Utf8', true],
    ['Map(LowCardinality(String), String)', 'Map(Utf8, Utf8 not null)', false],
    ['DateTime', 'Timestamp(Second, Some("UTC"))', false],
    ["DateTime('Asia/Tokyo')", 'Timestamp(Second, Some("Asia/Tokyo"))', false],
    ['DateTime64(4)', 'Timestamp(Microsecond, Some("UTC"))', false],
    ['Date', 'Date32', false],
    ['Tuple(String, Nullable(Int8))', 'Struct("1": Utf8 not null, "2": Int8)', false],
  ])('%s is %s', (text, type, nullable) => {
    const read = columnType(text)
    expect([formatType(read.type), read.nullable]).toEqual([type, nullable])
  })
  test.each([
    [{ kind: 'Variant' }, 'Variant'],
    [{ kind: 'List', item: { kind: 'List', item: { kind: 'Int8' }, itemNullable: false }, itemNullable: true }, 'List'],
    [{ kind: 'Struct', fields: [] }, 'Struct'],
    [
      {
        kind: 'Map',
        key: { kind: 'List', item: { kind: 'Int8' }, itemNullable: false },
        value: { kind: 'Int8' },
        valueNullable: false,
      },
      'Map',
    ],
  ] as [DataType, string][])('what it cannot hold is refused by name', (type, name) => {
    expect(() => clickhouseType({ name: 'c', type, nullable: false })).toThrow(name)
  })
  test.each(['', 'Array(', 'Array(String', 'String)', ')', '(a)', 'Array(String) x'])('"%s" is no type', (text) => {
    expect(() => parseTypeText(text)).toThrow('no type')
  })
})
