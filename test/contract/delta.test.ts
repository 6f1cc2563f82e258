import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deltaEverywhere } from './delta-everywhere.ts'
import { create, unregister } from './driver/calls.ts'
import { type DriverUnderTest, World } from './driver/world.ts'
import { driverContract } from './driver.ts'
import { versionZero } from './version-zero.ts'

const delta: DriverUnderTest = {
  ...deltaEverywhere,
  backend: '{ driver: delta, url: "file:./lake" }',
  makeOutside: async (directory, project, table) => {
    const log = join(directory, 'lake/projects', project, table, '_delta_log')
    mkdirSync(log, { recursive: true })
    writeFileSync(join(log, '00000000000000000000.json'), versionZero())
  },
}
await driverContract(delta)

test('list --live: a table elsewhere whose log is damaged is told, and hides no other', async () => {
  await using world = await World.make(delta)
  await using tblctl = await world.open()
  await create(tblctl, ['lake:acme/things', 'lake:acme/moved'])
  cpSync(world.file('lake/projects/acme/moved'), world.file('elsewhere'), { recursive: true })
  await unregister(tblctl, ['lake:acme/moved'])
  const location = `file:${world.file('elsewhere')}`
  await tblctl.provision('register', ['lake:acme/moved'], { location, labels: {} })
  writeFileSync(world.file('elsewhere/_delta_log/00000000000000000001.json'), '{"add"')
  const { items, errors } = await tblctl.list({ refs: ['lake:acme/moved', 'lake:acme/things'] }, true)
  expect(items.map((item) => [item.ref, item.live])).toEqual([
    ['lake:acme/moved', null],
    ['lake:acme/things', 'present'],
  ])
  expect(errors).toMatchObject([{ backend: 'lake', error: { kind: 'data', code: 'corrupt-commit' } }])
})
