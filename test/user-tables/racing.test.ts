/** Several processes at once on the rows of one user: no row lost, none twice. */
import { expect, test } from 'vitest'
import { only } from '../contract/driver/reports.ts'
import { ref, World } from './world.ts'

const minute = 60_000

test('two flushes, an optimize, a load and a delete at once', { timeout: 2 * minute }, async () => {
  await using world = new World()
  await world.create()
  for (const user of ['u1', 'u2', 'u3']) {
    await world.load(
      user,
      Array.from({ length: 50 }, (_, i) => ({ id: i, body: user })),
    )
    await world.flush(user)
    await world.sql(user, "UPDATE messages SET body = body || '+' WHERE id < 10")
    await world.flush(user)
    await world.sql(user, 'DELETE FROM messages WHERE id < 5')
  }
  world.write('more.ndjson', Array.from({ length: 50 }, (_, i) => `{"id":${100 + i},"body":"more"}\n`).join(''))
  await world.close()
  const ended = await Promise.all([
    world.run(['flush', ref, '-y']),
    world.run(['flush', ref, '-y']),
    world.run(['optimize', ref, '-y']),
    world.run(['load', ref, 'more.ndjson', '--as', 'u1', '-y']),
    world.run(['sql', '--backend', 'p', '--as', 'u1', 'DELETE FROM chat.messages WHERE id >= 40 AND id < 50', '-y']),
  ])
  for (const { code, stdout, stderr } of ended) expect(code, stdout + stderr).toBe(0)
  const kept = Array.from({ length: 45 }, (_, i) => [BigInt(i + 5), i + 5 < 10 ? 1n : 0n])
  const marked = "select id, (body like '%+')::bigint from t where body <> 'more' order by id"
  for (const user of ['u2', 'u3']) expect(await world.rows(user, marked)).toEqual(kept)
  expect(await world.rows('u1', marked)).toEqual(kept.slice(0, 35))
  expect(await world.rows('u1', "select count(*) from t where body = 'more'")).toEqual([[50n]])
  await world.flush()
  await world.optimize()
  expect(await world.rows('u1', marked)).toEqual(kept.slice(0, 35))
  expect(await world.status()).toMatchObject({ rows: 45 * 2 + 35 + 50, files: 3, hotRows: 0, tombstones: 0 })
})

test('of two that insert the same key one is refused', { timeout: minute }, async () => {
  await using world = new World()
  await world.create()
  await world.load('u1', [{ id: 1, body: 'there' }])
  await world.close()
  const insert = (body: string) => [
    'sql',
    '--backend',
    'p',
    '--as',
    'u1',
    `INSERT INTO chat.messages VALUES (7, '${body}')`,
    '-y',
  ]
  const ended = await Promise.all([world.run(insert('a')), world.run(insert('b'))])
  expect(ended.map(({ code }) => code).sort()).toEqual([0, 1])
  expect(ended.find(({ code }) => code === 1)!.stderr).toContain('id = 7')
  expect((await world.rows('u1')).length).toBe(2)
})

test('a query that has begun reads on while its segments are merged away', { timeout: minute }, async () => {
  await using world = new World()
  await world.create()
  for (const id of [1, 2]) {
    await world.load('u1', [{ id, body: 'x' }])
    await world.flush()
  }
  await using rows = await (await world.tblctl()).query(ref, 'select id from t order by id', { as: 'u1' })
  only(await world.optimize(), 'changed')
  const found = await Array.fromAsync(rows.batches)
  expect(found.flatMap((batch) => batch.columns[0])).toEqual([1n, 2n])
})
