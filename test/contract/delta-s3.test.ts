/** The delta driver over S3 passes the same suite, on a real server. Every world has a prefix of its own in one bucket. */
import { basename } from 'node:path'
import { afterAll } from 'vitest'
import { openS3Store } from '../../src/storage/s3.ts'
import { radosgwBucket } from '../servers/radosgw.ts'
import { deltaEverywhere } from './delta-everywhere.ts'
import type { DriverUnderTest } from './driver/world.ts'
import { driverContract } from './driver.ts'
import { versionZero } from './version-zero.ts'

const { endpoint, accessKeyId, secretAccessKey, bucket, connection } = await radosgwBucket()
afterAll(() => connection[Symbol.asyncDispose]())

// The SDK's own chain finds the keys: in this process and in the children.
const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
Object.assign(process.env, env)

const storeOf = (folder: string) => openS3Store(`s3://${bucket}/${basename(folder)}`, connection)
const keysOf = async (folder: string): Promise<string[]> =>
  (await Array.fromAsync(storeOf(folder).list(''))).map(({ key }) => key)
const remove = async (folder: string): Promise<void> => storeOf(folder).delete(await keysOf(folder))

const delta: DriverUnderTest = {
  ...deltaEverywhere,
  name: 'delta on S3',
  backend: '',
  env,
  // Every step is killed at on the local disk (delta.test.ts); the steps are the same.
  killEvery: 10,
  outside: {
    backend: (folder) =>
      `{ driver: delta, url: "s3://${bucket}/${basename(folder)}", endpoint: "${endpoint}", forcePathStyle: true }`,
    async copy(from, to) {
      await remove(to)
      for (const key of await keysOf(from)) await storeOf(to).put(key, (await storeOf(from).read(key))!)
    },
    remove,
    fingerprint: async (folder) =>
      Object.fromEntries((await Array.fromAsync(storeOf(folder).list(''))).map(({ key, etag }) => [`s3:${key}`, etag])),
  },
  makeOutside: (folder, project, table) =>
    storeOf(folder).put(`projects/${project}/${table}/_delta_log/00000000000000000000.json`, versionZero()),
}
await driverContract(delta)
