/** A long operation, killed anywhere, ordered about from other processes, fenced. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts'
import { until, World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await World.make()
})
afterEach(() => world[Symbol.dispose]())

const slow = { FAULT_SLOW: 'memory.copy:after=60' }
const reaches = (phase: string) => until(async () => (await world.job())?.phase === phase)

test('SIGKILL in the copy: the job is interrupted, the same command goes on at once, and once more changes nothing', async () => {
  const first = world.start('reshard 5', slow)
  await reaches('copying')
  first.child.kill('SIGKILL')
  await first.ended
  const second = await world.run('reshard 5')
  expect(second.stdout).toMatch(/resume reshard .*"attempt":2.*"phase":"copying"/)
  expect(second.code).toBe(0)
  await world.expectWhole(2, 5)
  expect(await world.job()).toMatchObject({ state: 'waiting', waitsFor: ['reverse', 'complete'] })
  const third = await world.run('reshard 5')
  expect(third.stdout).toContain('"status":"unchanged"')
  await world.expectWhole(2, 5)
})

test('a dead process of another host: busy while its lease is live, then interrupted, then taken over', async () => {
  const first = world.start('reshard 5', { ...slow, LEASE_MS: '1200' })
  await reaches('copying')
  first.child.kill('SIGKILL')
  await first.ended
  world.sql('.tblctl/catalog.db', `update leases set owner = 'elsewhere' || substr(owner, instr(owner, '/'))`)
  const busy = await world.run('reshard 5')
  expect(busy.code).toBe(75)
  expect(busy.stdout).toMatch(/busy: reshard by elsewhere\/.*job/)
  await until(async () => (await world.job())?.live === false)
  expect((await world.run('reshard 5')).code).toBe(0)
  await world.expectWhole(2, 5)
})

test('switch from a second process reaches the running coordinator; reverse before it is refused', async () => {
  const first = world.start('reshard 7 wait')
  await reaches('ready')
  const early = await world.run('reshard reverse')
  expect(early.code).toBe(64)
  expect(early.stdout).toContain('reverse is possible in phase complete')
  const order = await world.run('reshard switch')
  expect(order.code).toBe(0)
  expect(order.stdout).toContain('"switched":true')
  const ended = await first.ended
  expect(ended.code).toBe(0)
  expect(ended.stdout).toContain('"waitsFor":["reverse","complete"]')
  await world.expectWhole(2, 7)
})

test('switch when the coordinator is dead: the sub-verb takes the job over and obeys', async () => {
  const first = world.start('reshard 3 wait')
  await reaches('ready')
  first.child.kill('SIGKILL')
  await first.ended
  const order = await world.run('reshard switch')
  expect(order.code).toBe(0)
  expect(order.stdout).toContain('resume reshard')
  await world.expectWhole(2, 3)
})

test('while it waits, an ALTER is refused and a load is not; reverse from a third process ends it', async () => {
  expect((await world.run('reshard 5')).code).toBe(0)
  const alter = await world.run('op alter exclusive shop/default/users')
  expect(alter.code).toBe(75)
  expect(alter.stdout).toMatch(/"code":"claimed".*job/)
  expect((await world.run('op load write shop/default/users')).code).toBe(0)
  const reverse = await world.run('reshard reverse')
  expect(reverse.code).toBe(0)
  expect(reverse.stdout).toContain('"reversed":true')
  await world.expectWhole(3, 4)
  expect((await world.jobs()).find((job) => job.verb === 'reshard')?.state).toBe('done')
  expect((await world.run('op alter exclusive shop/default/users')).code).toBe(0)
})

test('complete drops the old generation and ends the job', async () => {
  await world.run('reshard 2')
  const done = await world.run('reshard complete')
  expect(done.stdout).toContain('"dropped":true')
  expect(world.sql('shop.db', 'select distinct generation from segments')).toEqual([{ generation: 2 }])
  expect((await world.job())?.state).toBe('done')
})

test('cancel from another process undoes before the switch and is refused after it', async () => {
  const first = world.start('reshard 6 wait', slow)
  await reaches('copying')
  const cancel = await world.run('reshard cancel')
  expect(cancel.code).toBe(0)
  await first.ended
  await world.expectWhole(1, 4)
  expect(world.sql('shop.db', 'select count(*) as n from segments where generation = 2')).toEqual([{ n: 0 }])
  expect((await world.job())?.state).toBe('cancelled')
  await world.run('reshard 3')
  const late = await world.run('reshard cancel')
  expect(late.code).toBe(64)
  await world.expectWhole(2, 3)
})

test('a cancel that arrives during the switch comes too late, and is answered so', async () => {
  expect((await world.run('reshard 3', { FAULT_KILL_AT: 'catalog.commit switching:after' })).signal).toBe('SIGKILL')
  const job = (await world.job())!
  {
    await using catalog = openSqliteCatalog(`${world.folder}/.tblctl/catalog.db`)
    await catalog.setControl(`job/${job.id}`, 'cancel', true, 'me')
  }
  expect((await world.run('reshard 3')).code).toBe(0)
  await world.expectWhole(2, 3)
  const [control] = world.sql('.tblctl/catalog.db', `select answer from controls where name = 'cancel'`)
  expect(control!.answer).toContain('not possible in phase complete')
})

test('a coordinator that was stopped for longer than its lease is fenced off by the one who took over', async () => {
  const first = world.start('reshard 5', { FAULT_STOP_AT: 'memory.copy:after#2', LEASE_MS: '900' })
  await reaches('copying')
  await until(async () => (await world.job())?.live === false)
  const second = world.start('reshard 5', { ...slow, LEASE_MS: '900' })
  await until(() => second.output().includes('resume'))
  first.child.kill('SIGCONT')
  const fenced = await first.ended
  expect(fenced.code).toBe(75)
  expect(fenced.stdout).toMatch(/another process took job .* over/)
  expect((await second.ended).code).toBe(0)
  await world.expectWhole(2, 5)
})

test('ten identical commands at once: one works, the others are busy or find it done', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => world.run('reshard 3', slow)))
  const codes = all.map((ended) => ended.code)
  expect(codes.filter((code) => code === 0).length + codes.filter((code) => code === 75).length).toBe(10)
  expect(codes).toContain(0)
  expect((await world.jobs()).filter((job) => job.verb === 'reshard')).toHaveLength(1)
  await world.expectWhole(2, 3)
}, 60_000)

test('SIGTERM: it says so, stops at the next safe point, and the job is there to be resumed', async () => {
  const first = world.start('reshard 5', slow)
  await reaches('copying')
  first.child.kill('SIGTERM')
  const ended = await first.ended
  expect(ended.code).toBe(130)
  expect(ended.stdout).toContain('"code":"stopped-terminate"')
  expect(await world.job()).toMatchObject({ state: 'open', live: false, phase: 'copying' })
  expect((await world.run('reshard 5')).code).toBe(0)
  await world.expectWhole(2, 5)
})
