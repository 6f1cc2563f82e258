import { describe, expect, it } from 'vitest'
import { cellConverter } from '../../../src/cli/output/cells.ts'
import { jsonText } from '../../../src/cli/output/json.ts'
import type { Cell } from '../../../src/core/batch.ts'
import { parseType } from '../../../src/core/types.ts'

function printed(type: string, cell: Cell, form: 'value' | 'text' = 'value'): string {
  const convert = cellConverter(parseType(type), form)
  return jsonText(cell === null || convert === undefined ? cell : convert(cell), null)
}

describe('cells', () => {
  it.each<[string, Cell, string]>([
    ['Boolean', true, 'true'],
    ['Int64', 9007199254740993n, '"9007199254740993"'],
    ['Int64', -42n, '-42'],
    ['UInt64', 18446744073709551615n, '"18446744073709551615"'],
    ['Float64', Number.NaN, '"NaN"'],
    ['Float32', Math.fround(0.1), '0.1'],
    ['Float32', Math.fround(16777217.4), '16777218'],
    ['Float32', Math.fround(1.17549435e-38), '1.1754944e-38'],
    ['Float32', Number.NEGATIVE_INFINITY, '"-Infinity"'],
    ['Decimal128(38, 2)', '123456789012345678901234567890.12', '"123456789012345678901234567890.12"'],
    ['Decimal128(38, 0)', '719400', '719400'],
    ['Decimal128(38, 0)', '-9007199254740993', '"-9007199254740993"'],
    ['Utf8', '', '""'],
    ['Binary', new Uint8Array([0, 255]), '"AP8="'],
    ['Date32', 0, '"1970-01-01"'],
    ['Date32', -719_529, '"-000001-12-31"'],
    ['Date32', 2_932_897, '"+010000-01-01"'],
    ['Date32', 2_147_483_647, '"infinity"'],
    ['Date32', -2_147_483_647, '"-infinity"'],
    // As DuckDB counts them: date '-290000-01-01' and its last one, 5881580-07-10.
    ['Date32', -106_639_853, '"-290000-01-01"'],
    ['Date32', 2_147_483_646, '"+5881580-07-10"'],
    ['Timestamp(Second, Some("UTC"))', 1_000_000n, '"1970-01-01T00:00:01Z"'],
    ['Timestamp(Millisecond, None)', 1_500_000n, '"1970-01-01T00:00:01.500"'],
    ['Timestamp(Microsecond, Some("UTC"))', 1n, '"1970-01-01T00:00:00.000001Z"'],
    ['Timestamp(Microsecond, Some("Europe/Berlin"))', -1n, '"1969-12-31T23:59:59.999999Z"'],
    ['Timestamp(Nanosecond, Some("UTC"))', 1_000_000_001n, '"1970-01-01T00:00:01.000000001Z"'],
    ['Timestamp(Nanosecond, None)', 1_000_001_000n, '"1970-01-01T00:00:01.000001"'],
    ['Timestamp(Microsecond, None)', 9_223_372_036_854_775_807n, '"infinity"'],
    ['Timestamp(Microsecond, None)', -9_223_372_036_854_775_807n, '"-infinity"'],
    ['Timestamp(Microsecond, None)', 9_089_348_860_800_000_001n, '"+290000-01-01T00:00:00.000001"'],
    ['Json', '{"n": 9007199254740993, "x": 1.50, "l": [null]}', '{"n":"9007199254740993","x":1.5,"l":[null]}'],
    ['Json', '{"n":12345678901234567890.123456789}', '{"n":"12345678901234567890.123456789"}'],
    ['Json', '[1e400, 0.10, 1e3]', '["1e400",0.1,1000]'],
    ['Json', '{broken', '"{broken"'],
    ['List(Int64)', [1n, null, 9007199254740993n], '[1,null,"9007199254740993"]'],
    ['List(List(Date32))', [[0], null, []], '[["1970-01-01"],null,[]]'],
    ['Struct("a": Utf8, "__proto__": Date32)', ['x', 1], '{"a":"x","__proto__":"1970-01-02"}'],
    ['Struct("a": Utf8, "b": Date32)', ['x', null], '{"a":"x","b":null}'],
    ['Map(Utf8, Date32)', [['k', 0]], '{"k":"1970-01-01"}'],
    [
      'Map(Int64, Utf8)',
      [
        [1n, 'a'],
        [2n, null],
      ] as unknown as Cell,
      '[[1,"a"],[2,null]]',
    ],
    ['List(Utf8)', null, 'null'],
  ])('%# %s', (type, cell, expected) => expect(printed(type, cell)).toBe(expected))

  it('are text for tables and csv', () => {
    expect(printed('Json', '{"n": 1.50}', 'text')).toBe('"{\\"n\\": 1.50}"')
    expect(printed('List(Int64)', [1n, 9007199254740993n], 'text')).toBe('"[1,\\"9007199254740993\\"]"')
    expect(printed('Struct("a": Utf8)', ['x'], 'text')).toBe('"{\\"a\\":\\"x\\"}"')
    expect(printed('Date32', 0, 'text')).toBe('"1970-01-01"')
    expect(cellConverter(parseType('Utf8'), 'text')).toBeUndefined()
  })
})
