/** Every type, from Google's evaluator through the REST answers: exact, and where the official client is not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorView } from '../../src/core/errors.ts'
import { formatType } from '../../src/core/types.ts'
import { decodeRows } from '../../src/drivers/bigquery/decode.ts'
import { type FieldSchema, fieldOf } from '../../src/drivers/bigquery/types.ts'
import type { Field } from '../servers/bigquery/values.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import { firstTime, makeTable, openDriver, pagesOf, rowsOfPages, source, sourceOf } from './world.ts'

let front: BigQueryFront
beforeAll(async () => {
  front = await BigQueryFront.start()
})
afterAll(() => front[Symbol.asyncDispose]())

type Type = Pick<Field, 'type' | 'mode' | 'fields' | 'rangeElementType'> & { precision?: string; scale?: string }

/** Column, value as insertAll takes it, type and canonical cell. */
const samples: readonly [string, Type, unknown, string, unknown][] = [
  ['an integer above 2^53', { type: 'INT64' }, '9007199254740993', 'Int64', 9007199254740993n],
  ['the least integer', { type: 'INTEGER' }, '-9223372036854775808', 'Int64', -(2n ** 63n)],
  ['a double', { type: 'FLOAT64' }, 0.1, 'Float64', 0.1],
  ['no number', { type: 'FLOAT' }, 'NaN', 'Float64', Number.NaN],
  ['infinity', { type: 'FLOAT64' }, '-Infinity', 'Float64', Number.NEGATIVE_INFINITY],
  ['minus zero', { type: 'FLOAT64' }, '-0', 'Float64', -0],
  ['a boolean', { type: 'BOOL' }, false, 'Boolean', false],
  ['a text', { type: 'STRING' }, '1e5 \u0000 é', 'Utf8', '1e5 \u0000 é'],
  ['bytes', { type: 'BYTES' }, '/wBh', 'Binary', new Uint8Array([255, 0, 97])],
  ['a decimal', { type: 'NUMERIC' }, '0.000000001', 'Decimal128(38, 9)', '0.000000001'],
  [
    'a large decimal',
    { type: 'NUMERIC' },
    '-99999999999999999999999999999.9',
    'Decimal128(38, 9)',
    '-99999999999999999999999999999.900000000',
  ],
  ['a decimal with bounds', { type: 'NUMERIC', precision: '10', scale: '2' }, '-1.5', 'Decimal128(10, 2)', '-1.50'],
  ['a whole decimal', { type: 'NUMERIC', precision: '5' }, '7', 'Decimal128(5, 0)', '7'],
  [
    'a big decimal',
    { type: 'BIGNUMERIC' },
    '578960446186580977117854925043439539266.34992332820282019728792003956564819967',
    'Utf8',
    '578960446186580977117854925043439539266.34992332820282019728792003956564819967',
  ],
  [
    'a big decimal with bounds',
    { type: 'BIGNUMERIC', precision: '38', scale: '38' },
    '0.00000000000000000000000000000000000001',
    'Decimal128(38, 38)',
    '0.00000000000000000000000000000000000001',
  ],
  ['a big decimal too wide', { type: 'BIGNUMERIC', precision: '40', scale: '2' }, '1.25', 'Utf8', '1.25'],
  ['the first date', { type: 'DATE' }, '0001-01-01', 'Date32', -719162],
  ['the last date', { type: 'DATE' }, '9999-12-31', 'Date32', 2932896],
  ['a time', { type: 'TIME' }, '23:59:59.000001', 'Utf8', '23:59:59.000001'],
  ['a wall-clock time', { type: 'DATETIME' }, '1969-12-31T23:59:59.999999', 'Timestamp(Microsecond, None)', -1n],
  [
    'an instant before 1970',
    { type: 'TIMESTAMP' },
    '1969-12-31T23:59:59.999999Z',
    'Timestamp(Microsecond, Some("UTC"))',
    -1n,
  ],
  [
    'the last instant',
    { type: 'TIMESTAMP' },
    '9999-12-31T23:59:59.999999Z',
    'Timestamp(Microsecond, Some("UTC"))',
    253402300799999999n,
  ],
  ['JSON', { type: 'JSON' }, '{"b":12345678901234567890,"a":[1.0]}', 'Json', '{"b":12345678901234567890,"a":[1.0]}'],
  [
    'a range of instants',
    { type: 'RANGE', rangeElementType: { type: 'TIMESTAMP' } },
    '[1, unbounded)',
    'Utf8',
    '[1, UNBOUNDED)',
  ],
  [
    'a range of dates',
    { type: 'RANGE', rangeElementType: { type: 'DATE' } },
    '[2024-01-01, 2024-02-01)',
    'Utf8',
    '[2024-01-01, 2024-02-01)',
  ],
  ['a geography', { type: 'GEOGRAPHY' }, 'POINT(1 2)', 'Utf8', 'POINT(1 2)'],
  ['an interval', { type: 'INTERVAL' }, '1-2 3 4:5:6.789', 'Utf8', '1-2 3 4:5:6.789'],
  [
    'an array',
    { type: 'INT64', mode: 'REPEATED' },
    ['1', '9007199254740993'],
    'List(Int64 not null)',
    [1n, 9007199254740993n],
  ],
  [
    'an array of records',
    {
      type: 'RECORD',
      mode: 'REPEATED',
      fields: [
        { name: 'n', type: 'NUMERIC' },
        { name: 't', type: 'TIMESTAMP', mode: 'REQUIRED' },
        { name: 'l', type: 'STRING', mode: 'REPEATED' },
      ],
    },
    [
      { n: '1.5', t: '-1', l: ['x', 'y'] },
      { n: null, t: '0', l: [] },
    ],
    'List(Struct("n": Decimal128(38, 9), "t": Timestamp(Microsecond, Some("UTC")) not null, "l": List(Utf8 not null)) not null)',
    [
      ['1.500000000', -1n, ['x', 'y']],
      [null, 0n, []],
    ],
  ],
]

describe('decoding over the evaluator', () => {
  test('a value of each type, and NULL in each', async () => {
    const columns = samples.map(([, field], i) => ({ name: `c${i}`, ...field }))
    const fields: Field[] = [
      { name: 'id', type: 'INT64', mode: 'REQUIRED' },
      { name: 'ts', type: 'TIMESTAMP' },
      ...columns,
    ]
    const full = Object.fromEntries(samples.map(([, , value], i) => [`c${i}`, value]))
    makeTable(front, 'types', fields, [
      { id: 1, ts: '0', ...full },
      { id: 2, ts: '1' },
    ])
    await using driver = openDriver(front)
    const port = sourceOf(driver)
    const pages = await pagesOf(port, source('types', { key: ['id'] }), firstTime, { rows: 10 })
    const [first, second] = rowsOfPages(pages)
    const described = pages[0]!.batch.fields.slice(2)
    for (const [i, [what, , , type, cell]] of samples.entries()) {
      expect(formatType(described[i]!.type), what).toBe(type)
      expect(first![i + 2], what).toEqual(cell)
    }
    expect(second!.slice(2)).toEqual(samples.map(([, field]) => (field.mode === 'REPEATED' ? [] : null)))
    expect(pages[0]!.batch.fields[0]).toEqual({ name: 'id', type: { kind: 'Int64' }, nullable: false })
  })

  test('columns whose names are hostile, reserved, or members of every object', async () => {
    const names = ['__proto__', 'constructor', 'select', 'source', 'row_hash', 'p0', 'größe', 'order by']
    const fields = [...names.map((name) => ({ name, type: 'STRING' })), { name: 'ts', type: 'TIMESTAMP' }]
    const json = Object.fromEntries([...names.map((name) => [name, `of ${name}`]), ['ts', '5']])
    makeTable(front, 'hostile', fields, [json])
    await using driver = openDriver(front)
    for (const key of [['select', '__proto__'], []]) {
      const table = source('hostile', { key, appendOnly: true })
      const rows = rowsOfPages(await pagesOf(sourceOf(driver), table, firstTime, { rows: 5 }))
      expect(rows).toEqual([[...names.map((name) => `of ${name}`), 5n]])
    }
  })
})

describe('what is no value of its column is told, and never guessed', () => {
  const decode = (schema: FieldSchema, v: unknown, known = schema) =>
    decodeRows([schema], [{ f: [{ v }] }], [fieldOf(known)]).columns[0]![0]
  const thrown = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return errorView(error)
    }
    throw new Error('it did not throw')
  }

  test.each([
    ['INT64', '1.5'],
    ['FLOAT64', 'one'],
    ['FLOAT64', ''],
    ['BOOL', 'yes'],
    ['DATE', 'today'],
    ['TIMESTAMP', '1.714557600123456E9'],
    ['DATETIME', '2024-01-01 noon'],
    ['NUMERIC', '0.0000000001'],
    ['STRING', 7],
  ])('%s %s', (type, value) => {
    expect(thrown(() => decode({ name: 'bad\u202ename', type }, value))).toMatchObject({
      kind: 'data',
      code: 'bad-value',
      message: `column bad\\u202ename: ${value} is no ${type}`,
    })
  })
  test('a column of another type than was inspected', () => {
    expect(thrown(() => decode({ name: 'a', type: 'STRING' }, '1', { name: 'a', type: 'INT64' }))).toMatchObject({
      kind: 'data',
      code: 'schema-changed',
      message: 'column a was Int64 and is Utf8 now',
    })
  })
  test('other spellings of infinity', () => {
    expect(decode({ name: 'a', type: 'FLOAT' }, '-inf')).toBe(Number.NEGATIVE_INFINITY)
    expect(decode({ name: 'a', type: 'FLOAT' }, 'inf')).toBe(Number.POSITIVE_INFINITY)
  })
  test.each([
    [{ name: 'a', type: 'TIMESTAMP', timestampPrecision: '12' }, 'picoseconds would be lost'],
    [{ name: 'a', type: 'TOKENLIST' }, 'it has no counterpart'],
  ])('%j is refused', (schema, why) => {
    expect(thrown(() => fieldOf(schema))).toMatchObject({
      kind: 'refused',
      code: 'type-unsupported',
      message: `column a is of type ${schema.type}: ${why}`,
    })
  })
})
