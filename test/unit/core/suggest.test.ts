import { describe, expect, test } from 'vitest'
import { didYouMean } from '../../../src/core/suggest.ts'

const verbs = ['list', 'describe', 'stats', 'optimize', 'load', 'vacuum']

describe('didYouMean', () => {
  test.each([
    ['optimise', 'optimize'],
    ['lsit', 'list'],
    ['stast', 'stats'],
    ['describ', 'describe'],
    ['LIST', 'list'],
    ['vacum', 'vacuum'],
  ])('%s → %s', (word, expected) => expect(didYouMean(word, verbs)).toBe(expected))

  test.each(['zzz', '', 'x', 'reshard', 'l'.repeat(5000)])('nothing near %j', (word) => {
    expect(didYouMean(word, verbs)).toBeUndefined()
  })

  test('never suggests the word itself', () => expect(didYouMean('list', ['list'])).toBeUndefined())
  test('the nearest wins, the earlier of equals', () => {
    expect(didYouMean('metrcs', ['matrix', 'metrics', 'metric'])).toBe('metrics')
    expect(didYouMean('ab', ['ac', 'ad'])).toBe('ac')
  })
  test('reads any iterable', () => expect(didYouMean('alphq', new Set(['alpha']).values())).toBe('alpha'))
  test('candidates too long to compare are passed over', () => {
    expect(didYouMean('abc', ['x'.repeat(100_000), 'abd'])).toBe('abd')
  })
})
