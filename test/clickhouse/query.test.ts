/** query sees the table that was chosen as `t`, and by no trick anything else; what it reads comes back exactly. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { create, load } from '../contract/driver/calls.ts'
import { only, thrown } from '../contract/driver/reports.ts'
import { rowsOf } from '../contract/driver/world.ts'
import { type ClickhouseServer, startClickhouse } from '../support/clickhouse.ts'
import { type ClickhouseWorld, clickhouseWorld } from './world.ts'

let server: ClickhouseServer
let world: ClickhouseWorld
beforeAll(async () => {
  server = await startClickhouse()
  world = await clickhouseWorld(`{ driver: clickhouse, url: "${server.url}", database: otel }`)
  world.write('rows.ndjson', '{"TraceId":"a","SpanId":"1"}\n')
  await create(world.tblctl, ['ch:t1/events', 'ch:t2/events'], 'events')
  const row = { timestamp: '2024-05-01T10:00:00Z', id: 'e1' }
  world.write('rows.ndjson', `${JSON.stringify(row)}\n`)
  await server.query('CREATE TABLE default.secret (x String) ENGINE = MergeTree ORDER BY x')
  await server.query("INSERT INTO default.secret VALUES ('hidden')")
  await server.query('CREATE VIEW default.seen AS SELECT * FROM default.secret')
  await server.query('CREATE TABLE default.joined (x Int64, y String) ENGINE = Join(ANY, LEFT, x)')
  await server.query('CREATE FUNCTION own_function AS x -> x')
  await server.query(
    `CREATE TABLE otel.kinds (id Int64, u UUID, e Enum8('on' = 1), ns Array(DateTime64(9)), d DateTime, big UInt256) ENGINE = MergeTree ORDER BY id`,
  )
  await server.query(
    `INSERT INTO otel.kinds VALUES (1, '61f0c404-5cb3-11e7-907b-a6006ad3dba0', 'on', ['2024-05-01 10:00:00.123456789'], '2024-05-01 10:00:00', 5)`,
  )
  only(await world.tblctl.provision('register', ['ch:kinds'], { location: null, labels: {} }), 'changed')
})
afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})
const ask = (sql: string, ref = 'ch:t1/events') => rowsOf(world.tblctl, ref, sql)

describe('refused before anything is read', () => {
  test.each([
    'select * from system.tables',
    'select * from otel.events_t2',
    'select * from events_t2',
    'select * from secret',
    'select * from `default`.`secret`',
    'select * from system.one',
    "select * from url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "select * from file('/etc/passwd', 'LineAsString')",
    "select file('/etc/passwd')",
    "select * from remote('127.0.0.1', system.one)",
    "select * from merge('otel', 'events')",
    "select * from t where 'hidden' in secret",
    "select * from t where 'hidden' in default.secret",
    'select (select count() from secret) from t',
    'select * from (with secret as (select 1) select * from secret) as a, secret',
    'with t as (select 1) select * from t',
    "select dictGet('d', 'a', 1) from t",
    "select hasColumnInTable('default', 'secret', 'x') from t",
    'select * from t settings max_threads = 1',
    "select * from t into outfile '/tmp/out.csv'",
    'select * from t format CSV',
    'select 1) union all (select 2',
    'select 1; drop table t',
    'insert into t values (1)',
    'explain select * from t',
    'show tables',
    'describe table t',
    'system flush logs',
    'create table x (a Int8) engine = Memory',
    'optimize table otel.events_t1',
    'set max_threads = 1',
    'select {p:String}',
    'select * from t where sleep(1)',
    'select currentUser()',
    'select 1 as `a\nSelectQuery`',
    "select columns('id') apply(x -> (select groupArray(x) from default.secret)) from t",
    "select columns('id') apply(x -> file('/etc/passwd')) from t",
    "select * apply(x -> joinGet('default.joined', 'x', 1)) from t",
    'select * apply(x -> (select groupArray(name) from system.tables)) from t',
    'select * apply(file) from t',
    'select * apply hostName from t',
    'select t.* apply(toString) from t',
    'select * except(id) apply(x -> hostName()) from t',
    'select * replace((select x from default.secret) as id) from t',
    "select * replace(file('/etc/passwd') as id) from t",
    'select arrayMap(x -> (select groupArray(x) from secret), [1]) from t',
    'select arrayMap(x -> arrayMap(y -> hostName(), [x]), [1]) from t',
    'select count() over (order by hostName()) from t',
    'select 1 from t order by id with fill interpolate (id as hostName())',
    'select 1 from t limit 1 by hostName()',
    'select 1 from t qualify (select count() from secret) > 0',
    'select sumIf(1, fileIf()) from t',
    'select * from numbers((select count() from secret))',
    'select * from numbers(tcpPort())',
    'select * from seen',
    'select * from dictionary(d)',
    'select * from zeros(1)',
    'select * from (explain select 1)',
    "select * from viewIfPermitted(select 1 else null('x Int8'))",
    "select joinGet('default.joined', 'x', 1)",
    'select own_function(1)',
    'select authenticatedUser(), uptime()',
    'select getOSKernelVersion()',
    'select buildId()',
    'select revision()',
    'select shardNum()',
    'select version()',
    'select hostName()',
    'select HOSTNAME()',
    'selec 1',
    '',
  ])('%s', async (sql) => {
    const error = await thrown(ask(sql))
    expect(['refused', 'usage'], error.message).toContain(error.kind)
    expect(error.message).not.toContain('hidden')
  })
})

test('no form around it makes a read of something else pass', { timeout: 60_000 }, async () => {
  const secret = fc.constantFrom(
    '(select groupArray(x) from default.secret)',
    "file('/etc/passwd')",
    'hostName()',
    "joinGet('default.joined', 'y', 1)",
    'own_function(1)',
    '(select count() from system.tables)',
  )
  const around: ((inner: string) => string)[] = [
    (inner) => `arrayMap(x -> ${inner}, [1])`,
    (inner) => `if(1, ${inner}, ${inner})`,
    (inner) => `(select ${inner})`,
    (inner) => `tuple(${inner}).1`,
    (inner) => `(select any(y) from (select columns('a') replace(${inner} as a) from (select 1 as a)) as s(y))`,
    (inner) => `(select * apply(z -> ${inner}) from (select 1 as a))`,
    (inner) => `(with ${inner} as w select w)`,
    (inner) => `sumIf(1, isNull(${inner}))`,
    (inner) => `[${inner}][1]`,
    (inner) => `CAST(${inner}, 'String')`,
  ]
  const wrapped = fc
    .tuple(secret, fc.array(fc.nat(around.length - 1), { maxLength: 4 }))
    .map(([inner, layers]) => layers.reduce<string>((text, layer) => around[layer]!(text), inner))
  const query = fc.oneof(
    wrapped.map((text) => `select ${text}`),
    wrapped.map((text) => `select 1 from t where ${text} = '1'`),
    wrapped.map((text) => `select 1 from t order by ${text}`),
    wrapped.map((text) => `select count() over (partition by ${text}) from t`),
  )
  await fc.assert(
    fc.asyncProperty(query, async (sql) => {
      expect((await thrown(ask(sql))).kind, sql).toBe('refused')
    }),
    { numRuns: 30 },
  )
})

describe('allowed', () => {
  test.each([
    ['select count() from t', [[0n]]],
    ['with x as (select count() as n from t) select n + 1 from x', [[1n]]],
    ['select 1 as a union all select 2 from (select count() from t)', [[1], [2]]],
    ['(select 1 as a) union all (select 2)', [[1], [2]]],
    ['select number from numbers(2)', [[0n], [1n]]],
    ["select 1 where 'a' in ('a', 'b') and 1 in (select 1)", [[1]]],
    ["select 'select ; drop' as s -- a comment", [['select ; drop']]],
    ['with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select sum(n) from r', [[6n]]],
    ['select number, number from numbers(1)', [[0n, 0n]]],
    ['select NULL', [[null]]],
    ['select generate_series from generateSeries(1, 2)', [[1n], [2n]]],
    ["select a from values('a Int8', 1)", [[1]]],
    ['select sumIf(number, number > 1), quantiles(0.5)(number)[1], COUNT(*) from numbers(4)', [[5n, 1.5, 4n]]],
    ["select arrayMap(x -> x + 1, [1, 2])[2], if(1, 'a', 'b'), 1 between 0 and 2, not 1", [[3, 'a', 1, 0]]],
    ["select case when 1 then 'x' else 'y' end, cast('5' as Int8), '6'::Int8, exists(select 1)", [['x', 5, 6, 1]]],
    ["select toYear(toDate('2024-05-01') + interval 1 year), extract(month from toDate('2024-05-01'))", [[2025, 5]]],
    ['select row_number() over (order by number) as r from numbers(2) order by r', [[1n], [2n]]],
    ['select * except(b) replace(a + 1 as a) from (select 1 as a, 2 as b)', [[2]]],
    ['select groupArray(number) from numbers(2) where number in (select number from numbers(1))', [[[0n]]]],
    ['select count() from (values (1), (2))', [[2n]]],
    ["select JSONExtractInt('{\"a\":3}', 'a'), splitByChar(',', 'a,b')[2], lower('A')", [[3n, 'b', 'a']]],
    ['select 1 as a intersect select 1', [[1]]],
  ])('%s', async (sql, rows) => {
    expect((await ask(sql)).sort()).toEqual(rows)
  })

  test('no error tells of other tables, or shows the statement that stands behind the query', async () => {
    for (const sql of ['select * from events_t3', 'select x from t group by nothing', 'select nosuch(id) from t']) {
      const { message } = await thrown(ask(sql))
      expect(message, sql).not.toMatch(/events_t[12]|WITH/)
    }
  })

  test('types that nothing else has are text; nanoseconds and large numbers are exact', async () => {
    expect(await ask('select u, e, ns, d, big, toDecimal64(1.50, 2) as m from t', 'ch:kinds')).toEqual([
      ['61f0c404-5cb3-11e7-907b-a6006ad3dba0', 'on', [1_714_557_600_123_456_789n], 1_714_557_600_000_000n, '5', '1.50'],
    ])
    const { schema } = await world.tblctl.describe('ch:kinds')
    expect(schema.fields.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'Int64'],
      ['u', 'Utf8'],
      ['e', 'Utf8'],
      ['ns', 'List(Timestamp(Nanosecond, Some("UTC")) not null)'],
      ['d', 'Timestamp(Second, Some("UTC"))'],
      ['big', 'Utf8'],
    ])
  })

  test('a name that is not there is told with those that are, and with its place', async () => {
    expect(await thrown(ask('select idd from t', 'ch:kinds'))).toMatchObject({
      kind: 'usage',
      code: 'bad-query',
      hint: expect.stringContaining('ns'),
    })
    expect(await thrown(ask('select\n1 +', 'ch:kinds'))).toMatchObject({ kind: 'usage', code: 'bad-query' })
  })
})

test('what no answer can carry is told by its column', async () => {
  for (const sql of ["select 1 as a, unhex('ff') as broken", "select ['x', unhex('ff')] as broken"])
    expect(await thrown(ask(sql))).toMatchObject({ code: 'not-utf-8', message: expect.stringContaining('"broken"') })
  expect(await thrown(ask('select uniqState(number) as s from numbers(3)'))).toMatchObject({
    code: 'bad-query',
    message: expect.stringContaining('"s" is the state of an aggregate function'),
  })
})

test('a time that a 32-bit column cannot hold is refused, and is no other time', async () => {
  await server.query('CREATE TABLE otel.times (at DateTime, several Array(DateTime)) ENGINE = MergeTree ORDER BY at')
  only(await world.tblctl.provision('register', ['ch:times'], { location: null, labels: {} }), 'changed')
  for (const [code, row] of [
    { code: 'row-rejected', at: '1969-12-31T23:59:59Z', several: [] },
    { code: 'value-out-of-range', at: '2024-05-01T00:00:00Z', several: ['2107-01-01T00:00:00Z'] },
  ].map(({ code, ...row }) => [code, row] as const)) {
    world.write('times.ndjson', `${JSON.stringify(row)}\n`)
    const [item] = (await load(world.tblctl, world.folder, 'ch:times', ['times.ndjson'])).items
    expect(item!.error).toMatchObject({ kind: 'data', code })
  }
  world.write('times.ndjson', '{"at":"2106-02-07T06:28:15Z","several":["1970-01-01T00:00:00Z"]}\n')
  only(await load(world.tblctl, world.folder, 'ch:times', ['times.ndjson']), 'changed')
  expect(await ask('select at from t', 'ch:times')).toEqual([[4_294_967_295_000_000n]])
  expect((await server.query('SHOW CREATE TABLE otel.times'))[0]!.statement).toContain(
    'non_replicated_deduplication_window',
  )
})
