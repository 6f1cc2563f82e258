/** Partition values of every kind, written by us, read by us and by an independent reader. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/engine.ts'
import { quotePath } from '../../src/engine/sql-text.ts'
import { type Chdb, deltaTable, startChdb } from '../support/chdb.ts'
import { commitAs, contentOf, create, Lake, liveOf, loadInto, logOf, optimize, orphansOf, rowsOf } from './world.ts'

const schema = (name: string, partitions: string, fields: string): string =>
  `table_name: ${name}\npartitions: [${partitions}]\nfields:\n${fields}`
const field = (name: string, type: string, nullable = true): string =>
  `  - { name: ${name}, data_type: '${type}', nullable: ${nullable} }\n`

const types: readonly (readonly [name: string, type: string])[] = [
  ['d', 'Date32'],
  ['ts', 'Timestamp(Microsecond, Some("UTC"))'],
  ['b', 'Boolean'],
  ['dec', 'Decimal128(10, 2)'],
  ['n', 'Int64'],
  ['small', 'Int8'],
  ['u', 'UInt64'],
  ['j', 'Utf8'],
]

const hostile: readonly (string | null)[] = [
  ...['a b', '100%', 'a/b', 'a=b', `q'"\``, '日本🙂', 'A', 'a', '..', '.', 'a\\b', 'a\nb', 'a+b', 'a%2Fb', 'null', ' '],
  ...['__HIVE_DEFAULT_PARTITION__', 'x'.repeat(500), `${'x'.repeat(499)}y`, '🙂'.repeat(150), '#?&', '*[a]?', "'; --"],
  null,
]

let chdb: Chdb
let lake: Lake
beforeAll(() => {
  lake = new Lake({
    named: schema('named', 'p', field('id', 'Int64') + field('p', 'Utf8')),
    strict: schema('strict', 'p', field('id', 'Int64') + field('p', 'Utf8', false)),
    typed: schema(
      'typed',
      types.map(([n]) => n).join(', '),
      field('id', 'Int64') + types.map(([n, t]) => field(n, t)).join(''),
    ),
    floats: schema('floats', 'f', field('id', 'Int64') + field('f', 'Float64')),
  })
  chdb = startChdb(lake.folder)
})
afterAll(async () => {
  await chdb[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

const byText = (a: unknown[], b: unknown[]): number => Number(a[0]) - Number(b[0])

describe('partition values', () => {
  it('hostile texts come back as they were, also after an optimize', async () => {
    const tblctl = await lake.open()
    expect(await create(tblctl, 'lake:acme/named', 'named')).toMatchObject({ status: 'changed' })
    const rows = hostile.map((p, id) => ({ id, p }))
    lake.rows('a.ndjson', rows)
    lake.rows(
      'b.ndjson',
      rows.map(({ id, p }) => ({ id: id + 100, p })),
    )
    for (const file of ['a.ndjson', 'b.ndjson'])
      expect(await loadInto(tblctl, lake.folder, 'lake:acme/named', [file])).toMatchObject({
        status: 'changed',
        result: { rows: rows.length, files: rows.length },
      })
    const wanted = [...rows, ...rows.map(({ id, p }) => ({ id: id + 100, p }))].map(({ id, p }) => [String(id), p])
    const ours = async () => (await rowsOf(tblctl, 'lake:acme/named', 'select id::varchar, p from t')).sort(byText)
    const theirs = async () =>
      (await chdb.query(`SELECT toString(id), p FROM ${deltaTable(lake.table('named'))}`)).sort(byText)
    expect(await ours()).toEqual(wanted)
    expect(await theirs()).toEqual(wanted)
    expect(await optimize(tblctl, 'lake:acme/named')).toMatchObject({
      result: { filesRemoved: 2 * rows.length, filesAdded: rows.length },
    })
    expect(await ours()).toEqual(wanted)
    expect(await theirs()).toEqual(wanted)
    expect(orphansOf(lake.table('named'))).toEqual([])
  })

  it('a hundred of them, more than a query has branches', async () => {
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/many', 'named')
    lake.rows(
      'many.ndjson',
      Array.from({ length: 300 }, (_, id) => ({ id, p: id % 100 === 7 ? null : `value ${id % 100}` })),
    )
    expect(await loadInto(tblctl, lake.folder, 'lake:acme/many', ['many.ndjson'])).toMatchObject({
      result: { rows: 300, files: 100 },
    })
    const sql = (t: string) => `SELECT count(*)::int FROM ${t} WHERE coalesce(p, 'value 7') = 'value ' || (id % 100)`
    expect(await rowsOf(tblctl, 'lake:acme/many', sql('t'))).toEqual([[300]])
    const theirs = `SELECT count() FROM ${deltaTable(lake.table('many'))} WHERE ifNull(p, 'value 7') = concat('value ', toString(id % 100))`
    expect(await chdb.query(theirs)).toEqual([[300]])
  })

  it('an adopted table with a binary one is refused before anything is written', async () => {
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/binary', 'named')
    const table = lake.table('binary')
    const { metaData } = logOf(table)
      .flat()
      .find((action) => action.metaData)!
    commitAs(table, [
      { metaData: { ...metaData, schemaString: metaData.schemaString.replace('"string"', '"binary"') } },
    ])
    const { error } = await loadInto(tblctl, lake.folder, 'lake:acme/binary', [
      lake.rows('bin.ndjson', [{ id: 1, p: 'AA==' }]),
    ])
    expect(error).toMatchObject({ kind: 'refused', code: 'bad-partition', message: expect.stringContaining('"p"') })
    expect(orphansOf(table)).toEqual([])
  })

  it('an empty text is null, as the protocol has it; where the column is not nullable it is refused', async () => {
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/empty', 'named')
    await create(tblctl, 'lake:acme/strict', 'strict')
    lake.rows('empty.ndjson', [
      { id: 1, p: '' },
      { id: 2, p: null },
    ])
    lake.rows('strict.ndjson', [{ id: 1, p: '' }])
    expect(await loadInto(tblctl, lake.folder, 'lake:acme/empty', ['empty.ndjson'])).toMatchObject({
      result: { rows: 2, files: 1 },
    })
    expect(await rowsOf(tblctl, 'lake:acme/empty', 'select count(*) from t where p is null')).toEqual([[2n]])
    const refused = await loadInto(tblctl, lake.folder, 'lake:acme/strict', ['strict.ndjson'])
    expect(refused.error).toMatchObject({
      kind: 'data',
      code: 'row-rejected',
      where: `${lake.path('strict.ndjson')}:1`,
      message: 'a row does not fit: column "p" "" would be kept as null, and the column is not nullable',
    })
    expect(logOf(lake.table('strict'))).toHaveLength(1)
  })

  it('such a row is put aside like any other, from every format', async () => {
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/aside', 'strict')
    lake.rows('aside.ndjson', [
      { id: 1, p: '' },
      { id: 2, p: 'a' },
    ])
    lake.write('aside.csv', 'id,p\n3,""\n4,b\n')
    await using engine = await openEngine({ scratch: lake.path('scratch') })
    const rows = `SELECT * FROM (VALUES (5::BIGINT, ''), (6::BIGINT, 'c')) AS v(id, p)`
    await engine.run(`COPY (${rows}) TO ${quotePath(lake.path('aside.parquet'))} (FORMAT parquet)`)
    const files = ['aside.ndjson', 'aside.csv', 'aside.parquet']
    const rejectTo = lake.path('rejects.ndjson')
    expect(await loadInto(tblctl, lake.folder, 'lake:acme/aside', files, { rejectTo })).toMatchObject({
      result: { rows: 3, rejected: 3 },
    })
    expect(await rowsOf(tblctl, 'lake:acme/aside', 'select id from t order by id')).toEqual([[2n], [4n], [6n]])
    const rejects = readFileSync(rejectTo, 'utf8').trimEnd().split('\n')
    expect(rejects.map((line) => JSON.parse(line))).toMatchObject([
      { line: 1, column: 'p' },
      { line: 2, column: 'p' },
      { line: 1, column: 'p' },
    ])
  })

  it('dates, times, numbers, decimals and booleans', async () => {
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/typed', 'typed')
    const values = [
      {
        d: '2024-02-29',
        ts: '2024-01-01T10:00:00.123456Z',
        b: true,
        dec: '1.50',
        n: '9223372036854775807',
        small: -128,
      },
      {
        d: '0001-01-01',
        ts: '1970-01-01T00:00:00Z',
        b: false,
        dec: '-99999999.99',
        n: '-9223372036854775808',
        small: 0,
      },
      { d: '9999-12-31', ts: '1969-12-31T23:59:59.5Z', b: null, dec: '0', n: null, small: 127 },
      { d: null, ts: null, b: null, dec: null, n: null, small: null },
    ].map((row, id) => ({
      ...row,
      id,
      u: id === 0 ? '18446744073709551615' : id === 3 ? null : '7',
      j: id === 3 ? null : 'x',
    }))
    // 64-bit integers stand in the file as numbers.
    lake.write(
      'typed.ndjson',
      values.map((row) => `${JSON.stringify(row).replace(/"(n|u)":"(-?\d+)"/g, '"$1":$2')}\n`).join(''),
    )
    const loaded = await loadInto(tblctl, lake.folder, 'lake:acme/typed', ['typed.ndjson'])
    expect(loaded).toMatchObject({ result: { rows: 4, files: 4 } })
    const before = await contentOf(tblctl, 'lake:acme/typed')
    expect(
      await rowsOf(
        tblctl,
        'lake:acme/typed',
        'select d::varchar, ts::varchar, b, dec::varchar, n, small, u from t order by id',
      ),
    ).toEqual([
      ['2024-02-29', '2024-01-01 10:00:00.123456+00', true, '1.50', 9223372036854775807n, -128, 18446744073709551615n],
      ['0001-01-01', '1970-01-01 00:00:00+00', false, '-99999999.99', -9223372036854775808n, 0, 7n],
      ['9999-12-31', '1969-12-31 23:59:59.5+00', null, '0.00', null, 127, 7n],
      [null, null, null, null, null, null, null],
    ])
    // Without u: this reader multiplies partition values of more than 18 digits by 2^64.
    expect(
      await chdb.query(
        `SELECT toString(d), toString(ts, 'UTC'), b, toString(dec), toString(n), small FROM ${deltaTable(lake.table('typed'))} ORDER BY id`,
      ),
    ).toEqual([
      ['2024-02-29', '2024-01-01 10:00:00.123456', true, '1.5', '9223372036854775807', -128],
      ['0001-01-01', '1970-01-01 00:00:00.000000', false, '-99999999.99', '-9223372036854775808', 0],
      ['9999-12-31', '1969-12-31 23:59:59.500000', null, '0', null, 127],
      [null, null, null, null, null, null],
    ])
    await loadInto(tblctl, lake.folder, 'lake:acme/typed', ['typed.ndjson'], { again: true })
    expect(await optimize(tblctl, 'lake:acme/typed')).toMatchObject({ result: { filesRemoved: 8, filesAdded: 4 } })
    expect((await contentOf(tblctl, 'lake:acme/typed')).rows).toBe(2 * before.rows)
    expect(
      liveOf(lake.table('typed'))
        .map(({ partitionValues }) => partitionValues.ts)
        .sort(),
    ).toEqual(['1969-12-31T23:59:59.5Z', '1970-01-01T00:00:00Z', '2024-01-01T10:00:00.123456Z', null].sort())
  })

  it('floats, with those that are no numbers', async () => {
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/floats', 'floats')
    await using engine = await openEngine({ scratch: lake.path('scratch') })
    const values = ['0.1', '1e20', '-0.5', 'nan', 'inf', '-inf']
    const select = `SELECT unnest(range(7)) AS id, unnest([${values.map((v) => `'${v}'::DOUBLE`)}, NULL]) AS f`
    await engine.run(`COPY (${select}) TO '${lake.path('floats.parquet')}' (FORMAT parquet)`)
    const loaded = await loadInto(tblctl, lake.folder, 'lake:acme/floats', ['floats.parquet'])
    expect(loaded).toMatchObject({ result: { rows: 7, files: 7 } })
    const numbers = [0.1, 1e20, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null]
    expect(await rowsOf(tblctl, 'lake:acme/floats', 'select f from t order by id')).toEqual(numbers.map((n) => [n]))
    const texts = liveOf(lake.table('floats')).map(({ partitionValues }) => partitionValues.f)
    expect(new Set(texts)).toEqual(new Set(['0.1', '1e+20', '-0.5', 'NaN', 'Infinity', '-Infinity', null]))
    const theirs = await chdb.query(`SELECT toString(f) FROM ${deltaTable(lake.table('floats'))} ORDER BY id`)
    expect(theirs.flat()).toEqual(['0.1', '100000000000000000000', '-0.5', 'nan', 'inf', '-inf', null])
  })

  it.each(['metrics', 'events', 'otel_logs_and_spans'])('the shipped schema %s', async (name) => {
    const tblctl = await lake.open()
    const ref = `lake:acme/${name}`
    expect(await create(tblctl, ref, name)).toMatchObject({ status: 'changed' })
    const day = (id: number) => `2024-05-0${1 + (id % 3)}T12:00:00.000001Z`
    const rows = Array.from({ length: 30 }, (_, id) =>
      name === 'metrics'
        ? { timestamp: day(id), metric_name: `m${id}`, metric_type: 'gauge', value: id / 3 }
        : name === 'events'
          ? { timestamp: day(id), event_id: `e${id}`, event_type: 't', event_name: 'n' }
          : { timestamp: day(id), id: `s${id}`, hashes: [], summary: [] },
    )
    lake.rows(`${name}.ndjson`, rows)
    for (const again of [false, true])
      expect(await loadInto(tblctl, lake.folder, ref, [`${name}.ndjson`], { again })).toMatchObject({
        result: { rows: 30, files: 3 },
      })
    const dates = 'select "date"::varchar, count(*), count(distinct project_id) from t group by all order by 1'
    const wanted = [1, 2, 3].map((d) => [`2024-05-0${d}`, 20n, 1n])
    expect(await rowsOf(tblctl, ref, dates)).toEqual(wanted)
    const theirs = await chdb.content(lake.table(name))
    const ours = await contentOf(tblctl, ref)
    expect(theirs.rows).toBe(60)
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 6, filesAdded: 3 } })
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'unchanged' })
    expect(await chdb.content(lake.table(name))).toEqual(theirs)
    expect(await contentOf(tblctl, ref)).toEqual(ours)
  })
})
