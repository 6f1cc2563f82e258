/** The cursor, over Google's evaluator: whatever the table and the size of the pages, together they are the table, each row once, in order. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cell } from '../../src/core/batch.ts'
import { errorView } from '../../src/core/errors.ts'
import { quoted } from '../../src/drivers/bigquery/keyset.ts'
import type { Field } from '../servers/bigquery/values.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import {
  context,
  firstNull,
  firstTime,
  makeTable,
  openDriver,
  pagesOf,
  type Row,
  rowsOfPage,
  rowsOfPages,
  source,
  sourceOf,
} from './world.ts'

let front: BigQueryFront
beforeAll(async () => {
  front = await BigQueryFront.start()
})
afterAll(() => front[Symbol.asyncDispose]())

/** Around 1970, microseconds apart, often the same; sometimes the first and the last that there are. */
const instants = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -3, max: 3 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('-62135596800000000', '1700000000000001') },
  { weight: 2, arbitrary: fc.constant(null) },
)
const runs = { numRuns: 25, seed: 20_261_120 }
const text = (cells: readonly Cell[]) =>
  JSON.stringify(cells, (_, cell) => (typeof cell === 'bigint' ? `${cell}n` : cell))

describe('pages of a random table', () => {
  const fields: Field[] = [
    { name: 'a', type: 'INT64' },
    { name: 'b', type: 'STRING' },
    { name: 'ts', type: 'TIMESTAMP' },
  ]

  test('with a key of two columns: each row once, in the order of time and key', async () => {
    const keys = fc.record({ a: fc.integer({ min: -2, max: 2 }), b: fc.constantFrom('', 'A', 'a', 'é', '😀') })
    const tables = fc.uniqueArray(fc.record({ key: keys, ts: instants }), {
      selector: ({ key }) => JSON.stringify(key),
      maxLength: 16,
    })
    await using driver = openDriver(front)
    await fc.assert(
      fc.asyncProperty(tables, fc.integer({ min: 1, max: 6 }), async (rows, size) => {
        makeTable(
          front,
          'random',
          fields,
          rows.map(({ key, ts }) => ({ ...key, ts })),
        )
        const table = source('random', { key: ['b', 'a'] })
        const times = await pagesOf(sourceOf(driver), table, firstTime, { rows: size })
        const nulls = await pagesOf(sourceOf(driver), table, firstNull, { rows: size })
        for (const page of [...times, ...nulls]) expect(page.batch.rows).toBeLessThanOrEqual(size)
        const read = rowsOfPages([...times, ...nulls]) as [bigint, string, bigint | null][]
        const bytes = Buffer.from
        const order = (x: (typeof read)[number], y: (typeof read)[number]) =>
          Number(x[2]! - y[2]!) || Buffer.compare(bytes(x[1]), bytes(y[1])) || Number(x[0] - y[0])
        const all = rows.map(
          ({ key, ts }) => [BigInt(key.a), key.b, ts === null ? null : BigInt(ts)] as (typeof read)[number],
        )
        const dated = all.filter((row) => row[2] !== null).sort(order)
        const undated = all.filter((row) => row[2] === null).sort((x, y) => order([x[0], x[1], 0n], [y[0], y[1], 0n]))
        expect(read).toEqual([...dated, ...undated])
      }),
      runs,
    )
  }, 120_000)

  test('without a key, with equal rows: each as often as it is there, equal ones in one page', async () => {
    const tables = fc.array(fc.record({ a: fc.integer({ min: 0, max: 2 }), ts: instants }), { maxLength: 16 })
    await using driver = openDriver(front)
    await fc.assert(
      fc.asyncProperty(tables, fc.integer({ min: 1, max: 5 }), async (rows, size) => {
        makeTable(front, 'keyless', fields, rows)
        const table = source('keyless', { appendOnly: true })
        const pages = [
          ...(await pagesOf(sourceOf(driver), table, firstTime, { rows: size })),
          ...(await pagesOf(sourceOf(driver), table, firstNull, { rows: size })),
        ]
        const read = rowsOfPages(pages)
        const all = rows.map(({ a, ts }) => [BigInt(a), null, ts === null ? null : BigInt(ts)])
        expect(read.map(text).sort()).toEqual(all.map(text).sort())
        const seen = new Set<string>()
        for (const page of pages) {
          const here = new Set(rowsOfPage(page).map(text))
          for (const row of here) expect(seen.has(row)).toBe(false)
          for (const row of here) seen.add(row)
        }
        const dated = read.flatMap((row) => (row[2] === null ? [] : [row[2] as bigint]))
        expect(dated).toEqual(dated.toSorted((x, y) => Number(x - y)))
      }),
      runs,
    )
  }, 120_000)
})

describe('a page', () => {
  const fields: Field[] = [
    { name: 'id', type: 'INT64', mode: 'REQUIRED' },
    { name: 'ts', type: 'TIMESTAMP' },
    { name: 'text', type: 'STRING' },
  ]
  const numbered = (count: number, row: (i: number) => Row): Row[] =>
    Array.from({ length: count }, (_, i) => ({ id: i, ...row(i) }))
  const idsOf = (pages: Awaited<ReturnType<typeof pagesOf>>) =>
    pages.map((page) => rowsOfPage(page).map((row) => Number(row[0])))

  test('more rows of one microsecond than fit: the key goes on (H1, H2)', async () => {
    makeTable(
      front,
      'ties',
      fields,
      numbered(10, (i) => ({ ts: String(1_700_000_000_000_000 + Math.floor(i / 9)) })),
    )
    await using driver = openDriver(front)
    const pages = await pagesOf(sourceOf(driver), source('ties', { key: ['id'] }), firstTime, { rows: 4 })
    expect(idsOf(pages)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ])
    expect(pages.map(({ next }) => next)).toEqual([
      { lane: 'time', time: '2023-11-14T22:13:20.000000Z', key: ['3'] },
      { lane: 'time', time: '2023-11-14T22:13:20.000000Z', key: ['7'] },
      { lane: 'time', time: '2023-11-14T22:13:20.000001Z', key: ['9'] },
    ])
    expect(pages.map(({ more }) => more)).toEqual([true, true, false])
  })

  test('a key that is not one: its rows stay together, also when they are more than a page', async () => {
    makeTable(
      front,
      'unkeyed',
      fields,
      [3, 1, 1, 2, 2, 2, 2].map((id) => ({ id, ts: '7' })),
    )
    await using driver = openDriver(front)
    const pages = await pagesOf(sourceOf(driver), source('unkeyed', { key: ['id'] }), firstTime, { rows: 3 })
    expect(idsOf(pages)).toEqual([[1, 1], [2, 2, 2, 2], [3]])
  })

  test('ends once it comes to its bytes; a row larger than that is a page', async () => {
    makeTable(
      front,
      'wide',
      fields,
      numbered(6, (i) => ({ ts: String(i), text: 'x'.repeat(i === 3 ? 5000 : 400) })),
    )
    await using driver = openDriver(front)
    const read = await pagesOf(sourceOf(driver), source('wide', { key: ['id'] }), firstTime, { rows: 100, bytes: 1200 })
    expect(idsOf(read).flat()).toEqual([0, 1, 2, 3, 4, 5])
    expect(idsOf(read)).toEqual([[0, 1], [2], [3], [4, 5]])
  })

  test('rows past the high water are left: the next pass brings them', async () => {
    makeTable(front, 'future', fields, [
      { id: 1, ts: '1' },
      { id: 2, ts: '253402300799999999' },
    ])
    await using driver = openDriver(front)
    const pages = await pagesOf(sourceOf(driver), source('future', { key: ['id'] }), firstTime, { rows: 10 })
    expect(idsOf(pages)).toEqual([[1]])
    const port = sourceOf(driver)
    const facts = await port.inspect(source('future', { key: ['id'] }), context())
    const rest = await port.page(
      source('future', { key: ['id'] }),
      facts,
      pages[0]!.next,
      '9999-12-31T23:59:59.999999Z',
      { rows: 10, bytes: 1e6 },
      context(),
    )
    expect(idsOf([rest])).toEqual([[2]])
  })

  test.each([
    ['DATETIME', '1969-12-31T23:59:59.999999', '2024-05-01T10:00:00.000001', '1969-12-31T23:59:59.999999'],
    ['DATE', '0001-01-01', '2024-05-01', '0001-01-01'],
  ])('a time column of type %s keeps its form and its microseconds (H18)', async (type, early, late, cursor) => {
    makeTable(
      front,
      'walls',
      [
        { name: 'id', type: 'INT64' },
        { name: 'ts', type },
      ],
      [
        { id: 1, ts: late },
        { id: 2, ts: early },
      ],
    )
    await using driver = openDriver(front)
    const pages = await pagesOf(sourceOf(driver), source('walls', { key: ['id'] }), firstTime, { rows: 1 })
    expect(idsOf(pages)).toEqual([[2], [1]])
    expect(pages.map(({ next }) => next.time)).toEqual([cursor, late])
  })

  test.each([
    ['STRING', ["'; DROP TABLE x --", 'a`b', 'z']],
    ['BYTES', ['AA==', 'AAA=', '/w==']],
    ['BOOL', [false, true]],
    ['NUMERIC', ['-1.5', '0.000000001', '7']],
    ['BIGNUMERIC', ['-0.00000000000000000000000000000000000001', '1', '2']],
    ['DATE', ['0001-01-01', '1969-12-31', '2024-05-01']],
    ['TIME', ['00:00:00', '00:00:00.000001', '23:59:59']],
    ['DATETIME', ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00', '2024-05-01T00:00:00.5']],
    ['TIMESTAMP', ['-1', '0', '1']],
  ])('a key of type %s goes on exactly', async (type, values) => {
    makeTable(
      front,
      'keys',
      [
        { name: 'id', type },
        { name: 'ts', type: 'TIMESTAMP' },
      ],
      values.map((id) => ({ id, ts: '0' })),
    )
    await using driver = openDriver(front)
    const pages = await pagesOf(sourceOf(driver), source('keys', { key: ['id'] }), firstTime, { rows: 1 })
    expect(pages.map((page) => page.batch.rows)).toEqual(values.map(() => 1))
    expect(new Set(rowsOfPages(pages).map(text)).size).toBe(values.length)
  })

  test('a key that is NULL in a row is told, and nothing is lost in silence', async () => {
    makeTable(
      front,
      'holes',
      [
        { name: 'id', type: 'INT64' },
        { name: 'ts', type: 'TIMESTAMP' },
      ],
      [{ id: null, ts: '0' }],
    )
    await using driver = openDriver(front)
    const failed = pagesOf(sourceOf(driver), source('holes', { key: ['id'] }), firstTime, { rows: 1 })
    const view = errorView(await failed.catch((error) => error))
    expect(view).toMatchObject({
      kind: 'data',
      code: 'null-key',
      message: 'column id of the key is NULL in a row of 1970-01-01T00:00:00.000000Z',
      where: 'p.d.holes',
    })
  })
})

test('a name cannot end its quotes', async () => {
  expect(quoted('a`b\\c')).toBe('`a\\`b\\\\c`')
})
