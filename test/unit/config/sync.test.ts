/** The section `sync:` of tblctl.yaml. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { effective } from '../../../src/config/effective.ts'
import type { DriverModule } from '../../../src/core/driver.ts'
import { load, loadError } from './fixture.ts'

const module = (kind: string, can: DriverModule['can']): DriverModule => ({
  ...{ kind, can, config: z.strictObject({}), example: {} },
  traits: { embedded: true, verified: true, users: false, travel: false },
  open: () => Promise.reject(new Error('a config test opened a driver')),
  policy: () => '',
})
const modules: Readonly<Record<string, DriverModule>> = {
  both: module('both', ['sync.source', 'sync.target']),
  none: module('none', []),
}
const drivers = { kinds: Object.keys(modules), load: async (kind: string) => modules[kind]! }
const backends = 'version: 1\nbackends: { src: { driver: both }, dst: { driver: both }, idle: { driver: none } }\n'
const least = 'source: src, dataset: d, table: t, timestampColumn: ts'
const sync = (own: string, id = 'a'): string => `  ${id}: { ${own} }\n`

test('the least, and its defaults', async () => {
  const config = await load(`${backends}sync:\n${sync(`${least}, target: dst:orders`)}`, { drivers })
  expect(config.syncs.get('a')).toEqual({
    id: 'a',
    source: {
      ...{ backend: 'src', dataset: 'd', table: 't', timestampColumn: 'ts' },
      ...{ columns: null, key: null, appendOnly: false },
    },
    target: 'dst/default/orders',
    batchRows: { initial: 10_000, catchup: 1000, steady: 500 },
    thresholds: { catchup: 3600, steady: 300 },
    lookbackMs: null,
    lagMs: null,
    nullTimestamps: 'sync',
    startTimestamp: null,
    retry: { attempts: 5, initialMs: 1000, multiplier: 2 },
  })
})

test('every key counts', async () => {
  const own = `${least}, target: "dst:acme/orders", columns: [ts, id], key: [id], appendOnly: true, batchRows: { steady: 7 }, thresholds: { catchup: 2h, steady: 1m }, lookback: 10m, lag: 5s, nullTimestamps: skip, startTimestamp: "2020-01-01", retry: { attempts: 0, initialDelay: 10ms, multiplier: 3 }`
  expect((await load(`${backends}sync:\n${sync(own)}`, { drivers })).syncs.get('a')).toMatchObject({
    source: { columns: ['ts', 'id'], key: ['id'], appendOnly: true },
    target: 'dst/acme/orders',
    batchRows: { initial: 10_000, steady: 7 },
    thresholds: { catchup: 7200, steady: 60 },
    lookbackMs: 600_000,
    lagMs: 5000,
    nullTimestamps: 'skip',
    startTimestamp: '2020-01-01',
    retry: { attempts: 0, initialMs: 10, multiplier: 3 },
  })
})

describe('what is wrong has its place', () => {
  const cases: [name: string, own: string, message: string][] = [
    ['a missing key', 'source: src, dataset: d, table: t, target: dst:x', 'key "sync.a.timestampColumn" is missing'],
    ['an unknown key', `${least}, target: dst:x, lookbak: 1m`, 'did you mean "lookback"?'],
    [
      'no such source',
      `${least}, target: dst:x`.replace('source: src', 'source: scr'),
      'no backend "scr"; did you mean "src"?',
    ],
    [
      'a source that is none',
      `${least}, target: dst:x`.replace('source: src', 'source: idle'),
      'cannot be the source of a sync',
    ],
    ['a target that is none', `${least}, target: idle:x`, 'backend idle (none) cannot be the target of a sync'],
    ['a target without a backend', `${least}, target: x`, 'it does not say which backend: BACKEND:x'],
    ['a target that is no ref', `${least}, target: "dst:a/b/c"`, 'it has more than one "/"'],
    ['a number without a unit', `${least}, target: dst:x, lag: 5`, 'sync.a.lag'],
    ['no duration', `${least}, target: dst:x, lag: soon`, '"soon" is no duration'],
    ['no time', `${least}, target: dst:x, startTimestamp: soon`, 'it is no time'],
  ]
  test.each(cases)('%s', async (_name, own, message) => {
    const error = await loadError(`${backends}sync:\n${sync(own)}`, { drivers })
    expect(error).toMatchObject({ kind: 'config', where: expect.stringMatching(/^tblctl\.yaml:4:/) })
    expect(error.message).toContain(message)
  })

  test('two syncs into one table; an id that is no name', async () => {
    const own = `${least}, target: dst:x`
    const twice = await loadError(`${backends}sync:\n${sync(own)}${sync(own, 'b')}`, { drivers })
    expect(twice.message).toContain('it is the target of sync a already')
    expect((await loadError(`${backends}sync:\n${sync(own, '"a b"')}`, { drivers })).message).toContain(
      'the id of a sync',
    )
  })
})

test('what is written is shown with its place', async () => {
  const config = await load(`${backends}sync:\n${sync(`${least}, target: dst:x, batchRows: { steady: 7 }`)}`, {
    drivers,
  })
  const shown = effective(config).filter(({ key }) => key.startsWith('sync.'))
  expect(shown).toContainEqual({
    key: 'sync.a.batchRows.steady',
    value: 7,
    origin: expect.stringMatching(/^tblctl.yaml:4:\d+$/),
  })
})
