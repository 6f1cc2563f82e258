import { existsSync, readdirSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contentHash } from '../../../src/engine/content-hash.ts'
import { inferFields } from '../../../src/engine/infer.ts'
import { openInput } from '../../../src/engine/ingest/input.ts'
import { type ScanFile, scanSql } from '../../../src/engine/scan.ts'
import { quoteString } from '../../../src/engine/sql-text.ts'
import { writeParquet, writeParquetFiles } from '../../../src/engine/write-parquet.ts'
import { errorOf, field, rowsOf, useEngine } from './support.ts'

const held = useEngine()

async function parquet(name: string, select: string): Promise<string> {
  const path = join(held.folder, name)
  await held.engine.run(`COPY (${select}) TO ${quoteString(path)} (FORMAT parquet)`)
  return path
}

describe('a scan', () => {
  test('gives the declared columns: missing ones null, narrow ones widened, others left out, names untouched', async () => {
    const hostile = `a'"; DROP --`
    const old = await parquet('old.parquet', 'SELECT 1::INTEGER AS n, 7 AS extra')
    const young = await parquet(
      'young*[x]?.parquet',
      `SELECT 2::BIGINT AS n, 'v' AS "${hostile.replaceAll('"', '""')}", {'y': 1::TINYINT} AS s`,
    )
    const fields = [field(hostile, 'Utf8'), field('n', 'Int64'), field('s', 'Struct("x": Utf8, "y": Int32)')]
    const sql = scanSql({ files: [old, young].map((path) => ({ path, partitionValues: {} })), fields, partitions: [] })
    const rows = await held.engine.stream(`SELECT * FROM (${sql}) ORDER BY n`)
    expect(rows.fields).toEqual(fields)
    expect(await rowsOf(rows)).toEqual([
      [null, 1n, null],
      ['v', 2n, [null, 1]],
    ])
  })

  test('partition values come from the caller, never from the path or the file; empty is null', async () => {
    const fields = [
      ['b', 'Boolean', 'true', true],
      ['i', 'Int16', '-5', -5],
      ['d', 'Date32', '2024-02-29', 19782],
      ['t', 'Timestamp(Microsecond, Some("UTC"))', '2024-01-01 00:00:00.000001', 1704067200000001n],
      ['z', 'Timestamp(Microsecond, Some("UTC"))', '2024-01-01T01:00:00.5+01:00', 1704067200500000n],
      ['x', 'Decimal128(10, 2)', '1.5', '1.50'],
      ['s', 'Utf8', `it's`, `it's`],
      ['y', 'Binary', 'é', new Uint8Array([0xc3, 0xa9])],
      ['e', 'Utf8', '', null],
      ['m', 'Int64', null, null],
    ] as const
    const path = await parquet('d=1999-01-01.parquet', "SELECT 'stored' AS s, 1 AS v")
    const partitionValues = Object.fromEntries(fields.map(([name, , text]) => [name, text]))
    const declared = [...fields.map(([name, type]) => field(name, type)), field('v', 'Int32')]
    const partitions = fields.map(([name]) => name)
    const sql = scanSql({ files: [{ path, partitionValues }], fields: declared, partitions })
    expect(await rowsOf(await held.engine.stream(sql))).toEqual([[...fields.map((f) => f[3]), 1]])
  })

  test('folders that look like partitions mean nothing', async () => {
    await mkdir(join(held.folder, 'id=7', 'p=2024-01-01'), { recursive: true })
    const path = await parquet(join('id=7', 'p=2024-01-01', 'a.parquet'), 'SELECT 1::BIGINT AS n')
    const fields = [field('n', 'Int64'), field('id', 'Int64'), field('p', 'Date32')]
    const sql = scanSql({ files: [{ path, partitionValues: { p: '2024-02-02' } }], fields, partitions: ['p'] })
    expect(await rowsOf(await held.engine.stream(sql))).toEqual([[1n, null, 19755]])
    expect((await inferFields(held.engine, [path], 'parquet')).map((f) => f.name)).toEqual(['n'])
    const input = openInput({
      inputs: [{ path, format: 'parquet' }],
      schema: { fields, partitions: [], timeColumn: null },
      project: 'acme',
      skip: 0,
      batchId: 'b1',
      limits: { rows: null, bytes: null, milliseconds: null },
      rejectTo: null,
      engine: held.engine,
    })
    for await (const chunk of input)
      expect(await rowsOf(await held.engine.stream(chunk.select))).toEqual([[1n, null, null]])
  })

  test('no files, and nothing but partition columns', async () => {
    const fields = [field('a', 'List(Int32)'), field('p', 'Date32')]
    const none = await held.engine.stream(scanSql({ files: [], fields, partitions: ['p'] }))
    expect(none.fields).toEqual(fields)
    expect(await rowsOf(none)).toEqual([])
    const path = await parquet('three.parquet', 'SELECT range AS a FROM range(3)')
    const only = scanSql({
      files: [{ path, partitionValues: { p: '2024-01-01' } }],
      fields: fields.slice(1),
      partitions: ['p'],
    })
    expect(await rowsOf(await held.engine.stream(only))).toEqual([[19723], [19723], [19723]])
  })

  test('many partitions in one read, and a filter that leaves files unread', async () => {
    const path = await parquet('one.parquet', 'SELECT 1 AS a')
    const fields = [field('a', 'Int64'), field('p', 'Int32')]
    const files: ScanFile[] = []
    for (let i = 0; i < 200; i++) {
      const copy = join(held.folder, `many-${i}.parquet`)
      await copyFile(path, copy)
      files.push({ path: copy, partitionValues: { p: i % 100 === 0 ? null : String(i % 100) } })
    }
    const sql = scanSql({ files, fields, partitions: ['p'] })
    expect(
      await held.engine.all(`SELECT p, count(*) AS n FROM (${sql}) GROUP BY p ORDER BY p NULLS FIRST LIMIT 2`),
    ).toEqual([
      { p: null, n: 2n },
      { p: 1, n: 2n },
    ])
    expect(await held.engine.all(`SELECT count(*) AS n, count(DISTINCT p) AS d FROM (${sql})`)).toEqual([
      { n: 200n, d: 99n },
    ])
    // A column of the table that hides the engine's own file_index.
    const named = [field('a', 'Int64'), field('File_Index', 'Int64'), field('p', 'Int32')]
    const other = scanSql({ files, fields: named, partitions: ['p'] })
    expect(
      await held.engine.all(`SELECT count(*) AS n, count(DISTINCT p) AS d, count("File_Index") AS f FROM (${other})`),
    ).toEqual([{ n: 200n, d: 99n, f: 0n }])
    const missing = [files[1]!, { path: join(held.folder, 'gone.parquet'), partitionValues: { p: '7' } }]
    const kept = await errorOf(held.engine.all(scanSql({ files: missing, fields, partitions: ['p'] })))
    expect(kept).toMatchObject({ code: 'file-missing' })
  })

  test('what files call otherwise: at any depth, in lists and maps, keys too, whatever stands in the names', async () => {
    const path = await parquet(
      'called.parquet',
      `SELECT 1 AS c1, {'s1': 'x', 's2': {'t1': 2}} AS c2, [[{'l1': 3}], NULL] AS c3, MAP {{'k1': 4}: {'v1': 5}} AS c4, NULL::STRUCT(s1 INTEGER) AS c5, 9 AS id`,
    )
    const fields = [
      field(`i'd`, 'Int64'),
      field('two', 'Struct("a \\"b": Utf8, "new": Int32, "deep": Struct("x": Int64))'),
      field('three', 'List(List(Struct("it\'s": Int32)))'),
      field('four', 'Map(Struct("key": Int32), Struct("value": Int32))'),
      field('five', 'Struct("z": Int32)'),
      field('id', 'Int32'),
    ]
    const calls = [
      field('c1', 'Int64'),
      field('c2', 'Struct("s1": Utf8, "s9": Int32, "s2": Struct("t1": Int64))'),
      field('c3', 'List(List(Struct("l1": Int32)))'),
      field('c4', 'Map(Struct("k1": Int32), Struct("v1": Int32))'),
      field('c5', 'Struct("s1": Int32)'),
      field('c6', 'Int32'),
    ]
    const plain = await parquet('plain.parquet', `SELECT 7 AS "i'd"`)
    const files = [
      { path, partitionValues: {}, calls },
      { path: plain, partitionValues: {} },
    ]
    const sql = scanSql({ files, fields, partitions: [] })
    const rows = await held.engine.stream(`SELECT * FROM (${sql}) ORDER BY 1`, fields)
    expect(await rowsOf(rows)).toEqual([
      [1n, ['x', null, [2n]], [[[3]], null], [[[4], [5]]], null, null],
      [7n, null, null, null, null, null],
    ])
  })

  test('deleted rows: each file has its own, some none, in one partition or in many', async () => {
    const path = await parquet(
      'ten.parquet',
      'SELECT range AS "File_Index", range * 10 AS file_row_number FROM range(10)',
    )
    const fields = [field('file_row_number', 'Int64'), field('File_Index', 'Int64'), field('p', 'Int32')]
    for (const many of [3, 200]) {
      const files: ScanFile[] = []
      for (let i = 0; i < many; i++) {
        const copy = join(held.folder, `ten-${many}-${i}.parquet`)
        await copyFile(path, copy)
        const partitionValues = { p: String(many === 3 ? 1 : i) }
        files.push({ path: copy, partitionValues, ...(i % 2 === 0 ? { deletions: 1000 + i } : {}) })
      }
      // In file n the rows n % 10 and 9; more of files that are not read.
      const deleted = await parquet(
        `deleted-${many}.parquet`,
        `SELECT 1000 + i AS file, unnest([i % 10, 9])::BIGINT AS row FROM range(${2 * many}) AS t(i)`,
      )
      const sql = scanSql({ files, fields, partitions: ['p'], deleted })
      const expected = files.flatMap(({ deletions, partitionValues }, i) =>
        Array.from({ length: 10 }, (_, row) => row)
          .filter((row) => deletions === undefined || (row !== i % 10 && row !== 9))
          .map((row) => `${partitionValues.p} ${row} ${row * 10}`),
      )
      const found = await held.engine.all(`SELECT p, "File_Index" AS i, file_row_number AS n FROM (${sql})`)
      expect(found.map(({ p, i, n }) => `${p} ${i} ${n}`).sort()).toEqual(expected.sort())
      const [one] = await held.engine.all(`SELECT count(*) AS n FROM (${sql}) WHERE p = 1 AND "File_Index" = 9`)
      expect(one).toEqual({ n: 1n })
    }
    expect(() => scanSql({ files: [{ path, partitionValues: {}, deletions: 0 }], fields, partitions: ['p'] })).toThrow(
      'without a list',
    )
  })

  test('ten thousand files', async () => {
    const path = await parquet('tiny.parquet', 'SELECT 1 AS a')
    const files = Array.from({ length: 10_000 }, (_, i) => ({ path, partitionValues: { p: String(i % 365) } }))
    const fields = [field('a', 'Int64'), field('p', 'Int32')]
    const sql = scanSql({ files, fields, partitions: ['p'] })
    expect(await held.engine.all(`SELECT sum(a)::BIGINT AS a, count(DISTINCT p) AS p FROM (${sql})`)).toEqual([
      { a: 10_000n, p: 365n },
    ])
  }, 30_000)

  test('columns that the engine cannot tell apart, none at all, and nested partition columns are refused', () => {
    const files = [{ path: '/x', partitionValues: {} }]
    expect(() => scanSql({ files, fields: [field('a', 'Utf8'), field('A', 'Utf8')], partitions: [] })).toThrow(
      'differ only in case',
    )
    expect(() => scanSql({ files, fields: [], partitions: [] })).toThrow('no columns')
    expect(() => scanSql({ files, fields: [field('l', 'List(Utf8)')], partitions: ['l'] })).toThrow(
      'cannot be a partition column',
    )
  })
})

describe('writing Parquet', () => {
  test('reports rows, bytes and bounds as text', async () => {
    const fields = [
      field('i', 'Int64'),
      field('b', 'Boolean'),
      field('t', 'Timestamp(Microsecond, Some("UTC"))'),
      field('w', 'Timestamp(Microsecond, None)'),
      field('d', 'Date32'),
      field('x', 'Decimal128(10, 2)'),
      field('s', 'Utf8'),
      field('n', 'Utf8'),
      field('f', 'Float64'),
      field('y', 'Binary'),
      field('l', 'List(Int32)'),
      field('q"x', 'Int32'),
    ]
    const row = (i: string, b: string): string =>
      `SELECT ${i}::BIGINT AS i, ${b} AS b, TIMESTAMPTZ '2024-01-01 00:00:00.25+00' AS t, TIMESTAMP '2024-01-01 10:00:00' AS w, DATE '2024-01-01' AS d, 1.5::DECIMAL(10,2) AS x, 'é' AS s, NULL::VARCHAR AS n, 'NaN'::DOUBLE AS f, 'a'::BLOB AS y, [1] AS l, 3 AS "q""x"`
    const path = join(held.folder, 'stats.parquet')
    const file = await writeParquet(
      held.engine,
      `${row('9223372036854775807', 'true')} UNION ALL ${row('-1', 'false')}`,
      path,
      {
        fields,
        compression: 'zstd',
        fieldIds: { i: 1, l: { id: 2, children: { element: 3 } }, 'q"x': 4 },
      },
    )
    expect(file).toMatchObject({ path, rows: 2 })
    expect(file.bytes).toBeGreaterThan(100)
    expect(file.columns).toEqual({
      i: { min: '-1', max: '9223372036854775807', nulls: 0 },
      b: { min: 'false', max: 'true', nulls: 0 },
      t: { min: '2024-01-01T00:00:00.25Z', max: '2024-01-01T00:00:00.25Z', nulls: 0 },
      w: { min: '2024-01-01T10:00:00', max: '2024-01-01T10:00:00', nulls: 0 },
      d: { min: '2024-01-01', max: '2024-01-01', nulls: 0 },
      x: { min: '1.50', max: '1.50', nulls: 0 },
      s: { min: 'é', max: 'é', nulls: 0 },
      n: { min: null, max: null, nulls: 2 },
      f: { min: null, max: null, nulls: 0 },
      y: { min: '61', max: '61', nulls: 0 },
      'q"x': { min: '3', max: '3', nulls: 0 },
    })
    const ids = await held.engine.all(
      `SELECT name, field_id FROM parquet_schema(${quoteString(path)}) WHERE field_id IS NOT NULL`,
    )
    expect(ids.map((row) => [row.name, Number(row.field_id)])).toEqual([
      ['i', 1],
      ['l', 2],
      ['element', 3],
      ['q"x', 4],
    ])
  })

  test('keeps the order when asked, and splits into files of a size', async () => {
    const fields = [field('h', 'UInt64')]
    const path = join(held.folder, 'ordered.parquet')
    await writeParquet(held.engine, 'SELECT hash(range) AS h FROM range(50000) ORDER BY h', path, {
      fields,
      compression: 'snappy',
      ordered: true,
      rowGroupRows: 5000,
    })
    const broken = `SELECT count(*) AS n FROM (SELECT h, lag(h) OVER (ORDER BY file_row_number) AS p FROM read_parquet('${path}')) WHERE p > h`
    expect(await held.engine.all(broken)).toEqual([{ n: 0n }])

    const options = { fields, compression: 'zstd', maxFileBytes: 60_000, rowGroupRows: 5000 } as const
    const files = await writeParquetFiles(held.engine, `SELECT h FROM '${path}'`, join(held.folder, 'split'), options)
    expect(files.length).toBeGreaterThan(2)
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(50_000)
    expect(files.every((file) => existsSync(file.path) && file.columns.h!.nulls === 0)).toBe(true)
    expect(
      await writeParquetFiles(held.engine, `SELECT h FROM '${path}' LIMIT 0`, join(held.folder, 'none'), options),
    ).toEqual([])
  })
})

describe('the content hash', () => {
  test('is the same for the same rows in other files and another order, and only then', async () => {
    const fields = [field('a', 'Int64'), field('b', 'Utf8')]
    const rows = "SELECT range AS a, 'x' || range AS b FROM range(1000)"
    const one = await contentHash(held.engine, rows, fields)
    expect(one.rows).toBe(1000)
    expect(one.hash).toMatch(/^\d+$/)
    expect(await contentHash(held.engine, `${rows} ORDER BY b DESC`, fields)).toEqual(one)
    const parts = [0, 1].map((i) => `SELECT * FROM (${rows}) WHERE a % 2 = ${i}`)
    const files = await Promise.all(parts.map((part, i) => parquet(`part-${i}.parquet`, part)))
    const scan = scanSql({ files: files.map((path) => ({ path, partitionValues: {} })), fields, partitions: [] })
    expect(await contentHash(held.engine, scan, fields)).toEqual(one)
    expect((await contentHash(held.engine, `${rows} LIMIT 999`, fields)).hash).not.toBe(one.hash)
    expect(
      (await contentHash(held.engine, `SELECT a, CASE a WHEN 5 THEN NULL ELSE b END AS b FROM (${rows})`, fields)).hash,
    ).not.toBe(one.hash)
    expect(await contentHash(held.engine, `${rows} LIMIT 0`, fields)).toEqual({ rows: 0, hash: '0' })
  })

  const nyt = new URL('../../../../shared/data/covid-nyt/', import.meta.url).pathname
  test.runIf(existsSync(nyt))(
    'of a real table does not change when it is compacted',
    async () => {
      const fields = [
        field('date', 'Utf8'),
        field('county', 'Utf8'),
        field('state', 'Utf8'),
        field('fips', 'Int32'),
        field('cases', 'Int32'),
        field('deaths', 'Int32'),
      ]
      const files = readdirSync(nyt)
        .filter((name) => name.endsWith('.parquet'))
        .map((name) => ({ path: join(nyt, name), partitionValues: {} }))
      const select = scanSql({ files, fields, partitions: [] })
      const path = join(held.folder, 'compacted.parquet')
      const written = await writeParquet(held.engine, select, path, { fields, compression: 'zstd' })
      const before = await contentHash(held.engine, select, fields)
      expect(before.rows).toBe(1_111_930)
      expect(written.rows).toBe(before.rows)
      const compacted = scanSql({ files: [{ path, partitionValues: {} }], fields, partitions: [] })
      expect(await contentHash(held.engine, compacted, fields)).toEqual(before)
    },
    60_000,
  )
})
