import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Field } from '../../../src/core/types.ts'
import { csvCheck } from '../../../src/engine/ingest/csv-value.ts'
import { derivedColumns } from '../../../src/engine/ingest/derive.ts'
import { rowCheck } from '../../../src/engine/ingest/row-check.ts'
import { plainDecimal } from '../../../src/engine/ingest/scalar-text.ts'
import { quotePath } from '../../../src/engine/sql-text.ts'
import { sqlType } from '../../../src/engine/types.ts'
import { field, useEngine } from './support.ts'

const held = useEngine()
const none = derivedColumns({ fields: [], partitions: [], timeColumn: null }, 'acme')
const check = (type: string, json: string): string | null => {
  const judged = rowCheck([field('c', type)], none)(`{"c":${json}}`)
  return 'json' in judged ? null : `${judged.rejection.column} ${judged.rejection.reason}`
}

/** Column type, accepted JSON values, refused ones. */
const table: [string, string[], string[]][] = [
  ['Boolean', ['true', 'false'], ['1', '"true"', '[]', '{}']],
  ['Int8', ['-128', '127', '1.0', '1e2', '-0'], ['128', '-129', '1.5', '"1"', 'true', '1e3']],
  ['UInt8', ['0', '255'], ['-1', '256']],
  [
    'Int64',
    ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
    ['9223372036854775808', '-9223372036854775809', '9007199254740993.0', '1e19', '"12"', '0.5'],
  ],
  ['UInt64', ['18446744073709551615', '0'], ['18446744073709551616', '-1']],
  ['Float32', ['1', '0.1', '-3.4028234e38'], ['3.5e38', '"1"', 'true']],
  [
    'Float64',
    ['1e308', '-0.0', '123456789012345678901234567890', '"NaN"', '"-Infinity"'],
    ['1e999', '"nan"', '"inf"', 'NaN', 'null1'],
  ],
  [
    'Decimal128(6, 2)',
    ['1', '1.5', '-9999.99', '"1.50"', '1.50', '0', '1.5e2', '"0001.5"'],
    ['1.555', '10000', '"1.555"', '"x"', '1e9', 'true', '1e-7'],
  ],
  [
    'Decimal128(38, 18)',
    ['12345678901234567890.123456789012345678', '1e-18', '0.1'],
    ['123456789012345678901', '1e-19', '0.1234567890123456789'],
  ],
  ['Utf8', ['""', '"x\\u0000y"', '"\\ud83e\\udd86"', '"a\\":b"'], ['1', 'true', '["x"]', '"\\ud800"', '"\\uD83Ex"']],
  [
    'Date32',
    ['"2024-02-29"', '"0001-01-01"', '"9999-12-31"'],
    [
      '"2023-02-29"',
      '"2024-1-1"',
      '"2024-04-31"',
      '"0000-01-01"',
      '"1900-02-29"',
      '"2024-01-01T00:00:00Z"',
      '20240101',
    ],
  ],
  [
    'Timestamp(Microsecond, Some("UTC"))',
    [
      '"2024-01-01T00:00:00Z"',
      '"2024-01-01 00:00:00"',
      '"2024-01-01"',
      '"2024-01-01T23:59:59.123456789+05:30"',
      '"2024-01-01T00:00:00-0800"',
      '"2024-01-01T00:00:00+14"',
      '"9999-12-31T23:59:59-00:00"',
      '"9999-12-31T23:59:59.999+14:00"',
      '"9999-12-31T09:59:59-14:00"',
      '"0001-01-01T14:00:00+14:00"',
      '"0001-01-01T00:00:00-14:00"',
      '"0001-01-01"',
    ],
    [
      '"2024-01-01T24:00:00Z"',
      '"2024-01-01T00:60:00Z"',
      '"2024-01-01T00:00Z"',
      '"2024-13-01T00:00:00Z"',
      '"2024-01-01T00:00:00z"',
      '"2024-01-01T00:00:00+15:00"',
      '1704067200',
      '"now"',
      '"2024-01-01Z"',
      '"9999-12-31T23:59:59-14:00"',
      '"9999-12-31T23:59:59-0001"',
      '"9999-12-31 10:00:00.5-14"',
      '"0001-01-01T00:00:00+14:00"',
      '"0001-01-01T13:59:59+14"',
    ],
  ],
  [
    'Timestamp(Microsecond, None)',
    ['"2024-01-01T00:00:00"', '"2024-01-01"'],
    ['"2024-01-01T00:00:00Z"', '"2024-01-01T00:00:00+01"'],
  ],
  ['Timestamp(Nanosecond, None)', ['"2024-01-01T00:00:00.123456789"'], ['"1600-01-01T00:00:00"', '"2300-01-01"']],
  ['Binary', ['""', '"aGk="', '"AAAA"'], ['"a"', '"aGk"', '"a*=="', '1']],
  [
    'Json',
    ['1', '"x"', '{"a":[1,{"b":null}]}', '123456789012345678901234567890'],
    ['{"a":1,"a":2}', '"\\udc00"', '{"\\ud800":1}'],
  ],
  ['List(Int64)', ['[]', '[1,null]', '[9223372036854775807]'], ['[1.5]', '{}', '1', '["1"]', '[9223372036854775808]']],
  ['List(Int64 not null)', ['[1]'], ['[null]']],
  ['Map(Utf8, Int32)', ['{}', '{"a":1,"b":null}'], ['{"a":"x"}', '[]', '{"a":1,"a":2}']],
  ['Map(Utf8, Int32 not null)', ['{"a":1}'], ['{"a":null}']],
  [
    'Struct("a": Int32 not null, "b": List(Date32))',
    ['{"a":1}', '{"a":1,"b":["2024-01-01"]}'],
    ['{}', '{"a":1,"x":2}', '{"a":null}', '{"a":1,"b":["x"]}', '[]', '"x"'],
  ],
]

describe.each(table)('%s', (type, good, bad) => {
  test.each(good)('takes %s', (json) => expect(check(type, json)).toBeNull())
  test.each(bad)('refuses %s', (json) => expect(check(type, json)).not.toBeNull())
})

test('what is accepted, the engine reads: nothing fails later and nothing turns into null', async () => {
  for (const [type, good] of table) {
    const { type: parsed } = field('c', type)
    const judge = rowCheck([field('c', type)], none)
    const lines = good.map((json) => judge(`{"c":${json}}`)).map((judged) => ('json' in judged ? judged.json : ''))
    const path = await held.file('accepted.ndjson', `${lines.join('\n')}\n`)
    const columns = parsed.kind === 'Binary' ? 'VARCHAR' : sqlType(parsed).replaceAll("'", "''")
    const [row] = await held.engine.all(
      `SELECT count(c) AS n FROM read_json(${quotePath(path)}, columns = {c: '${columns}'}, format = 'newline_delimited')`,
    )
    expect({ type, n: row!.n }).toEqual({ type, n: BigInt(good.length) })
  }
})

test('digits that no double holds are kept', async () => {
  const fields: Field[] = [field('i', 'Int64'), field('d', 'Decimal128(38, 18)'), field('j', 'Json')]
  const line = '{"i":9007199254740993,"d":12345678901234567890.123456789012345678,"j":{"n":1.10}}'
  const judged = rowCheck(fields, none)(line)
  expect(judged).toEqual({
    json: '{"i":9007199254740993,"d":"12345678901234567890.123456789012345678","j":"{\\"n\\":1.10}"}',
  })
})

describe('rows', () => {
  const fields = [
    field('id', 'Int64', false),
    field('name', 'Utf8'),
    field('constructor', 'Utf8'),
    field('__proto__', 'Json'),
  ]
  const judge = rowCheck(fields, none)
  const reason = (line: string): unknown => {
    const judged = judge(line)
    return 'json' in judged ? null : [judged.rejection.column, judged.rejection.reason]
  }
  test('a line is taken as it is', () =>
    expect(judge('{"id":1, "name": "a"}')).toEqual({ json: '{"id":1, "name": "a"}' }))
  test('columns may have the names of what every object inherits', () => {
    expect(reason('{"id":1}')).toBeNull()
    expect(reason('{"id":1,"constructor":"x","__proto__":{"a":1}}')).toBeNull()
    expect(reason('{"id":1,"constructor":5}')).toEqual(['constructor', '5 is not a text'])
    expect(reason('{"id":1,"toString":5}')).toEqual(['toString', 'is not a column of the table'])
  })
  test.each([
    ['{"name":"a"}', ['id', 'is missing, and the column is not nullable']],
    ['{"id":null}', ['id', 'is null, and the column is not nullable']],
    ['{"id":1,"nmae":"a"}', ['nmae', 'is not a column of the table; did you mean "name"?']],
    ['{"id":1,"Name":"a"}', ['Name', 'is not a column of the table; did you mean "name"?']],
    ['{"id":1,"zzzzzz":"a"}', ['zzzzzz', 'is not a column of the table']],
    ['{"id":1,"id":2}', ['id', 'key "id" stands twice']],
    ['{"id" : 1, "name":"b", "id":2}', ['id', 'key "id" stands twice']],
    ['[1]', [null, 'the line is not a JSON object']],
    ['null', [null, 'the line is not a JSON object']],
    ['{"id":1', [null, expect.stringContaining('not valid JSON')]],
    ['{"id":1.5}', ['id', '1.5 is not an Int64']],
    [`{"id":"${'x'.repeat(100)}"}`, ['id', expect.stringMatching(/^"x{59}… is not an Int64$/)]],
  ])('%s', (line, expected) => expect(reason(line)).toEqual(expected))
  test('spaces and texts with colons do not confuse the search for doubled keys', () => {
    expect(reason('{ "id" : 1 , "name" : "x\\":" }')).toBeNull()
    expect(reason('{"id":1,"name":"\\"id\\":"}')).toBeNull()
  })
  test('the place inside a nested column is told', () => {
    const nested = rowCheck([field('s', 'Struct("l": List(Map(Utf8, Int32)))')], none)
    expect(nested('{"s":{"l":[{},{"k":"x"}]}}')).toEqual({
      rejection: { column: 's.l[1].k', reason: '"x" is not an Int32' },
    })
  })
  test('a number that no double holds is shown as it was written', () => {
    const numbers = rowCheck([field('f', 'Float64'), field('l', 'List(Int8)'), field('s', 'Utf8')], none)
    const told = (line: string): unknown => {
      const judged = numbers(line)
      return 'json' in judged ? null : [judged.rejection.column, judged.rejection.reason]
    }
    expect(told('{"f":1e400}')).toEqual(['f', '1e400 is out of range for Float64'])
    expect(told('{"f":-1.5E+309}')).toEqual(['f', '-1.5E+309 is out of range for Float64'])
    expect(told('{"l":[1, 1e400]}')).toEqual(['l[1]', '1e400 is not an Int8'])
    expect(told('{"s":[1e400]}')).toEqual(['s', '[1e400] is not a text'])
    expect(told('{"s":1,"f":1e400}')).toEqual(['f', '1e400 is out of range for Float64'])
  })
  test.each([1, 200_000])('what nests deeper than 512 levels is refused, at %s more', (more) => {
    const nested = (levels: number): string => `{"id":1,"__proto__":${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(reason(nested(512))).toBeNull()
    expect(reason(nested(512 + more))).toEqual(['__proto__', 'nests deeper than 512 levels'])
    const objects = `{"id":1,"__proto__":${'{"a":'.repeat(512 + more)}1${'}'.repeat(512 + more)}}`
    expect(reason(objects)).toEqual(['__proto__', 'nests deeper than 512 levels'])
  })
  test('a return between tokens becomes a space: the engine would end the line there', () => {
    expect(judge('{"id":1,\r"name":"a"}')).toEqual({ json: '{"id":1, "name":"a"}' })
  })
  test('types that text cannot carry are refused at once', () => {
    for (const type of ['Variant', 'List(Binary)', 'Map(Int32, Utf8)'])
      expect(() => rowCheck([field('c', type)], none)).toThrow('cannot be loaded')
  })
})

describe('derived columns', () => {
  const fields = [
    field('project_id', 'Utf8', false),
    field('at', 'Timestamp(Microsecond, Some("UTC"))'),
    field('date', 'Date32', false),
  ]
  const derived = derivedColumns({ fields, partitions: ['date'], timeColumn: 'at' }, 'acme')
  const judge = rowCheck(fields, derived)
  test('may be left out, and need what they follow from', () => {
    expect(judge('{"at":"2024-01-01T00:00:00Z"}')).toHaveProperty('json')
    expect(judge('{"date":"2024-01-01","project_id":"acme"}')).toHaveProperty('json')
    expect(judge('{}')).toEqual({ rejection: { column: 'date', reason: 'is missing, and the column is not nullable' } })
    expect(judge('{"date":"2024-01-01","project_id":"other"}')).toEqual({
      rejection: { column: 'project_id', reason: '"other" is not the table\'s project, "acme"' },
    })
    expect(judge('{"date":"2024-01-01","project_id":5}')).toHaveProperty('rejection')
  })
  test('a date that is no partition, or has no time column, is a column like any other', () => {
    for (const schema of [
      { fields, partitions: [], timeColumn: 'at' },
      { fields, partitions: ['date'], timeColumn: null },
      { fields, partitions: ['date'], timeColumn: 'date' },
    ])
      expect(rowCheck(fields, derivedColumns(schema, 'acme'))('{"at":"2024-01-01T00:00:00Z"}')).toHaveProperty(
        'rejection',
      )
  })
})

describe('CSV fields', () => {
  const one = (type: string, text: string): string | null => {
    const result = csvCheck(field('c', type))(text)
    return 'json' in result ? result.json : null
  }
  test.each([
    ['Int64', '9223372036854775807', '"9223372036854775807"'],
    ['Int64', '007', '"7"'],
    ['Int64', '-007', '"-7"'],
    ['UInt8', '00', '"0"'],
    ['Int64', '+7', null],
    ['Float64', '007.5', '"7.5"'],
    ['Float64', '-00', '"-0"'],
    ['Float64', '0.50', '"0.50"'],
    ['Int64', '9223372036854775808', null],
    ['Int64', ' 1', null],
    ['Int64', '1.0', null],
    ['Int64', '', null],
    ['Boolean', 'TRUE', 'true'],
    ['Boolean', '1', null],
    ['Float64', '-1.5e3', '"-1.5e3"'],
    ['Float64', 'NaN', '"NaN"'],
    ['Float64', 'nan', null],
    ['Float64', '1e999', null],
    ['Float64', '0x10', null],
    ['Decimal128(4, 2)', '1.50', '"1.50"'],
    ['Decimal128(4, 2)', '1.505', null],
    ['Utf8', 'a"b\n', '"a\\"b\\n"'],
    ['Utf8', '', '""'],
    ['Date32', '2024-01-01', '"2024-01-01"'],
    ['Date32', '01/02/2024', null],
    ['Timestamp(Microsecond, Some("UTC"))', '2024-01-01 00:00:00', '"2024-01-01 00:00:00"'],
    ['Binary', 'aGk=', '"aGk="'],
    ['Json', '{"a":\n1}', '"{\\"a\\":\\n1}"'],
    ['Json', `${'['.repeat(512)}${']'.repeat(512)}`, `"${'['.repeat(512)}${']'.repeat(512)}"`],
    ['Json', '['.repeat(100_000) + ']'.repeat(100_000), null],
    ['List(Json)', '[1.10,\nnull]', '["1.10", null]'],
    ['Json', '{"a":1,"a":1}', null],
    ['Json', '{a:1}', null],
    ['Json', 'null', 'null'],
    ['List(Int64)', '[1, 2]', '[1, 2]'],
    ['List(Int64)', '[1.5]', null],
    ['List(Int64)', '[9223372036854775807]', null],
  ])('%s %j → %j', (type, text, expected) => expect(one(type, text)).toBe(expected))
  test('Variant is refused', () => expect(() => csvCheck(field('c', 'Variant'))).toThrow('cannot be loaded'))
})

test('a decimal without its exponent is the same number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 }), (value) => {
      const plain = plainDecimal(String(value))
      expect(Number(plain)).toBe(Object.is(value, -0) ? 0 : value)
      if (Math.abs(value) > 1e-70) expect(plain).not.toMatch(/e/i)
    }),
  )
  expect(plainDecimal('1e999')).toBe('1e999')
  expect(plainDecimal('12e-1')).toBe('1.2')
})
