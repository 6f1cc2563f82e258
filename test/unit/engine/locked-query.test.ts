import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Rows } from '../../../src/core/batch.ts'
import { lockedQuery } from '../../../src/engine/locked-query.ts'
import { scanSql } from '../../../src/engine/scan.ts'
import { quoteString } from '../../../src/engine/sql-text.ts'
import { errorOf, field, rowsOf, useEngine } from './support.ts'

const held = useEngine()
const fields = [field('id', 'Int64'), field('name', 'Utf8'), field('day', 'Date32')]
let allowed = ''
let secret = ''

beforeAll(async () => {
  allowed = join(held.folder, `t [1]*'.parquet`)
  secret = join(held.folder, 'secret.parquet')
  await held.engine.run(
    `COPY (SELECT range AS id, 'n' || range AS name FROM range(5000)) TO ${quoteString(allowed)} (FORMAT parquet)`,
  )
  await held.engine.run(`COPY (SELECT 42 AS secret) TO ${quoteString(secret)} (FORMAT parquet)`)
})

function ask(sql: string, more: { signal?: AbortSignal } = {}): Promise<Rows> {
  const select = scanSql({
    files: [{ path: allowed, partitionValues: { day: '2024-01-01' } }],
    fields,
    partitions: ['day'],
  })
  return lockedQuery({ tables: [{ name: 't', select, files: [allowed] }], sql, scratch: held.folder, ...more })
}
const answer = async (sql: string): Promise<unknown[][]> => rowsOf(await ask(sql))

describe('what may be asked', () => {
  test.each<[string, unknown[][]]>([
    ['select count(*) as n from t', [[5000n]]],
    ['SELECT name FROM "T" WHERE id = 7;', [['n7']]],
    ['from t select id order by id desc limit 1 -- the last', [[4999n]]],
    ['with a as (select id from t where id < 3) select sum(a.id)::bigint from a', [[3n]]],
    ['with recursive r(n) as (select 1 union all select n + 1 from r where n < 4) select max(n) from r', [[4]]],
    ['select (select max(id) from t), exists(select 1 from t x where x.id = 1)', [[4999n, true]]],
    ['select * from range(2) union all values (7)', [[0n], [1n], [7n]]],
    [
      'select unnest([1, 2]) as u, day from t limit 2',
      [
        [1, 19723],
        [2, 19723],
      ],
    ],
    ["select j.value::int from json_each('[1,2]') j", [[1], [2]]],
    ["select list_transform([1], lambda x: x + 1), 'a;b' where true", [[[2], 'a;b']]],
    ['select a.id from t a join t b using (id) where a.id = 1 qualify row_number() over () = 1', [[1n]]],
    ['select pg_typeof(id) from t limit 1', [['bigint']]],
  ])('%s', async (sql, expected) => {
    expect(await answer(sql)).toEqual(expected)
  })

  test('a result larger than a batch comes whole, and leaving early cleans up', async () => {
    expect(await answer('select id from t')).toHaveLength(5000)
    await using rows = await ask('select a.id from t a, t b')
    for await (const batch of rows.batches) {
      expect(batch.rows).toBeGreaterThan(0)
      break
    }
  })

  test('two tables, and names that need quotes', async () => {
    const select = scanSql({
      files: [{ path: secret, partitionValues: {} }],
      fields: [field('secret', 'Int32')],
      partitions: [],
    })
    const tables = ['a "b"', 'select'].map((name) => ({ name, select, files: [secret] }))
    const rows = await lockedQuery({ tables, sql: 'select * from "a ""b""", "select" s', scratch: held.folder })
    expect(await rowsOf(rows)).toEqual([[42, 42]])
  })

  test('an abort ends it with its reason', async () => {
    const control = new AbortController()
    setTimeout(() => control.abort(new Error('enough')), 50)
    const sql = 'select count(*) from t a, t b, t c where a.id + b.id + c.id = -1'
    await expect(ask(sql, { signal: control.signal }).then(rowsOf)).rejects.toThrow('enough')
  })
})

describe('what is refused before it runs', () => {
  const attacks = (): string[] => [
    `select * from '${secret}'`,
    `select * from "${secret}"`,
    `select * from read_parquet('${secret}')`,
    `select * from parquet_scan(['${secret}'])`,
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_csv_auto('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from read_ndjson_objects('/etc/passwd')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from glob('/etc/*')",
    "select * from '/etc/passwd.csv'",
    "select * from 'https://example.com/x.parquet'",
    "select * from 's3://bucket/x.parquet'",
    `select * from parquet_metadata('${secret}')`,
    `select * from parquet_schema('${secret}')`,
    `select (select max(secret) from '${secret}')`,
    `select * from t where id in (select secret from '${secret}')`,
    `with x as (select * from '${secret}') select * from x`,
    `select * from (with "${secret}" as (select 1) select 1) a, "${secret}" b`,
    `select * from t union all select * from '${secret}'`,
    "select * from query('select 1')",
    "select * from query_table('t')",
    'select * from duckdb_settings()',
    'select * from duckdb_settings',
    'select * from duckdb_views()',
    'select * from information_schema.tables',
    'select * from pg_catalog.pg_class',
    'select * from sqlite_master',
    'select * from main.t',
    'select * from memory.main.t',
    'select * from pragma_version()',
    "select * from which_secret('s3://x', 's3')",
    "select * from histogram('t', 'id')",
    'select * from checkpoint()',
    'select * from force_checkpoint()',
    'select * from enable_logging()',
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    'select * from unknown',
    'select * from t; select 1',
    'select 1; drop view t',
    '',
    '-- nothing',
    'from (describe t)',
    'describe t',
    'show tables',
    'summarize t',
    'select * from (summarize t)',
    'pivot t on id',
    'select ?',
    'select $1',
    "select current_setting('temp_directory')",
    "select getvariable('x')",
    "select getenv('HOME')",
    "select nextval('s')",
    "select write_log('x')",
    'select pg_get_viewdef(1)',
    'select sleep_ms(100000)',
    'select current_query()',
    "attach 'x.db'",
    "attach ':memory:' as x",
    'detach memory',
    'install httpfs',
    'load httpfs',
    "load '/tmp/evil.duckdb_extension'",
    "set memory_limit = '1TB'",
    'set enable_external_access = true',
    'reset allowed_paths',
    'set variable x = 1',
    `copy t to '${allowed}'`,
    `copy (select 1) to '${allowed}' (format parquet)`,
    `copy t from '${secret}'`,
    "export database '/tmp/x'",
    "import database '/tmp/x'",
    'pragma version',
    'pragma database_list',
    'create table x as select 1',
    'create or replace view t as select 1',
    'create macro f() as 1',
    'create secret s (type s3)',
    'insert into t values (1)',
    'update t set id = 1',
    'delete from t',
    'truncate t',
    'merge into t using t x on false when not matched then insert values (1)',
    'alter table t rename to u',
    'drop view t',
    'call pragma_version()',
    'explain select 1',
    'explain analyze select * from t',
    'vacuum',
    'checkpoint',
    'begin',
    'prepare p as select 1',
    'use memory',
    "comment on view t is 'x'",
    `with x as (insert into t values (1)) select * from x`,
  ]

  test('every attack', async () => {
    const before = await readFile(allowed)
    const passed: string[] = []
    for (const sql of attacks()) {
      const error = await errorOf(ask(sql)).catch(() => null)
      const fits =
        error?.code === 'query-not-allowed'
          ? error.kind === 'refused' && error.hint !== undefined
          : error?.code === 'bad-query'
      if (!fits) passed.push(`${sql}: ${JSON.stringify(error)}`)
    }
    expect(passed).toEqual([])
    expect(await readFile(allowed)).toEqual(before)
    expect(existsSync('/tmp/x')).toBe(false)
  }, 60_000)

  test('says what and what is allowed', async () => {
    expect(await errorOf(ask(`select * from '${secret}'`))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('secret.parquet'),
      hint: 'the query sees "t"',
    })
    expect(await errorOf(ask("select * from read_text('x')"))).toMatchObject({
      message: expect.stringContaining('read_text'),
      hint: expect.stringContaining('range'),
    })
    expect((await errorOf(ask('set x = 1'))).hint).toContain('one SELECT')
  })

  test('the lock alone holds too: files are out of reach and settings fixed, whatever the check may miss', async () => {
    const { openEngine } = await import('../../../src/engine/engine.ts')
    const { lock } = await import('../../../src/engine/locked-query.ts')
    await using engine = await openEngine({ scratch: held.folder })
    await lock(engine, [allowed])
    expect(
      await engine.all(`SELECT count(*) AS n FROM read_parquet(${quoteString(allowed.replace(/[*?[]/g, '[$&]'))})`),
    ).toEqual([{ n: 5000n }])
    for (const sql of [
      `SELECT * FROM '${secret}'`,
      "SELECT * FROM read_text('/etc/passwd')",
      "ATTACH '/tmp/x.db'",
      'INSTALL httpfs',
      'SET enable_external_access = true',
      "SET GLOBAL allowed_paths = ['/']",
      "COPY (SELECT 1) TO '/tmp/tblctl-never.parquet'",
    ])
      await expect(engine.run(sql), sql).rejects.toThrow(/disabled by configuration|locked|Permission/i)
  })
})

describe('mistakes in a query', () => {
  test('a syntax error has its place', async () => {
    expect(await errorOf(ask('select id\nfrom t wher id = 1'))).toMatchObject({
      kind: 'usage',
      code: 'bad-query',
      message: expect.stringContaining('syntax error'),
      where: 'query:2:13',
    })
  })
  test('an unknown column has its place and the columns that exist', async () => {
    expect(await errorOf(ask('select id,\n  nam from t'))).toMatchObject({
      kind: 'usage',
      code: 'bad-query',
      message: expect.stringContaining('"nam" not found'),
      where: 'query:2:3',
      hint: 't has id, name, day',
    })
  })
  test('a long line is cut in the engine’s excerpt and still has its place', async () => {
    const sql = `select ${'id, '.repeat(60)} nope(id) from t`
    expect(await errorOf(ask(sql))).toMatchObject({ code: 'bad-query', where: `query:1:${sql.indexOf('nope') + 1}` })
  })
  test('types that do not fit, and values that do not convert', async () => {
    expect(await errorOf(ask('select name + day from t'))).toMatchObject({ kind: 'usage', code: 'bad-query' })
    expect(await errorOf(async () => answer('select name::int from t'))).toMatchObject({
      kind: 'data',
      code: 'bad-value',
    })
  })
  test('a damaged file is named', async () => {
    const bad = await held.file('bad.parquet', 'not parquet at all, but long enough')
    const select = scanSql({ files: [{ path: bad, partitionValues: {} }], fields, partitions: [] })
    const query = lockedQuery({
      tables: [{ name: 't', select, files: [bad] }],
      sql: 'select * from t',
      scratch: held.folder,
    })
    expect(await errorOf(query)).toMatchObject({ kind: 'data', code: 'corrupt-file', where: bad })
  })
})
