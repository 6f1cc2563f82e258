/** Every column type that the driver stores comes back as it went in; every other one is refused by name when the table is made. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { create, load } from './calls.ts'
import { failure, only } from './reports.ts'
import type { Suite } from './suite.ts'
import { countOf, rowsOf } from './world.ts'

const micro = 1_000_000n
/** 2024-05-01T10:00:00Z */
const at = 1_714_557_600n

/** Type, JSON text of a value, and the cell that it is. */
const samples: readonly (readonly [type: string, json: string, cell: unknown])[] = [
  ['Boolean', 'true', true],
  ['Int8', '-128', -128],
  ['Int16', '-32768', -32768],
  ['Int32', '-2147483648', -2147483648],
  ['Int64', '-9223372036854775808', -9223372036854775808n],
  ['UInt8', '255', 255],
  ['UInt16', '65535', 65535],
  ['UInt32', '4294967295', 4294967295],
  ['UInt64', '18446744073709551615', 18446744073709551615n],
  ['Float32', '1.5', 1.5],
  ['Float64', '1e-300', 1e-300],
  ['Utf8', '"ü😀\\u0001\\"\'"', 'ü😀\u0001"\''],
  ['Binary', '"AP/+"', new Uint8Array([0, 255, 254])],
  ['Date32', '"1969-12-31"', -1],
  ['Json', '{"a":[1,null,{"b":12345678901234567890}]}', '{"a":[1,null,{"b":12345678901234567890}]}'],
  ['Decimal128(5, 2)', '-1.5', '-1.50'],
  ['Decimal128(38, 10)', '"1234567890123456789012345678.0123456789"', '1234567890123456789012345678.0123456789'],
  ['Timestamp(Second, None)', '"2024-05-01T10:00:00"', at * micro],
  ['Timestamp(Millisecond, Some("UTC"))', '"2024-05-01T10:00:00.123Z"', at * micro + 123_000n],
  ['Timestamp(Microsecond, None)', '"2024-05-01T10:00:00.123456"', at * micro + 123_456n],
  ['Timestamp(Microsecond, Some("UTC"))', '"2024-05-01T12:00:00.123456+02:00"', at * micro + 123_456n],
  ['Timestamp(Nanosecond, None)', '"2024-05-01T10:00:00.123456789"', at * 1_000_000_000n + 123_456_789n],
  ['Timestamp(Nanosecond, Some("UTC"))', '"2024-05-01T10:00:00.123456789Z"', at * 1_000_000_000n + 123_456_789n],
  ['List(Int64)', '[1,null,9007199254740993]', [1n, null, 9007199254740993n]],
  ['List(Utf8 not null)', '["a",""]', ['a', '']],
  ['List(List(Boolean))', '[[true],[],null]', [[true], [], null]],
  [
    'Map(Utf8, Float64)',
    '{"a":1.5,"b":null}',
    [
      ['a', 1.5],
      ['b', null],
    ],
  ],
  ['Struct("a": Int64, "b": Utf8)', '{"a":1,"b":"x"}', [1n, 'x']],
  ['List(Struct("x": Decimal128(4, 1), "y": Date32))', '[{"x":1.5,"y":"1970-01-02"}]', [['1.5', 1]]],
  ['Variant', 'null', null],
]

const scalars: Readonly<Record<string, fc.Arbitrary<{ json: string; cell: unknown }>>> = {
  Int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => ({ json: String(n), cell: n })),
  UInt32: fc.nat({ max: 2 ** 32 - 1 }).map((n) => ({ json: String(n), cell: n })),
  Float64: fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((n) => ({ json: Object.is(n, -0) ? '-0.0' : JSON.stringify(n), cell: n })),
  Utf8: fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => ({ json: JSON.stringify(s), cell: s })),
  Binary: fc
    .uint8Array({ maxLength: 9 })
    .map((b) => ({ json: JSON.stringify(Buffer.from(b).toString('base64')), cell: b })),
  'Decimal128(20, 4)': fc.bigInt({ min: -(10n ** 20n) + 1n, max: 10n ** 20n - 1n }).map((n) => {
    const digits = (n < 0n ? -n : n).toString().padStart(5, '0')
    const text = `${n < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
    return { json: text, cell: text }
  }),
}
const dates = (min: number, max: number) =>
  fc.integer({ min, max }).map((days) => ({ json: dayText(days), cell: days }))
const dayText = (days: number): string => JSON.stringify(new Date(days * 86_400_000).toISOString().slice(0, 10))

const schemaOf = (name: string, types: readonly string[]): string =>
  `table_name: ${name}\nfields:\n  - { name: id, data_type: Int64, nullable: false }\n${types
    .map((type, i) => `  - { name: c${i}, data_type: '${type.replaceAll("'", "''")}', nullable: true }\n`)
    .join('')}`

export function typing({ under, can, world }: Suite): void {
  const loaded = (types: readonly string[]) => `select ${types.map((_, i) => `c${i}`).join(', ')} from t order by id`
  const { min, max } = under.dates ?? { min: -700_000, max: 2_900_000 }
  const table = (name: string) => `lake:acme/${name}`

  describe.runIf(can.has('create') && can.has('load') && can.has('query'))('column types', () => {
    /** Those of which a table can be made; the others are refused by their names. */
    async function stored(types: readonly string[]): Promise<string[]> {
      const able: string[] = []
      for (const [i, type] of types.entries()) world().write(`schemas/one${i}.yaml`, schemaOf(`one${i}`, [type]))
      await using other = await world().open()
      for (const [i, type] of types.entries()) {
        const report = await create(other, [table(`one${i}`)], `one${i}`, true)
        if (report.summary.failed === 0) able.push(type)
        else {
          const error = failure(report)
          expect(['refused', 'data']).toContain(error.kind)
          expect(error.message).toContain(type.split('(')[0])
        }
      }
      return able
    }

    test('a value of each, and null in each', async () => {
      const able = await stored(samples.map(([type]) => type))
      expect(able.length).toBeGreaterThanOrEqual(samples.length / 2)
      const kept = samples.filter(([type]) => able.includes(type))
      world().write('schemas/all.yaml', schemaOf('all', able))
      await using other = await world().open()
      only(await create(other, [table('all')], 'all'), 'changed')
      expect(
        (await other.describe(table('all'))).schema.fields.slice(1, able.length + 1).map((field) => field.type),
      ).toEqual(able)
      const row = kept.map(([, json], i) => `"c${i}":${json}`).join(',')
      world().write('all.ndjson', `{"id":1,${row}}\n{"id":2}\n`)
      only(await load(other, world().folder, table('all'), ['all.ndjson']), 'changed')
      const [full, empty] = await rowsOf(other, table('all'), loaded(able))
      for (const [i, [type, , cell]] of kept.entries()) expect(full![i], type).toEqual(cell)
      expect(empty).toEqual(kept.map(() => null))
    })

    test('any value of the plain ones', async () => {
      const any: typeof scalars = { ...scalars, Date32: dates(min, max) }
      const able = await stored(Object.keys(any))
      world().write('schemas/any.yaml', schemaOf('any', able))
      await using other = await world().open()
      await create(other, [table('any')], 'any')
      const rows = fc.sample(fc.tuple(...able.map((type) => fc.option(any[type]!, { freq: 8 }))), {
        numRuns: 60,
        seed: 20_240_501,
      })
      const line = (row: (typeof rows)[number], id: number) =>
        `{"id":${id}${row.map((value, i) => `,"c${i}":${value === null ? 'null' : value.json}`).join('')}}\n`
      world().write('any.ndjson', rows.map(line).join(''))
      only(await load(other, world().folder, table('any'), ['any.ndjson']), 'changed')
      const found = await rowsOf(other, table('any'), loaded(able))
      expect(found).toEqual(rows.map((row) => row.map((value) => (value === null ? null : value.cell))))
    })

    test.runIf(under.dates)('a date that the backend cannot hold is refused, and is no other date', async () => {
      world().write('schemas/day.yaml', schemaOf('day', ['Date32']))
      await using other = await world().open()
      await create(other, [table('day')], 'day')
      for (const day of [min - 1, max + 1]) {
        world().write('day.ndjson', `{"id":1,"c0":${dayText(min)}}\n{"id":2,"c0":${dayText(day)}}\n`)
        expect(failure(await load(other, world().folder, table('day'), ['day.ndjson'])).kind).toBe('data')
      }
      expect(await countOf(other, table('day'))).toBe(0)
    })
  })
}
