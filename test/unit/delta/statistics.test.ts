import { expect, test } from 'vitest'
import { statisticsOf } from '../../../src/drivers/delta/log/statistics.ts'

const bounds = { minValues: { id: 1, s: 'a' }, maxValues: { id: 9_007_199_254_740_993n, s: 'b' } }
const text = '{"numRecords":2,"minValues":{"id":1,"s":"a"},"maxValues":{"id":9007199254740993,"s":"b"}}'
const none = { minValues: {}, maxValues: {} }

test.each([
  ['64 bits keep every digit', text, bounds],
  ['wrapped once more', JSON.stringify({ stats_json: text }), bounds],
  ['no statistics', undefined, none],
  ['no bounds', '{"numRecords":2}', none],
  ['bounds that are none', '{"minValues":1,"maxValues":[2]}', none],
  ['no object', '7', none],
  ['no JSON', '{', none],
])('%s', (_what, stats, expected) => {
  const { minValues, maxValues } = statisticsOf(stats)
  expect({ minValues, maxValues }).toEqual(expected)
})
