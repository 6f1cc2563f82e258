/** delete as it is typed: what is counted, what is asked for, what is said. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { metric, openWorld, stable, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', [1, 2, 3, 4].map(metric).join(''))
  await world.ok('load', 'lake:a/t', 'a.ndjson')
})
afterEach(() => world[Symbol.asyncDispose]())
const left = async () =>
  (await world.json('query', 'lake:a/t', 'select value as n from t order by 1')).rows.map(({ n }: { n: number }) => n)
const where = (condition: string, ...more: string[]) => ['delete', 'lake:a/t', '--where', condition, ...more]

it('is counted, shown, confirmed by the name, and done; -y is not enough', async () => {
  const dry = await world.ok(...where("value > 2 and date < '2026-01-04'", '--dry-run'))
  expect(stable(dry.stdout, world)).toContain(
    "delete from lake:a/t where value > 2 and date < '2026-01-04': 1 rows in 1 files (SIZE); 1 files go, 0 are written again without them",
  )
  for (const flags of [[], ['-y'], ['--confirm', 'u']])
    expect(await world.cli(where('value > 2', ...flags))).toMatchObject({ code: 64 })
  expect(await left()).toEqual([1, 2, 3, 4])
  const { items } = await world.json(...where('value > 2', '--confirm', 't', '-y'))
  expect(items).toMatchObject([
    { status: 'changed', plan: { rows: 2, files: 2 }, result: { rowsRemoved: 2, filesRemoved: 2, verified: ['rows'] } },
  ])
  expect(await left()).toEqual([1, 2])
  const again = await world.ok(...where('value > 2', '--confirm', 't'))
  expect(again.stdout).toContain('unchanged')
  expect((await world.json('history', 'lake:a/t')).items[0]).toMatchObject({ operation: 'DELETE' })
})

it('says where a condition is wrong, and deletes nothing', async () => {
  expect(await world.cli(['delete', 'lake:a/t', '--confirm', 't'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--where'),
  })
  const wrong: readonly (readonly [string, number, ...string[]])[] = [
    ['valu > 2', 64, 'the table has no column "valu"', 'at where:1:1', 'did you mean value?'],
    ["value > 2 and\n metric_name = 'x", 64, 'at where:2:16'],
    ['value > 2; drop table t', 64, 'goes on after its end'],
    ['value > (select 2)', 1, 'the condition is not allowed: it has a subquery', 'at where:1:9'],
    ['value', 64, 'DOUBLE value'],
  ]
  for (const [condition, code, ...says] of wrong) {
    const { code: exit, stderr } = await world.cli(where(condition, '--confirm', 't'))
    expect({ condition, exit }).toEqual({ condition, exit: code })
    for (const said of says) expect(stderr).toContain(said)
  }
  expect(await world.cli(where('true', '--confirm', 't', '--dry-run'))).toMatchObject({ code: 0 })
  expect(await left()).toEqual([1, 2, 3, 4])
})

it('of other backends it is refused, naming who can', async () => {
  await world.ok('create', 'mem:a/t', '--schema', 'metrics')
  const refused = await world.cli(['delete', 'mem:a/t', '--where', 'true', '--confirm', 't'])
  expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('delta') })
})
