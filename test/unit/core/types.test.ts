import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TblctlError } from '../../../src/core/errors.ts'
import { type DataType, type Field, formatType, parseType, sameType } from '../../../src/core/types.ts'

const simple = [
  'Boolean',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float32',
  'Float64',
  'Utf8',
  'Binary',
  'Date32',
  'Json',
  'Variant',
] as const

const decimal = fc.integer({ min: 1, max: 38 }).chain((precision) =>
  fc.record({
    kind: fc.constant('Decimal128' as const),
    precision: fc.constant(precision),
    scale: fc.integer({ min: 0, max: precision }),
  }),
)
const timestamp = fc.record({
  kind: fc.constant('Timestamp' as const),
  unit: fc.constantFrom('Second' as const, 'Millisecond' as const, 'Microsecond' as const, 'Nanosecond' as const),
  zone: fc.option(fc.string({ unit: 'grapheme' }), { nil: null }),
})
const { anyType } = fc.letrec<{ anyType: DataType }>((tie) => ({
  anyType: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...simple).map((kind) => ({ kind })),
    decimal,
    timestamp,
    fc.record({ kind: fc.constant('List' as const), item: tie('anyType'), itemNullable: fc.boolean() }),
    fc.record({
      kind: fc.constant('Map' as const),
      key: tie('anyType'),
      value: tie('anyType'),
      valueNullable: fc.boolean(),
    }),
    fc
      .uniqueArray(
        fc.record({ name: fc.string({ minLength: 1, unit: 'binary' }), type: tie('anyType'), nullable: fc.boolean() }),
        { minLength: 1, maxLength: 4, selector: (field: Field) => field.name },
      )
      .map((fields) => ({ kind: 'Struct' as const, fields })),
  ),
}))

const problem = (text: string): string => {
  try {
    parseType(text)
  } catch (error) {
    if (error instanceof TblctlError) {
      expect(error.view).toMatchObject({ kind: 'data', code: 'bad-type' })
      return error.message
    }
    throw error
  }
  return 'parsed'
}

describe('types as text', () => {
  test('parseType reads back what formatType writes, hostile names and zones included', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect(parseType(formatType(type))).toEqual(type)
        expect(sameType(parseType(formatType(type)), type)).toBe(true)
      }),
    )
  })

  test('the spellings of both ages of TimeFusion are read', () => {
    expect(parseType('Utf8')).toEqual({ kind: 'Utf8' })
    expect(parseType('List(Utf8)')).toEqual({ kind: 'List', item: { kind: 'Utf8' }, itemNullable: true })
    expect(parseType('Timestamp(Microsecond, None)')).toEqual({ kind: 'Timestamp', unit: 'Microsecond', zone: null })
    expect(parseType('Timestamp(Microsecond, Some("UTC"))')).toMatchObject({ zone: 'UTC' })
    expect(parseType('Variant')).toEqual({ kind: 'Variant' })
  })

  test('spaces do not count; Decimal is a second spelling; struct fields need quotes only where their names do', () => {
    expect(formatType(parseType(' Map( Utf8 ,Int64   not  null ) '))).toBe('Map(Utf8, Int64 not null)')
    expect(formatType(parseType('Decimal(10,2)'))).toBe('Decimal128(10, 2)')
    expect(formatType(parseType('Struct(a: Utf8 not null, "b c": List(Int64 not null))'))).toBe(
      'Struct("a": Utf8 not null, "b c": List(Int64 not null))',
    )
  })

  test.each([
    ['', 'a type name is missing (at character 1)'],
    ['Utf9', 'unknown type "Utf9" (at character 1)'],
    ['utf8', 'unknown type "utf8"'],
    ['Utf8 x', 'there is more text after the type (at character 6)'],
    ['List', '"(" is missing'],
    ['List(Utf8', '")" is missing'],
    ['List(Utf8))', 'more text after the type'],
    ['Decimal128(39, 2)', 'a precision of 1 to 38'],
    ['Decimal128(10, 11)', 'a scale of 0 to its precision'],
    ['Decimal128(0, 0)', 'a precision of 1 to 38'],
    ['Decimal128(10, -1)', 'a number is missing'],
    ['Decimal128(9999999999, 1)', 'a number is missing'],
    ['Timestamp(Day, None)', 'a time unit is one of Second'],
    ['Timestamp(Second, UTC)', 'a zone is None or Some("UTC")'],
    ['Timestamp(Second, Some(UTC))', 'a quoted text is missing'],
    ['Timestamp(Second, Some("\\x"))', 'is not a valid quoted text'],
    ['Map(Utf8)', '"," is missing'],
    ['Struct()', 'a field name is missing'],
    ['Struct(a Utf8)', '":" is missing'],
    ['Struct(a: Utf8, a: Int8)', 'field "a" stands twice'],
  ])('%j is refused: %s', (text, why) => {
    expect(problem(text)).toContain(why)
  })

  test('nesting is bounded', () => {
    const nested = (depth: number) => `${'List('.repeat(depth)}Utf8${')'.repeat(depth)}`
    expect(problem(nested(32))).toBe('parsed')
    expect(problem(nested(33))).toContain('nest at most 32 deep')
    expect(problem('Struct(a: '.repeat(100_000))).toContain('nest at most 32 deep')
  })

  test('garbage gives a located error and nothing else', () => {
    const piece = fc.constantFrom(
      'List',
      'Struct',
      '(',
      ')',
      ',',
      ':',
      '"',
      '\\',
      ' not null',
      'Utf8',
      '1',
      'None',
      '\u0000',
      '\u001b[2J',
    )
    const garbage = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(garbage, (text) => {
        const why = problem(text)
        if (why !== 'parsed') expect(why).toMatch(/\(at character \d+\)$/)
        expect(why).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      }),
    )
  })
})
