import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportFile } from '../../../src/engine/export-file.ts'
import { openInput } from '../../../src/engine/ingest/input.ts'
import { field, rowsOf, useEngine } from './support.ts'

const held = useEngine()

test('NDJSON holds the own text of Json columns, and all else as without them', async () => {
  const own = '{"n":12345678901234567890.123456789,\n  "e":1e400,"q":"\\\\\\"\\u0000,\\u001f"}'
  const rest = `1 AS id, 'a"b,\\\n\r\u00e9' AS "na""m'e", TIMESTAMPTZ '2024-01-01' AS at, NULL::INTEGER AS n, [1.50, NULL] AS l, {'a': 'x'} AS s, 'x'::BLOB AS b, 0.1::DOUBLE AS f`
  const lines = async (select: string): Promise<string> => {
    const out = join(held.folder, 'out.ndjson')
    const { rows } = await exportFile(held.engine, select, { format: 'ndjson', out })
    expect(rows).toBe(2)
    return readFile(out, 'utf8')
  }
  const twice = 'FROM range(2)'
  const plain = await lines(`SELECT ${rest} ${twice}`)
  const more = await lines(`SELECT ${rest}, '${own.replaceAll("'", "''")}'::JSON AS j, NULL::JSON AS none ${twice}`)
  const expected = `,"j":${own.replaceAll('\n', ' ')},"none":null}\n`
  expect(more).toBe(plain.replaceAll('}\n', expected))
})

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)
const hex = Buffer.from(everyByte).toString('hex')
const values = `unhex('${hex}') AS b, 'Infinity'::DOUBLE AS up, '-Infinity'::FLOAT AS down, 'NaN'::DOUBLE AS nan, NULL::DOUBLE AS none, -0.0::DOUBLE AS zero, 0.1::FLOAT AS tenth`

test.each(['ndjson', 'csv'] as const)('%s: a load reads every byte and every floating point again', async (format) => {
  const fields = [
    field('b', 'Binary'),
    field('up', 'Float64'),
    field('down', 'Float32'),
    field('nan', 'Float64'),
    field('none', 'Float64'),
    field('zero', 'Float64'),
    field('tenth', 'Float32'),
  ]
  const out = join(held.folder, `again.${format}`)
  await exportFile(held.engine, `SELECT ${values}`, { format, out })
  const chunks = openInput({
    inputs: [{ path: out, format }],
    schema: { fields, partitions: [], timeColumn: null },
    project: 'p',
    skip: 0,
    batchId: 'b',
    limits: { rows: null, bytes: null, milliseconds: null },
    rejectTo: null,
    engine: held.engine,
    signal: new AbortController().signal,
  })
  for await (const chunk of chunks)
    expect(await rowsOf(await held.engine.stream(chunk.select, fields))).toEqual([
      [everyByte, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, null, -0, Math.fround(0.1)],
    ])
})

test('the same inside of nested columns; nested columns of a CSV file are JSON', async () => {
  const select = `SELECT ['\\x00\\xFF'::BLOB, NULL] AS l, {'f': 'NaN'::DOUBLE, 'b': NULL::BLOB} AS s, MAP {'k': [1.5::DOUBLE, '-Infinity']} AS m, NULL::STRUCT(f DOUBLE) AS none`
  const out = join(held.folder, 'nested')
  const parts = ['["AP8=",null]', '{"f":"NaN","b":null}', '{"k":[1.5,"-Infinity"]}', 'null']
  await exportFile(held.engine, select, { format: 'ndjson', out })
  expect(await readFile(out, 'utf8')).toBe(`{"l":${parts[0]},"s":${parts[1]},"m":${parts[2]},"none":null}\n`)
  await exportFile(held.engine, select, { format: 'csv', out })
  const quoted = parts.slice(0, 3).map((text) => `"${text.replaceAll('"', '""')}"`)
  expect(await readFile(out, 'utf8')).toBe(`l,s,m,none\n${quoted.join(',')},\n`)
})
