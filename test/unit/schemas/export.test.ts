import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from 'vitest'
import { toJsonSchema, toSqlDdl } from '../../../src/schemas/export.ts'
import { readTableSchema } from '../../../src/schemas/read.ts'
import { openRegistry } from '../../../src/schemas/registry.ts'

const everyType = [
  ...'Boolean Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 Utf8 Binary Date32 Json Variant'.split(
    ' ',
  ),
  'Decimal128(10, 2)',
  'Decimal128(3, 3)',
  ...['Second', 'Millisecond', 'Microsecond', 'Nanosecond'].flatMap((unit) => [
    `Timestamp(${unit}, None)`,
    `Timestamp(${unit}, Some("UTC"))`,
  ]),
  'List(Utf8 not null)',
  'Map(Utf8, Int64)',
  'Map(Int32, Utf8 not null)',
  'Struct("a b": Utf8 not null, "c""d": Int32)'.replace('c""d', 'c\\"d'),
]
const all = readTableSchema(
  `table_name: all types
fields:
${everyType.map((type, i) => `  - { name: c${i}, data_type: ${JSON.stringify(type)}, nullable: ${i % 2 === 1} }`).join('\n')}
  - { name: 'it''s "odd"; --', data_type: Utf8, description: "it's ours" }
`.replace('all types', 'all-types'),
  'all.yaml',
)
const columnOf = (type: string) => `c${everyType.indexOf(type)}`

describe('SQL', () => {
  test('DuckDB runs it for every type and every shipped schema', async () => {
    const registry = openRegistry([])
    const shipped = await Promise.all((await registry.list()).schemas.map(({ name }) => registry.get(name)))
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    try {
      for (const schema of [all, ...shipped]) {
        await connection.run(toSqlDdl(schema))
        const described = await connection.runAndReadAll(
          'select column_name, not is_nullable from duckdb_columns() where table_name = $name order by column_index',
          { name: schema.name },
        )
        expect(described.getRows()).toEqual(schema.fields.map((field) => [field.name, !field.nullable]))
      }
      const comments = await connection.runAndReadAll(
        "select comment from duckdb_columns() where comment = 'it''s ours'",
      )
      expect(comments.getRows()).toEqual([["it's ours"]])
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  })

  test('keys, comments and quoting', () => {
    const schema = readTableSchema(
      'table_name: t\ndescription: a b\nprimary_key: [id]\nfields: [{name: id, data_type: UInt64, nullable: false}, {name: "x\\"y", data_type: Utf8}]',
      't.yaml',
    )
    expect(toSqlDdl(schema)).toBe(`CREATE TABLE "t" (
  "id" UBIGINT NOT NULL,
  "x""y" VARCHAR,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "t" IS 'a b';
`)
  })
})

describe('JSON Schema', () => {
  const schema = toJsonSchema(all) as any
  test('a row is one object with these keys only', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'all-types',
      type: 'object',
      additionalProperties: false,
    })
    expect(Object.keys(schema.properties)).toEqual(all.fields.map(({ name }) => name))
    expect(schema.required).toEqual(all.fields.filter(({ nullable }) => !nullable).map(({ name }) => name))
  })
  test.each([
    ['Boolean', { type: 'boolean' }],
    ['Int8', { type: ['integer', 'null'], minimum: -128, maximum: 127 }],
    ['UInt16', { type: 'integer', minimum: 0, maximum: 65535 }],
    ['Float64', { type: 'number' }],
    ['Binary', { type: 'string', contentEncoding: 'base64' }],
    ['Date32', { type: ['string', 'null'], format: 'date' }],
    ['Json', {}],
    ['Timestamp(Microsecond, Some("UTC"))', { type: ['string', 'null'], format: 'date-time' }],
    ['List(Utf8 not null)', { type: 'array', items: { type: 'string' } }],
  ])('%s', (type, expected) => {
    expect(schema.properties[columnOf(type)]).toEqual(expected)
  })
  test('64-bit integers and decimals may be texts; maps and structs keep their shape', () => {
    expect(schema.properties[columnOf('Int64')].anyOf[1].pattern).toBe('^-?[0-9]{1,19}$')
    const [, decimal] = schema.properties[columnOf('Decimal128(10, 2)')].anyOf
    expect('12345678.90').toMatch(new RegExp(decimal.pattern))
    expect('123456789').not.toMatch(new RegExp(decimal.pattern))
    const fraction = JSON.stringify(schema.properties[columnOf('Decimal128(3, 3)')])
    expect(fraction).toContain('{1,3}')
    expect(JSON.stringify(schema.properties[columnOf('Map(Utf8, Int64)')])).toContain('"additionalProperties"')
    expect(JSON.stringify(schema.properties[columnOf('Map(Int32, Utf8 not null)')])).toContain('"prefixItems"')
    const struct = schema.properties[`c${everyType.length - 1}`]
    expect(JSON.stringify(struct)).toContain('"required":["a b"]')
  })
  test('wall-clock times have no zone', () => {
    const pattern = new RegExp(schema.properties[columnOf('Timestamp(Microsecond, None)')].pattern)
    expect('2026-11-20T10:00:00.123456').toMatch(pattern)
    expect('2026-11-20T10:00:00Z').not.toMatch(pattern)
  })
})
