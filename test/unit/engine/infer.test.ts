import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RowFormat } from '../../../src/core/batch.ts'
import { formatType } from '../../../src/core/types.ts'
import { inferFields } from '../../../src/engine/infer.ts'
import { quoteString } from '../../../src/engine/sql-text.ts'
import { errorOf, useEngine } from './support.ts'

const held = useEngine()

async function infer(format: RowFormat, ...files: string[]): Promise<string[]> {
  const fields = await inferFields(held.engine, files, format)
  return fields.map((f) => `${f.name} ${formatType(f.type)}${f.nullable ? '' : ' not null'}`)
}

describe('NDJSON', () => {
  test('values of all kinds', async () => {
    const file = await held.file(
      'a.ndjson',
      [
        '{"b":true,"i":1,"f":1,"d":"2024-02-29","t":"2024-01-01","s":"x","n":null,"l":[1,null],"o":{"x":1},"m":1,"e":{},"u":18446744073709551615,"el":[]}',
        '',
        '{"f":1.5,"t":"2024-01-01T00:00:00+02:00","l":[2.5],"o":{"y":["2024-01-01"]},"m":"x","new":"2024-02-30"}',
      ].join('\r\n'),
    )
    expect(await infer('ndjson', file)).toEqual([
      'b Boolean',
      'i Int64',
      'f Float64',
      'd Date32',
      't Timestamp(Microsecond, Some("UTC"))',
      's Utf8',
      'n Utf8',
      'l List(Float64)',
      'o Struct("x": Int64, "y": List(Date32))',
      'm Json',
      'e Json',
      'u Decimal128(38, 0)',
      'el List(Utf8)',
      'new Utf8',
    ])
  })
  test('objects with very many keys are data, not columns; so is what nests too deep', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))
    const half = (from: number): object =>
      Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k${i + from}`, i]))
    const deep = JSON.parse(`${'['.repeat(40)}1${']'.repeat(40)}`)
    const file = await held.file(
      'b.ndjson',
      `${JSON.stringify({ many, half: half(0), deep })}\n${JSON.stringify({ half: half(150), big: 1e300 })}\n`,
    )
    const types = await infer('ndjson', file)
    expect(types.slice(0, 2)).toEqual(['many Json', 'half Json'])
    expect(types[2]).toMatch(/^deep (List\(){17}Json/)
    expect(types[3]).toBe('big Float64')
  })
  test.each([
    ['', 'empty-input', ''],
    ['{"a":1}\n\n{"a":\n', 'bad-input', ':3'],
    ['[1]\n', 'bad-input', ':1'],
    ['\n \n', 'bad-input', ''],
    ['{}\n', 'bad-input', ''],
  ])('%j is no input', async (content, code, line) => {
    const file = await held.file('bad.ndjson', content)
    expect(await errorOf(infer('ndjson', file))).toMatchObject({ kind: 'data', code, where: file + line })
  })
})

describe('CSV', () => {
  test('the first type that every value has', async () => {
    const file = await held.file(
      'a.csv',
      'i,f,b,d,t,s,n,q\n1,1,true,2024-01-01,2024-01-01,a,,"1"\n-2,1.5e3,FALSE,2024-02-29,2024-01-01 10:00:00Z,"b,\n""c""",,""\n',
    )
    const other = await held.file('b.csv', 'i,extra\n9223372036854775808,x\n')
    const rest = [
      'f Float64',
      'b Boolean',
      'd Date32',
      't Timestamp(Microsecond, Some("UTC"))',
      's Utf8',
      'n Utf8',
      'q Utf8',
    ]
    expect(await infer('csv', file)).toEqual(['i Int64', ...rest])
    expect(await infer('csv', file, other)).toEqual(['i Float64', ...rest, 'extra Utf8'])
  })
  test('a number that begins with a zero is text: the zero means something', async () => {
    const file = await held.file(
      'z.csv',
      'day,zero,neg,frac,one,small\n081109,00,-07,007.5,0,0.5\n91109,1,-7,1.5,-0,-0.5\n',
    )
    expect(await infer('csv', file)).toEqual([
      'day Utf8',
      'zero Utf8',
      'neg Utf8',
      'frac Utf8',
      'one Int64',
      'small Float64',
    ])
  })
  test('a ragged record and an open quote have their line', async () => {
    expect(await errorOf(infer('csv', await held.file('r.csv', 'a,b\n1,2\n\n1\n')))).toMatchObject({
      code: 'bad-csv',
      where: `${held.folder}/r.csv:4`,
    })
    expect(await errorOf(infer('csv', await held.file('q.csv', 'a\n"1\n')))).toMatchObject({
      kind: 'data',
      code: 'bad-csv',
    })
  })
})

describe('Parquet', () => {
  test('what the footers say, over all files', async () => {
    const file = async (name: string, select: string): Promise<string> => {
      const path = join(held.folder, name)
      await held.engine.run(`COPY (${select}) TO ${quoteString(path)} (FORMAT parquet)`)
      return path
    }
    const one = await file(
      'one.parquet',
      "SELECT 1::SMALLINT AS a, {'x': 1::BIGINT} AS s, TIMESTAMP '2024-01-01' AS w, TIMESTAMPTZ '2024-01-01' AS t, '{}'::JSON AS j",
    )
    const two = await file('two.parquet', "SELECT 1::BIGINT AS a, 'x' AS b")
    expect(await infer('parquet', one, two)).toEqual([
      'a Int64',
      's Struct("x": Int64)',
      'w Timestamp(Microsecond, None)',
      't Timestamp(Microsecond, Some("UTC"))',
      'j Json',
      'b Utf8',
    ])
    const odd = await file('odd.parquet', 'SELECT INTERVAL 1 DAY AS i')
    expect(await errorOf(infer('parquet', odd))).toMatchObject({
      code: 'type-unsupported',
      message: expect.stringContaining('"i"'),
    })
  })
  test('what is not Parquet, not a file, not there', async () => {
    const text = await held.file('text.parquet', 'a,b,c\n1,2,3\n')
    expect(await errorOf(infer('parquet', text))).toMatchObject({ code: 'corrupt-file', where: text })
    expect(await errorOf(infer('parquet', held.folder))).toMatchObject({ code: 'bad-input' })
    expect(await errorOf(infer('parquet', '/nowhere'))).toMatchObject({ kind: 'missing', code: 'input-missing' })
  })
})
