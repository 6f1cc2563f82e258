/** register --convert: Parquet files of others become a table where they lie; Delta's own kernel reads the same rows. */
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { ErrorView } from '../../src/core/errors.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { quoteString } from '../../src/engine/sql-text.ts'
import { killEverywhere } from '../faults/harness.ts'
import { deltaTable, startChdb } from '../support/chdb.ts'
import { type Call, run } from './program.ts'
import { hasSharedData, Lake, liveOf, loadInto, logOf, rowsOf, sharedData } from './world.ts'

const ref = 'lake:acme/raw'

class Folder implements AsyncDisposable {
  readonly lake = new Lake()
  readonly path = this.lake.table('raw')
  tblctl!: Tblctl
  static async with(files: Readonly<Record<string, string>>): Promise<Folder> {
    const folder = new Folder()
    folder.tblctl = await folder.lake.open()
    await folder.put(files)
    return folder
  }
  /** SELECTs by the file that their rows go to; an empty text is an empty file, `#…` one that holds the text. */
  async put(files: Readonly<Record<string, string>>): Promise<void> {
    await using engine = await openEngine({ scratch: this.lake.path('scratch') })
    for (const [name, sql] of Object.entries(files)) {
      const path = join(this.path, name)
      mkdirSync(dirname(path), { recursive: true })
      if (sql === '' || sql.startsWith('#')) writeFileSync(path, sql)
      else await engine.run(`COPY (${sql}) TO ${quoteString(path)} (FORMAT parquet)`)
    }
  }
  async convert(dryRun = false): Promise<ReportItem> {
    const options = { location: null, labels: {}, convert: true }
    return (await this.tblctl.provision('register', [ref], options, dryRun)).items[0]!
  }
  /** What it is refused with; nothing is written. */
  async refused(): Promise<ErrorView> {
    const item = await this.convert()
    expect(readdirSync(this.path)).not.toContain('_delta_log')
    expect(await this.tblctl.list({ refs: [] })).toMatchObject({ items: [] })
    return item.error!
  }
  sql(text: string): Promise<unknown[][]> {
    return rowsOf(this.tblctl, ref, text)
  }
  async kernel(text: (from: string) => string): Promise<unknown[][]> {
    await using chdb = startChdb(this.lake.folder)
    return await chdb.query(text(deltaTable(this.path)))
  }
  async columns(): Promise<string[]> {
    return (await this.tblctl.describe(ref)).schema.fields.map(({ name, type }) => `${name} ${type}`)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.lake[Symbol.asyncDispose]()
  }
}

describe('register --convert', () => {
  it('makes a table of a flat folder, with all of its rows, and moves no file', async () => {
    await using folder = await Folder.with({
      'a.parquet':
        "select 1::bigint as id, 'x' as name, timestamptz '2026-01-01 00:00:00.5+00' as at, 1.5::decimal(10,2) as price",
      'b.PARQUET':
        "select range as id, 'y' || range as name, null::timestamptz as at, 2.25::decimal(10,2) as price from range(2, 4)",
      'none.parquet': 'select 1::bigint as id where false',
      _SUCCESS: '#',
      '.a.parquet.crc': '#crc',
    })
    const before = statSync(join(folder.path, 'a.parquet')).ino
    const planned = await folder.convert(true)
    expect(planned.plan).toMatchObject({ files: 2, rows: 3, columns: 4 })
    expect(planned.plan!.summary).toContain('1 files without rows are left out')
    expect(await folder.convert()).toMatchObject({
      status: 'changed',
      result: { answer: 'converted', version: 0, files: 2, rows: 3, columns: 4, verified: ['files', 'rows'] },
    })
    expect(await folder.columns()).toEqual([
      'id Int64',
      'name Utf8',
      'at Timestamp(Microsecond, Some("UTC"))',
      'price Decimal128(10, 2)',
    ])
    const rows = [
      ['1', 'x', '1.5'],
      ['2', 'y2', '2.25'],
      ['3', 'y3', '2.25'],
    ]
    expect(await folder.sql('select id::varchar, name, price::double::varchar from t order by id')).toEqual(rows)
    expect(await folder.kernel((t) => `select toString(id), name, toString(price) from ${t} order by id`)).toEqual(rows)
    expect(await folder.kernel((t) => `select toString(at) from ${t} where id = 1`)).toEqual([
      ['2026-01-01 00:00:00.500000'],
    ])
    const [add] = liveOf(folder.path)
    expect(JSON.parse(add!.stats)).toEqual({
      numRecords: 1,
      minValues: { id: 1, at: '2026-01-01T00:00:00.500Z' },
      maxValues: { id: 1, at: '2026-01-01T00:00:00.500Z' },
      nullCount: { id: 0, at: 0 },
    })
    expect(statSync(join(folder.path, 'a.parquet')).ino).toBe(before)
    expect(logOf(folder.path)[0]![0]!.commitInfo).toMatchObject({ operation: 'CONVERT' })
    expect(await folder.convert()).toMatchObject({ status: 'unchanged', result: { answer: 'exists' } })
    await loadInto(folder.tblctl, folder.lake.folder, ref, [folder.lake.rows('c.ndjson', [{ id: 9 }])])
    expect(await folder.kernel((t) => `select count() from (select * from ${t})`)).toEqual([[4]])
  })

  it('takes partition columns from the names of folders, their escapes undone once', async () => {
    await using folder = await Folder.with({
      'day=2026-01-01/n=1/city=New%20York/a.parquet': 'select 1::int as id',
      'day=2026-01-02/n=-7/city=100%2525/a.parquet': 'select 2::int as id',
      'day=__HIVE_DEFAULT_PARTITION__/n=3/city=/a.parquet': 'select 3::int as id',
    })
    expect(await folder.convert()).toMatchObject({ result: { rows: 3 } })
    expect((await folder.tblctl.describe(ref)).schema.partitions).toEqual(['day', 'n', 'city'])
    expect(await folder.columns()).toEqual(['id Int32', 'day Date32', 'n Int32', 'city Utf8'])
    const rows = [
      [1, '2026-01-01', 1, 'New York'],
      [2, '2026-01-02', -7, '100%25'],
      [3, null, 3, null],
    ]
    expect(await folder.sql('select id, day::varchar, n, city from t order by id')).toEqual(rows)
    expect(await folder.kernel((t) => `select id, toString(day), n, city from ${t} order by id`)).toEqual(rows)
    expect(
      liveOf(folder.path)
        .map(({ path }) => path)
        .sort(),
    ).toEqual([
      'day=2026-01-01/n=1/city=New%2520York/a.parquet',
      'day=2026-01-02/n=-7/city=100%252525/a.parquet',
      'day=__HIVE_DEFAULT_PARTITION__/n=3/city=/a.parquet',
    ])
  })

  it('merges columns by name, and widens numbers where nothing is lost', async () => {
    await using folder = await Folder.with({
      'a.parquet': "select 1::smallint as n, 1.5::float as f, [1, 2] as l, {'x': 1, 'y': 'z'} as s",
      'b.parquet': "select 5000000000 as n, 'more' as extra, 2.5::double as f",
      'c.parquet': "select map {'k': 1} as m, timestamp '2026-01-01 00:00:00' as local, 3::int as n, json('{}') as j",
    })
    expect(await folder.convert()).toMatchObject({ status: 'changed' })
    expect(await folder.columns()).toEqual([
      'n Int64',
      'f Float64',
      'l List(Int32)',
      's Struct("x": Int32, "y": Utf8)',
      'extra Utf8',
      'm Map(Utf8, Int32)',
      'local Timestamp(Microsecond, None)',
      'j Utf8',
    ])
    expect((await folder.tblctl.describe(ref)).details.protocol).toMatchObject({ readerFeatures: ['timestampNtz'] })
    const rows = [
      [1, 1.5, null],
      [3, null, null],
      [5000000000, 2.5, 'more'],
    ]
    expect(await folder.sql('select n::double, f, extra from t order by n')).toEqual(rows)
    expect(await folder.kernel((t) => `select toFloat64(n), f, extra from ${t} order by n`)).toEqual(rows)
    expect(await folder.kernel((t) => `select l, s.y, m, toString(local) from ${t} order by n`)).toEqual([
      [[1, 2], 'z', {}, null],
      [[], null, { k: 1 }, '2026-01-01 00:00:00.000000'],
      [[], null, {}, null],
    ])
  })

  it.runIf(hasSharedData)('reads what Spark wrote as the table says that it was', async () => {
    await using folder = await Folder.with({})
    const source = join(sharedData, 'delta/data-reader-primitives/delta')
    cpSync(source, folder.path, { recursive: true })
    cpSync(source, folder.lake.path('original'), { recursive: true })
    rmSync(join(folder.path, '_delta_log'), { recursive: true })
    expect(await folder.convert()).toMatchObject({ result: { answer: 'converted' } })
    await using chdb = startChdb(folder.lake.folder)
    expect(await chdb.content(folder.path)).toEqual(await chdb.content(folder.lake.path('original')))
  })

  it('adopts what is a table already', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id' })
    await folder.convert()
    await folder.tblctl.operate('unregister', { refs: [ref] }, {})
    expect(await folder.convert()).toMatchObject({
      status: 'changed',
      result: { answer: 'adopted', version: 0, rows: 1 },
    })
  })

  it('takes nothing of tables that lie below it', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id', 'inner/x.parquet': 'select 2 as id' })
    mkdirSync(join(folder.path, 'inner/_delta_log'))
    writeFileSync(join(folder.path, 'inner/_delta_log/00000000000000000000.json'), '')
    expect(await folder.convert()).toMatchObject({ result: { files: 1, rows: 1 } })
    expect((await folder.tblctl.list({ refs: [] })).items).toHaveLength(1)
  })
})

describe('register --convert refuses', () => {
  it.each<[string, Readonly<Record<string, string>>, object]>([
    [
      'other files, naming them',
      { 'a.parquet': 'select 1 as id', 'b.csv': '#id', 'x/c.parquet': '' },
      {
        code: 'other-files',
        message: expect.stringMatching(/b\.csv.*x\/c\.parquet \(empty\)|x\/c\.parquet \(empty\).*b\.csv/),
      },
    ],
    ['a folder without any', { '_x/a.parquet': 'select 1 as id' }, { kind: 'missing', code: 'no-parquet-files' }],
    ['what only looks like Parquet', { 'a.parquet': '#PAR1 or not' }, { kind: 'data' }],
    [
      'files that a stream wrote, some of them perhaps in vain',
      { 'a.parquet': 'select 1 as id', '_spark_metadata/0': '#v1' },
      { code: 'other-log' },
    ],
    ['folders that name no value', { 'sub/a.parquet': 'select 1 as id' }, { code: 'mixed-layout' }],
    [
      'files that are partitioned in two ways',
      { 'day=1/a.parquet': 'select 1 as id', 'b.parquet': 'select 1 as id' },
      { code: 'mixed-layout' },
    ],
    ['an escape that is no text', { 'c=%E9/a.parquet': 'select 1 as id' }, { code: 'bad-partition' }],
    [
      'columns that stand in both',
      { 'id=1/a.parquet': 'select 1 as ID' },
      { code: 'partition-in-file', where: 'id=1/a.parquet' },
    ],
    [
      'types that do not hold one another',
      { 'a.parquet': 'select 1 as id', 'b.parquet': "select 'x' as id" },
      {
        code: 'files-differ',
        message: 'column id of b.parquet is Utf8, and Int32 in a.parquet: neither holds the other',
      },
    ],
    [
      'names that differ in case',
      { 'a.parquet': 'select 1 as id', 'b.parquet': 'select 1 as ID' },
      { code: 'files-differ' },
    ],
    [
      'nanoseconds',
      { 'a.parquet': "select timestamp_ns '2026-01-01 00:00:00.000000001' as at" },
      { code: 'unsupported-type', message: 'column at of a.parquet holds nanoseconds, and Delta keeps microseconds' },
    ],
    [
      'nanoseconds inside of others',
      { 'a.parquet': "select [{'t': now()::timestamp_ns}] as l" },
      { code: 'unsupported-type' },
    ],
    ['unsigned numbers', { 'a.parquet': 'select 1::ubigint as u' }, { message: expect.stringContaining('column u') }],
    ['times of day', { 'a.parquet': "select time '10:00:00' as t" }, { code: 'unsupported-type' }],
    ['UUIDs', { 'a.parquet': 'select uuid() as u' }, { code: 'unsupported-type' }],
    ['names that Delta cannot hold', { 'a.parquet': 'select 1 as "two words"' }, { code: 'bad-column-name' }],
  ])('%s', async (_what, files, error) => {
    await using folder = await Folder.with(files)
    expect(await folder.refused()).toMatchObject(error)
  })

  it('symbolic links, to files and to folders, whose rows would be missing without a word', async () => {
    await using folder = await Folder.with({ 'day=1/a.parquet': 'select 1 as id' })
    await folder.put({ '../elsewhere/b.parquet': 'select 2 as id' })
    const elsewhere = join(folder.path, '../elsewhere')
    symlinkSync(elsewhere, join(folder.path, 'day=2'))
    symlinkSync(join(elsewhere, 'b.parquet'), join(folder.path, 'day=1/b.parquet'))
    const { code, message } = await folder.refused()
    expect(code).toBe('other-files')
    for (const name of ['day=1/b.parquet', 'day=2']) expect(message).toContain(`${name} (a symbolic link)`)
    rmSync(join(folder.path, 'day=2'))
    rmSync(join(folder.path, 'day=1/b.parquet'))
    symlinkSync(elsewhere, join(folder.path, '_hidden'))
    expect(await folder.convert()).toMatchObject({ result: { files: 1, rows: 1 } })
  })

  it.runIf(hasSharedData)('times as Spark writes them (INT96) are instants, as in its own tables', async () => {
    await using folder = await Folder.with({})
    const spark = join(sharedData, 'delta/kernel-timestamp-int96/delta')
    cpSync(spark, folder.path, { recursive: true })
    rmSync(join(folder.path, '_delta_log'), { recursive: true })
    expect(await folder.convert()).toMatchObject({ status: 'changed' })
    const own = folder.lake.copyIn(spark, 'own')
    await folder.tblctl.provision('register', ['lake:acme/own'], { location: `file:${own}`, labels: {} })
    const times = 'select id, epoch_us("time")::varchar from t order by id'
    const found = await folder.sql(times)
    expect(found).toEqual(await rowsOf(folder.tblctl, 'lake:acme/own', times))
    expect(found.filter(([, time]) => time !== null).length).toBeGreaterThan(0)
  })

  it('a place inside of a table', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id', 'day=1/a.parquet': 'select 1 as id' })
    rmSync(join(folder.path, 'day=1'), { recursive: true })
    await folder.convert()
    await folder.put({ 'sub/a.parquet': 'select 1 as id' })
    const options = { location: `file:${folder.path}/sub`, labels: {}, convert: true }
    const { items } = await folder.tblctl.provision('register', ['lake:acme/sub'], options)
    expect(items[0]!.error).toMatchObject({ code: 'nested-table' })
  })

  it('the files of a table whose log is gone, in whole or in part', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id' })
    await folder.convert()
    rmSync(join(folder.path, '_delta_log/00000000000000000000.json'))
    expect((await folder.convert()).error).toMatchObject({ kind: 'missing', code: 'not-a-delta-table' })
    await folder.tblctl.operate('unregister', { refs: [ref] }, {})
    writeFileSync(join(folder.path, '_delta_log/_last_checkpoint'), '{}')
    expect((await folder.convert()).error).toMatchObject({ kind: 'refused', code: 'other-log' })
  })

  it('the files of a table that was dropped', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id' })
    await folder.convert()
    await folder.tblctl.operate('drop', { refs: [ref] }, {})
    expect((await folder.convert()).error).toMatchObject({
      code: 'dropped-table',
      hint: 'tblctl undrop lake:acme/raw brings it back',
    })
  })

  it('without --convert, and says that it could', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id' })
    const options = { location: null, labels: {} }
    const { items } = await folder.tblctl.provision('register', [ref], options)
    expect(items[0]!.error).toMatchObject({ code: 'not-a-delta-table', hint: expect.stringContaining('--convert') })
  })
})

describe('register --convert, when others interfere', () => {
  it('plans again when a file came since', async () => {
    await using folder = await Folder.with({ 'a.parquet': 'select 1 as id' })
    let asked = 0
    const tblctl = await folder.lake.open({
      approve: async () => {
        if (asked++ === 0) await folder.put({ 'b.parquet': 'select 2 as id' })
        return true
      },
    })
    const options = { location: null, labels: {}, convert: true }
    const { items } = await tblctl.provision('register', [ref], options)
    expect(items[0]).toMatchObject({ status: 'changed', result: { files: 2, rows: 2 } })
  })

  it('killed at every durable step, is one version with every file', { timeout: 120_000 }, async () => {
    const options = { location: null, labels: {}, convert: true }
    const call: Call = { verb: 'provision', name: 'register', ref, options }
    await killEverywhere(
      {
        setUp: () => Folder.with({ 'd=1/a.parquet': 'select 1 as id', 'd=2/b.parquet': 'select 2 as id' }),
        command: (folder, env) => run(folder.lake.folder, call, env),
        async oracle(folder) {
          const jobs = await folder.tblctl.jobs.list({})
          return {
            versions: logOf(folder.path).length,
            rows: await folder.sql('select id, d from t order by id'),
            jobs: jobs.map(({ state }) => state),
            answer: jobs[0]!.result!.answer,
          }
        },
      },
      4,
    )
  })

  it('of more files than are looked at at once has all of them', async () => {
    await using folder = await Folder.with({ 'p=0/a.parquet': 'select 1 as id' })
    await using engine = await openEngine({ scratch: folder.lake.path('scratch') })
    await engine.run(
      `COPY (SELECT range AS id, range % 300 AS p FROM range(600)) TO ${quoteString(folder.path)} (FORMAT parquet, PARTITION_BY (p), OVERWRITE_OR_IGNORE)`,
    )
    expect(await folder.convert()).toMatchObject({ result: { rows: 601 } })
    expect(await folder.sql('select count(*)::int, sum(id)::double from t')).toEqual([[601, 179_701]])
  })
})
