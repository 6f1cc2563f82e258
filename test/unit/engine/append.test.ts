/** Cells of every type go into the engine and come back as they were. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Batch, Cell } from '../../../src/core/batch.ts'
import { parseType } from '../../../src/core/types.ts'
import { openEngine } from '../../../src/engine/engine.ts'

async function open() {
  const scratch = mkdtempSync(join(tmpdir(), 'tblctl-append-'))
  const engine = await openEngine({ scratch })
  onTestFinished(async () => {
    await engine[Symbol.asyncDispose]()
    rmSync(scratch, { recursive: true, force: true })
  })
  return engine
}
const field = (name: string, type: string) => ({ name, type: parseType(type), nullable: true })

const columns: readonly (readonly [type: string, cells: readonly Cell[]])[] = [
  ['Boolean', [true, false]],
  ['Int8', [-128, 127]],
  ['Int64', [-9223372036854775808n, 9007199254740993n]],
  ['UInt64', [0n, 18446744073709551615n]],
  ['Float64', [Number.NaN, -1.5]],
  ['Utf8', ['', 'a\0b "quoted" 𝄞']],
  ['Json', ['{"z":1,"a":12345678901234567890}', 'null']],
  ['Binary', [new Uint8Array([0, 255]), new Uint8Array()]],
  ['Date32', [-719162, 2932896]],
  ['Decimal128(38, 9)', ['-0.000000001', '12345678901234567890123456789.123456789']],
  ['Decimal128(5, 0)', ['-3', '99999']],
  ['Timestamp(Microsecond, Some("UTC"))', [-1n, 253402300799999999n]],
  ['Timestamp(Microsecond, None)', [-62135596800000000n, 1n]],
  ['Timestamp(Nanosecond, None)', [-1n, 1_700_000_000_000_000_001n]],
  ['List(Int64)', [[1n, null, -3n], []]],
  [
    'Map(Utf8, Decimal128(4, 2))',
    [
      [
        ['a', '1.50'],
        ['b', null],
      ],
      [],
    ],
  ],
  [
    'Struct("x": Int32, "y": List(Date32))',
    [
      [1, [0, null]],
      [null, null],
    ],
  ],
]

test.each(columns)('%s', async (type, cells) => {
  const engine = await open()
  const fields = [field('id', 'Int32'), field('value "x"', type)]
  const batch: Batch = {
    fields,
    columns: [
      [0, 1, 2],
      [...cells, null],
    ],
    rows: 3,
  }
  await engine.append('rows "x"', batch)
  await engine.append('rows "x"', { fields, columns: [[3], [null]], rows: 1 })
  await using rows = await engine.stream('SELECT * FROM "rows ""x""" ORDER BY id', fields)
  const found: Cell[] = []
  for await (const part of rows.batches) found.push(...part.columns[1]!)
  expect(found).toEqual([...cells, null, null])
})

test('more rows than a chunk holds keep their order', async () => {
  const engine = await open()
  const ids = Array.from({ length: 5000 }, (_, i) => i)
  await engine.append('many', { fields: [field('id', 'Int32')], columns: [ids], rows: ids.length })
  expect(await engine.all('SELECT count(*) AS n, sum(id) AS sum FROM many')).toEqual([{ n: 5000n, sum: '12497500' }])
})

test('what no column can hold is refused', async () => {
  const engine = await open()
  const one = (type: string, cell: Cell): Batch => ({ fields: [field('v', type)], columns: [[cell]], rows: 1 })
  await expect(engine.append('a', one('Variant', '1'))).rejects.toThrow('Variant')
  await expect(engine.append('b', one('Decimal128(4, 1)', '1.25'))).rejects.toThrow('no decimal with scale 1')
})
