import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metric, openWorld, type World } from '../tables/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:t', 'mem:acme/m', 'lake:t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1) + metric(2))
  await world.ok('load', 'mem:t', 'a.ndjson')
})
afterAll(() => world[Symbol.asyncDispose]())

const sql = (statement: string, ...flags: string[]) => world.cli(['sql', '--backend', 'mem', statement, ...flags])
const rows = async (statement: string, ...flags: string[]) =>
  (await world.json('sql', '--backend', 'mem', statement, ...flags)).rows

describe('SHOW TABLES', () => {
  it('lists the tables of a backend with the columns of its engine', async () => {
    expect((await sql('SHOW TABLES', '-o', 'csv')).stdout).toMatch(
      /^name,primary_key,shard_key,num_shards,shard_strategy,created_at,project\nm,,,,,\S+Z,acme\nt,,,,,\S+Z,default\n$/,
    )
    expect(await world.json('sql', '--backend', 'mem', 'SHOW TABLES')).toMatchObject({
      apiVersion: 'tblctl/v1',
      kind: 'QueryResult',
      rows: [{ name: 'm' }, { name: 't', primary_key: null, num_shards: null }],
    })
  })
  it('lists those of one project', async () => {
    expect((await rows('SHOW TABLES IN acme')).map(({ name }: { name: string }) => name)).toEqual(['m'])
    expect((await rows('SHOW TABLES', '--project', 'default')).map(({ name }: { name: string }) => name)).toEqual(['t'])
    expect(await sql('SHOW TABLES IN nobody')).toMatchObject({ code: 0, stdout: '', stderr: 'no rows\n' })
  })
})

describe('DESCRIBE and TABLE_STATS', () => {
  it('describe a table in four sections', async () => {
    const [info, shards, indexes, columns] = await rows('DESCRIBE TABLE t')
    expect(info).toMatchObject({ section: 'TABLE_INFO', table_name: 't', primary_key: null, block_size: null })
    expect(shards).toEqual({ section: 'SHARDS', total_shards: 1, shards: [] })
    expect(indexes).toEqual({ section: 'INDEXES', total_indexes: 0, indexes: [] })
    expect(columns.section).toBe('COLUMNS')
    expect(columns.columns[3]).toEqual({
      name: 'value',
      type: 'Float64',
      notnull: true,
      default_value: null,
      primary_key: false,
    })
    expect((await sql('DESC acme.m')).stdout).toMatch(
      /^TABLE INFO\n {2}Table name +m\n[\s\S]*\nColumns\n {2}NAME +TYPE/,
    )
    expect((await sql('DESC t', '-o', 'csv', '--columns', 'section,total_shards')).stdout).toBe(
      'section,total_shards\nTABLE_INFO,\nSHARDS,1\nINDEXES,\nCOLUMNS,\n',
    )
  })
  it('count', async () => {
    expect(await rows(`SELECT * FROM TABLE_STATS('t')`)).toEqual([
      { table_name: 't', total_rows: 2, total_shards: 1, avg_rows_per_shard: 2, shard_stats: null },
    ])
  })
  it('say which table is not there', async () => {
    expect(await sql('DESCRIBE x')).toMatchObject({ code: 66, stderr: expect.stringContaining('mem:default/x is not') })
    expect(await sql(`SELECT * FROM TABLE_STATS('acme.x')`)).toMatchObject({ code: 66 })
  })
})

describe('statements that change something', () => {
  it('leave a table that is there, or refuse', async () => {
    expect(await world.json('sql', '--backend', 'mem', 'CREATE TABLE IF NOT EXISTS t (a INT)')).toMatchObject({
      kind: 'OperationReport',
      verb: 'create',
      items: [{ ref: 'mem:default/t', status: 'unchanged' }],
    })
    expect(await sql('CREATE TABLE acme.m (a INT)')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Table 'm' already exists (mem:acme/m)"),
    })
    expect(await sql('CREATE TABLE t (a INT)', '--project', 'acme', '--dry-run')).toMatchObject({
      code: 64,
      stdout: expect.stringContaining('driver memory creates tables from a table schema'),
    })
  })
  it('drop nothing where nothing is', async () => {
    expect(await sql('DROP TABLE IF EXISTS x')).toMatchObject({ code: 0, stdout: expect.stringContaining('unchanged') })
    expect(await sql('DROP TABLE x')).toMatchObject({ code: 66, stderr: expect.stringContaining('is not registered') })
  })
  it('are refused where the driver cannot', async () => {
    expect(await sql('DROP TABLE t')).toMatchObject({ code: 64, stderr: expect.stringContaining('cannot drop') })
    expect(await sql('UPDATE t SET value = 1')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('cannot mutate'),
    })
    expect(await sql('CREATE TABLE u (a INT) /* SHARDS=4 */')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('no setting "shards"'),
    })
    expect(await sql('UPDATE t SET value = 1', '--as', 'u1')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('do not belong to users'),
    })
  })
})

describe('the statement', () => {
  it('may come from standard input or a file, and errors name its place there', async () => {
    await world.write('show.sql', '-- all of them\nSHOW TABLES;\n')
    expect(await world.json('sql', '--backend', 'mem', '-f', 'show.sql')).toMatchObject({ kind: 'QueryResult' })
    const piped = await world.cli(['sql', '--backend', 'mem', '-', '-o', 'name'], { stdin: 'show tables' })
    expect(piped.stdout).toBe('m\nt\n')
    await world.write('bad.sql', 'DROP TABLE\n  t t')
    expect(await world.cli(['sql', '--backend', 'mem', '-f', 'bad.sql'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('at bad.sql:2:5'),
    })
  })

  it.each<[string[], number, string]>([
    [[], 64, 'sql takes one statement'],
    [['SHOW TABLES', '-f', 'x.sql'], 64, 'sql takes one statement'],
    [['SHOW TABLES'], 64, 'sql needs --backend NAME'],
    [['SHOW TABLES', '--backend', 'men'], 64, 'did you mean mem?'],
    [['SHOW TABLES', '--backend', 'mem', '--as', 'u'], 64, '--as is for INSERT, UPDATE and DELETE'],
    [['SELECT 1', '--backend', 'mem'], 64, 'tblctl query REF'],
    [['DROP TABLE a; DROP TABLE b', '--backend', 'mem'], 64, 'one statement at a time'],
    [['ALTER TABLE t ADD a INT', '--backend', 'mem'], 64, 'not supported in this version'],
    [['DELETE t', '--backend', 'mem'], 64, '"t" stands where FROM is expected'],
    [['DROP TABLE "../x"', '--backend', 'mem'], 64, 'is no name for a table'],
    [['SHOW TABLES', '--backend', 'mem', '--columns', 'nope'], 64, 'there is no column "nope"'],
    [['DESC t', '--backend', 'mem', '--sort-by', 'nope'], 64, 'there is no column "nope"'],
    [['DROP TABLE IF EXISTS t', '--backend', 'mem', '--columns', 'name'], 64, 'there is no column "name"'],
    [['DROP TABLE IF EXISTS t', '--backend', 'mem', '--sort-by', 'name'], 64, 'there is no column "name"'],
  ])('%j exits %i', async (argv, code, told) => {
    expect(await world.cli(['sql', ...argv])).toMatchObject({ code, stderr: expect.stringContaining(told) })
  })

  it('needs no --backend where there is one', async () => {
    await using only = await openWorld('version: 1\nbackends:\n  mem: { driver: memory, file: mem.db }\n')
    expect(await only.cli(['sql', 'SHOW TABLES'])).toMatchObject({ code: 0, stderr: 'no rows\n' })
  })
})

it('completes backends, projects and the flags', async () => {
  const offered = async (...words: string[]) =>
    (await world.ok('complete', '--', ...words)).stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])
  expect(await offered('sql', '--backend', 'm')).toEqual(['mem', ':4'])
  expect(await offered('sql', '--project', '')).toEqual(['acme', 'default', ':4'])
  expect(await offered('drop', 'mem:a')).toEqual(['mem:acme/m', ':4'])
  expect(await offered('flush', '--a')).toEqual(expect.arrayContaining(['--as']))
})
