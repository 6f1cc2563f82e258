import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Cell, RowFormat } from '../../../src/core/batch.ts'
import type { Field } from '../../../src/core/types.ts'
import { inferFields } from '../../../src/engine/infer.ts'
import type { Chunk, ChunkLimits } from '../../../src/engine/ingest/chunk.ts'
import { type InputOptions, openInput } from '../../../src/engine/ingest/input.ts'
import { quoteString } from '../../../src/engine/sql-text.ts'
import { writeParquet } from '../../../src/engine/write-parquet.ts'
import { errorOf, field, rowsOf, useEngine } from './support.ts'

const held = useEngine()
const fields: Field[] = [field('id', 'Int64', false), field('name', 'Utf8')]
const unlimited: ChunkLimits = { rows: null, bytes: null, milliseconds: null }

function input(
  files: readonly (string | { path: string | null; format: RowFormat })[],
  more: Partial<InputOptions> = {},
) {
  return openInput({
    inputs: files.map((file) =>
      typeof file === 'string' ? { path: file, format: file.split('.').at(-1) as RowFormat } : file,
    ),
    schema: { fields, partitions: [], timeColumn: null },
    project: 'acme',
    skip: 0,
    batchId: 'b1',
    limits: unlimited,
    rejectTo: null,
    engine: held.engine,
    ...more,
  })
}
type Read = Omit<Chunk, 'select' | 'files'> & { cells: Cell[][] }
async function read(chunks: AsyncIterable<Chunk>): Promise<Read[]> {
  const all: Read[] = []
  for await (const { select, files, ...chunk } of chunks) {
    const cells = chunk.rows === 0 ? [] : await rowsOf(await held.engine.stream(select))
    expect(files.every((file) => existsSync(file))).toBe(true)
    all.push({ ...chunk, cells })
  }
  return all
}
async function* bytes(...parts: (string | Uint8Array | number)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts)
    if (typeof part === 'number') await new Promise((resolve) => setTimeout(resolve, part))
    else yield Buffer.from(part as string)
}
const stdin = (format: RowFormat, ...parts: (string | Uint8Array | number)[]) =>
  [[{ path: null, format }], { stream: bytes(...parts) }] as const

describe('NDJSON', () => {
  test('lines end in \\n or \\r\\n, the last one in nothing; blank ones and a byte-order mark are no rows', async () => {
    const file = await held.file('a.ndjson', '\ufeff{"id":1,"name":"é"}\r\n\n  \n{"id":2,\r"name":"🦆"}\n{"id":3}')
    expect(await read(input([file]))).toEqual([
      {
        rows: 3,
        consumed: 3,
        rejected: 0,
        cells: [
          [1n, 'é'],
          [2n, '🦆'],
          [3n, null],
        ],
      },
    ])
  })

  test('the first row that does not fit ends it, with file, line and column', async () => {
    const file = await held.file('bad.ndjson', '{"id":1}\n\n{"id":"x"}\n{"id":2}\n')
    expect(await errorOf(read(input([file])))).toMatchObject({
      kind: 'data',
      code: 'row-rejected',
      message: 'a row does not fit: column "id" "x" is not an Int64',
      where: `${file}:3`,
      hint: expect.stringContaining('--reject-to FILE'),
    })
    const notJson = await held.file('not.ndjson', '{"id":1}\nhello\n')
    expect(await errorOf(read(input([notJson])))).toMatchObject({
      where: `${notJson}:2`,
      message: expect.stringContaining('not valid JSON'),
    })
  })

  test('a reject file keeps the rest, is made only when needed, and is appended to', async () => {
    const file = await held.file(
      'some.ndjson',
      Buffer.concat([
        Buffer.from('{"id":1}\n{"id":"x","n":1}\nnot json\n'),
        Buffer.from([0x22, 0xff, 0x0a]),
        Buffer.from('{"id":4}\n'),
      ]),
    )
    const rejectTo = join(held.folder, 'rejected.ndjson')
    expect(await read(input([await held.file('fine.ndjson', '{"id":1}\n')], { rejectTo }))).toHaveLength(1)
    expect(existsSync(rejectTo)).toBe(false)
    expect(await read(input([file], { rejectTo }))).toEqual([
      {
        rows: 2,
        consumed: 5,
        rejected: 3,
        cells: [
          [1n, null],
          [4n, null],
        ],
      },
    ])
    await read(input([file], { rejectTo }))
    const lines = (await readFile(rejectTo, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toHaveLength(6)
    expect(lines.slice(0, 3)).toEqual([
      { file, line: 2, column: 'id', reason: '"x" is not an Int64', row: { id: 'x', n: 1 } },
      { file, line: 3, column: null, reason: expect.stringContaining('not valid JSON'), row: 'not json' },
      { file, line: 4, column: null, reason: 'the line is not valid UTF-8', row: null },
    ])
    const nowhere = input([file], { rejectTo: join(held.folder, 'no', 'such', 'folder') })
    expect(await errorOf(read(nowhere))).toMatchObject({ kind: 'failed', code: 'reject-file' })
  })

  test('nothing but rejected rows is a chunk without rows', async () => {
    const file = await held.file('all-bad.ndjson', '{}\n{}\n')
    expect(await read(input([file], { rejectTo: join(held.folder, 'all.ndjson') }))).toEqual([
      { rows: 0, consumed: 2, rejected: 2, cells: [] },
    ])
  })

  test('an empty input gives no chunk', async () => {
    expect(await read(input([await held.file('empty.ndjson', '')]))).toEqual([])
    expect(await read(input([]))).toEqual([])
  })

  test('a line without end, and one that is too long', async () => {
    const long = `{"id":1,"name":"${'x'.repeat(9_000_000)}"}`
    const [chunk] = await read(input(...stdin('ndjson', long.slice(0, 5_000_000), long.slice(5_000_000), '\n{"id":2}')))
    expect(chunk!.cells.map(([id, name]) => [id, (name as string | null)?.length])).toEqual([
      [1n, 9_000_000],
      [2n, undefined],
    ])
    const endless = stdin('ndjson', '{"id":1}\n{"name":"', ...Array.from({ length: 18 }, () => 'x'.repeat(1024 * 1024)))
    expect(await errorOf(read(input(...endless)))).toMatchObject({ kind: 'data', code: 'line-too-long', where: '-:2' })
    const whole = stdin('ndjson', `{"id":1}\n{"name":"${'x'.repeat(17_000_000)}"}\n`)
    expect(await errorOf(read(input(...whole)))).toMatchObject({ code: 'line-too-long', where: '-:2' })
  })

  test('characters that fall between two reads are whole', async () => {
    const text = Buffer.from('{"id":1,"name":"🦆é"}\n')
    for (const cut of [17, 18, 19, 21]) {
      const [chunk] = await read(input(...stdin('ndjson', text.subarray(0, cut), text.subarray(cut))))
      expect(chunk!.cells).toEqual([[1n, '🦆é']])
    }
  })

  test('every type arrives as it was written', async () => {
    const types: [Field, string, Cell][] = [
      [field('i', 'Int64'), '9007199254740993', 9007199254740993n],
      [field('u', 'UInt64'), '18446744073709551615', 18446744073709551615n],
      [
        field('d', 'Decimal128(38, 18)'),
        '12345678901234567890.123456789012345678',
        '12345678901234567890.123456789012345678',
      ],
      [field('e', 'Decimal128(18, 4)'), '0.1', '0.1000'],
      [field('f', 'Float64'), '0.1', 0.1],
      [field('b', 'Binary'), '"aGk="', new Uint8Array([104, 105])],
      [field('t', 'Timestamp(Microsecond, Some("UTC"))'), '"2024-01-01T02:00:00.1234567+02:00"', 1704067200123456n],
      [field('w', 'Timestamp(Millisecond, None)'), '"2024-01-01T00:00:00.5"', 1704067200500000n],
      [field('n', 'Timestamp(Nanosecond, Some("UTC"))'), '"2024-01-01T00:00:00.000000001+01:00"', 1704063600000000001n],
      [field('day', 'Date32'), '"1970-01-02"', 1],
      [field('j', 'Json'), '{"x":[1,null]}', '{"x":[1,null]}'],
      [field('js', 'Json'), '"text"', '"text"'],
      [field('l', 'List(Struct("a": Int32))'), '[{"a":1},{}]', [[1], [null]]],
      [field('m', 'Map(Utf8, Int64)'), '{"k":1}', [['k', 1n]]],
      [field(`q"x'`, 'Boolean'), 'true', true],
    ]
    const line = `{${types.map(([f, json]) => `${JSON.stringify(f.name)}:${json}`).join(',')}}`
    const schema = { fields: types.map(([f]) => f), partitions: [], timeColumn: null }
    const file = await held.file('types.ndjson', `${line}\n`)
    const [chunk] = await read(input([file], { schema }))
    expect(chunk!.cells[0]).toEqual(types.map(([, , cell]) => cell))
  })
})

describe('CSV', () => {
  test('quotes, nulls and line breaks', async () => {
    const file = await held.file('a.csv', 'name,id\r\n"a ""b"", c\nd",1\r\n,2\r\n"",3\r\n')
    expect((await read(input([file])))[0]!.cells).toEqual([
      [1n, 'a "b", c\nd'],
      [2n, null],
      [3n, ''],
    ])
  })
  test('a bad value has its line and column, also after a field with line breaks', async () => {
    const file = await held.file('bad.csv', 'id,name\n1,"a\nb"\nx,y\n')
    expect(await errorOf(read(input([file])))).toMatchObject({
      code: 'row-rejected',
      where: `${file}:4`,
      message: expect.stringContaining('column "id" "x"'),
    })
    const rejectTo = join(held.folder, 'csv-rejected.ndjson')
    const more = await held.file('more.csv', 'id,name\n1,a,b\n,x\n2,c\n')
    expect(await read(input([more], { rejectTo }))).toEqual([{ rows: 1, consumed: 3, rejected: 2, cells: [[2n, 'c']] }])
    const lines = (await readFile(rejectTo, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      {
        file: more,
        line: 2,
        column: null,
        reason: 'the record has 3 fields, the header has 2',
        row: { id: '1', name: 'a' },
      },
      {
        file: more,
        line: 3,
        column: 'id',
        reason: 'is null, and the column is not nullable',
        row: { id: null, name: 'x' },
      },
    ])
  })
  test.each([
    ['id,nam\n1,a\n', 'unknown-column', ':1', 'did you mean "name"'],
    ['name\na\n', 'missing-column', ':1', '"id"'],
    ['id,id\n1,2\n', 'bad-csv', ':1', 'twice'],
    ['id,name\n1,"a\n', 'bad-csv', ':2', 'Quote'],
    ['id,name\n1,a"b\n', 'bad-csv', ':2', 'Quote'],
  ])('%j: %s', async (content, code, line, message) => {
    const file = await held.file('wrong.csv', content)
    expect(await errorOf(read(input([file])))).toMatchObject({
      kind: 'data',
      code,
      where: file + line,
      message: expect.stringContaining(message),
    })
  })
  test('bytes that are not UTF-8 have their line', async () => {
    const text = 'id,name\n1,a\n2,'
    const damaged = stdin('csv', Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0x0a])]))
    expect(await errorOf(read(input(...damaged)))).toMatchObject({ code: 'bad-csv', where: '-:3' })
  })
  test('many records, in small pieces', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `${i},name ${i}\n`).join('')
    const whole = Buffer.from(`id,name\n${rows}`)
    const parts = Array.from({ length: Math.ceil(whole.length / 70_001) }, (_, i) =>
      whole.subarray(i * 70_001, (i + 1) * 70_001),
    )
    const [chunk] = await read(input(...stdin('csv', ...parts)))
    expect([chunk!.rows, chunk!.cells[19_999]]).toEqual([20_000, [19_999n, 'name 19999']])
  })
  test('leaving early closes everything', async () => {
    const rows = Array.from({ length: 50_000 }, (_, i) => `${i},x\n`).join('')
    const [inputs, stream] = stdin('csv', `id,name\n${rows}`)
    for await (const chunk of input(inputs, { ...stream, limits: { ...unlimited, rows: 100 } })) {
      expect(chunk.rows).toBeGreaterThan(0)
      break
    }
  })
})

describe('Json columns hold their own text', () => {
  const texts = [
    '{"n":12345678901234567890.123456789}',
    '{"a":1e400, "b" :[1.10,  -0.0],"e":"\\u00e9\\u0000\\"}]"}',
    '[ ]',
    '"te\\"xt"',
    '1.50',
    '123456789012345678901234567890',
    'true',
    '{"c":{"d\\\\":[{"x":null}]}}',
  ]
  const nested: Field[] = [
    field('id', 'Int64', false),
    field('j', 'Json'),
    field('l', 'List(Json)'),
    field('s', 'Struct("a": Json, "b": Int32)'),
    field('m', 'Map(Utf8, Json)'),
    field('after', 'Decimal128(38, 18)'),
  ]
  const schema = { fields: nested, partitions: [], timeColumn: null }
  const decimal = '12345678901234567890.123456789012345678'
  const expected = texts.map((json, id) => [
    BigInt(id),
    json,
    [json, null, json],
    [json, 1],
    [
      ['k"', json],
      ['n', null],
    ],
    id % 2 === 0 ? decimal : null,
  ])

  test('NDJSON, in rows whose other numbers are exact or not', async () => {
    const lines = texts.map(
      (json, id) =>
        `{"id":${id},"l":[ ${json},null , ${json}],\r"j" : ${json} ,"s":{"b":1,"a":${json}},"m":{"k\\"":${json},"n":null},"after":${id % 2 === 0 ? decimal : 'null'}}`,
    )
    const file = await held.file(
      'own.ndjson',
      `${lines.join('\n')}\n{"id":8,"j":null,"l":[],"s":null,"m":{}}\n{"id":9}\n`,
    )
    const [chunk] = await read(input([file], { schema }))
    expect(chunk!.cells).toEqual([...expected, [8n, null, [], null, [], null], [9n, null, null, null, null, null]])
  })

  test('CSV, line breaks between tokens too', async () => {
    const csv = (text: string): string => `"${text.replaceAll('"', '""')}"`
    const own = [...texts, '{"a":\r\n 1,\n"b":2}']
    const file = await held.file('own.csv', `id,j\n${own.map((json, id) => `${id},${csv(json)}`).join('\n')}\n`)
    const [chunk] = await read(input([file], { schema: { ...schema, fields: nested.slice(0, 2) } }))
    expect(chunk!.cells.map(([, json]) => json)).toEqual(own)
  })

  test('Parquet, read from and written to', async () => {
    const from = join(held.folder, 'own.parquet')
    const values = texts.map((json, id) => `(${id}, ${quoteString(json)})`).join(', ')
    await held.engine.run(
      `COPY (SELECT * FROM (VALUES ${values}) AS t(id, j)) TO ${quoteString(from)} (FORMAT parquet)`,
    )
    const own = nested.slice(0, 2)
    for await (const chunk of input([from], { schema: { ...schema, fields: own } })) {
      const to = join(held.folder, 'own-again.parquet')
      await writeParquet(held.engine, chunk.select, to, { fields: own, compression: 'zstd', ordered: true })
      const rows = await held.engine.all(`SELECT j FROM read_parquet(${quoteString(to)}) ORDER BY id`)
      expect(rows.map(({ j }) => j)).toEqual(texts)
    }
  })
})

test('a row that only the engine refuses is told with the name of the input', async () => {
  const file = await held.file('told.csv', 'id\n1\n')
  for await (const chunk of input([file])) {
    const [copy] = chunk.files
    await writeFile(copy!, '{"id":"1 apple"}\n')
    const error = await errorOf(held.engine.all(chunk.select))
    expect(error).toMatchObject({
      kind: 'data',
      code: 'row-rejected',
      message: 'a row does not fit: Failed to cast value to numerical: "1 apple"',
      where: file,
    })
    expect(JSON.stringify(error)).not.toContain(held.engine.directory)
    await writeFile(copy!, '{"id":\n')
    const broken = await errorOf(held.engine.all(chunk.select))
    expect(broken).toMatchObject({ kind: 'data', code: 'row-rejected', where: file })
    expect(JSON.stringify(broken)).not.toContain(held.engine.directory)
  }
  expect(held.engine.copies.size).toBe(0)
})

test('damaged Parquet on standard input is not told with a path of ours', async () => {
  const error = await errorOf(read(input(...stdin('parquet', 'PAR1 and nothing more'))))
  expect(error).toMatchObject({ kind: 'data', code: 'corrupt-file', where: '-' })
  expect(JSON.stringify(error)).not.toContain(held.engine.directory)
})

const logs = fileURLToPath(new URL('../../../../shared/data/loghub/', import.meta.url))
describe.runIf(existsSync(logs))('real logs in CSV', () => {
  test.each(['Apache', 'HDFS', 'Hadoop', 'OpenSSH', 'OpenStack', 'Zookeeper'])(
    '%s, with its inferred columns',
    async (name) => {
      const file = join(logs, `${name}.csv`)
      const inferred = await inferFields(held.engine, [file], 'csv')
      const [chunk] = await read(input([file], { schema: { fields: inferred, partitions: [], timeColumn: null } }))
      expect(chunk).toMatchObject({ rows: 2000, rejected: 0 })
      if (name === 'HDFS') expect(chunk!.cells[0]!.slice(0, 3)).toEqual([1n, '081109', '203615'])
    },
  )
})

describe('chunks', () => {
  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `{"id":${from + i}}\n`).join('')

  test('are cut by rows, across files, and leave nothing behind', async () => {
    const files = [
      await held.file('c1.ndjson', lines(0, 5)),
      await held.file('c2.csv', 'id\n5\n6\n'),
      await held.file('c3.ndjson', lines(7, 8)),
    ]
    const chunks = await read(input(files, { limits: { ...unlimited, rows: 3 } }))
    expect(chunks.map((c) => [c.rows, c.consumed])).toEqual([
      [3, 3],
      [3, 6],
      [2, 8],
    ])
    expect(chunks.flatMap((c) => c.cells.map(([id]) => id))).toEqual(Array.from({ length: 8 }, (_, i) => BigInt(i)))
    expect(readdirSync(held.engine.directory).filter((name) => name.startsWith('chunk'))).toEqual([])
  })

  test('are cut by bytes', async () => {
    const file = await held.file('bytes.ndjson', lines(0, 10))
    const chunks = await read(input([file], { limits: { ...unlimited, bytes: 30 } }))
    expect(chunks.map((c) => c.rows)).toEqual([4, 4, 2])
  })

  test('are cut by time while the input is silent', async () => {
    const chunks = await read(input(...stdin('ndjson', 10, lines(0, 2), 300, lines(2, 3))))
    expect(chunks).toHaveLength(1)
    const [inputs, stream] = stdin('ndjson', 10, lines(0, 2), 300, lines(2, 3))
    const timed = await read(input(inputs, { ...stream, limits: { ...unlimited, milliseconds: 40 } }))
    expect(timed.map((c) => c.rows)).toEqual([2, 1])
  })

  test('an abort ends the wait for input', async () => {
    const control = new AbortController()
    const [inputs, stream] = stdin('ndjson', lines(0, 2), 100_000)
    setTimeout(() => control.abort(new Error('enough')), 20)
    await expect(read(input(inputs, { ...stream, signal: control.signal }))).rejects.toThrow('enough')
    await expect(read(input(inputs, { signal: control.signal }))).rejects.toThrow('enough')
  })

  test('killed after any chunk and resumed by `skip`, every row is there once', async () => {
    const text = Array.from({ length: 40 }, (_, i) =>
      i % 7 === 3 ? '{"id":"bad"}\n' : i % 5 === 0 ? '\n' : `{"id":${i}}\n`,
    ).join('')
    const parquet = join(held.folder, 'resume.parquet')
    await held.engine.run(`COPY (SELECT range + 100 AS id FROM range(11)) TO ${quoteString(parquet)} (FORMAT parquet)`)
    const files = [await held.file('resume.ndjson', text), parquet, await held.file('resume.csv', 'id\n200\nx\n201\n')]
    const rejectTo = join(held.folder, 'resume-rejects.ndjson')
    const run = async (skip: number, rows: number | null) =>
      read(input(files, { skip, rejectTo, limits: { ...unlimited, rows } }))
    const whole = (await run(0, null)).flatMap((c) => c.cells)
    expect(whole.length).toBeGreaterThan(30)
    for (const rows of [1, 4, 9]) {
      const chunks = await run(0, rows)
      expect(
        chunks
          .flatMap((c) => c.cells)
          .map(String)
          .sort(),
      ).toEqual(whole.map(String).sort())
      for (let kept = 1; kept <= chunks.length; kept += 3) {
        const before = chunks.slice(0, kept)
        const after = await run(before.at(-1)!.consumed, rows === 4 ? 6 : null)
        expect(
          [...before, ...after]
            .flatMap((c) => c.cells)
            .map(String)
            .sort(),
        ).toEqual(whole.map(String).sort())
      }
    }
  })

  test('a bad row after rows that are loaded: the error says how to go on with the same batch', async () => {
    const file = await held.file('part.ndjson', `${lines(0, 4)}{"id":"bad"}\n`)
    const { hint, message } = (await errorOf(read(input([file], { limits: { ...unlimited, rows: 2 } }))))!
    expect(message).toContain('the first 4 rows of the input are loaded')
    expect(hint).toContain('--batch-id b1')
    expect(await errorOf(read(input([file])))).toMatchObject({ message: expect.not.stringContaining('are loaded') })
  })

  test('an input that became shorter is told', async () => {
    const file = await held.file('short.ndjson', lines(0, 3))
    expect(await errorOf(read(input([file], { skip: 5 })))).toMatchObject({
      kind: 'data',
      code: 'input-changed',
      message: expect.stringContaining('3 rows'),
    })
    expect(await read(input([file], { skip: 3 }))).toEqual([])
  })

  test('go into Parquet as they are', async () => {
    const file = await held.file('write.ndjson', lines(0, 1000))
    for await (const chunk of input([file])) {
      const path = join(held.folder, 'written.parquet')
      const written = await writeParquet(held.engine, chunk.select, path, { fields, compression: 'zstd' })
      expect(written).toMatchObject({
        rows: 1000,
        columns: { id: { min: '0', max: '999', nulls: 0 }, name: { nulls: 1000 } },
      })
    }
  })

  test('what is not there, and what is a folder', async () => {
    expect(await errorOf(read(input([join(held.folder, 'nowhere.ndjson')])))).toMatchObject({
      kind: 'missing',
      code: 'input-missing',
    })
    expect(await errorOf(read(input([{ path: held.folder, format: 'csv' }])))).toMatchObject({
      kind: 'failed',
      code: 'input-unreadable',
      message: expect.stringContaining('folder'),
    })
    expect(await errorOf(read(input([{ path: null, format: 'csv' }])))).toMatchObject({
      kind: 'usage',
      code: 'no-input',
    })
  })
})

describe('derived columns', () => {
  const at = 'Timestamp(Microsecond, Some("UTC"))'
  const derived = [field('date', 'Date32', false), field('at', at), field('project_id', 'Utf8', false)]
  const schema = { fields: derived, partitions: ['project_id', 'date'], timeColumn: 'at' }

  test('date comes from the time column and project_id from the ref, in every format', async () => {
    const parquet = join(held.folder, 'derived.parquet')
    await held.engine.run(
      `COPY (SELECT TIMESTAMP '2024-01-02 10:00:00' AS at) TO ${quoteString(parquet)} (FORMAT parquet)`,
    )
    const files = [
      await held.file(
        'derived.ndjson',
        '{"at":"2024-01-01T23:30:00-01:00"}\n{"at":"2024-01-02T00:00:00Z","date":"2024-01-09","project_id":"acme"}\n',
      ),
      await held.file('derived.csv', 'at\n2024-01-03\n'),
      parquet,
    ]
    const [chunk] = await read(input(files, { schema }))
    expect(chunk!.cells.map(([date, , project]) => [date, project]).sort()).toEqual([
      [19724, 'acme'],
      [19724, 'acme'],
      [19725, 'acme'],
      [19731, 'acme'],
    ])
  })

  test('a row of another project is refused, in every format', async () => {
    const parquet = join(held.folder, 'other.parquet')
    await held.engine.run(
      `COPY (SELECT TIMESTAMPTZ '2024-01-02' AS at, 'evil' AS project_id) TO ${quoteString(parquet)} (FORMAT parquet)`,
    )
    const files = [
      await held.file('other.ndjson', '{"at":"2024-01-01","project_id":"evil"}\n'),
      await held.file('other.csv', 'at,project_id\n2024-01-01,evil\n'),
      parquet,
    ]
    for (const file of files)
      expect(await errorOf(read(input([file], { schema })))).toMatchObject({
        code: 'row-rejected',
        message: expect.stringMatching(/project_id.*acme/),
      })
  })

  test('a CSV row needs what its date follows from', async () => {
    const file = await held.file('nodate.csv', 'at,date\n2024-01-01,\n,2024-01-05\n,\n')
    expect(await errorOf(read(input([file], { schema })))).toMatchObject({
      where: `${file}:4`,
      message: expect.stringContaining('"date"'),
    })
  })
})

describe('Parquet', () => {
  async function parquet(name: string, select: string): Promise<string> {
    const path = join(held.folder, name)
    await held.engine.run(`COPY (${select}) TO ${quoteString(path)} (FORMAT parquet)`)
    return path
  }

  test('narrower types are widened, missing nullable columns are null', async () => {
    const file = await parquet('narrow.parquet', 'SELECT range::SMALLINT AS id FROM range(3)')
    expect(await read(input([file]))).toEqual([
      {
        rows: 3,
        consumed: 3,
        rejected: 0,
        cells: [
          [0n, null],
          [1n, null],
          [2n, null],
        ],
      },
    ])
  })

  test('is cut into ranges of rows and of bytes', async () => {
    const file = await parquet('ranges.parquet', 'SELECT range AS id, range::VARCHAR AS name FROM range(10)')
    const chunks = await read(input([file, file], { limits: { ...unlimited, rows: 4 } }))
    expect(chunks.map((c) => [c.rows, c.consumed])).toEqual([
      [4, 4],
      [4, 8],
      [4, 12],
      [4, 16],
      [4, 20],
    ])
    expect(chunks.flatMap((c) => c.cells)).toHaveLength(20)
    const tiny = await read(input([file], { limits: { ...unlimited, bytes: 1 } }))
    expect(tiny.map((c) => c.rows)).toEqual(Array.from({ length: 10 }, () => 1))
  })

  test.each([
    ['DATE', 'Date32', "'infinity'::DATE"],
    ['TIMESTAMP', 'Timestamp(Microsecond, None)', "'-infinity'::TIMESTAMP"],
    ['nested', 'List(Struct("t": Timestamp(Microsecond, None)))', "[{'t': NULL}, {'t': 'infinity'::TIMESTAMP}]"],
    ['map', 'Map(Utf8, Date32)', "MAP {'k': 'infinity'::DATE}"],
  ])('%s: infinite times are refused', async (_name, type, value) => {
    const file = await parquet('infinite.parquet', `SELECT 1 AS id, ${value} AS at UNION ALL SELECT 2, NULL`)
    const fields = [field('id', 'Int64'), field('at', type)]
    const told = await errorOf(read(input([file], { schema: { fields, partitions: [], timeColumn: null } })))
    expect(told).toMatchObject({
      code: 'row-rejected',
      where: `${file}:1`,
      message: expect.stringContaining('infinite'),
    })
  })

  test('rows that do not fit: file and row number, or the reject file', async () => {
    const file = await parquet(
      'nulls.parquet',
      "SELECT CASE WHEN range % 4 = 1 THEN NULL ELSE range END AS id, 'n' AS name FROM range(8)",
    )
    expect(await errorOf(read(input([file])))).toMatchObject({
      code: 'row-rejected',
      where: `${file}:2`,
      message: expect.stringContaining('"id"'),
    })
    const rejectTo = join(held.folder, 'parquet-rejects.ndjson')
    const chunks = await read(input([file], { rejectTo, limits: { ...unlimited, rows: 4 } }))
    expect(chunks.map((c) => [c.rows, c.rejected]).reduce(([a, b], [c, d]) => [a! + c!, b! + d!], [0, 0])).toEqual([
      6, 2,
    ])
    expect(chunks.at(-1)!.consumed).toBe(8)
    const lines = (await readFile(rejectTo, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ line, column, row }) => ({ line, column, row }))).toEqual([
      { line: 2, column: 'id', row: { id: null, name: 'n' } },
      { line: 6, column: 'id', row: { id: null, name: 'n' } },
    ])
  })

  test('texts go into a Json column when they are JSON', async () => {
    const schema = { fields: [field('id', 'Int64'), field('j', 'Json')], partitions: [], timeColumn: null }
    const good = await parquet('json.parquet', `SELECT 1 AS id, '{"a":1}' AS j UNION ALL SELECT 2, NULL`)
    expect((await read(input([good], { schema })))[0]!.cells.sort()).toEqual([
      [1n, '{"a":1}'],
      [2n, null],
    ])
    const bad = await parquet('notjson.parquet', `SELECT 1 AS id, '{a' AS j`)
    expect(await errorOf(read(input([bad], { schema })))).toMatchObject({
      code: 'row-rejected',
      where: `${bad}:1`,
      message: expect.stringContaining('not JSON'),
    })
  })

  test.each([
    ["SELECT 1 AS id, 'a' AS nmae", 'unknown-column', 'did you mean "name"'],
    ["SELECT 'a' AS name", 'missing-column', '"id"'],
    ['SELECT 1.5::DOUBLE AS id', 'type-mismatch', 'Float64 in the file and Int64 in the table'],
    ['SELECT 1::UBIGINT AS id', 'type-mismatch', 'UInt64'],
    ["SELECT 1 AS id, 'a'::BLOB AS name", 'type-mismatch', 'Binary'],
    ["SELECT 1 AS id, TIME '10:00:00' AS name", 'type-unsupported', 'TIME'],
  ])('%s is refused: %s', async (select, code, message) => {
    const file = await parquet('refused.parquet', select)
    expect(await errorOf(read(input([file])))).toMatchObject({
      kind: 'data',
      code,
      where: file,
      message: expect.stringContaining(message),
    })
  })

  test('truncated, not Parquet, not there, and on standard input', async () => {
    const file = await parquet('whole.parquet', 'SELECT range AS id FROM range(100)')
    const content = await readFile(file)
    const short = await held.file('short.parquet', content.subarray(0, content.length - 60))
    expect(await errorOf(read(input([short])))).toMatchObject({ kind: 'data', code: 'corrupt-file', where: short })
    expect(
      await errorOf(read(input([{ path: await held.file('x.ndjson', '{"id":1}\n'), format: 'parquet' }]))),
    ).toMatchObject({ code: 'corrupt-file' })
    expect(await errorOf(read(input([join(held.folder, 'gone.parquet')])))).toMatchObject({ kind: 'missing' })
    const [inputs, stream] = stdin('parquet', content.subarray(0, 30), content.subarray(30))
    expect((await read(input(inputs, stream)))[0]).toMatchObject({ rows: 100, consumed: 100 })
    expect(
      createHash('md5')
        .update(await readFile(file))
        .digest('hex'),
    ).toBe(createHash('md5').update(content).digest('hex'))
  })
})
