/** optimize --zorder and --sort: the same rows in another order, in files that a filter can skip, and nothing to do the second time. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { LayoutOptions } from '../../src/core/driver.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { run } from './program.ts'
import {
  contentOf,
  create,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  orphansOf,
  register,
  rowsOf,
} from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const types = {
  id: 'Int64',
  text: 'Utf8',
  tiny: 'Int8',
  u64: 'UInt64',
  f: 'Float32',
  d: 'Float64',
  dec: 'Decimal128(38, 10)',
  flag: 'Boolean',
  day: 'Date32',
  ts: 'Timestamp(Microsecond, Some("UTC"))',
}
const schemas = {
  parted: `table_name: parted\npartitions: [day]\nfields:\n${column('a', 'Int64')}${column('b', 'Utf8')}${column('x', 'Utf8')}${column('day', 'Date32')}`,
  flat: `table_name: flat\nfields:\n${column('a', 'Int64')}${column('b', 'Utf8')}${column('x', 'Utf8')}`,
  typed: `table_name: typed\nfields:\n${Object.entries({ ...types, j: 'Json', bytes: 'Binary', list: 'List(Int64)' })
    .map(([name, type]) => column(name, type))
    .join('')}`,
}
const ref = 'lake:acme/t'

const layOut = async (tblctl: Tblctl, options: LayoutOptions & { targetSize?: number }): Promise<ReportItem> =>
  (await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, ...options })).items[0]!

/** Appends what a SELECT of the engine gives. */
async function append(lake: Lake, tblctl: Tblctl, select: string): Promise<void> {
  await using engine = await openEngine({ scratch: lake.path('scratch') })
  await engine.run(`COPY (${select}) TO '${lake.path('rows.parquet')}' (FORMAT parquet)`)
  const item = await loadInto(tblctl, lake.folder, ref, ['rows.parquet'], { again: true })
  expect(item, JSON.stringify(item.error)).toMatchObject({ status: 'changed' })
}
/** 40,000 rows whose `a` and `b` are independent and come in no order, some of them null. */
const scattered = (load: number, more = ''): string =>
  `SELECT nullif((hash(i) % 1000)::BIGINT, 7) AS a, nullif('b' || lpad((hash(i * 31) % 1000)::VARCHAR, 3, '0'), 'b007') AS b, md5((${load * 40_000} + i)::VARCHAR) AS x${more} FROM range(40000) r(i)`

/** Files that may hold a value, by their statistics: what a reader would open. */
const touched = (table: string, name: string, value: string | number): LogAction[] =>
  liveOf(table).filter(({ stats }) => {
    const { minValues, maxValues } = JSON.parse(stats)
    return minValues[name] === undefined || (minValues[name] <= value && value <= maxValues[name])
  })
const targetSize = 60_000

describe('--zorder', () => {
  it('clusters by all of its columns: a filter on any of them opens few files', async () => {
    await using lake = new Lake(schemas)
    await using chdb = startChdb(lake.folder)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'flat')
    const table = lake.table('t')
    for (let i = 0; i < 3; i++) await append(lake, tblctl, scattered(i))
    const before = [await contentOf(tblctl, ref), await chdb.content(table)]
    expect(await layOut(tblctl, { zorder: ['a', 'b'], targetSize })).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 3, rows: 120_000, layout: 'zorder("a","b")', verified: ['rows'] },
    })
    expect([await contentOf(tblctl, ref), await chdb.content(table)]).toEqual(before)
    expect(orphansOf(table)).toEqual([])

    const files = liveOf(table)
    expect(files.length).toBeGreaterThan(12)
    for (const { size } of files) expect(size).toBeLessThan(2 * targetSize)
    // Of n files on a square, a line crosses about the root of n.
    const few = 2 * Math.ceil(Math.sqrt(files.length))
    expect(few).toBeLessThan(files.length / 1.5)
    for (const value of [100, 500, 900]) {
      expect(touched(table, 'a', value).length).toBeLessThanOrEqual(few)
      expect(touched(table, 'b', `b${value}`).length).toBeLessThanOrEqual(few)
      const [[count]] = (await rowsOf(tblctl, ref, `select count(*) from t where a = ${value}`)) as [[bigint]]
      const [[theirs]] = (await chdb.query(
        `select toUInt32(count()) from (select a from deltaLakeLocal('${table}/') where a = ${value})`,
      )) as [[number]]
      expect(Number(count)).toBe(theirs)
    }

    const { commitInfo } = logOf(table)
      .at(-1)!
      .find((action) => action.commitInfo)!
    expect(commitInfo).toMatchObject({
      operation: 'OPTIMIZE',
      operationParameters: { zOrderBy: '["a","b"]', predicate: '[]' },
      isBlindAppend: false,
    })
    const actions = logOf(table)
      .at(-1)!
      .flatMap((action) => action.add ?? action.remove ?? [])
    expect(new Set(actions.map(({ dataChange }) => dataChange))).toEqual(new Set([false]))
  })

  it('again does nothing; what is appended makes its partition, and no other, be laid out again', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'parted')
    const table = lake.table('t')
    await append(lake, tblctl, scattered(0, ", DATE '2026-01-01' + (i % 2)::INTEGER AS day"))
    const wanted = { zorder: ['a', 'b'], targetSize }
    expect(await layOut(tblctl, wanted)).toMatchObject({ result: { filesRemoved: 2 } })
    const laidOut = liveOf(table)
    for (const options of [wanted, { targetSize }, {}])
      expect(await layOut(tblctl, options)).toMatchObject({ status: 'unchanged' })

    await append(lake, tblctl, "SELECT 1 AS a, 'b' AS b, 'x' AS x, DATE '2026-01-02' AS day")
    const plan = await tblctl.operate('optimize', { refs: [ref] }, { ...wanted }, true)
    const second = laidOut.filter(({ partitionValues }) => partitionValues.day === '2026-01-02')
    const bytes = liveOf(table)
      .filter(({ partitionValues }) => partitionValues.day === '2026-01-02')
      .reduce((sum, { size }) => sum + size, 0)
    expect(plan.items[0]!.plan).toMatchObject({ bins: 1, files: second.length + 1, bytes })
    // A plain optimize leaves the order as it is: the new file has no neighbour.
    expect(await layOut(tblctl, {})).toMatchObject({ status: 'unchanged' })
    expect(await layOut(tblctl, wanted)).toMatchObject({ result: { filesRemoved: second.length + 1 } })
    const paths = new Set(liveOf(table).map(({ path }) => path))
    for (const file of laidOut) expect(paths.has(file.path)).toBe(file.partitionValues.day === '2026-01-01')

    // Another order, another size: rewritten, each once.
    for (const other of [
      { ...wanted, zorder: ['b', 'a'] },
      { sort: ['a'], targetSize },
      { sort: ['a'], targetSize: 2 * targetSize },
    ]) {
      expect(await layOut(tblctl, other)).toMatchObject({ status: 'changed', result: { rows: 40_001 } })
      expect(await layOut(tblctl, other)).toMatchObject({ status: 'unchanged' })
    }
  })

  it('takes columns of every type that has an order, with nulls and what is no number', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'typed')
    const cells = [
      'i AS id',
      "nullif(chr(65 + (hash(i) % 20000)::INTEGER) || repeat('ä', (i % 50)::INTEGER), 'A') AS text",
      '(i % 200 - 100)::TINYINT AS tiny',
      '18446744073709551615::UBIGINT - i::UBIGINT AS u64',
      "CASE i % 4 WHEN 0 THEN 'nan' WHEN 1 THEN '-inf' WHEN 2 THEN NULL ELSE '0.5' END::FLOAT AS f",
      "CASE i % 3 WHEN 0 THEN 'nan' WHEN 1 THEN '-0.0' ELSE '0.0' END::DOUBLE AS d",
      "(i || '.0000000001')::DECIMAL(38, 10) * 1000000000000000000 AS dec",
      'CASE i % 3 WHEN 0 THEN NULL ELSE i % 2 = 0 END AS flag',
      "DATE '1969-12-01' + (i % 100)::INTEGER AS day",
      "TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' + to_microseconds(i) AS ts",
    ]
    await append(lake, tblctl, `SELECT ${cells.join(', ')} FROM range(5000) r(i)`)
    await append(lake, tblctl, 'SELECT NULL::BIGINT AS id')
    const before = await contentOf(tblctl, ref)
    const names = Object.keys(types)
    for (const zorder of [names.slice(0, 8), names.slice(2), ['f', 'd'], ['flag', 'text', 'tiny'], ['ts']]) {
      const item = await layOut(tblctl, { zorder })
      expect(item, JSON.stringify(item.error)).toMatchObject({ result: { rows: 5001, filesAdded: 1 } })
      expect(await contentOf(tblctl, ref), String(zorder)).toEqual(before)
    }
    // One column is its order, nulls last.
    const ts = (await rowsOf(tblctl, ref, 'select ts from t')).map(([value]) => value as bigint | null)
    expect(ts.at(-1)).toBeNull()
    expect(ts.slice(0, -1)).toEqual((ts.slice(0, -1) as bigint[]).toSorted((a, b) => (a < b ? -1 : 1)))
    for (const name of ['j', 'bytes', 'list'])
      expect((await layOut(tblctl, { sort: [name] })).error).toMatchObject({
        kind: 'refused',
        code: 'no-order',
        message: expect.stringContaining(`column "${name}"`),
      })
  })

  it('killed at every step: the same rows, and the same order', async () => {
    await using template = new Lake(schemas)
    const tblctl = await template.open()
    await create(tblctl, ref, 'parted')
    for (let i = 0; i < 2; i++)
      await append(template, tblctl, scattered(i, ", DATE '2026-01-01' + (i % 2)::INTEGER AS day"))
    const call = {
      verb: 'operate',
      name: 'optimize',
      ref,
      options: { zorder: ['a', 'b'], targetSize: 600_000 },
    } as const
    await killEverywhere(
      {
        setUp: async () => {
          const lake = new Lake(schemas)
          lake.copyIn(template.table('t'), 'lake/projects/acme/t')
          await using opened = await lake.open()
          await register(opened, ref)
          return lake
        },
        command: (lake, env) => run(lake.folder, call, env),
        oracle: async (lake) => {
          const other = await lake.open()
          const rows = await rowsOf(
            other,
            ref,
            'select day, list(a order by x), count(*) from t group by day order by day',
          )
          return {
            rows,
            layouts: liveOf(lake.table('t')).map(({ tags }) => tags['tblctl.layout']),
            again: (await layOut(other, call.options)).status,
          }
        },
        every: 5,
      },
      3,
    )
  }, 120_000)
})

describe('--sort', () => {
  it('orders each partition: files with ranges that do not overlap, rows in order, nulls last', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'parted')
    const table = lake.table('t')
    for (let i = 0; i < 2; i++)
      await append(lake, tblctl, scattered(i, ", DATE '2026-01-01' + (i % 2)::INTEGER AS day"))
    const before = await contentOf(tblctl, ref)
    expect(await layOut(tblctl, { sort: ['b', 'a'], targetSize })).toMatchObject({
      result: { filesRemoved: 4, rows: 80_000, layout: 'sort("b","a")' },
    })
    expect(await contentOf(tblctl, ref)).toEqual(before)
    await using engine = await openEngine({ scratch: lake.path('scratch') })
    for (const day of ['2026-01-01', '2026-01-02']) {
      const files = liveOf(table).filter(({ partitionValues }) => partitionValues.day === day)
      expect(files.length).toBeGreaterThan(5)
      const bounds = files
        .map(({ stats }) => JSON.parse(stats))
        .map(({ minValues, maxValues }) => [minValues.b, maxValues.b])
        .sort()
      for (const [i, [least]] of bounds.entries()) if (i > 0) expect(least >= bounds[i - 1]![1]).toBe(true)
      for (const { path } of files) {
        const [row] = await engine.all(
          `SELECT count(*) AS rows FROM (SELECT a, b, lag(a) OVER w AS before_a, lag(b) OVER w AS before_b FROM read_parquet('${join(table, path)}', file_row_number = true) WINDOW w AS (ORDER BY file_row_number)) WHERE before_b > b OR (before_b = b AND before_a > a)`,
        )
        expect(row).toEqual({ rows: 0n })
      }
    }
    const info = logOf(table)
      .at(-1)!
      .find((action) => action.commitInfo)!.commitInfo
    expect(info.operationParameters).toMatchObject({ zOrderBy: '[]', sortBy: '["b","a"]' })
  })
})

describe('a layout', () => {
  it('takes columns in any case, and another size leaves its files alone and says so', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'flat')
    await append(lake, tblctl, scattered(0))
    expect((await layOut(tblctl, { sort: ['a', 'A'] })).error).toMatchObject({ kind: 'usage', code: 'column-twice' })
    expect(await layOut(tblctl, { sort: ['B', 'A'] })).toMatchObject({ result: { layout: 'sort("b","a")' } })
    expect(await layOut(tblctl, { sort: ['b', 'a'] })).toMatchObject({ status: 'unchanged' })
    const kept = '1 file of a layout stays as it is: --sort or --zorder brings it to this size'
    expect(await layOut(tblctl, { targetSize })).toMatchObject({
      status: 'unchanged',
      plan: { summary: [expect.stringContaining('nothing to do (1 files)'), kept] },
    })
    expect(await layOut(tblctl, { sort: ['b', 'a'], targetSize })).toMatchObject({ status: 'changed' })
    // They are of this size now: nothing is kept from anything.
    expect((await layOut(tblctl, { targetSize })).plan!.summary).toHaveLength(1)
  })
})

describe('what is refused', () => {
  it('by name, before anything is written', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'parted')
    const told = async (options: LayoutOptions) => (await layOut(tblctl, options)).error
    expect(await told({ sort: ['a'], zorder: ['b'] })).toMatchObject({ kind: 'usage', code: 'two-layouts' })
    expect(await told({ zorder: ['a', 'dya'] })).toMatchObject({
      kind: 'usage',
      code: 'no-such-column',
      message: expect.stringContaining('"dya"'),
      hint: 'did you mean day?',
    })
    expect(await told({ zorder: ['a', 'a'] })).toMatchObject({ kind: 'usage', code: 'column-twice' })
    expect(await told({ sort: ['day', 'a'] })).toMatchObject({ kind: 'refused', code: 'partition-column' })
    expect(await told({ zorder: Array.from({ length: 9 }, (_, i) => `c${i}`) })).toMatchObject({
      kind: 'usage',
      code: 'too-many-columns',
    })
    expect(await told({ zorder: ['a'], memory: 400_000_000 })).toMatchObject({
      kind: 'usage',
      code: 'memory-too-small',
      hint: expect.stringContaining('500 MB'),
    })
    expect(logOf(lake.table('t'))).toHaveLength(1)
  })

  it('and more rows than fit into the memory that was given: with what to do', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'flat')
    for (let i = 0; i < 10; i++)
      await append(lake, tblctl, `SELECT i AS a, 'b' AS b, repeat(chr(65 + ${i}), 1000000) AS x FROM range(40) r(i)`)
    const { error } = await layOut(tblctl, { sort: ['a'], memory: 500_000_000 })
    expect(error).toMatchObject({ code: 'engine-memory', hint: expect.stringContaining('--memory 2GB') })
    expect(orphansOf(lake.table('t'))).toEqual([])
    expect(logOf(lake.table('t'))).toHaveLength(11)
  })
})
