/** The server of these tests is a BigQuery for Google's own client too; and what that client does to values, which is why ours decodes itself. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BigQuery } from '@google-cloud/bigquery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renameTables, segmentsOf } from '../servers/bigquery/names.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import { firstTime, openDriver, pagesOf, rowsOfPages, source, sourceOf } from './world.ts'

let front: BigQueryFront
let client: BigQuery
beforeAll(async () => {
  front = await BigQueryFront.start()
  const authClient = { getRequestHeaders: async () => new Headers() } as never
  client = new BigQuery({ projectId: 'p', apiEndpoint: front.endpoint, authClient })
  const [dataset] = await client.createDataset('d', { location: 'EU' })
  await dataset.createTable('t', { schema: 'id:INTEGER,ts:TIMESTAMP,n:NUMERIC' })
  await dataset.table('t').insert([
    { id: '9007199254740993', ts: '1969-12-31T23:59:59.999999Z', n: '0.000000001' },
    { id: '2', ts: '2024-05-01T00:00:00Z', n: null },
  ])
})
afterAll(() => front[Symbol.asyncDispose]())

test("what Google's client writes, our driver reads exactly; the client itself does not", async () => {
  await using driver = openDriver(front)
  const pages = await pagesOf(sourceOf(driver), source('t', { key: ['id'] }), firstTime, { rows: 1 })
  expect(rowsOfPages(pages)).toEqual([
    [9007199254740993n, -1n, '0.000000001'],
    [2n, 1714521600000000n, null],
  ])
  const [[first]] = await client.query('SELECT * FROM d.t WHERE id > 2')
  expect(first.id).not.toBe(9007199254740993n)
  expect(Number(first.id)).toBe(9007199254740992)
  expect(first.ts.value).not.toBe('1969-12-31T23:59:59.999999Z')
})

test('a time as text, bound by the client, is dropped: ours is microseconds', async () => {
  const query = { query: 'SELECT id FROM d.t WHERE ts > @ts', params: { ts: '1970-01-01' }, types: { ts: 'TIMESTAMP' } }
  expect((await client.query(query))[0]).toEqual([])
})

describe('as Google answers', () => {
  test('names in every spelling', async () => {
    for (const name of ['d.t', '`d.t`', '`p`.`d`.`t`', 'p.d.t', '`p.d`.t'])
      expect((await client.query(`SELECT COUNT(*) AS n FROM ${name} -- d.t`))[0], name).toEqual([{ n: 2 }])
  })
  test.each([
    ['SELECT nope FROM d.t', 400, 'invalidQuery', 'Unrecognized name: nope'],
    ['SELECT 1 FROM d.none', 404, 'notFound', 'Not found: Table p:d.none'],
    ['SELECT 1 FROM t', 400, 'invalid', 'must be qualified'],
    ['SELEC 1', 400, 'invalidQuery', 'Syntax error'],
  ])('%s', async (sql, code, reason, message) => {
    await expect(client.query(sql)).rejects.toMatchObject({
      code,
      errors: [{ reason, message: expect.stringContaining(message) }],
    })
  })
  test('a table elsewhere is not found', async () => {
    await expect(client.query({ query: 'SELECT 1 FROM d.t', location: 'US' })).rejects.toMatchObject({ code: 404 })
  })
  test('jobs, dry runs, pages', async () => {
    const [job] = await client.createQueryJob('SELECT id FROM d.t ORDER BY ts')
    const [rows] = await job.getQueryResults({ maxResults: 1, autoPaginate: false })
    expect(rows).toHaveLength(1)
    expect((await job.getQueryResults())[0]).toHaveLength(2)
    const [dry] = await client.createQueryJob({ query: 'SELECT id FROM d.t', dryRun: true })
    expect(dry.metadata.statistics.totalBytesProcessed).toBe('48')
  })
  test('datasets and tables: listed, changed, refused twice, deleted', async () => {
    await client.createDataset('e')
    await expect(client.createDataset('e')).rejects.toMatchObject({ code: 409 })
    const table = client.dataset('e').table('t')
    await client.dataset('e').createTable('t', { schema: 'a:STRING' })
    await expect(client.dataset('e').createTable('t', { schema: 'a:STRING' })).rejects.toMatchObject({ code: 409 })
    await expect(table.insert([{ b: 1 }])).rejects.toMatchObject({ name: 'PartialFailureError' })
    await table.setMetadata({ schema: 'a:STRING,b:FLOAT' })
    await table.insert([{ a: 'x', b: 1.5 }])
    expect((await table.getMetadata())[0]).toMatchObject({ numRows: '1', numBytes: '11' })
    expect((await client.dataset('e').getTables())[0].map(({ id }) => id)).toEqual(['t'])
    await expect(client.dataset('e').delete()).rejects.toMatchObject({ code: 400 })
    await client.dataset('e').delete({ force: true })
    expect((await client.getDatasets())[0].map(({ id }) => id)).toEqual(['d'])
  })
})

test('paths are renamed, texts and comments are not', () => {
  const rename = (segments: readonly string[]) => (segments.join('.') === 'd.t' ? 'p.d.t' : undefined)
  const sql = 'SELECT \'d.t\', r"d.t", d.tt, `x`.y FROM d . t, `d`.t, `d.t` # d.t\n/* d.t */'
  expect(renameTables(sql, rename)).toBe(
    'SELECT \'d.t\', r"d.t", d.tt, `x`.y FROM `p.d.t`, `p.d.t`, `p.d.t` # d.t\n/* d.t */',
  )
  expect(segmentsOf('`p-1.d`.t')).toEqual(['p-1', 'd', 't'])
})

test('as a program: prints its endpoint, serves, ends with its signal', async () => {
  const program = fileURLToPath(new URL('../servers/bigquery-front.ts', import.meta.url))
  const child = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  const answer = await fetch(`${String(line).trim()}/bigquery/v2/projects/p/datasets`)
  expect(await answer.json()).toMatchObject({ kind: 'bigquery#datasetList', datasets: [] })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
