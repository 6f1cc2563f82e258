/** The S3 store over the double and over a real server: one suite for both, and what only one of them can show. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openS3Store } from '../../../src/storage/s3.ts'
import { openS3Connection, type S3Connection } from '../../../src/storage/s3-client.ts'
import { objectStoreContract } from '../../contract/object-store.ts'
import { radosgwBucket } from '../../servers/radosgw.ts'
import { startS3Double } from '../../servers/s3-double.ts'

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
const connectTo = (endpoint: string): S3Connection =>
  openS3Connection({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })

let roots = 0
const double = await startS3Double('bucket')
const toDouble = connectTo(double.endpoint)
objectStoreContract('S3 (the double)', async () => openS3Store(`s3://bucket/root ${roots++}`, toDouble))

let server: Awaited<ReturnType<typeof radosgwBucket>>
beforeAll(async () => {
  server = await radosgwBucket()
}, 100_000)
afterAll(async () => {
  await toDouble[Symbol.asyncDispose]()
  await double[Symbol.asyncDispose]()
  await server.connection[Symbol.asyncDispose]()
})
objectStoreContract('S3 (radosgw)', async () => openS3Store(`s3://${server.bucket}/root ${roots++}`, server.connection))

it('a bucket may be the root itself', async () => {
  const store = openS3Store('s3://bucket/', toDouble)
  expect(store.url).toBe('s3://bucket')
  await store.put('top/x', new Uint8Array([1]))
  expect(await Array.fromAsync(store.folders(''))).toContain('top')
})
