/** Two catalogs over the same nodes: what one does not know of the other's table is refused, and nothing of it is read, written or dropped. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { load } from '../contract/driver/calls.ts'
import { rowsOf } from '../contract/driver/world.ts'
import { startPostgres } from '../servers/postgres.ts'
import { openIn } from '../support/open.ts'
import { create, drop, makeWorld, type ShopWorld, table } from './world.ts'

const server = await startPostgres()
const admin = new pg.Client({ connectionString: server.url('postgres') })
await admin.connect()
afterAll(async () => {
  await admin.end()
  await server[Symbol.asyncDispose]()
})

const users = table(['id INTEGER not null', 'name TEXT'])
const register = async (tblctl: Tblctl) =>
  (await tblctl.provision('register', ['shop:users'], { location: null, labels: {} })).items[0]!
const count = (tblctl: Tblctl) => rowsOf(tblctl, 'shop:users', 'select count(*) from t')

/** `a` and `b`: catalogs of their own, in folders of their own, over the same two nodes. */
let made = 0
async function twoCatalogs(
  work: (a: Tblctl, b: Tblctl, world: ShopWorld, url: string) => Promise<void>,
): Promise<void> {
  await admin.query(`CREATE DATABASE two_${++made}`)
  const url = server.url(`two_${made}`)
  using world = makeWorld('')
  world.configure(`n1: "sqlite:${world.folder}/n1", n2: "${url}"`)
  const other = join(world.folder, 'other')
  mkdirSync(other)
  writeFileSync(
    join(other, 'tblctl.yaml'),
    `version: 1\nbackends:\n  shop: { driver: sharded-sql, nodes: { n1: "sqlite:${world.folder}/n1", n2: "${url}" } }\n`,
  )
  world.write('rows.ndjson', Array.from({ length: 40 }, (_, id) => `{"id":${id},"name":"n"}\n`).join(''))
  await using a = await world.open()
  await using b = await openIn(other)
  await work(a, b, world, url)
}

test('a table that another catalog dropped and made again: every verb refuses, and the new one stays whole', () =>
  twoCatalogs(async (a, b, world) => {
    await create(a, 'shop:users', users)
    expect((await register(b)).status).toBe('changed')
    expect((await drop(b, 'shop:users')).summary.changed).toBe(1)
    await create(b, 'shop:users', users)
    await load(b, world.folder, 'shop:users', ['rows.ndjson'])

    const differs = { code: 'topology-differs', kind: 'refused' }
    await expect(count(a)).rejects.toMatchObject({ view: differs })
    for (const report of [
      await load(a, world.folder, 'shop:users', ['rows.ndjson']),
      await a.operate('optimize', { refs: ['shop:users'] }, { targetSize: null }),
      await drop(a, 'shop:users'),
    ])
      expect(report.items[0]!.error).toMatchObject(differs)
    const [stats] = await a.stats({ refs: ['shop:users'] }, true)
    expect(stats!.status.rows).toBeNull()
    expect(await count(b)).toEqual([[40n]])

    await a.operate('unregister', { refs: ['shop:users'] }, {})
    expect((await register(a)).status).toBe('changed')
    expect(await count(a)).toEqual([[40n]])
  }))

test('two that make one name at once: one wins, and what the other takes back is its own', () =>
  twoCatalogs(async (a, b, world) => {
    const both = await Promise.all([create(a, 'shop:users', users), create(b, 'shop:users', users)])
    expect(both.map(({ summary }) => summary.changed).sort()).toEqual([0, 1])
    const [winner, loser] = both[0]!.summary.changed === 1 ? [a, b] : [b, a]
    await load(winner, world.folder, 'shop:users', ['rows.ndjson'])
    const [item] = (await create(loser, 'shop:users', users)).items
    expect(item!.error).toMatchObject({
      kind: 'refused',
      code: 'table-exists',
      hint: expect.stringContaining('register'),
    })
    expect(await count(winner)).toEqual([[40n]])
    expect((await Array.fromAsync(winner.doctor())).every(({ ok }) => ok)).toBe(true)
  }))

describe('register looks before it adopts', () => {
  test('nodes that were swapped, and a shard that is gone', () =>
    twoCatalogs(async (a, _b, _world, url) => {
      await create(a, 'shop:users', users)
      await a.operate('unregister', { refs: ['shop:users'] }, {})
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const [{ tablename }] = (await client.query(`SELECT tablename FROM pg_tables WHERE tablename LIKE 't\\_%'`)).rows
      await client.query(`ALTER TABLE tblctl."${tablename}" RENAME TO away`)
      expect((await register(a)).error).toMatchObject({ code: 'shard-missing', where: 'n2' })
      await client.query(`ALTER TABLE tblctl.away RENAME TO "${tablename}"`)
      await client.query(`UPDATE tblctl.tblctl_node SET id = 'another'`)
      expect((await register(a)).error).toMatchObject({
        code: 'topology-differs',
        message: expect.stringContaining('another database'),
      })
      await client.end()
    }))

  test('drop says which shards are not there', async () => {
    using world = makeWorld('n1: "sqlite:n1"')
    await using tblctl = await world.open()
    await create(tblctl, 'shop:users', users, { shards: 2 })
    renameSync(join(world.folder, 'n1'), join(world.folder, 'away'))
    const [item] = (await tblctl.operate('drop', { refs: ['shop:users'] }, {}, true)).items
    expect(JSON.stringify(item)).toContain('2 of which are not there')
  })
})

test('rows that the nodes could not keep as they are: told by file and line before anything is sent', async () => {
  using world = makeWorld('n1: "sqlite:n1"')
  await using tblctl = await world.open()
  await create(tblctl, 'shop:users', table(['id VARCHAR(3) not null', 'at TIMESTAMP', 'u UUID']))
  const bad = [
    '{"id":"ab  "}',
    '{"id":"a\\u0000"}',
    '{"id":"t","at":"2024-01-01T00:00:00.1234567"}',
    '{"id":"u","u":"no"}',
  ]
  for (const [i, row] of bad.entries()) {
    world.write('rows.ndjson', `{"id":"ok${i}"}\n${row}\n`)
    const [item] = (await load(tblctl, world.folder, 'shop:users', ['rows.ndjson'])).items
    expect(item!.error, row).toMatchObject({ code: 'row-rejected', where: expect.stringContaining('rows.ndjson:2') })
  }
  world.write(
    'rows.ndjson',
    '{"id":"a  ","at":"2024-01-01T00:00:00.1234560","u":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}\n',
  )
  expect((await load(tblctl, world.folder, 'shop:users', ['rows.ndjson'])).summary.changed).toBe(1)
  const found = await rowsOf(
    tblctl,
    'shop:users',
    "select id, u from t where u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
  )
  expect(found).toEqual([['a  ', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']])
})

test('infinite times that other programs wrote are read on both engines, and keep no other row from being read', async () => {
  await admin.query('CREATE DATABASE infinite')
  const url = server.url('infinite')
  using world = makeWorld(`n1: "sqlite:n1", n2: "${url}"`)
  await using tblctl = await world.open()
  await create(tblctl, 'shop:users', table(['id INTEGER not null', 'at_ TIMESTAMP', 'd DATE']), { shards: 2 })
  world.write('rows.ndjson', Array.from({ length: 20 }, (_, id) => `{"id":${id},"d":"2024-01-01"}\n`).join(''))
  await load(tblctl, world.folder, 'shop:users', ['rows.ndjson'])
  const [file] = readdirSync(join(world.folder, 'n1')).filter((name) => name.endsWith('_s00.db'))
  const db = new DatabaseSync(join(world.folder, 'n1', file!))
  db.exec(`update "${file!.slice(0, -3)}" set at_ = 9223372036854775807, d = -2147483647`)
  db.close()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const [{ tablename }] = (await client.query(`SELECT tablename FROM pg_tables WHERE tablename LIKE 't\\_%'`)).rows
  await client.query(`UPDATE tblctl."${tablename}" SET at_ = 'infinity', d = '-infinity'`)
  await client.end()
  const sql = `select count(*) from t where at_ = 'infinity'::timestamp and d = '-infinity'::date`
  expect(await rowsOf(tblctl, 'shop:users', sql)).toEqual([[20n]])
})
