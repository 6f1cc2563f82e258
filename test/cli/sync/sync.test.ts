/** `tblctl sync` as people and scripts meet it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { metric, openWorld, shape, type World } from '../tables/world.ts'

const yaml = (more = ''): string => `version: 1
backends:
  src: { driver: memory, file: src.db }
  dst: { driver: memory, file: dst.db }
  lake: { driver: delta, url: "file:./lake" }
sync:
  cpu: { source: src, dataset: shop, table: cpu, timestampColumn: timestamp, key: [metric_name, timestamp], target: dst:default/cpu }
  mem: { source: src, dataset: shop, table: mem, timestampColumn: timestamp, appendOnly: true, target: dst:default/mem }
${more}`

let world: World
beforeEach(async () => {
  world = await openWorld(yaml())
  await world.write('rows.ndjson', [1, 2, 3].map(metric).join(''))
  for (const table of ['cpu', 'mem']) {
    await world.ok('create', `src:shop/${table}`, '--schema', 'metrics')
    await world.ok('load', `src:shop/${table}`, 'rows.ndjson', '-y')
  }
})
afterEach(() => world[Symbol.asyncDispose]())

test('before the first run nothing is known, and that is said without asking a backend', async () => {
  const { kind, items } = await world.json('sync', 'status')
  expect(kind).toBe('SyncStatusList')
  expect(items[0]).toEqual({
    ...{
      id: 'cpu',
      tableId: 'cpu',
      source: 'src:shop/cpu',
      target: 'dst:default/cpu',
      state: 'never run',
      phase: null,
    },
    ...{ lastTimestamp: null, lagSeconds: null, recordsIngested: null, nextTimestamp: null, batchSize: 10_000 },
    lastError: null,
  })
})

test('a run, its report, and what status says then in every format', async () => {
  const dry = await world.ok('sync', 'run', '--dry-run')
  expect(dry.stdout).toContain('would sync run sync/cpu\n  sync src:shop/cpu -> dst:default/cpu from the first row')
  expect((await world.json('list', '--backend', 'dst')).items).toEqual([])
  const report = await world.json('sync', 'run')
  expect(report.items.map((item: any) => [item.ref, item.status])).toEqual([
    ['sync/cpu', 'changed'],
    ['sync/mem', 'changed'],
  ])
  expect(shape(report.items[0].result)).toMatchSnapshot()
  expect((await world.json('query', 'dst:cpu', 'select count(*) as n from t')).rows).toEqual([{ n: 3 }])
  const { items } = await world.json('sync', 'status', 'mem')
  expect(items).toHaveLength(1)
  expect(items[0]).toMatchObject({
    ...{ id: 'mem', state: 'idle', phase: 'steady', recordsIngested: 3, lagSeconds: 0, batchSize: 500 },
    ...{ lastTimestamp: '2026-01-03T00:00:00.000001Z', lastError: null },
  })
  expect((await world.ok('sync', 'status', '-o', 'name')).stdout).toBe('cpu\nmem\n')
  expect((await world.ok('sync', 'status', '-o', 'csv')).stdout).toMatchSnapshot()
  expect((await world.ok('sync', 'status', '-o', 'wide')).stdout).toMatchSnapshot()
  expect((await world.ok('sync', 'run')).stdout).toContain(
    'unchanged  src:shop/cpu -> dst:default/cpu is as the source is',
  )
})

test('pause and resume: by name, once, and a paused sync is passed over and says so', async () => {
  const paused = await world.json('sync', 'pause', 'cpu')
  expect(paused).toMatchObject({ verb: 'sync.pause', items: [{ ref: 'sync/cpu', status: 'changed' }] })
  const { items, summary } = await world.json('sync', 'run')
  expect(summary).toMatchObject({ changed: 1, skipped: 1 })
  expect(items[0]).toMatchObject({
    status: 'skipped',
    result: { answer: 'paused', resumeWith: 'tblctl sync resume cpu' },
  })
  expect((await world.json('sync', 'status', 'cpu')).items[0].state).toBe('paused')
  const dry = await world.ok('sync', 'run', '--dry-run')
  expect(dry.stdout).toContain('passed over: sync/cpu (paused)\n')
  expect(dry.stdout).not.toContain('would sync run sync/cpu')
  expect((await world.json('sync', 'resume', 'cpu')).items[0].status).toBe('changed')
  expect((await world.json('sync', 'resume', 'cpu')).items[0].status).toBe('unchanged')
  expect((await world.json('sync', 'run', 'cpu')).items[0].status).toBe('changed')
  expect((await world.cli(['sync', 'pause'])).code).toBe(64)
})

test('a failure before there is a job is kept for status, and over with the next success', async () => {
  await world.write(
    'tblctl.yaml',
    yaml('  none: { source: src, dataset: shop, table: none, timestampColumn: timestamp, target: dst:default/none }\n'),
  )
  const failed = await world.cli(['sync', 'run', '-o', 'json'])
  expect(failed.code).toBe(66)
  expect((await world.json('sync', 'status', 'none')).items[0]).toMatchObject({
    state: 'failed',
    lastError: expect.stringContaining('src:shop/none'),
  })
  await world.ok('create', 'src:shop/none', '--schema', 'metrics')
  await world.write(
    'tblctl.yaml',
    yaml(
      '  none: { source: src, dataset: shop, table: none, timestampColumn: timestamp, appendOnly: true, target: dst:default/none }\n',
    ),
  )
  // An empty source makes an empty table.
  expect((await world.json('sync', 'run', 'none')).items[0]).toMatchObject({
    status: 'changed',
    result: { rows: 0, created: true },
  })
  expect((await world.json('sync', 'status', 'none')).items[0]).toMatchObject({ state: 'idle', lastError: null })
  expect((await world.json('sync', 'run', 'none')).items[0].status).toBe('unchanged')
})

test('the name of a table that two syncs have is no name of a sync', async () => {
  await world.write(
    'tblctl.yaml',
    yaml(
      '  other: { source: src, dataset: old, table: mem, timestampColumn: timestamp, target: dst:default/old }\n',
    ).replace('  mem: {', '  first: {'),
  )
  const { code, stderr } = await world.cli(['sync', 'status', 'mem'])
  expect([code, stderr]).toEqual([64, expect.stringContaining('name one: first, other')])
})

test('a target that needs a key says so, and not that the source has changed', async () => {
  await world.write(
    'tblctl.yaml',
    yaml().replace('  lake:', '  sql: { driver: sharded-sql, nodes: { n1: "sqlite:n1" } }\n  lake:'),
  )
  const { stderr } = await world.cli(['sync', 'run', 'mem', '--target', 'sql'])
  expect(stderr).toContain('the target needs a key')
  expect(stderr).not.toContain('what the source is now')
})

describe('--target', () => {
  test('another backend, a URL; a lake takes a source that may change too', async () => {
    const other = await world.json('sync', 'run', 'mem', '--target', 'lake')
    expect(other.items[0]).toMatchObject({ status: 'changed', result: { rows: 3 } })
    expect((await world.json('query', 'lake:mem', 'select count(*) as n from t')).rows).toEqual([{ n: 3 }])
    expect((await world.json('sync', 'status', 'mem')).items[0].target).toBe('lake:default/mem')
    expect((await world.json('sync', 'run', 'mem', '--target', 'file:./elsewhere')).items[0].status).toBe('changed')
    const keyed = await world.json('sync', 'run', 'cpu', '--target', 'lake')
    expect(keyed.items[0]).toMatchObject({ status: 'changed', result: { rows: 3 } })
  })

  test.each([
    [['--target', 'lkae'], 'did you mean lake?'],
    [['--target', 'ftp://x'], 'URLs are http(s)://'],
    [['--target', 'postgres://u:geheim@h/db'], 'holds a password'],
    [['nope'], 'there is no sync "nope"'],
  ])('%j is refused', async (args, said) => {
    const { code, stderr } = await world.cli(['sync', 'run', ...args])
    expect([64, 66]).toContain(code)
    expect(stderr).toContain(said)
    expect(stderr).not.toContain('geheim')
  })
})

test('a config without syncs says what to add', async () => {
  await world.write('tblctl.yaml', 'version: 1\nbackends: { src: { driver: memory } }\n')
  const { code, stderr } = await world.cli(['sync', 'run'])
  expect(code).toBe(64)
  expect(stderr).toContain('has no syncs')
})
