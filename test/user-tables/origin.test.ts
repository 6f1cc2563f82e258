/** Files that are not this hot store's: an older backup, another hot store in the same place, another user's file under the name of one's own. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failure, only, thrown } from '../contract/driver/reports.ts'
import { messages, ref, World } from './world.ts'

const folder = 'u/u1/tables/chat/messages'
let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world[Symbol.asyncDispose]())

const flushRow = async (id: number) => {
  only(await world.load('u1', [{ id, body: `b${id}` }]), 'changed')
  only(await world.flush(), 'changed')
}
const failed = async () =>
  (await Array.fromAsync((await world.tblctl()).doctor())).filter(({ ok }) => !ok).map(({ check }) => check)

/** Brings back the hot store as it was when `before` was done. */
async function restored(before: () => Promise<void>, after: () => Promise<void>): Promise<void> {
  await before()
  await world.close()
  new DatabaseSync(world.file('hot.db')).exec(`vacuum into '${world.file('backup.db')}'`)
  await after()
  await world.close()
  for (const ending of ['', '-wal', '-shm']) rmSync(world.file(`hot.db${ending}`), { force: true })
  copyFileSync(world.file('backup.db'), world.file('hot.db'))
}

describe('a hot store from a backup', () => {
  const segment = `${folder}/batch-2.parquet`
  beforeEach(async () => {
    await world.create()
    await restored(
      () => flushRow(1),
      () => flushRow(2),
    )
  })

  test('neither replaces nor deletes the segments that it lacks, and says that it is older', async () => {
    const bytes = readFileSync(world.file(segment))
    await world.load('u1', [{ id: 3, body: 'b3' }])
    for (let i = 0; i < 3; i++) {
      const error = failure(await world.flush())
      expect(error).toMatchObject({ code: 'hot-store-older', where: expect.stringContaining('manifest.json') })
      expect(readFileSync(world.file(segment))).toEqual(bytes)
    }
    expect(await failed()).toEqual(['manifests'])
  })

  test('goes on once the manifest is moved away, past what lies there', async () => {
    const bytes = readFileSync(world.file(segment))
    await world.load('u1', [{ id: 3, body: 'b3' }])
    rmSync(world.file(`${folder}/manifest.json`))
    only(await world.flush(), 'changed')
    only(await world.optimize(), 'changed')
    expect(readFileSync(world.file(segment))).toEqual(bytes)
    expect(await world.rows('u1')).toEqual([
      [1n, 'b1'],
      [3n, 'b3'],
    ])
    expect(await failed()).toEqual([])
  })
})

describe('two hot stores', () => {
  const config = (more: string) =>
    'version: 1\nbackends:\n' +
    '  p: { driver: user-tables, hot: hot.db, location: "file:./u/${user_id}/tables" }\n' +
    `  q: { driver: user-tables, hot: ${more}, location: "file:./u/\${user_id}/tables" }\n`
  const other = 'q:chat/messages'
  const insert = async (at: string) =>
    (await world.tblctl()).operate(
      'mutate',
      { refs: [at] },
      { statement: "INSERT INTO messages VALUES (1, 'q')", as: 'u1' },
    )
  const operate = async (verb: 'flush' | 'drop', at: string) => (await world.tblctl()).operate(verb, { refs: [at] }, {})

  test('with one location: the second is refused, and its drop leaves the files of the first', async () => {
    world.write('tblctl.yaml', config('other.db, conf: other-conf'))
    await world.create()
    await flushRow(1)
    only(await world.create(messages, {}, other), 'changed')
    only(await insert(other), 'changed')
    const before = readdirSync(world.file(folder)).sort()
    expect(failure(await operate('flush', other))).toMatchObject({
      code: 'foreign-folder',
      message: expect.stringContaining('p:chat/messages'),
    })
    only(await operate('drop', other), 'changed')
    expect(readdirSync(world.file(folder)).sort()).toEqual(before)
    expect(await world.rows('u1')).toEqual([[1n, 'b1']])
  })

  test('with one folder of schema files: the second table of a name is refused', async () => {
    world.write('tblctl.yaml', config('other.db'))
    await world.create()
    const schema = () => readFileSync(world.file('conf/chat/schemas/messages/manifest.json'), 'utf8')
    const before = schema()
    expect(failure(await world.create(messages, {}, other))).toMatchObject({ code: 'foreign-schema-files' })
    expect(schema()).toBe(before)
    expect(existsSync(world.file('other.db'))).toBe(false)
  })

  test('two backends that share a hot store share no folder', async () => {
    world.write('tblctl.yaml', config('hot.db, conf: other-conf'))
    await world.create()
    await flushRow(1)
    only(await world.create(messages, {}, other), 'changed')
    only(await insert(other), 'changed')
    expect(failure(await operate('flush', other))).toMatchObject({ code: 'foreign-folder' })
  })
})

test("another user's segment under the name of one's own is not read", async () => {
  await world.create()
  for (const as of ['u1', 'u2']) only(await world.load(as, [{ id: 1, body: `b-${as}` }]), 'changed')
  only(await world.flush(), 'changed')
  const own = world.file(`${folder}/batch-1.parquet`)
  const theirs = readFileSync(world.file('u/u2/tables/chat/messages/batch-2.parquet'))
  expect(theirs.length).toBe(readFileSync(own).length) // the length alone would not tell
  rmSync(own) // a segment may be linked by a reader: its bytes are not written over
  writeFileSync(own, theirs)
  const told = { kind: 'data', code: 'wrong-segment', where: own }
  expect(await thrown(world.rows('u1'))).toMatchObject(told)
  expect(failure(await world.sql('u1', "UPDATE messages SET body = 'x'"))).toMatchObject(told)
  const report = only(await (await world.tblctl()).operate('drop', { refs: [ref] }, {}), 'changed')
  expect(report.result).toMatchObject({ kept: 1 })
  expect(readFileSync(own)).toEqual(theirs)
})

test('a hot store that is lost is told, by whoever meets its tables', async () => {
  await world.create()
  await flushRow(1)
  await world.close()
  for (const ending of ['', '-wal', '-shm']) rmSync(world.file(`hot.db${ending}`), { force: true })
  const tblctl = await world.tblctl()
  const create = ['sql', '--backend', 'p', 'CREATE USER TABLE IF NOT EXISTS chat.messages (id BIGINT)', '-y']
  expect(failure(await world.create())).toMatchObject({ code: 'table-lost' })
  expect(failure(await tblctl.operate('drop', { refs: [ref] }, {}))).toMatchObject({ code: 'table-lost' })
  const { code, stderr } = await world.run(create)
  expect([code, stderr]).toEqual([1, expect.stringContaining('no longer holds it')])
  expect(await failed()).toEqual(['manifests', 'schema-files'])
  expect(existsSync(world.file(`${folder}/batch-1.parquet`))).toBe(true)
})

test('the database of something else is no hot store', async () => {
  await world.create()
  await world.close()
  const yaml = readFileSync(world.file('tblctl.yaml'), 'utf8')
  world.write('tblctl.yaml', yaml.replace('hot: hot.db', 'hot: .tblctl/catalog.db'))
  expect(await thrown(world.create())).toMatchObject({ kind: 'config', code: 'no-hot-store' })
})

test('a hot store of the first format goes on, with segments that have no mark', async () => {
  await world.create()
  await flushRow(1)
  await world.close()
  const db = new DatabaseSync(world.file('hot.db'))
  db.exec(
    'drop table identity; alter table segments drop column mark; alter table garbage drop column mark; pragma user_version = 1',
  )
  db.close()
  for (const file of [`${folder}/manifest.json`, 'conf/chat/schemas/messages/manifest.json']) {
    const { store: _store, ...before } = JSON.parse(readFileSync(world.file(file), 'utf8'))
    world.write(file, JSON.stringify(before))
  }
  await flushRow(2)
  only(await world.optimize(), 'changed')
  expect(await world.rows('u1')).toEqual([
    [1n, 'b1'],
    [2n, 'b2'],
  ])
  expect(readdirSync(world.file(folder)).sort()).toEqual(['batch-3.parquet', 'manifest.json'])
})

test('what a dry run plans makes no hot store', async () => {
  const tblctl = await world.tblctl()
  const options = { definition: messages, settings: {}, location: null, labels: {} }
  await tblctl.provision('create', [ref], options, true)
  expect(await tblctl.list({ refs: [] }, true)).toMatchObject({ items: [] })
  expect(existsSync(world.file('hot.db'))).toBe(false)
})
