/** delete, restore and the retention of rows on S3: the same as on a disk, by the bytes that travel. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openS3Store } from '../../src/storage/s3.ts'
import { radosgwBucket } from '../servers/radosgw.ts'
import { create, Lake, loadInto, rowsOf } from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const dated = `table_name: dated\npartitions: [date]\ntime_column: ts\nretention: 30d\nfields:\n${column('id', 'Int64')}${column('date', 'Date32')}${column('ts', 'Timestamp(Microsecond, Some("UTC"))')}`
const ref = 'lake:acme/t'
let server: Awaited<ReturnType<typeof radosgwBucket>>
beforeAll(async () => {
  server = await radosgwBucket()
  process.env.AWS_ACCESS_KEY_ID = server.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey
}, 100_000)
afterAll(() => server.connection[Symbol.asyncDispose]())

it('rows go by a condition and by their age, come back, and stay away when their files are gone', async () => {
  await using lake = new Lake({ dated })
  const url = `s3://${server.bucket}/rows that go`
  const place = `url: "${url}", endpoint: "${server.endpoint}", forcePathStyle: true`
  lake.write('tblctl.yaml', `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, ${place} }\n`)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'dated')
  const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()
  const rows = [40, 40, 35, 1, 1, 1].map((days, id) => ({ id, ts: ago(days) }))
  await loadInto(tblctl, lake.folder, ref, [lake.rows('rows.ndjson', rows)])
  const run = async (verb: 'delete' | 'restore' | 'vacuum', options: object) =>
    (await tblctl.operate(verb, { refs: [ref] }, options)).items[0]!
  const ids = async () => (await rowsOf(tblctl, ref, 'select id from t order by id')).map(([id]) => Number(id))

  expect(await run('delete', { where: `date >= '${ago(2).slice(0, 10)}' and id = 4` })).toMatchObject({
    status: 'changed',
    plan: { rows: 1, filesRewritten: 1, filesRemoved: 0 },
    result: { version: 2, rowsRemoved: 1, filesRemoved: 1, filesAdded: 1 },
  })
  expect(await ids()).toEqual([0, 1, 2, 3, 5])
  expect(await run('vacuum', { expired: true })).toMatchObject({
    status: 'changed',
    result: { rowsRemoved: 3, filesRemoved: 2, filesAdded: 0 },
  })
  expect(await ids()).toEqual([3, 5])
  expect(await run('restore', { version: 1, timestamp: null })).toMatchObject({
    status: 'changed',
    result: { filesRestored: 3, filesRemoved: 1, rowsBefore: 2, rowsAfter: 6 },
  })
  expect(await ids()).toEqual([0, 1, 2, 3, 4, 5])

  const store = openS3Store(url, server.connection)
  expect(await run('delete', { where: 'true' })).toMatchObject({ result: { rowsRemoved: 6, filesAdded: 0 } })
  const data = (await Array.fromAsync(store.list(''))).filter(({ key }) => key.endsWith('.parquet'))
  await store.delete(data.map(({ key }) => key))
  expect((await run('restore', { version: 1, timestamp: null })).error).toMatchObject({
    code: 'version-vacuumed',
    message: expect.stringContaining('3 of its 3 files'),
  })
  expect(await ids()).toEqual([])
}, 60_000)
