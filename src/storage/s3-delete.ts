/** Deleting: a thousand keys a request, or one by one where the service does not know that. */
import { setTimeout as sleep } from 'node:timers/promises'
import { durable } from '../core/durable.ts'
import { mapBounded } from '../core/run/pool.ts'
import type { S3Clients } from './s3-client.ts'
import { codeOf, isAbsent, type S3Where, s3Error, statusOf } from './s3-errors.ts'

const mostKeys = 1000
const singlesAtOnce = 8
/** Errors of single keys in an answer that is a success: the SDK repeats only whole requests. */
const throttled = ['SlowDown', 'InternalError', 'ServiceUnavailable', 'Throttling', 'ThrottlingException']
const attempts = 8
const firstWaitMs = 50

/** `keys` as the service sees them; missing ones are no error. */
export async function deleteObjects(clients: S3Clients, where: S3Where, keys: readonly string[]): Promise<void> {
  let batches = true
  for (let i = 0; i < keys.length; i += mostKeys) {
    const some = keys.slice(i, i + mostKeys)
    durable('object-delete:before')
    // XML cannot carry every character of a key, a URL can.
    const { plain = [], odd = [] } = Object.groupBy(some, (key) =>
      /[\u0000-\u001f\ufffe\uffff]/.test(key) ? 'odd' : 'plain',
    )
    if (batches) batches = await deleteBatch(clients, where, plain)
    const rest = batches ? odd : some
    await mapBounded(rest, singlesAtOnce, (key) => deleteOne(clients, where, key))
    durable('object-delete:after')
  }
}

/** False when the service does not know this request. */
async function deleteBatch(clients: S3Clients, where: S3Where, keys: readonly string[], attempt = 1): Promise<boolean> {
  if (keys.length === 0) return true
  // One alone needs no body; what is asked for again has shown that the service knows the request.
  if (keys.length === 1 && attempt === 1) return false
  const { sdk, client } = clients
  const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true }
  const request = new sdk.DeleteObjectsCommand({ Bucket: where.bucket, Delete })
  const answer = await client.send(request).catch((error: unknown) => {
    const unknown = [405, 501].includes(statusOf(error) ?? 0) || codeOf(error) === 'NotImplemented'
    if (unknown) return null
    throw s3Error(error, 'delete objects in', where)
  })
  if (answer === null) return false
  const errors = answer.Errors?.filter(({ Code }) => Code !== 'NoSuchKey') ?? []
  const busy = errors.flatMap(({ Code = '', Key }) => (throttled.includes(Code) && Key !== undefined ? [Key] : []))
  if (busy.length > 0 && busy.length === errors.length && attempt < attempts) {
    await sleep((0.5 + Math.random()) * firstWaitMs * 2 ** attempt)
    return deleteBatch(clients, where, busy, attempt + 1)
  }
  const failed = errors[0]
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
