import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { failure, only, thrown } from '../contract/driver/reports.ts'
import { messages, ref, World } from './world.ts'

const segment = 'u/u1/tables/chat/messages/batch-1.parquet'

async function flushed(): Promise<World> {
  const world = new World()
  await world.create()
  await world.load('u1', [{ id: 1, body: 'x' }])
  await world.flush()
  return world
}

test('a segment that is gone is told, and no other user is worse for it', async () => {
  await using world = await flushed()
  rmSync(world.file(segment))
  expect(await thrown(world.rows('u1'))).toMatchObject({ kind: 'data', code: 'segment-missing' })
  expect(failure(await world.sql('u1', 'DELETE FROM messages'))).toMatchObject({ code: 'segment-missing' })
  only(await world.load('u2', [{ id: 1, body: 'y' }]), 'changed')
  expect(await world.rows('u2')).toEqual([[1n, 'y']])
})

test('a segment that is damaged is told, and an optimize leaves it where it is', async () => {
  await using world = await flushed()
  await world.sql('u1', 'DELETE FROM messages')
  await world.flush()
  writeFileSync(world.file(segment), 'no Parquet')
  const told = { kind: 'data', code: 'wrong-segment', where: world.file(segment) }
  expect(await thrown(world.rows('u1'))).toMatchObject(told)
  expect(failure(await world.optimize())).toMatchObject(told)
  expect(await world.status().catch(() => null)).toBe(null)
  expect((await (await world.tblctl()).describe(ref)).status.files).toBe(2)
})

test('a segment of the right length whose pages are damaged is called by its own name', async () => {
  await using world = await flushed()
  const bytes = readFileSync(world.file(segment))
  writeFileSync(world.file(segment), bytes.fill(0xff, 4, 120))
  expect(await thrown(world.rows('u1'))).toMatchObject({ kind: 'data', where: world.file(segment) })
  expect(failure(await world.sql('u1', 'DELETE FROM messages'))).toMatchObject({ where: world.file(segment) })
})

test('a location may be a URL', async () => {
  await using world = new World()
  const root = pathToFileURL(world.file('my tables')).href
  only(await world.create(messages, {}, ref, `${root}/\${user_id}`), 'changed')
  await world.load('U1', [{ id: 1, body: 'x' }])
  await world.flush()
  expect(await world.rows('U1')).toEqual([[1n, 'x']])
})
