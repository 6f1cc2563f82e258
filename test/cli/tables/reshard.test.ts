import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1) + metric(2))
  await world.ok('load', 'mem:a/t', 'a.ndjson')
})
afterEach(() => world[Symbol.asyncDispose]())
const shards = async () => (await world.json('stats', 'mem:a/t')).status.shards

describe('reshard', () => {
  it('needs an approval, switches, and waits', async () => {
    expect(await world.cli(['reshard', 'mem:a/t', '--shards', '4'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('add -y'),
    })
    expect((await world.ok('reshard', 'mem:a/t', '--shards', '4', '--dry-run')).stdout).toContain(
      'would reshard mem:a/t\n',
    )
    expect((await world.ok('reshard', 'mem:a/t', '--shards', '4', '-y')).stdout).toContain(
      'waits for reverse or complete',
    )
    expect(await shards()).toBe(4)
    expect((await world.ok('reshard', 'status', 'mem:a/t')).stdout).toMatch(
      /State +waiting\nPhase +complete\nTarget +shards=4\n/,
    )
    expect(await world.json('reshard', 'status', 'mem:a/t')).toMatchObject({
      kind: 'Job',
      verb: 'reshard',
      ref: 'mem:a/t',
      state: 'waiting',
    })
  })

  it('goes back', async () => {
    await world.ok('reshard', 'mem:a/t', '--shards', '4', '-y')
    expect((await world.ok('reshard', 'reverse', 'mem:a/t', '--dry-run')).stdout).toMatch(
      /^would reshard reverse mem:a\/t \(goes on with job \w+\)\n {2}order job \w+ \(shards=4, phase complete\) to reverse\n$/,
    )
    expect(await shards()).toBe(4)
    const report = await world.json('reshard', 'reverse', 'mem:a/t', '-y')
    expect(report).toMatchObject({
      kind: 'OperationReport',
      verb: 'reshard reverse',
      items: [{ ref: 'mem:a/t', status: 'changed', result: { reversed: true } }],
      summary: { changed: 1 },
    })
    expect(await shards()).toBe(1)
    expect(await world.cli(['reshard', 'complete', 'mem:a/t', '--confirm', 'mem:a/t'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('no reshard of mem:a/t is under way'),
    })
    expect((await world.ok('reshard', 'status', 'mem:a/t')).stdout).toMatch(/State +done\n/)
  })

  it('drops the old shards only when their name is given', async () => {
    await world.ok('reshard', 'mem:a/t', '--shards', '4', '-y')
    expect(await world.cli(['reshard', 'complete', 'mem:a/t', '-y'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('-y is not enough'),
    })
    await world.ok('reshard', 'complete', 'mem:a/t', '--confirm', 'mem:a/t')
    expect((await world.json('reshard', 'status', 'mem:a/t')).state).toBe('done')
    expect((await world.json('stats', 'mem:a/t')).status.rows).toBe(2)
  })

  it('refuses an order that its phase does not know', async () => {
    await world.ok('reshard', 'mem:a/t', '--shards', '4', '-y')
    expect(await world.cli(['reshard', 'switch', 'mem:a/t', '-y'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('possible in phase ready'),
    })
  })

  it('says what it does not know', async () => {
    expect(await world.cli(['reshard', 'status', 'mem:a/t'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('was never resharded'),
    })
    expect(await world.cli(['reshard', 'switch', 'mem:a/x'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('did you mean mem:a/t?'),
    })
    expect(await world.cli(['reshard', 'mem:a/t', '--shards', '0'])).toMatchObject({ code: 64 })
    expect(await world.cli(['reshard', 'stauts', 'mem:a/t'])).toMatchObject({ code: 64 })
  })
})
