/** The memory driver, killed at its durable steps: at all of them in a soak. */
import { expect, test } from 'vitest'
import { killEverywhere } from '../faults/harness.ts'
import { World } from './world.ts'

const minutes = 60_000
const jobsOf = async (world: World) =>
  (await world.jobs()).filter((job) => job.id !== 'template').map((job) => [job.verb, job.state])
const tableOf = async (world: World) => ({
  topology: await world.topology(),
  segments: world
    .sql('shop.db', 'select generation, shard, rows, hot, data from segments order by generation, data')
    .map((row) => ({ ...row, data: Buffer.from(row.data).toString() })),
  tables: world.sql('shop.db', 'select generation, sealed from tables'),
})

test(
  'reshard: the same command goes on from wherever it was killed, and the epoch moves exactly once',
  async () => {
    await killEverywhere(
      {
        setUp: () => World.make(),
        command: (world, env) => world.run('reshard 5', env),
        oracle: async (world) => {
          await world.expectWhole(2, 5)
          return { ...(await tableOf(world)), jobs: await jobsOf(world) }
        },
        every: 2,
      },
      13,
    )
  },
  3 * minutes,
)

test.each(['complete', 'reverse'])(
  'reshard %s: the order is obeyed once, even by the one who comes after',
  async (order) => {
    await killEverywhere(
      {
        setUp: async () => {
          const world = await World.make()
          await world.run('reshard 5')
          return world
        },
        // The order itself may be lost with its sender; whoever gave it gives it again, and finds the job done at the latest.
        command: async (world, env) => {
          const ended = await world.run(`reshard ${order}`, env)
          return ended.stdout.includes('"code":"job-finished"') ? { ...ended, code: 0 } : ended
        },
        oracle: async (world) => ({ ...(await tableOf(world)), jobs: await jobsOf(world) }),
        every: 2,
      },
      3,
    )
  },
  3 * minutes,
)

test(
  'flush: every shard once',
  async () => {
    await killEverywhere(
      {
        setUp: () => World.make(),
        command: (world, env) => world.run('flush', env),
        oracle: async (world) => (await tableOf(world)).segments,
        every: 2,
      },
      2,
    )
  },
  minutes,
)

test(
  'tenant create: twelve objects, killed after each step and resumed; once more changes nothing',
  async () => {
    const objects = (world: World) => world.sql('ch.db', 'select name from objects order by name')
    const points = await killEverywhere(
      {
        setUp: () => World.make(),
        command: (world, env) => world.run('tenant ch:t1/', env),
        oracle: async (world) => {
          expect(objects(world)).toHaveLength(12)
          return {
            objects: objects(world),
            registered: world.sql('.tblctl/catalog.db', `select path from tables where path like 'ch/%'`),
          }
        },
        every: 3,
      },
      8,
    )
    expect(points).toBeGreaterThanOrEqual(17) // a third of: 12 objects and 12 commits, before and after each, begin and finish
  },
  3 * minutes,
)

test('tenant create once more changes nothing', async () => {
  using world = await World.make()
  expect((await world.run('tenant ch:t1/')).stdout).toContain('"status":"changed"')
  expect((await world.run('tenant ch:t1/')).stdout).toContain('"status":"unchanged"')
})

test('tenant create that fails takes back what it made, and nothing of another tenant', async () => {
  using world = await World.make()
  await world.run('tenant ch:t2/')
  world.sql(
    'ch.db',
    `create trigger no_july before insert on objects when new.name = 'ch/t1/july' begin select raise(abort, 'no july'); end`,
  )
  const failed = await world.run('tenant ch:t1/')
  expect(failed.code).toBe(1)
  expect(failed.stdout).toContain('no july')
  const left = world.sql('ch.db', 'select name from objects')
  expect(left).toHaveLength(12)
  expect(left.every((row) => String(row.name).startsWith('ch/t2/'))).toBe(true)
  expect(await world.job()).toMatchObject({ verb: 'tenant.create', state: 'failed' })
})
