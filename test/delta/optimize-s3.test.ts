/** optimize on S3: copies of one partition at a time on this disk, the new files uploaded, and nothing left here. */
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openS3Store } from '../../src/storage/s3.ts'
import { radosgwBucket } from '../servers/radosgw.ts'
import { contentOf, create, Lake, loadInto } from './world.ts'

const ref = 'lake:acme/t'
const schema = `table_name: days\npartitions: [day]\nfields:\n${['id: Int64', 'text: Utf8', 'day: Date32']
  .map((column) => column.split(': '))
  .map(([name, type]) => `  - { name: ${name}, data_type: ${type}, nullable: true }\n`)
  .join('')}`
let server: Awaited<ReturnType<typeof radosgwBucket>>
beforeAll(async () => {
  server = await radosgwBucket()
  process.env.AWS_ACCESS_KEY_ID = server.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey
}, 100_000)
afterAll(() => server.connection[Symbol.asyncDispose]())

it('compacts, orders some partitions along a curve, and finds nothing to do again', async () => {
  await using lake = new Lake({ days: schema })
  const url = `s3://${server.bucket}/lake`
  lake.write(
    'tblctl.yaml',
    `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, url: "${url}", endpoint: "${server.endpoint}", forcePathStyle: true }\n`,
  )
  const tblctl = await lake.open()
  await create(tblctl, ref, 'days')
  for (let load = 0; load < 2; load++) {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      id: (i * 7919) % 20_000,
      text: `${load} ${(i * 31) % 977}`,
      day: `2026-03-0${1 + (i % 2)}`,
    }))
    await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', rows)])
  }
  const before = await contentOf(tblctl, ref)
  const optimize = async (options: object) =>
    (await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, ...options })).items[0]!
  expect(await optimize({})).toMatchObject({ status: 'changed', result: { filesRemoved: 4, filesAdded: 2 } })
  expect(await contentOf(tblctl, ref)).toEqual(before)
  const curve = { zorder: ['id', 'text'], where: "day = '2026-03-02'", targetSize: 30_000 }
  expect(await optimize(curve)).toMatchObject({ status: 'changed', result: { filesRemoved: 1, rows: 20_000 } })
  expect(await contentOf(tblctl, ref)).toEqual(before)
  for (const options of [curve, {}]) expect(await optimize(options)).toMatchObject({ status: 'unchanged' })
  const keys = (await Array.fromAsync(openS3Store(url, server.connection).list(''))).map(({ key }) => key)
  expect(keys.filter((key) => key.includes('day=2026-03-02/')).length).toBeGreaterThan(5)
  const left = readdirSync(lake.folder, { recursive: true }).filter((name) => String(name).endsWith('.parquet'))
  expect(left).toEqual([])
})
