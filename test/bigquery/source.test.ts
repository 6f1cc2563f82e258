/** inspect, describe, stats, scan: what the API says of a table, what it does not know, and what cannot be a cursor. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Observed } from '../../src/core/driver.ts'
import { errorView } from '../../src/core/errors.ts'
import type { Subject } from '../../src/core/operation.ts'
import type { Cursor } from '../../src/core/sync.ts'
import { formatType } from '../../src/core/types.ts'
import type { Field } from '../servers/bigquery/values.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import {
  context,
  firstNull,
  firstTime,
  makeTable,
  openDriver,
  pagesOf,
  rowsOfPages,
  source,
  sourceOf,
} from './world.ts'

let front: BigQueryFront
beforeAll(async () => {
  front = await BigQueryFront.start()
})
afterAll(() => front[Symbol.asyncDispose]())

const fields: Field[] = [
  { name: 'id', type: 'INT64', mode: 'REQUIRED', description: 'who it is' },
  { name: 'ts', type: 'TIMESTAMP' },
  { name: 'day', type: 'DATE' },
  { name: 'score', type: 'FLOAT64' },
  { name: 'tags', type: 'STRING', mode: 'REPEATED' },
  { name: 'name', type: 'STRING', collation: 'und:ci' },
]
const keyed = { tableConstraints: { primaryKey: { columns: ['id'] } } }
const subject = (table: string): Subject => ({ kind: 'table', path: `warehouse/d/${table}`, spec: null })
const thrown = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    return errorView(error)
  }
  throw new Error('it did not throw')
}

describe('inspect', () => {
  test('columns, the primary key, the clock of the server, and who the table is', async () => {
    const stored = makeTable(front, 'orders', fields, [{ id: 1, ts: '0' }], keyed)
    await using driver = openDriver(front)
    const before = Date.now()
    const facts = await sourceOf(driver).inspect(source('orders'), context())
    expect(facts.fields.map(({ name, type, nullable }) => [name, formatType(type), nullable])).toEqual([
      ['id', 'Int64', false],
      ['ts', 'Timestamp(Microsecond, Some("UTC"))', true],
      ['day', 'Date32', true],
      ['score', 'Float64', true],
      ['tags', 'List(Utf8 not null)', true],
      ['name', 'Utf8', true],
    ])
    expect(facts.key).toEqual(['id'])
    expect(facts.identity).toBe(new Date(stored.creationTime).toISOString())
    expect(facts.highWater).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(Math.abs(Date.parse(facts.highWater) - before)).toBeLessThan(10_000)
  })

  test.each(['ts', 'wall', 'day'])('by a column %s, rows are counted where pages would bring them', async (name) => {
    const wall = { name: 'wall', type: 'DATETIME' }
    const at = (id: number, day: string) => ({ id, ts: `${day}T00:00:00Z`, wall: `${day} 00:00:00`, day })
    makeTable(front, 'forms', [...fields, wall], [at(1, '2020-01-01'), at(2, '2020-01-01'), at(3, '2020-01-02')], keyed)
    await using driver = openDriver(front)
    const table = source('forms', { timestampColumn: name })
    const facts = await sourceOf(driver).inspect(table, context())
    expect(facts.highWater).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    const [first] = await pagesOf(sourceOf(driver), table, firstTime, { rows: 1 }, facts)
    const { time } = first!.next
    const count = (from: Cursor, until = time!) => sourceOf(driver).count(table, facts, from, until, context())
    expect(await count({ lane: 'time', time, key: null })).toBe(2)
    expect(await count(first!.next)).toBe(1)
    expect(await count(firstTime, facts.highWater)).toBe(3)
    expect(await count(firstNull, facts.highWater)).toBe(0)
  })

  test('the marker changes with the rows, and is unknown while they stream in', async () => {
    const stored = makeTable(front, 'marked', fields, [], keyed)
    await using driver = openDriver(front)
    const marker = async () => (await sourceOf(driver).inspect(source('marked'), context())).marker
    const first = await marker()
    expect(await marker()).toBe(first)
    expect(first).not.toBeNull()
    stored.append([{ json: { id: 1, ts: '0' } }])
    expect(await marker()).not.toBe(first)
    stored.streamingBuffer = { oldestEntryTime: '1700000000000', estimatedRows: '3' }
    expect(await marker()).toBeNull()
  })

  test('of the columns that were named, and time and key always', async () => {
    makeTable(front, 'some', fields, [{ id: 1, ts: '0', day: '2024-05-01', score: 2 }], keyed)
    await using driver = openDriver(front)
    const table = source('some', { columns: ['score', 'day'] })
    const facts = await sourceOf(driver).inspect(table, context())
    expect(facts.fields.map(({ name }) => name)).toEqual(['score', 'day', 'ts', 'id'])
    expect(rowsOfPages(await pagesOf(sourceOf(driver), table, firstTime, { rows: 5 }, facts))).toEqual([
      [2, 19844, 0n, 1n],
    ])
    expect(front.seen.at(-1)!.body.query).not.toContain('tags')
  })

  test('what a program remembered of an earlier inspection is enough for a page', async () => {
    makeTable(front, 'later', fields, [{ id: 1, ts: '0' }], keyed)
    await using first = openDriver(front)
    const facts = JSON.parse(JSON.stringify(await sourceOf(first).inspect(source('later'), context())))
    await using second = openDriver(front)
    const pages = await pagesOf(sourceOf(second), source('later'), firstTime, { rows: 5 }, facts)
    expect(rowsOfPages(pages)).toEqual([[1n, 0n, null, null, [], null]])
  })

  test.each([
    [{ table: 'nothing' }, 'missing', 'source-not-found', 'there is no table p.d.nothing'],
    [{ dataset: 'nothing' }, 'missing', 'source-not-found', 'there is no table p.nothing.refused'],
    [{ timestampColumn: 'TS' }, 'data', 'column-not-found', 'there is no column TS'],
    [{ timestampColumn: 'score' }, 'data', 'bad-time-column', 'column score is of type FLOAT64: it is no time'],
    [{ timestampColumn: 'tags' }, 'data', 'bad-time-column', 'column tags is of type ARRAY<STRING>: it is no time'],
    [{ key: ['id', 'score'] }, 'data', 'bad-key-column', 'column score is of type FLOAT64: it cannot be a key'],
    [{ key: ['name'] }, 'data', 'bad-key-column', 'column name is compared by und:ci: two texts may be one key'],
    [{ columns: ['idd'] }, 'data', 'column-not-found', 'there is no column idd'],
  ])('%j is refused by name', async (more, kind, code, message) => {
    makeTable(front, 'refused', fields)
    await using driver = openDriver(front)
    const view = await thrown(sourceOf(driver).inspect({ ...source('refused'), ...more }, context()))
    expect(view).toMatchObject({ kind, code, message })
    expect(view.hint).toBeDefined()
  })
})

test('a column that is gone since it was inspected is told by name; one that came changes nothing', async () => {
  const stored = makeTable(front, 'moving', fields, [{ id: 1, ts: '0', score: 1 }], keyed)
  await using driver = openDriver(front)
  const table = source('moving', { columns: ['score'] })
  const facts = await sourceOf(driver).inspect(table, context())
  stored.patch({ schema: { fields: [{ name: 'new', type: 'STRING' }, ...fields] } })
  expect(rowsOfPages(await pagesOf(sourceOf(driver), table, firstTime, { rows: 5 }, facts))).toEqual([[1, 0n, 1n]])
  stored.patch({ schema: { fields: fields.filter(({ name }) => name !== 'score') } })
  expect(await thrown(pagesOf(sourceOf(driver), table, firstTime, { rows: 5 }, facts))).toMatchObject({
    kind: 'data',
    code: 'invalid-query',
    message: expect.stringContaining('score'),
    where: 'p.d.moving',
  })
})

describe('describe, stats, scan', () => {
  test('what the API says', async () => {
    makeTable(front, 'told', fields, [{ id: 1 }, { id: 2 }], {
      ...keyed,
      description: 'orders',
      timePartitioning: { type: 'DAY', field: 'day' },
      clustering: { fields: ['id'] },
      requirePartitionFilter: true,
    })
    await using driver = openDriver(front)
    const described = await driver.describe(subject('told'), context())
    expect(described.status).toMatchObject({ rows: 2, bytes: 16, source: 'exact', modifiedAt: expect.any(String) })
    expect(described.schema.partitions).toEqual(['day'])
    expect(described.schema.fields[0]).toEqual({
      name: 'id',
      type: { kind: 'Int64' },
      nullable: false,
      description: 'who it is',
    })
    expect(described.details).toMatchObject({
      name: 'p.d.told',
      type: 'TABLE',
      location: 'EU',
      primaryKey: ['id'],
      partitioning: { type: 'DAY', field: 'day' },
      clustering: ['id'],
      requirePartitionFilter: true,
      streamingBuffer: null,
    })
  })

  test('rows that still stream in make it an estimate; counted they are exact', async () => {
    const stored = makeTable(front, 'streamed', fields, [{ id: 1 }])
    stored.streamingBuffer = { oldestEntryTime: '1700000000000', estimatedRows: '5' }
    await using driver = openDriver(front)
    expect(await driver.stats(subject('streamed'), { exact: false }, context())).toMatchObject({
      status: { rows: 6, source: 'estimate' },
      unknown: {},
    })
    expect(await driver.stats(subject('streamed'), { exact: true }, context())).toMatchObject({
      status: { rows: 1, source: 'exact' },
    })
  })

  test('what has no counts is unknown with a reason, until it is counted', async () => {
    const stored = makeTable(front, 'view', fields, [{ id: 1 }])
    stored.describe = () => ({ type: 'VIEW', schema: { fields }, location: 'EU' })
    await using driver = openDriver(front)
    const told = await driver.stats(subject('view'), { exact: false }, context())
    expect(told.status).toMatchObject({ rows: null, bytes: null })
    expect(told.unknown).toEqual({
      rows: 'BigQuery counts nothing for a view',
      bytes: 'BigQuery counts nothing for a view',
    })
    expect((await driver.describe(subject('view'), context())).status.rowsUnknown).toBe(told.unknown.rows)
    const counted = await driver.stats(subject('view'), { exact: true }, context())
    expect(counted).toMatchObject({ status: { rows: 1, bytes: null }, unknown: { bytes: expect.any(String) } })
    const facts = await sourceOf(driver).inspect(source('view', { key: ['id'] }), context())
    expect(facts.marker).toBeNull()
    expect(facts.identity).toBeUndefined()
  })

  test('a table that is not there is missing, by its ref', async () => {
    await using driver = openDriver(front)
    expect(await thrown(driver.describe(subject('gone'), context()))).toMatchObject({
      kind: 'missing',
      code: 'table-not-found',
      message: 'there is no table p.d.gone (warehouse:d/gone)',
    })
  })

  test('every table of every dataset, page by page; names that are no refs and datasets that are gone are left out', async () => {
    for (const dataset of ['one', 'two', 'lost']) front.store.createDataset('many', dataset, 'US')
    for (let i = 0; i < 1001; i++) front.store.createTable('many', 'one', `t${i}`, { schema: { fields } })
    front.store.createTable('many', 'two', 'größe', { schema: { fields } })
    front.store.createTable('many', 'two', 't', { schema: { fields } })
    await using driver = openDriver(front, 'many')
    front.fail({ path: /datasets\/lost\/tables/, times: 1, is: { code: 404, reason: 'notFound' } })
    const all: Observed[] = await Array.fromAsync(driver.scan({}, context()))
    expect(all).toHaveLength(1002)
    expect(all.at(-1)).toEqual({
      path: 'warehouse/two/t',
      location: 'many.two.t',
      marker: null,
      schemaHash: null,
      facts: { type: 'TABLE' },
    })
    expect(await Array.fromAsync(driver.scan({ project: 'two' }, context()))).toHaveLength(1)
    expect(await Array.fromAsync(driver.scan({ project: 'none' }, context()))).toEqual([])
  })
})
