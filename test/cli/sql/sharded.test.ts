/** The statements of the sharded engine, over real SQLite nodes, through the whole command line. */
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWorld, type World } from '../tables/world.ts'

const config = `version: 1
schemas: [./schemas]
backends:
  shop: { driver: sharded-sql, nodes: { n1: "sqlite:.tblctl/n1", n2: "sqlite:.tblctl/n2" } }
`
let world: World
beforeAll(async () => {
  world = await openWorld(config)
})
afterAll(() => world[Symbol.asyncDispose]())

const sql = (statement: string, ...flags: string[]) => world.cli(['sql', '--backend', 'shop', statement, ...flags])
const rows = async (statement: string) => (await world.json('sql', '--backend', 'shop', statement)).rows
const createUsers = 'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL) /* SHARDS=4 */'

it('a table from its statement to its end', async () => {
  expect(await world.json('sql', '--backend', 'shop', createUsers, '-y')).toMatchObject({
    kind: 'OperationReport',
    verb: 'create',
    items: [{ ref: 'shop:default/users', status: 'changed', result: { created: true, shards: 4 } }],
  })
  expect(await sql(createUsers, '-y')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Table 'users' already exists"),
  })
  await world.write(
    'users.ndjson',
    Array.from({ length: 100 }, (_, id) => `${JSON.stringify({ id, name: `n${id}` })}\n`).join(''),
  )
  await world.ok('load', 'shop:users', 'users.ndjson', '-y')
  expect((await world.json('query', 'shop:users', 'select count(*) as n from t')).rows).toEqual([{ n: 100 }])

  expect(await rows('SHOW TABLES')).toEqual([
    {
      name: 'users',
      primary_key: 'id',
      shard_key: 'id',
      num_shards: 4,
      shard_strategy: 'hash',
      created_at: expect.stringMatching(/Z$/),
      project: 'default',
    },
  ])
  const [info, shards, , columns] = await rows('DESCRIBE TABLE users')
  expect(info).toMatchObject({ table_name: 'users', primary_key: 'id', shard_strategy: 'hash', num_shards: 4 })
  expect(shards).toEqual({
    section: 'SHARDS',
    total_shards: 4,
    shards: [0, 1, 2, 3].map((id) => ({ shard_id: id, node_id: `n${(id % 2) + 1}`, status: 'active' })),
  })
  expect(columns.columns.map(({ name, primary_key, notnull }: any) => [name, primary_key, notnull])).toEqual([
    ['id', true, true],
    ['name', false, true],
  ])
  const [stats] = await rows(`SELECT * FROM TABLE_STATS('users')`)
  expect(stats).toMatchObject({ table_name: 'users', total_rows: 100, total_shards: 4, avg_rows_per_shard: 25 })
  expect(stats.shard_stats.reduce((sum: number, shard: any) => sum + shard.row_count, 0)).toBe(100)
  expect(stats.shard_stats[1]).toEqual({ shard_id: 1, node_id: 'n2', row_count: expect.any(Number), status: 'active' })
  expect((await sql(`SELECT * FROM TABLE_STATS('users')`)).stdout).toMatch(/Total rows +100\n[\s\S]*SHARD ID +NODE ID/)

  expect(await sql('DROP TABLE users', '-y')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--confirm shop:default/users'),
  })
  expect((await sql('DROP TABLE users', '--dry-run')).stdout).toContain('would drop shop:default/users')
  expect((await rows('SHOW TABLES')).length).toBe(1)
  expect((await sql('DROP TABLE users', '--confirm', 'shop:default/users')).code).toBe(0)
  expect(await rows('SHOW TABLES')).toEqual([])
  expect((await sql('DROP TABLE IF EXISTS users', '-y')).code).toBe(0)
})

it('says what is wrong with a definition', async () => {
  expect(await sql('CREATE TABLE t (id INTEGER, name TEXT)', '-y')).toMatchObject({ code: 1 })
  expect(await sql('CREATE TABLE t (id INTEGER PRIMARY KEY) /* SHARDS=300 */', '-y')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('Invalid SHARDS value: 300. Must be between 1 and 256.'),
  })
  expect(await sql('CREATE USER TABLE t (id INTEGER PRIMARY KEY)', '-y')).toMatchObject({
    stdout: expect.stringContaining('failed'),
  })
  expect((await world.cli(['list', '--backend', 'shop'])).stdout).toBe('')
})

it('makes shards for the flags of create, too', async () => {
  await mkdir(join(world.folder, 'schemas'))
  await world.write(
    'schemas/orders.yaml',
    'table_name: orders\nprimary_key: [region, id]\nfields:\n  - { name: region, data_type: Utf8, nullable: false }\n  - { name: id, data_type: Int64, nullable: false }\n',
  )
  await world.ok('create', 'shop:b/o', '--schema', 'orders', '--shards', '3', '--shard-key', 'id', '-y')
  expect(await rows('SHOW TABLES IN b')).toMatchObject([
    { name: 'o', primary_key: 'region, id', shard_key: 'id', num_shards: 3 },
  ])
  await world.ok(
    'sql',
    'CREATE TABLE b.p (region TEXT, id BIGINT, PRIMARY KEY (region, id)) /* SHARDS=3, SHARD_KEY=id */',
    '-y',
  )
  expect((await rows('SHOW TABLES IN b'))[1]).toMatchObject({ name: 'p', shard_key: 'id', num_shards: 3 })
  await world.ok('drop', 'shop:b/', '--confirm', '2 tables')
})

it('drops with the command, too', async () => {
  await world.ok('sql', 'CREATE TABLE a.x (id BIGINT PRIMARY KEY)', '-y')
  await world.ok('sql', 'CREATE TABLE y (id BIGINT PRIMARY KEY)', '--project', 'a', '-y')
  expect(await world.cli(['drop', 'shop:a/', '--confirm', 'shop:a/'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--confirm "2 tables"'),
  })
  expect(await world.json('drop', 'shop:a/', '--confirm', '2 tables')).toMatchObject({ summary: { changed: 2 } })
  expect((await world.cli(['list'])).stdout).toBe('')
})

it('never counts a shard that it cannot reach as empty', async () => {
  await world.ok('sql', createUsers.replace('users', 'lost'), '-y')
  await rename(join(world.folder, '.tblctl/n2'), join(world.folder, 'away'))
  const { code, stdout, stderr } = await sql(`SELECT * FROM TABLE_STATS('lost')`, '-o', 'json')
  expect(code).toBe(1)
  expect(stderr).toContain('total_rows is not known')
  const answer = JSON.parse(stdout)
  expect(answer.unknown.total_rows).toContain('2 of 4 shards')
  expect(answer.rows[0]).toMatchObject({ total_rows: null, avg_rows_per_shard: null, total_shards: 4 })
  expect(answer.rows[0].shard_stats[1]).toMatchObject({
    row_count: null,
    status: expect.stringMatching(/unreachable|missing/),
  })
})
