import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:a/t', 'lake:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1) + metric(2))
  await world.ok('load', 'mem:a/t', 'a.ndjson')
  await world.ok('load', 'lake:a/t', 'a.ndjson')
})
afterAll(() => world[Symbol.asyncDispose]())
const query = (sql: string, ...flags: string[]) => world.cli(['query', 'mem:a/t', sql, ...flags])

describe('query', () => {
  it('prints rows in every format', async () => {
    const sql = `select metric_name, value, timestamp, date, 9007199254740993 as big, unit from t order by value`
    expect((await query(sql)).stdout).toBe(
      'metric_name  value  timestamp                    date                     big  unit\n' +
        'cpu              1  2026-01-01T00:00:00.000001Z  2026-01-01  9007199254740993  -\n' +
        'cpu              2  2026-01-02T00:00:00.000001Z  2026-01-02  9007199254740993  -\n',
    )
    expect(JSON.parse((await query('select count(*) as n from t', '-o', 'json')).stdout)).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'QueryResult',
      columns: [{ name: 'n', type: 'Int64' }],
      rows: [{ n: 2 }],
    })
    expect((await query(sql, '-o', 'ndjson')).stdout.split('\n')[0]).toBe(
      '{"metric_name":"cpu","value":1,"timestamp":"2026-01-01T00:00:00.000001Z","date":"2026-01-01","big":"9007199254740993","unit":null}',
    )
    expect((await query('select value, unit from t order by 1', '-o', 'csv', '--columns', 'unit,value')).stdout).toBe(
      'unit,value\n,1\n,2\n',
    )
    expect((await query('select value v from t', '-o', 'yaml', '--sort-by', 'v:desc')).stdout).toContain(
      'rows:\n  - v: 2\n  - v: 1\n',
    )
    expect((await query('select date, value from t order by 1', '-o', 'name')).stdout).toBe('2026-01-01\n2026-01-02\n')
    expect((await query(`select {'a': [1::bigint, null]} as s`, '-o', 'ndjson')).stdout).toBe('{"s":{"a":[1,null]}}\n')
  })

  it('says on stderr when there are no rows', async () => {
    expect(await query('select value from t where false')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no rows\n',
      exits: [],
    })
    expect(JSON.parse((await query('select value from t where false', '-o', 'json')).stdout).rows).toEqual([])
  })

  it('reads the statement from standard input or a file', async () => {
    await world.write('q.sql', 'select sum(value) as s from t')
    expect(
      (await world.cli(['query', 'mem:a/t', '-', '-o', 'ndjson'], { stdin: 'select max(value) as m from t' })).stdout,
    ).toBe('{"m":2}\n')
    expect((await world.cli(['query', 'mem:a/t', '--file', 'q.sql', '-o', 'ndjson'])).stdout).toBe('{"s":3}\n')
  })

  it.each<[string[], number, string]>([
    [['mem:a/t'], 64, 'query takes one statement'],
    [['mem:a/t', 'select 1', '--file', 'q.sql'], 64, 'query takes one statement'],
    [['mem:a/t', ' '], 64, 'the statement is empty'],
    [['mem:a/t', '--file', 'nowhere.sql'], 66, 'there is no file nowhere.sql'],
    [['mem:a/t', '--file', '.'], 1, 'cannot be read (EISDIR)'],
    [['mem:a/t', 'select nope from t'], 64, 't has timestamp, metric_name'],
    [['mem:a/t', 'drop table t'], 1, ''],
    [['mem:a/t', 'select 1', '--columns', 'x'], 64, 'there is no column "x"'],
    [['mem:a/t', 'select 1', '-o', 'jsn'], 64, 'did you mean json?'],
  ])('%j exits %i', async (argv, code, told) => {
    expect(await world.cli(['query', ...argv])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(told),
    })
  })

  it('takes no endless statement', async () => {
    const long = 'x'.repeat(1_000_001)
    expect(await world.cli(['query', 'mem:a/t', '-'], { stdin: long })).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('longer than'),
    })
    await world.write('long.sql', long)
    expect(await world.cli(['query', 'mem:a/t', '--file', 'long.sql'])).toMatchObject({ code: 64 })
  })
})

describe('export', () => {
  it('writes a file of the format that its ending says, and tells what', async () => {
    const report = await world.json('export', 'lake:a/t', '--out', 'out.parquet')
    expect(report).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'Export',
      ref: 'lake:a/t',
      format: 'parquet',
      out: join(world.folder, 'out.parquet'),
      rows: 2,
      bytes: expect.any(Number),
    })
    expect((await readFile(report.out)).subarray(0, 4).toString()).toBe('PAR1')
    expect((await world.ok('export', 'lake:a/t', '--out', 'x.dat', '--format', 'ndjson')).stdout).toMatch(/Rows +2\n/)
    expect((await readFile(join(world.folder, 'x.dat'), 'utf8')).trim().split('\n')).toHaveLength(2)
  })

  it('streams to stdout', async () => {
    const lines = (await world.ok('export', 'mem:a/t', '--out', '-')).stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).value).sort()).toEqual([1, 2])
    expect((await world.ok('export', 'mem:a/t', '--out', '-', '--format', 'csv')).stdout).toMatch(
      /^timestamp,metric_name,.*\n2026-01-/,
    )
  })

  it('can be loaded again', async () => {
    await world.ok('create', 'mem:a/copy', '--schema', 'metrics')
    for (const [file, ...flags] of [['c.csv'], ['c.parquet'], ['c.ndjson']] as const) {
      await world.ok('export', 'lake:a/t', '--out', file, ...flags)
      await world.ok('load', 'mem:a/copy', file)
    }
    for (const format of ['csv', 'ndjson']) {
      const { stdout } = await world.ok('export', 'lake:a/t', '--out', '-', '--format', format)
      expect(await world.cli(['load', 'mem:a/copy', '-', '--format', format], { stdin: stdout })).toMatchObject({
        code: 0,
      })
    }
    const { rows } = await world.json(
      'query',
      'mem:a/copy',
      'select distinct timestamp, value, count(*) as n from t group by all',
    )
    expect(rows.map(({ n }: { n: number }) => n)).toEqual([5, 5])
  })

  it.each<[string[], number, string]>([
    [['lake:a/t'], 64, 'export needs --out FILE'],
    [['lake:a/t', '--out', 'x.xml'], 64, 'cannot be told from its ending'],
    [['lake:a/t', '--out', '-', '--format', 'parquet'], 64, 'cannot be written to stdout'],
    [['lake:a/t', '--out', 'no/such/folder/x.csv'], 66, 'there is no folder'],
    [['lake:a/nope', '--out', 'x.csv'], 66, 'is not registered'],
  ])('%j exits %i', async (argv, code, told) => {
    expect(await world.cli(['export', ...argv])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(told),
    })
  })
})
