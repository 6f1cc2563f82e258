/** Several processes at once: lease modes and scopes, desired state, work that is due. */
import { expect, test } from 'vitest'
import { until, World } from './world.ts'

const t = 'ch/t1/otel_logs'
test.each([
  [`load write ${t}`, `load write ${t}`, 0],
  [`load write ${t}`, `optimize maintain ${t}`, 0],
  [`optimize maintain ${t}`, `vacuum maintain ${t}`, 75],
  [`load write ${t}`, `drop exclusive ${t}`, 75],
  ['tenant.delete exclusive ch/t1', `optimize maintain ${t}`, 75],
  ['tenant.delete exclusive ch/t1', 'optimize maintain ch/t11/otel_logs', 0],
  ['flush maintain people/chat/u1', 'flush maintain people/chat/u2', 0],
  ['flush maintain people/chat/u1', 'vacuum maintain people/chat', 75],
])('%s, then %s from another process: %i', async (one, two, code) => {
  using world = await World.make()
  const holder = world.start(`op ${one} 20000`)
  await until(() => holder.output().includes('holding'))
  const other = await world.run(`op ${two}`)
  expect(other.code, other.stdout).toBe(code)
  holder.child.kill('SIGKILL')
  await holder.ended
  // Its process is gone: what it held is free at once.
  expect((await world.run(`op ${two}`)).code).toBe(0)
})

test('two flushes share a table: each shard is flushed by one of them', async () => {
  using world = await World.make()
  const both = await Promise.all([
    world.run('flush', { FAULT_SLOW: 'memory.flush:after=100' }),
    world.run('flush', { FAULT_SLOW: 'memory.flush:after=100' }),
  ])
  for (const ended of both) expect(ended.code, ended.stdout).toBe(0)
  expect(world.sql('shop.db', 'select count(*) as n from segments where hot = 1')).toEqual([{ n: 0 }])
})

test('pause from another process at the next page; it stays paused for the next process, until resumed; no row twice, none lost', async () => {
  using world = await World.make()
  const rows = () =>
    world.sql('target.db', 'select count(*) as n, sum(writes) as writes, max(id) as last from rows')[0]!
  const follower = world.start('sync run follow')
  await until(() => {
    try {
      return rows().n >= 1000
    } catch {
      return false
    }
  })
  await world.run('sync pause')
  await until(async () => (await world.job())?.phase === 'paused')
  const paused = rows().n
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(rows().n).toBe(paused)
  follower.child.kill('SIGTERM')
  expect((await follower.ended).code).toBe(130)
  expect((await world.run('sync run')).stdout).toContain('"paused":true')
  await world.run('sync resume')
  expect((await world.run('sync run', { DIE_IN_TARGET: '15000' })).signal).toBe('SIGKILL')
  expect((await world.run('sync run')).code).toBe(0)
  expect(rows()).toEqual({ n: 20_000, writes: 20_000, last: 20_000 })
})

test('ten processes find the same work due in the same second: every table is done once', async () => {
  using world = await World.make()
  const all = await Promise.all(Array.from({ length: 10 }, () => world.run('maintain')))
  for (const ended of all) expect([0, 75]).toContain(ended.code)
  const done = world.sql(
    '.tblctl/catalog.db',
    `select path, count(*) as n from jobs where verb = 'optimize' and state = 'done' group by path`,
  )
  expect(done).toHaveLength(20)
  expect(done.every((row) => row.n === 1)).toBe(true)
}, 60_000)
