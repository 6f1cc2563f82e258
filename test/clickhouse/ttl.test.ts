/** The TTL clause as the server prints it, and the retention that it means. */
import { describe, expect, it } from 'vitest'
import {
  formatRetention,
  intervalOf,
  readTtl,
  removalCondition,
  retentionSeconds,
} from '../../src/drivers/clickhouse/ttl.ts'

const engine = (ttl: string, settings = ' SETTINGS index_granularity = 8192') =>
  `MergeTree PARTITION BY toDate(\`a TTL (b\`) ORDER BY (x, 'TTL ''y') TTL ${ttl}${settings}`

describe('a TTL clause', () => {
  it.each([
    ['toDateTime(Timestamp) + toIntervalDay(30)', 'toDateTime(Timestamp)', 2_592_000],
    ['toDate(Timestamp) + toIntervalHour(720)', 'toDate(Timestamp)', 2_592_000],
    ['TimestampTime + toIntervalSecond(2592000)', 'TimestampTime', 2_592_000],
    ['`a TTL (b` + toIntervalWeek(2)', '`a TTL (b`', 1_209_600],
    ["parseDateTime(s, ', WHERE ') + toIntervalMinute(5)", "parseDateTime(s, ', WHERE ')", 300],
  ])('is a retention: %s', (text, anchor, seconds) => {
    expect(readTtl(engine(text))).toEqual({ is: 'retention', anchor, seconds })
    expect(readTtl(engine(text, ''))).toEqual({ is: 'retention', anchor, seconds })
  })

  it.each([
    ['d + toIntervalMonth(1)', /calendar.*MONTH/],
    ['d + toIntervalYear(1)', /YEAR/],
    ['d + toIntervalMillisecond(5)', /MILLISECOND/],
    ['(d + toIntervalDay(1)) + toIntervalHour(2)', /several intervals/],
    ['d + toIntervalDay(1), d + toIntervalDay(2) RECOMPRESS CODEC(ZSTD(3))', /several rules/],
    ["d + toIntervalDay(1) TO VOLUME 'cold'", /TO VOLUME/],
    ["d + toIntervalDay(1) TO DISK 'cold'", /TO DISK/],
    ['d + toIntervalDay(1) WHERE x = 1', /WHERE/],
    ['d + toIntervalDay(1) GROUP BY x SET y = sum(y)', /GROUP BY/],
    ['d + x', /form/],
  ])('is more than a retention: %s', (text, why) => {
    expect(readTtl(engine(text))).toMatchObject({ is: 'other', text, why: expect.stringMatching(why) })
  })

  it('may be absent', () => {
    expect(readTtl("MergeTree ORDER BY (' TTL d + toIntervalDay(1)') SETTINGS index_granularity = 8192")).toEqual({
      is: 'none',
    })
    expect(readTtl('')).toEqual({ is: 'none' })
  })
})

describe('a retention', () => {
  it.each([
    ['30d', 2_592_000, 'toIntervalDay(30)', '30d'],
    ['2w', 1_209_600, 'toIntervalDay(14)', '14d'],
    ['36h', 129_600, 'toIntervalHour(36)', '36h'],
    ['90m', 5400, 'toIntervalMinute(90)', '90m'],
    ['61s', 61, 'toIntervalSecond(61)', '61s'],
  ])('%s', (text, seconds, interval, formatted) => {
    expect(retentionSeconds(text)).toBe(seconds)
    expect(intervalOf(seconds)).toBe(interval)
    expect(formatRetention(seconds)).toBe(formatted)
  })

  it('says what makes a merge remove a row', () => {
    const condition = (text: string) => removalCondition(readTtl(engine(text)), 5)
    expect(removalCondition({ is: 'none' }, 5)).toBe('nothing')
    expect(condition('d + toIntervalDay(9)')).toEqual({ sql: 'd + toIntervalDay(9) <= toDateTime(5)' })
    expect(condition('d + toIntervalMonth(1)')).toEqual({ sql: 'd + toIntervalMonth(1) <= toDateTime(5)' })
    expect(condition("d + toIntervalDay(9) TO VOLUME 'cold'")).toBe('nothing')
    expect(condition('d + toIntervalDay(9) WHERE x = 1')).toBe('unknown')
    expect(condition('d + toIntervalDay(9), d + toIntervalDay(1) RECOMPRESS CODEC(ZSTD(3))')).toBe('unknown')
  })

  it('can be for ever, and is whole seconds otherwise', () => {
    expect(retentionSeconds('none')).toBeNull()
    for (const text of ['0d', '1500ms', '7', '-1d', '7 moons'])
      expect(() => retentionSeconds(text)).toThrow(/no (retention|duration)/)
  })
})
