/**
 * Does the service honour `If-None-Match`? Some ignore it without a word, and then of two commits one is lost. So before a process
 * writes to a bucket for the first time, an object that says what it is for is put if absent below the root. It stays there: found once,
 * it proves in one request that the condition holds.
 */
import type { S3Connection } from './s3-client.ts'
import type { S3Place } from './s3-place.ts'
import { noConditions, putIfAbsent } from './s3-put-if-absent.ts'

export const probeName = '.tblctl-put-if-absent'
const text = 'tblctl puts this object only if it is absent, to see that the service honours If-None-Match.\n'

/** Throws `refused`/`no-conditional-writes`. */
export function requireConditions(connection: S3Connection, { bucket, prefix }: S3Place): Promise<void> {
  const known = connection.conditions.get(bucket)
  if (known) return known
  const checked = check(connection, bucket, prefix + probeName)
  connection.conditions.set(bucket, checked)
  // Only what the service does is remembered, not that it was out of reach.
  checked.catch(() => connection.conditions.delete(bucket))
  return checked
}

async function check(connection: S3Connection, bucket: string, key: string): Promise<void> {
  const clients = await connection.open()
  const where = { connection, bucket, key }
  const bytes = new TextEncoder().encode(text)
  if ((await putIfAbsent(clients, where, bytes)) === 'exists') return
  if ((await putIfAbsent(clients, where, bytes)) === 'written') throw noConditions({ connection, bucket })
}
