/**
 * One conditional write: PUT with `If-None-Match: *`. The SDK's own retries are off, because a retry that meets its own object is told
 * 412 as if another writer had won; here such an answer is decided by the bytes that are there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { durable } from '../core/durable.ts'
import { fail } from '../core/errors.ts'
import type { S3Clients } from './s3-client.ts'
import { codeOf, isAbsent, isDoubtful, noS3, type S3Where, s3Error, statusOf } from './s3-errors.ts'
import { readObject } from './s3-read.ts'

const attempts = 5
const longestWaitMs = 2_000

/** Throws `refused`/`no-conditional-writes` where the service says that it has none; `unreachable`/`write-unknown` when the object may be there. */
export async function putIfAbsent(
  { sdk, client, once }: S3Clients,
  where: S3Where & { readonly key: string },
  bytes: Uint8Array,
): Promise<'written' | 'exists'> {
  const { bucket, key } = where
  let doubt: unknown
  for (let attempt = 1; ; attempt++) {
    try {
      durable('object-put:before')
      const request = new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, IfNoneMatch: '*' })
      if ((await once.send(request)).ETag === undefined) throw noS3(where)
      durable('object-put:after')
      return 'written'
    } catch (error) {
      const status = statusOf(error)
      if (status === 412) return doubt === undefined || !(await isOurs()) ? 'exists' : 'written'
      if (status === 501 || codeOf(error) === 'NotImplemented') throw noConditions(where)
      if (isDoubtful(error)) doubt = error
      else if (status !== 409) throw s3Error(error, 'write', where)
      if (attempt === attempts) return decide(error)
    }
    await sleep(Math.random() * Math.min(longestWaitMs, where.connection.patience.retryMs * 4 ** (attempt - 1)))
  }

  async function there(): Promise<Uint8Array | undefined> {
    try {
      return await readObject({ sdk, client, once }, where)
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw unknown(error)
    }
  }
  async function isOurs(): Promise<boolean> {
    const found = await there()
    return found !== undefined && Buffer.from(found).equals(bytes)
  }
  /** The attempts are used up, and none was answered with yes or no. */
  async function decide(error: unknown): Promise<'written' | 'exists'> {
    const found = await there()
    if (found === undefined) throw doubt === undefined ? busy(error) : unknown(doubt)
    return doubt !== undefined && Buffer.from(found).equals(bytes) ? 'written' : 'exists'
  }
  function unknown(error: unknown): Error {
    const told = s3Error(error, 'write', where) as Error
    return fail('unreachable', 'write-unknown', `${told.message}; the object may be there all the same`, {
      hint: 'run the same command again: it looks first',
      retry: 'resume',
      cause: error,
    })
  }
  function busy(error: unknown): Error {
    return fail(
      'unreachable',
      'storage-busy',
      `cannot write s3://${bucket}/${key}: the service reports conflicting requests without end`,
      { where: where.connection.name, retry: 'later', cause: error },
    )
  }
}

/** Shown by doctor too. */
export const noConditions = ({ connection, bucket }: S3Where): Error =>
  fail(
    'refused',
    'no-conditional-writes',
    `the S3 service at ${connection.name} ignores If-None-Match: two writers of one table would overwrite each other's commits`,
    {
      where: `s3://${bucket} at ${connection.name}`,
      hint: 'nothing was written; use a service with conditional writes (Amazon S3, Ceph, MinIO), or a file: location',
    },
  )
