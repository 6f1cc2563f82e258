import { expect, test } from 'vitest'
import { parseType } from '../../../src/core/types.ts'
import { widens } from '../../../src/engine/ingest/parquet.ts'

test.each([
  ['Int8', 'Int64', true],
  ['Int64', 'Int32', false],
  ['UInt8', 'Int16', true],
  ['UInt8', 'Int8', false],
  ['UInt16', 'UInt32', true],
  ['Int8', 'UInt64', false],
  ['Int32', 'Float64', true],
  ['Int64', 'Float64', false],
  ['Float32', 'Float64', true],
  ['Float64', 'Float32', false],
  ['Int32', 'Utf8', false],
  ['Decimal128(4, 2)', 'Decimal128(6, 3)', true],
  ['Decimal128(4, 2)', 'Decimal128(4, 3)', false],
  ['Decimal128(4, 2)', 'Decimal128(6, 1)', false],
  ['Timestamp(Microsecond, None)', 'Timestamp(Microsecond, Some("UTC"))', true],
  ['Timestamp(Microsecond, Some("UTC"))', 'Timestamp(Microsecond, None)', false],
  ['Timestamp(Nanosecond, None)', 'Timestamp(Microsecond, None)', true],
  ['Date32', 'Timestamp(Microsecond, None)', false],
  ['Utf8', 'Json', true],
  ['Json', 'Utf8', true],
  ['Binary', 'Utf8', false],
  ['Boolean', 'Boolean', true],
  ['List(Int8)', 'List(Int64)', true],
  ['List(Int64)', 'List(Int8)', false],
  ['Map(Utf8, Int8)', 'Map(Utf8, Int16)', true],
  ['Map(Utf8, Int8)', 'Map(Int8, Int8)', false],
  ['Struct("a": Int8)', 'Struct("a": Int16, "b": Utf8)', true],
  ['Struct("a": Int8)', 'Struct("a": Int16, "b": Utf8 not null)', false],
  ['Struct("a": Int8, "x": Int8)', 'Struct("a": Int8)', false],
])('%s into %s: %s', (from, to, expected) => {
  expect(widens(parseType(from), parseType(to))).toBe(expected)
})
