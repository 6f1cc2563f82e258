import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DataType, type Field, parseType } from '../../../src/core/types.ts'
import { formatStats, numRecordsOf } from '../../../src/drivers/delta/log/stats.ts'
import { textBound } from '../../../src/drivers/delta/log/text-bound.ts'
import { openEngine } from '../../../src/engine/engine.ts'
import { writeParquet } from '../../../src/engine/write-parquet.ts'
import { temporaryFolder } from './fixture.ts'

const fieldOf = (name: string, type: string): Field => ({ name, type: parseType(type), nullable: true })
const none = { partitionColumns: [], configuration: {}, mapping: null }
/** Text of one column's minimum and maximum, as they stand in the JSON. */
function bounds(type: string, min: string | null, max = min): readonly (string | undefined)[] {
  const text = formatStats(
    { rows: 1, columns: { c: { min, max, nulls: 0 } } },
    { fields: [fieldOf('c', type)], ...none },
  )
  expect(() => JSON.parse(text)).not.toThrow()
  const match = /"minValues":\{(?:"c":(.*?))?\},"maxValues":\{(?:"c":(.*?))?\},"nullCount":\{"c":0\}\}$/.exec(text)!
  return [match[1], match[2]]
}

describe('statistics', () => {
  it.each([
    ['Int64', '9223372036854775807', '9223372036854775807'],
    ['UInt64', '18446744073709551615', '18446744073709551615'],
    ['Decimal128(38, 10)', '-1234567890123456789012345678.0123456789', '-1234567890123456789012345678.0123456789'],
    ['Int8', '-0', '-0'],
    ['Int32', '007', undefined],
    ['Int32', 'x', undefined],
    ['Float64', '1e+300', '1e+300'],
    ['Float64', '0.1', '0.1'],
    ['Float32', '0.1', '0.10000000149011612'],
    ['Float64', 'nan', undefined],
    ['Float64', 'inf', undefined],
    ['Float64', '-infinity', undefined],
    ['Date32', '2020-02-29', '"2020-02-29"'],
    ['Date32', '0044-03-15 (BC)', undefined],
    ['Date32', '12020-02-29', undefined],
    ['Boolean', 'true', undefined],
    ['Binary', '00ff', undefined],
    ['Utf8', 'it\'s "x"\n', JSON.stringify('it\'s "x"\n')],
    ['Json', '{}', '"{}"'],
  ])('%s %s is written as %s', (type, text, expected) => {
    expect(bounds(type, text)).toEqual([expected, expected])
  })

  const utc = 'Timestamp(Microsecond, Some("UTC"))'
  const wall = 'Timestamp(Microsecond, None)'
  it.each([
    [utc, '2020-01-01 00:00:00.123456+00', '"2020-01-01T00:00:00.123Z"', '"2020-01-01T00:00:00.124Z"'],
    [utc, '2020-01-01T00:00:00.123Z', '"2020-01-01T00:00:00.123Z"', '"2020-01-01T00:00:00.123Z"'],
    [utc, '1999-12-31 23:59:59.9999+00', '"1999-12-31T23:59:59.999Z"', '"2000-01-01T00:00:00.000Z"'],
    [utc, '1960-01-01 00:00:00.000001+00', '"1960-01-01T00:00:00.000Z"', '"1960-01-01T00:00:00.001Z"'],
    [wall, '2020-01-01 10:00:00', '"2020-01-01T10:00:00.000"', '"2020-01-01T10:00:00.000"'],
    [utc, '9999-12-31 23:59:59.9999+00', '"9999-12-31T23:59:59.999Z"', undefined],
    [utc, 'infinity', undefined, undefined],
    [utc, '2020-01-01 00:00:00+02', undefined, undefined],
    [utc, '2020-01-01 00:00:00', undefined, undefined],
    [wall, '2020-01-01 00:00:00+00', undefined, undefined],
    [utc, '2020-13-01 00:00:00+00', undefined, undefined],
  ])('%s %s: down to %s, up to %s', (type, text, min, max) => {
    expect(bounds(type, text)).toEqual([min, max])
  })

  it('leave out what is not known, and count nulls everywhere', () => {
    const fields = [fieldOf('a', 'Int32'), fieldOf('b', 'Boolean'), fieldOf('l', 'List(Int32)'), fieldOf('m', 'Utf8')]
    const columns = { a: { min: null, max: null, nulls: 3 }, b: { min: 'true', max: 'true', nulls: 1 } }
    expect(formatStats({ rows: 3, columns }, { fields, ...none })).toBe(
      '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"a":3,"b":1}}',
    )
  })

  it('stop at the 32nd leaf, or where the table says', () => {
    const fields = [
      fieldOf('p', 'Int32'),
      fieldOf('s', 'Struct("x": Int32, "y": Struct("z": Int32))'),
      ...Array.from({ length: 40 }, (_, i) => fieldOf(`c${i}`, 'Int32')),
    ]
    const columns = Object.fromEntries(fields.map((field) => [field.name, { min: '1', max: '2', nulls: 0 }]))
    const names = (configuration: Record<string, string>): string[] =>
      Object.keys(
        JSON.parse(formatStats({ rows: 1, columns }, { fields, ...none, partitionColumns: ['p'], configuration }))
          .minValues,
      )
    expect(names({})).toEqual(Array.from({ length: 30 }, (_, i) => `c${i}`))
    expect(names({ 'delta.dataSkippingNumIndexedCols': '3' })).toEqual(['c0'])
    expect(names({ 'delta.dataSkippingNumIndexedCols': '0' })).toEqual([])
    expect(names({ 'delta.dataSkippingNumIndexedCols': '-1' })).toHaveLength(40)
    expect(names({ 'delta.dataSkippingNumIndexedCols': 'many' })).toHaveLength(30)
    expect(names({ 'delta.dataSkippingStatsColumns': 'c39, `c1`,s,p,nope' })).toEqual(['c1', 'c39'])
    const quoted = [fieldOf('a`,b.c', 'Int32'), fieldOf('a', 'Int32')]
    const text = formatStats(
      { rows: 1, columns: { 'a`,b.c': { min: '1', max: '1', nulls: 0 }, a: { min: '1', max: '1', nulls: 0 } } },
      { fields: quoted, ...none, configuration: { 'delta.dataSkippingStatsColumns': '`a``,b.c`' } },
    )
    expect(Object.keys(JSON.parse(text).minValues)).toEqual(['a`,b.c'])
  })

  it('take what the engine says about a file', async () => {
    const scratch = await temporaryFolder()
    const types: Record<string, DataType['kind'] | string> = {
      big: 'Int64',
      at: utc,
      wall,
      day: 'Date32',
      text: 'Utf8',
      flag: 'Boolean',
      amount: 'Decimal128(20, 2)',
    }
    const fields = Object.entries(types).map(([name, type]) => fieldOf(name, type))
    await using engine = await openEngine({ scratch })
    const file = await writeParquet(
      engine,
      `SELECT 9223372036854775807 AS big, timestamptz '2020-01-01 00:00:00.000001+00' AS at, timestamp '2020-01-01' AS wall,
       date '2020-01-02' AS day, repeat('é', 40) AS text, true AS flag, 123456789012345678.90::decimal(20,2) AS amount
       UNION ALL SELECT 1, NULL, NULL, NULL, NULL, NULL, 0.10`,
      `${scratch}/x.parquet`,
      { fields, compression: 'zstd' },
    )
    expect(formatStats(file, { fields, ...none })).toBe(
      '{"numRecords":2,' +
        `"minValues":{"big":1,"at":"2020-01-01T00:00:00.000Z","wall":"2020-01-01T00:00:00.000","day":"2020-01-02","text":"${'é'.repeat(32)}","amount":0.10},` +
        `"maxValues":{"big":9223372036854775807,"at":"2020-01-01T00:00:00.001Z","wall":"2020-01-01T00:00:00.000","day":"2020-01-02","text":"${'é'.repeat(32)}\u{10ffff}","amount":123456789012345678.90},` +
        '"nullCount":{"big":0,"at":1,"wall":1,"day":1,"text":1,"flag":1,"amount":0}}',
    )
  })
})

describe('bounds of long texts', () => {
  const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
  it('always hold, whatever the text', () => {
    const characters = fc.constantFrom('a', 'z', 'é', '\uffff', '\ue000', '🙂', '\u{10ffff}', '\u0000')
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 90 }), (text) => {
        const min = textBound(text, 'min')!
        const max = textBound(text, 'max')
        expect(compare(min, text)).toBeLessThanOrEqual(0)
        expect([...min].length).toBeLessThanOrEqual(32)
        expect(min.isWellFormed()).toBe(true)
        if (max === null) return
        expect(compare(max, text)).toBeGreaterThanOrEqual(0)
        expect([...max].length).toBeLessThanOrEqual(65)
        expect(max.isWellFormed()).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
  it('never split a surrogate pair', () => {
    const text = '🙂'.repeat(40)
    expect(textBound(text, 'min')).toBe('🙂'.repeat(32))
    expect(textBound(text, 'max')).toBe(`${'🙂'.repeat(32)}\u{10ffff}`)
  })
  it('leave short texts as they are, and give up where there is no bound', () => {
    expect(textBound('x'.repeat(32), 'max')).toBe('x'.repeat(32))
    expect(textBound('🙂'.repeat(32), 'max')).toBe('🙂'.repeat(32))
    expect(textBound('\u{10ffff}'.repeat(100), 'max')).toBeNull()
    expect(textBound('\ud800', 'min')).toBeNull()
  })
})

describe('rows by statistics', () => {
  it.each([
    ['{"numRecords":5}', 5],
    ['{"numRecords":5,"minValues":{"numRecords":7}}', 5],
    ['{"minValues":{"numRecords":7},"numRecords":5}', 5],
    ['{ "numRecords" : 0 }', 0],
    ['{"stats_json":"{\\"numRecords\\":3}"}', 3],
    ['{"stats_json":"{}"}', null],
    ['{"stats_json":"{"}', null],
    ['{"minValues":{"numRecords":7}}', null],
    ['{"numRecords":-1}', null],
    ['{"numRecords":1.5}', null],
    ['{"numRecords":"5"}', null],
    ['', null],
    ['null', null],
    [undefined, null],
  ])('%s: %s', (stats, rows) => {
    expect(numRecordsOf(stats)).toBe(rows)
  })
})
