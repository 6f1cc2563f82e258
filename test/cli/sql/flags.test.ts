import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metric, openWorld, type World } from '../tables/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:a/t', 'lake:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1) + metric(2))
  await world.ok('load', 'mem:a/t', 'a.ndjson')
})
afterAll(() => world[Symbol.asyncDispose]())

describe('flush', () => {
  it('plans, does it, and finds nothing to do', async () => {
    expect((await world.ok('flush', 'mem:a/t', '--dry-run')).stdout).toBe('would flush mem:a/t\n  flush 1 shards\n')
    expect(await world.json('flush', 'mem:*/t')).toMatchObject({
      verb: 'flush',
      items: [{ ref: 'mem:a/t', status: 'changed', result: { rows: 2 } }],
    })
    expect(await world.json('flush', '--backend', 'mem')).toMatchObject({ summary: { unchanged: 1 } })
  })
  it('says who can', async () => {
    expect(await world.cli(['flush', 'lake:a/t'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('the driver delta of lake:a/t cannot flush'),
    })
    expect(await world.cli(['flush'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('no table is chosen'),
    })
  })
})

describe('drop', () => {
  it('says who can, and chooses like the others', async () => {
    expect(await world.cli(['drop', 'mem:a/t', '--confirm', 'mem:a/t'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('the driver memory of mem:a/t cannot drop'),
    })
    expect(await world.cli(['drop', 'mem:a/x'])).toMatchObject({ code: 66 })
    expect(await world.cli(['drop'])).toMatchObject({ code: 64, stderr: expect.stringContaining('no table is chosen') })
  })
})

describe('--as', () => {
  it.each([
    [['load', 'mem:a/t', 'a.ndjson']],
    [['query', 'mem:a/t', 'select 1']],
    [['export', 'mem:a/t', '--out', '-']],
    [['export', 'mem:a/t', '--out', 'x.csv']],
    [['flush', 'mem:a/t']],
  ])('is refused where rows do not belong to users: %j', async (argv) => {
    expect(await world.cli([...argv, '--as', "u1'; --"])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('tables of backend mem (memory) do not belong to users'),
    })
  })
})

describe('create', () => {
  it.each([
    ['--shards', '4', 'shards'],
    ['--shard-key', 'id', 'shardKey'],
    ['--flush-policy', 'ROWS 10', 'flushPolicy'],
  ])('hands %s to the driver', async (flag, value, setting) => {
    expect(await world.cli(['create', 'mem:b/t', '--schema', 'metrics', flag, value])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(`driver memory has no setting "${setting}"`),
    })
  })
  it('takes 1 to 256 shards', async () => {
    expect(await world.cli(['create', 'mem:b/t', '--schema', 'metrics', '--shards', '257'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('whole number from 1 to 256'),
    })
  })
})
