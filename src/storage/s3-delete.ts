/** Deleting: a thousand keys a request, or one by one where the service does not know that. */
import { durable } from '../core/durable.ts'
import { mapBounded } from '../core/run/pool.ts'
import type { S3Clients } from './s3-client.ts'
import { codeOf, isAbsent, type S3Where, s3Error, statusOf } from './s3-errors.ts'

const mostKeys = 1000
const singlesAtOnce = 8

/** `keys` as the service sees them; missing ones are no error. */
export async function deleteObjects(clients: S3Clients, where: S3Where, keys: readonly string[]): Promise<void> {
  let batches = true
  for (let i = 0; i < keys.length; i += mostKeys) {
    const some = keys.slice(i, i + mostKeys)
    durable('object-delete:before')
    // XML cannot carry every character of a key, a URL can.
    const plain = some.filter((key) => !/[\u0000-\u001f\ufffe\uffff]/.test(key))
    if (batches) batches = await deleteBatch(clients, where, plain)
    const rest = batches ? some.filter((key) => !plain.includes(key)) : some
    await mapBounded(rest, singlesAtOnce, (key) => deleteOne(clients, where, key))
    durable('object-delete:after')
  }
}

/** False when the service does not know this request. */
async function deleteBatch({ sdk, client }: S3Clients, where: S3Where, keys: readonly string[]): Promise<boolean> {
  if (keys.length < 2) return keys.length === 0
  const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true }
  const request = new sdk.DeleteObjectsCommand({ Bucket: where.bucket, Delete })
  const answer = await client.send(request).catch((error: unknown) => {
    const unknown = [405, 501].includes(statusOf(error) ?? 0) || codeOf(error) === 'NotImplemented'
    if (unknown) return null
    throw s3Error(error, 'delete objects in', where)
  })
  if (answer === null) return false
  const failed = answer.Errors?.find(({ Code }) => Code !== 'NoSuchKey')
  if (failed) {
    const { Code = 'Error', Key } = failed
    const status = Code === 'AccessDenied' ? 403 : Code === 'SlowDown' || Code === 'InternalError' ? 503 : 400
    const error = { name: Code, $metadata: { httpStatusCode: status } }
    throw s3Error(error, 'delete', { ...where, ...(Key === undefined ? {} : { key: Key }) })
  }
  return true
}

async function deleteOne({ sdk, client }: S3Clients, where: S3Where, key: string): Promise<void> {
  try {
    await client.send(new sdk.DeleteObjectCommand({ Bucket: where.bucket, Key: key }))
  } catch (error) {
    if (!isAbsent(error)) throw s3Error(error, 'delete', { ...where, key })
  }
}
