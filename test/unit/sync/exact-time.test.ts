import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endOfTime, exactTime, microsOf, shiftTime } from '../../../src/core/exact-time.ts'

const years = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })

test('every microsecond of the years 1 to 9999 reads back, before 1970 too', () => {
  fc.assert(fc.property(years, (micros) => microsOf(exactTime(micros)) === micros))
  expect(exactTime(-1n)).toBe('1969-12-31T23:59:59.999999Z')
  expect(exactTime(0n)).toBe('1970-01-01T00:00:00.000000Z')
  expect(endOfTime).toBe('9999-12-31T23:59:59.999999Z')
  expect(microsOf('0001-01-01T00:00:00Z')).toBe(-62_135_596_800_000_000n)
})

test('texts are ordered as their times are', () => {
  fc.assert(fc.property(years, years, (a, b) => exactTime(a) < exactTime(b) === a < b))
})

test('moved, a time keeps its form, and stays within the years that have one', () => {
  expect(shiftTime('2026-01-01T00:00:00.000000Z', -1n)).toBe('2025-12-31T23:59:59.999999Z')
  expect(shiftTime('2026-01-01 00:00:00', 1_500_000n)).toBe('2026-01-01 00:00:01.500000')
  expect(shiftTime('2026-01-01', -1n)).toBe('2025-12-31')
  expect(shiftTime('0001-01-01T00:00:00Z', -5n)).toBe('0001-01-01T00:00:00.000000Z')
  expect(shiftTime(endOfTime, 5n)).toBe(endOfTime)
  expect(shiftTime('whatever', 5n)).toBe('whatever')
})

test('what is no time is none', () => {
  for (const text of ['', '2026', '2026-01-01T00:00:00.1234567Z', '2026-01-01T00:00:00+02:00', 'now'])
    expect(microsOf(text)).toBeNull()
  expect(microsOf('2026-01-01 00:00:00+00')).toBe(microsOf('2026-01-01T00:00:00Z'))
})
