import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cell } from '../../../src/core/batch.ts'
import { errorView } from '../../../src/core/errors.ts'
import { type DataType, type Field, formatType, parseType } from '../../../src/core/types.ts'
import { scanSql } from '../../../src/engine/scan.ts'
import { quoteIdentifier, quoteString } from '../../../src/engine/sql-text.ts'
import { sqlType } from '../../../src/engine/types.ts'
import { writeParquet } from '../../../src/engine/write-parquet.ts'
import { field, rowsOf, useEngine } from './support.ts'

const held = useEngine()

const integers: [string, bigint, bigint][] = [
  ['Int8', -(2n ** 7n), 2n ** 7n - 1n],
  ['Int16', -(2n ** 15n), 2n ** 15n - 1n],
  ['Int32', -(2n ** 31n), 2n ** 31n - 1n],
  ['UInt8', 0n, 2n ** 8n - 1n],
  ['UInt16', 0n, 2n ** 16n - 1n],
  ['UInt32', 0n, 2n ** 32n - 1n],
]
const decimalText = (scaled: bigint, scale: number): string => {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return scaled < 0n ? `-${text}` : text
}
const micros = fc.bigInt(-62_135_596_800_000_000n, 253_402_300_799_999_999n)

/** A type with its values, simple ones first. */
const simple: fc.Arbitrary<{ type: DataType; value: fc.Arbitrary<Cell> }> = fc.oneof(
  fc.constantFrom(
    ...integers.map(([kind, low, high]) => ({ type: parseType(kind), value: fc.bigInt(low, high).map(Number) })),
    { type: parseType('Int64'), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) },
    { type: parseType('UInt64'), value: fc.bigInt(0n, 2n ** 64n - 1n) },
    { type: parseType('Boolean'), value: fc.boolean() },
    { type: parseType('Float32'), value: fc.float() },
    { type: parseType('Float64'), value: fc.double() },
    { type: parseType('Utf8'), value: fc.string({ unit: 'binary', maxLength: 20 }).filter((t) => t.isWellFormed()) },
    { type: parseType('Binary'), value: fc.uint8Array({ maxLength: 20 }) },
    { type: parseType('Date32'), value: fc.integer({ min: -719_162, max: 2_932_896 }) },
    { type: parseType('Json'), value: fc.json() },
    { type: parseType('Timestamp(Second, None)'), value: micros },
    { type: parseType('Timestamp(Millisecond, Some("UTC"))'), value: micros },
    { type: parseType('Timestamp(Microsecond, None)'), value: micros },
    { type: parseType('Timestamp(Microsecond, Some("UTC"))'), value: micros },
    { type: parseType('Timestamp(Nanosecond, None)'), value: fc.bigInt(-(2n ** 62n), 2n ** 62n) },
    { type: parseType('Timestamp(Nanosecond, Some("UTC"))'), value: fc.bigInt(-(2n ** 62n), 2n ** 62n) },
  ),
  fc.integer({ min: 1, max: 38 }).chain((precision) =>
    fc.integer({ min: 0, max: precision }).map((scale) => ({
      type: { kind: 'Decimal128', precision, scale } as DataType,
      value: fc
        .bigInt(-(10n ** BigInt(precision)) + 1n, 10n ** BigInt(precision) - 1n)
        .map((v) => decimalText(v, scale)),
    })),
  ),
)
const names = fc.uniqueArray(fc.constantFrom('a', 'B c', 'q"x', "it's", '日本', '0'), { minLength: 1, maxLength: 3 })
const typed: fc.Arbitrary<{ type: DataType; value: fc.Arbitrary<Cell> }> = fc.oneof(
  { weight: 4, arbitrary: simple },
  {
    weight: 1,
    arbitrary: simple.map(({ type, value }) => ({
      type: { kind: 'List', item: type, itemNullable: true } as DataType,
      value: fc.array(fc.option(value), { maxLength: 4 }) as fc.Arbitrary<Cell>,
    })),
  },
  {
    weight: 1,
    arbitrary: simple.map(({ type, value }) => ({
      type: { kind: 'Map', key: { kind: 'Utf8' }, value: type, valueNullable: true } as DataType,
      value: fc.uniqueArray(fc.tuple(fc.string({ maxLength: 4 }), fc.option(value)), {
        maxLength: 3,
        selector: ([key]) => key,
      }) as fc.Arbitrary<Cell>,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(names, simple).map(([members, { type, value }]) => ({
      type: { kind: 'Struct', fields: members.map((name) => field(name, type)) } as DataType,
      value: fc.tuple(...members.map(() => fc.option(value))) as fc.Arbitrary<Cell>,
    })),
  },
)

/** A cell as SQL, by another road than the code under test: every scalar as text or bytes, then cast. */
function literal(type: DataType, cell: Cell): string {
  if (cell === null) return `NULL::${sqlType(type)}`
  switch (type.kind) {
    case 'Date32':
      return `(DATE '1970-01-01' + ${cell}::INTEGER)`
    case 'Binary':
      return `unhex('${Buffer.from(cell as Uint8Array).toString('hex')}')`
    case 'Timestamp':
      if (type.unit === 'Nanosecond') return `make_timestamp_ns(${cell}::BIGINT)`
      return type.zone === null ? `make_timestamp(${cell}::BIGINT)` : `make_timestamptz(${cell}::BIGINT)`
    case 'Float32':
    case 'Float64': {
      const text = Object.is(cell, -0) ? '-0.0' : String(cell)
      return `'${text}'::${sqlType(type)}`
    }
    case 'List':
      return `[${(cell as Cell[]).map((item) => literal(type.item, item)).join(', ')}]::${sqlType(type)}`
    case 'Map': {
      const pairs = cell as [Cell, Cell][]
      const keys = pairs.map(([key]) => literal(type.key, key)).join(', ')
      return `map([${keys}]::${sqlType(type.key)}[], [${pairs.map(([, v]) => literal(type.value, v)).join(', ')}]::${sqlType(type.value)}[])`
    }
    case 'Struct':
      return `{${type.fields.map((f, i) => `${quoteIdentifier(f.name)}: ${literal(f.type, (cell as Cell[])[i]!)}`).join(', ')}}::${sqlType(type)}`
    default:
      return `${quoteString(String(cell))}::${sqlType(type)}`
  }
}

test('every type and value survives Parquet', async () => {
  let file = 0
  const columns = fc.array(typed, { minLength: 1, maxLength: 5 }).chain((types) =>
    fc.record({
      types: fc.constant(types.map(({ type }) => type)),
      rows: fc.array(fc.tuple(...types.map(({ value }) => fc.option(value))), { minLength: 1, maxLength: 6 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(columns, async ({ types, rows }) => {
      const fields: Field[] = types.map((type, i) => field(`c ${i}`, type))
      const select = rows
        .map(
          (row) =>
            `SELECT ${row.map((cell, i) => `${literal(types[i]!, cell)} AS ${quoteIdentifier(`c ${i}`)}`).join(', ')}`,
        )
        .join(' UNION ALL ')
      const path = join(held.folder, `round-${file++}.parquet`)
      await writeParquet(held.engine, select, path, { fields, compression: 'snappy', ordered: true })
      const scan = scanSql({ files: [{ path, partitionValues: {} }], fields, partitions: [] })
      const read = await held.engine.stream(scan, fields)
      expect(read.fields).toEqual(fields)
      expect(await rowsOf(read)).toEqual(rows)
    }),
    { numRuns: 120 },
  )
}, 60_000)

describe('the engine’s own types', () => {
  test.each([
    ['1::HUGEINT', 'Decimal128(38, 0)'],
    ['uuid()', 'Utf8'],
    ["'a'::ENUM('a', 'b')", 'Utf8'],
    ['[1, 2]::INTEGER[2]', 'List(Int32)'],
    ["'2024-01-01'::TIMESTAMP_S", 'Timestamp(Second, None)'],
    ["'2024-01-01'::TIMESTAMP_MS", 'Timestamp(Millisecond, None)'],
    ["'2024-01-01'::TIMESTAMPTZ", 'Timestamp(Microsecond, Some("UTC"))'],
    ["'{}'::JSON", 'Json'],
    ["{'a': [1::UTINYINT]}", 'Struct("a": List(UInt8))'],
  ])('%s is %s', async (sql, expected) => {
    const [column] = await held.engine.columns(`SELECT ${sql} AS c`)
    expect(formatType(column!.type!)).toBe(expected)
  })

  test.each([
    "TIME '10:00:00'",
    'INTERVAL 1 DAY',
    "'101'::BIT",
    "[TIME '10:00:00']",
    "{'a': INTERVAL 1 DAY}",
    "MAP {'a': '1'::BIT}",
  ])('%s is no DataType; a query shows it as text', async (sql) => {
    const [column] = await held.engine.columns(`SELECT ${sql} AS c`)
    expect(column!.type).toBeNull()
    const [row] = await rowsOf(await held.engine.stream(`SELECT ${sql} AS c`))
    expect(typeof row![0]).toBe('string')
  })

  test('units of the engine’s own timestamps become microseconds', async () => {
    const [row] = await rowsOf(
      await held.engine.stream(
        "SELECT '1970-01-01 00:00:02'::TIMESTAMP_S, '1970-01-01 00:00:00.003'::TIMESTAMP_MS, uuid()::UUID IS NULL",
      ),
    )
    expect(row).toEqual([2_000_000n, 3000n, false])
  })

  test.each(['Variant', 'List(Variant)'])('%s is refused by name', (text) => {
    try {
      sqlType(parseType(text))
      expect.unreachable()
    } catch (error) {
      expect(errorView(error)).toMatchObject({
        kind: 'data',
        code: 'type-unsupported',
        message: expect.stringContaining('Variant'),
      })
    }
  })
  test('a struct without fields is refused', () => {
    expect(() => sqlType({ kind: 'Struct', fields: [] })).toThrow('Struct()')
  })
})
