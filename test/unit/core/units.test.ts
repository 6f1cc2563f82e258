import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorView } from '../../../src/core/errors.ts'
import { formatBytes, formatDuration, parseDuration, parseSize } from '../../../src/core/units.ts'

function viewOf(action: () => unknown) {
  try {
    action()
  } catch (thrown) {
    return errorView(thrown)
  }
  throw new Error('did not throw')
}

describe('parseSize', () => {
  test.each([
    ['0B', 0],
    ['1B', 1],
    ['64MB', 64_000_000],
    ['64MiB', 67_108_864],
    ['1KB', 1000],
    ['1KiB', 1024],
    ['2 GB', 2_000_000_000],
    ['1GiB', 1_073_741_824],
    ['1.5GB', 1_500_000_000],
    ['1.1KB', 1100],
    ['0.5KiB', 512],
    ['128mb', 128_000_000],
    [' 3TB ', 3e12],
    ['1PiB', 2 ** 50],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  test.each([
    ['64', 'no unit'],
    ['', 'a number and a unit'],
    ['MB', 'a number and a unit'],
    ['-1MB', 'a number and a unit'],
    ['1e3MB', 'a number and a unit'],
    ['1.MB', 'a number and a unit'],
    ['0x10MB', 'a number and a unit'],
    ['64M', 'unit is none of'],
    ['64Mib2', 'a number and a unit'],
    ['5constructor', 'a number and a unit'],
    ['5toString', 'unit is none of'],
    ['1valueOf', 'unit is none of'],
    ['0.5B', 'no whole number of bytes'],
    ['1.0001KB', 'no whole number of bytes'],
    ['9999999PB', 'too large'],
  ])('refuses %j', (text, why) => {
    const view = viewOf(() => parseSize(text))
    expect(view).toMatchObject({ kind: 'usage', code: 'bad-size', hint: 'such as 64MB' })
    expect(view.message).toContain(why)
  })

  test('shows hostile text without obeying it', () => {
    expect(viewOf(() => parseSize('\u001b[31m')).message).not.toContain('\u001b')
  })

  test('whole numbers of every unit are exact', () => {
    fc.assert(
      fc.property(fc.nat(9_007_199), fc.constantFrom(1e3, 1e6, 1e9), (count, factor) => {
        const unit = { 1000: 'KB', 1000000: 'MB', 1000000000: 'GB' }[factor]
        expect(parseSize(`${count}${unit}`)).toBe(count * factor)
      }),
    )
  })
})

describe('parseDuration', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['0s', 0],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms))

  test.each(['30', '0', '1y', '1h30m', '0.5ms', 's', '-1s', '99999999999w'])('refuses %j', (text) => {
    expect(viewOf(() => parseDuration(text))).toMatchObject({ kind: 'usage', code: 'bad-duration' })
  })
})

test.each<[number | bigint, string]>([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 KB'],
  [1234, '1.23 KB'],
  [64_000_000, '64 MB'],
  [67_108_864, '67.1 MB'],
  [999_499, '999 KB'],
  [999_600, '1 MB'],
  [-1500, '-1.5 KB'],
  [2n ** 60n, '1.15 EB'],
  [10n ** 22n, '10000 EB'],
])('formatBytes %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test.each([
  [0, '0ms'],
  [249.6, '250ms'],
  [999.7, '1s'],
  [12_345, '12.3s'],
  [59_960, '1m'],
  [200_000, '3m 20s'],
  [3_599_600, '1h'],
  [7_500_000, '2h 5m'],
  [86_400_000, '1d'],
  [273_600_000, '3d 4h'],
  [-5000, '-5s'],
])('formatDuration %s', (ms, text) => expect(formatDuration(ms)).toBe(text))
