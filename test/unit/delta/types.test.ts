import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TblctlError } from '../../../src/core/errors.ts'
import { type DataType, type Field, formatType } from '../../../src/core/types.ts'
import { formatSchemaString, parseSchemaString } from '../../../src/drivers/delta/types.ts'
import { view } from './fixture.ts'

const struct = (...fields: object[]): string => JSON.stringify({ type: 'struct', fields })
const field = (name: string, type: unknown, more: object = {}): object => ({
  name,
  type,
  nullable: true,
  metadata: {},
  ...more,
})
const thrown = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

const simple = fc.constantFrom(
  ...(['Boolean', 'Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64'] as const),
  ...(['Float32', 'Float64', 'Utf8', 'Binary', 'Date32', 'Json', 'Variant'] as const),
)
const name = fc.oneof(
  fc.constantFrom('a', 'B', 'with space', '日本', '__proto__', 'constructor', '"', '\\'),
  fc.string({ unit: 'binary', minLength: 1 }),
)
const { type: anyType, fields: anyFields } = fc.letrec<{ type: DataType; field: Field; fields: Field[] }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'type' },
    simple.map((kind): DataType => ({ kind })),
    fc
      .integer({ min: 1, max: 38 })
      .chain((precision) =>
        fc.integer({ min: 0, max: precision }).map((scale): DataType => ({ kind: 'Decimal128', precision, scale })),
      ),
    fc.record({
      kind: fc.constant('Timestamp' as const),
      unit: fc.constantFrom('Second' as const, 'Millisecond' as const, 'Microsecond' as const, 'Nanosecond' as const),
      zone: fc.constantFrom(null, 'UTC', 'Europe/Berlin', '+02:00', 'odd "zone"\\'),
    }),
    fc.record({ kind: fc.constant('List' as const), item: tie('type'), itemNullable: fc.boolean() }),
    fc.record({ kind: fc.constant('Map' as const), key: tie('type'), value: tie('type'), valueNullable: fc.boolean() }),
    fc.record({ kind: fc.constant('Struct' as const), fields: tie('fields') }),
  ),
  field: fc
    .record({
      name,
      type: tie('type'),
      nullable: fc.boolean(),
      description: fc.option(fc.string(), { nil: undefined }),
    })
    .map(({ description, ...rest }) => (description === undefined ? rest : { ...rest, description })),
  fields: fc.uniqueArray(tie('field'), { minLength: 1, maxLength: 4, selector: (f) => f.name.toLowerCase() }),
}))
const isRefused = (text: string): boolean => text.includes('Variant') || text.includes('Nanosecond')

describe('Delta types', () => {
  it('round-trip every type, or refuse it by name', () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const result = thrown(() => parseSchemaString(formatSchemaString(fields)))
        if (fields.some((each) => isRefused(formatType(each.type)))) {
          expect(result).toBeInstanceOf(TblctlError)
          expect((result as TblctlError).view).toMatchObject({ kind: 'refused', code: 'unsupported-type' })
          expect((result as TblctlError).message).toMatch(/Variant|Nanosecond/)
        } else expect(result).toEqual(fields)
      }),
      { numRuns: 500 },
    )
  })

  it('survive being written over themselves', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        fc.pre(!isRefused(formatType(type)))
        const fields: Field[] = [{ name: 'c', type, nullable: true }]
        const text = formatSchemaString(fields)
        expect(formatSchemaString(parseSchemaString(text), text)).toBe(text)
      }),
    )
  })

  it.each([
    ['Utf8', 'string'],
    ['Int64', 'long'],
    ['UInt8', 'short'],
    ['UInt16', 'integer'],
    ['UInt32', 'long'],
    ['UInt64', 'decimal(20,0)'],
    ['Json', 'string'],
  ] as const)('%s is stored as %s', (kind, stored) => {
    expect(JSON.parse(formatSchemaString([{ name: 'c', type: { kind }, nullable: true }])).fields[0].type).toBe(stored)
  })

  it('write no metadata of ours where the type says it all', () => {
    const text = formatSchemaString([
      { name: 't', type: { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' }, nullable: false },
      { name: 'l', type: { kind: 'List', item: { kind: 'Utf8' }, itemNullable: true }, nullable: true },
    ])
    expect(text).toBe(
      struct(
        field('t', 'timestamp', { nullable: false }),
        field('l', { type: 'array', elementType: 'string', containsNull: true }),
      ),
    )
  })

  it('read what Spark writes', () => {
    const fields = parseSchemaString(
      struct(
        field('d', 'decimal', { metadata: { comment: 'old default' } }),
        field('n', 'timestamp_ntz', { nullable: false }),
        field('m', { type: 'map', keyType: 'string', valueType: 'decimal(38, 18)', valueContainsNull: false }),
        field('s', { type: 'struct', fields: [field('x', 'byte')] }),
        { name: 'bare', type: 'date' },
      ),
    )
    expect(fields.map((each) => `${each.name}: ${formatType(each.type)} ${each.nullable}`)).toEqual([
      'd: Decimal128(10, 0) true',
      'n: Timestamp(Microsecond, None) false',
      'm: Map(Utf8, Decimal128(38, 18) not null) true',
      's: Struct("x": Int8) true',
      'bare: Date32 true',
    ])
    expect(fields[0]!.description).toBe('old default')
  })

  it.each(['variant', 'void', 'interval', 'decimal(39,0)', 'decimal(3,4)', 'toString', 'geometry'])(
    'refuse %s, naming column and type',
    (type) => {
      const nested = struct(field('outer', { type: 'struct', fields: [field('inner', type)] }))
      expect(() => parseSchemaString(nested)).toThrow(
        expect.objectContaining(view(expect.objectContaining({ kind: 'refused' }))),
      )
      expect(() => parseSchemaString(nested)).toThrow(`column outer.inner has the Delta type ${type}`)
    },
  )

  it.each([
    ['no JSON', '{'],
    ['no struct', '[]'],
    ['a plain type', '"string"'],
    ['no fields', '{"type":"struct"}'],
    ['a field without a name', struct({ type: 'string' })],
    ['a field without a type', struct({ name: 'a' })],
    ['an unknown complex type', struct(field('a', { type: 'set' }))],
    ['metadata that is none', struct(field('a', 'string', { metadata: 3 }))],
    ['names that differ in case only', struct(field('a', 'string'), field('A', 'string'))],
    ['an array of nothing', struct(field('a', { type: 'array' }))],
    [
      'a bottomless type',
      struct(field('a', JSON.parse('{"type":"array","elementType":'.repeat(80) + '"string"' + '}'.repeat(80)))),
    ],
  ])('say bad-schema of %s', (_what, text) => {
    expect(() => parseSchemaString(text)).toThrow(
      expect.objectContaining(view(expect.objectContaining({ kind: 'data', code: 'bad-schema' }))),
    )
  })

  it('refuse to write what Delta cannot hold', () => {
    const write =
      (...fields: Field[]) =>
      () =>
        formatSchemaString(fields)
    expect(write()).toThrow('Struct without fields')
    expect(write({ name: '', type: { kind: 'Utf8' }, nullable: true })).toThrow('a column has no name')
    expect(write({ name: 's', type: { kind: 'Struct', fields: [] }, nullable: true })).toThrow('column s has the type')
    const text: DataType = { kind: 'Utf8' }
    expect(write({ name: 'a', type: text, nullable: true }, { name: 'A', type: text, nullable: true })).toThrow(
      'stands twice',
    )
    let deep: DataType = { kind: 'UInt8' }
    for (let i = 0; i < 40; i++) deep = { kind: 'List', item: deep, itemNullable: true }
    expect(write({ name: 'deep', type: deep, nullable: true })).toThrow('nest at most 32 deep')
  })

  it('keep what other writers said about a column, numbers of 64 bits exactly', () => {
    const before = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{"delta.identity.start":9223372036854775807,"delta.columnMapping.id":1,"comment":"old"}},{"name":"s","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"x","type":"string","nullable":true,"metadata":{"k":[1.5,null]}}]},"containsNull":true},"nullable":true,"metadata":{}},{"name":"m","type":{"type":"map","keyType":"string","valueType":{"type":"struct","fields":[{"name":"v","type":"string","nullable":true,"metadata":{"keep":true}}]},"valueContainsNull":true},"nullable":true,"metadata":{}},{"name":"gone","type":"string","nullable":true,"metadata":{"a":1}}]}`
    const fields = parseSchemaString(before)
    expect(formatSchemaString(fields, before)).toBe(before)
    const after = formatSchemaString(
      [
        { name: 'new', type: { kind: 'Utf8' }, nullable: true },
        ...fields.slice(0, 3).map((each, i) => (i === 0 ? { ...each, description: 'now' } : each)),
      ],
      before,
    )
    expect(after).toContain('"delta.identity.start":9223372036854775807,"delta.columnMapping.id":1,"comment":"now"')
    expect(after).toContain('"k":[1.5,null]')
    expect(after).toContain('"keep":true')
    expect(after).not.toContain('gone')
  })

  it('forget the declared type once another writer has changed the column', () => {
    const declared = (type: unknown, text: string): string =>
      formatType(parseSchemaString(struct(field('c', type, { metadata: { 'tblctl.type': text } })))[0]!.type)
    expect(declared('short', 'UInt8')).toBe('UInt8')
    expect(declared('integer', 'UInt8')).toBe('Int32')
    expect(declared('short', 'nonsense(')).toBe('Int16')
    expect(declared('short', 'Variant')).toBe('Int16')
    expect(declared({ type: 'array', elementType: 'short', containsNull: false }, 'List(UInt8)')).toBe(
      'List(Int16 not null)',
    )
  })
})
