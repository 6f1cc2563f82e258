import { describe, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

/** Two files in each of two days. */
async function metrics(world: World): Promise<void> {
  await world.ok('create', 'lake:acme/m', '--schema', 'metrics')
  for (const name of ['a', 'b']) {
    await world.write(`${name}.ndjson`, metric(1) + metric(2))
    await world.ok('load', 'lake:acme/m', `${name}.ndjson`, '--again')
  }
}
const item = async (world: World, ...argv: string[]) => (await world.json('optimize', 'lake:acme/m', ...argv)).items[0]

describe('optimize', () => {
  it('--where takes some partitions, --dry-run says how many files', async () => {
    await using world = await openWorld()
    await metrics(world)
    const where = ['--where', "date >= '2026-01-02'"]
    expect((await item(world, ...where, '--dry-run')).plan).toMatchObject({ files: 2, bins: 1 })
    expect(await item(world, ...where)).toMatchObject({ status: 'changed', result: { filesRemoved: 2, filesAdded: 1 } })
    expect(await item(world, ...where)).toMatchObject({ status: 'unchanged' })
    expect(await item(world)).toMatchObject({ status: 'changed', result: { filesRemoved: 2, filesAdded: 1 } })
  })

  it('--zorder and --sort lay rows out, and people are told', async () => {
    await using world = await openWorld()
    await metrics(world)
    const told = await world.ok('optimize', 'lake:acme/m', '--zorder', 'metric_name,timestamp', '--dry-run')
    expect(told.stdout + told.stderr).toContain(
      'of 2 partitions are rewritten, ordered by zorder("metric_name","timestamp")',
    )
    expect(await item(world, '--zorder', 'metric_name,timestamp', '--memory', '1GB')).toMatchObject({
      result: { filesRemoved: 4, filesAdded: 2, rows: 4, layout: 'zorder("metric_name","timestamp")' },
    })
    expect(await item(world, '--zorder', 'metric_name,timestamp')).toMatchObject({ status: 'unchanged' })
    expect(await item(world, '--sort', 'value')).toMatchObject({ result: { layout: 'sort("value")' } })
  })

  it.each([
    [['--sort', 'value', '--zorder', 'timestamp'], 64, 'not both'],
    [['--zorder', 'valeu'], 64, 'did you mean value?'],
    [['--zorder', 'timestamp', '--memory', '300MB'], 64, 'at least 500 MB'],
    [['--memory', '600'], 64, 'is no size'],
    [['--sort', 'date'], 1, 'partitions the table'],
    [['--where', 'value > 1'], 1, '"value" is no partition column'],
    [['--where', 'value >'], 64, 'the condition cannot be read'],
  ])('%s is refused', async (argv, code, told) => {
    await using world = await openWorld()
    await world.ok('create', 'lake:acme/m', '--schema', 'metrics')
    const result = await world.cli(['optimize', 'lake:acme/m', ...argv])
    expect(result.code).toBe(code)
    expect(result.stdout + result.stderr).toContain(told)
  })

  it('a driver whose rows have no order of this kind says so', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', '--schema', 'metrics')
    expect(await world.cli(['optimize', 'mem:a/t', '--zorder', 'value'])).toMatchObject({ code: 64 })
  })
})
