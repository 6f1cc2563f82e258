/** Reading an object, whole or in part. A connection that breaks in the middle of a body is tried again: the SDK retries no further than the headers. */
import type { S3Clients } from './s3-client.ts'
import { codeOf, isDoubtful, noS3, type S3Where, statusOf } from './s3-errors.ts'

const attempts = 3

/** Throws what the SDK throws. */
export async function readObject(
  { sdk, client }: S3Clients,
  where: S3Where,
  range?: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  const { bucket, key } = where
  const Range = range && `bytes=${range.offset}-${range.offset + range.length - 1}`
  for (let attempt = 1; ; attempt++) {
    let begun = false
    try {
      const request = new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...(Range === undefined ? {} : { Range }) })
      const { Body, ContentLength, ETag } = await client.send(request)
      begun = true
      if (ETag === undefined) throw noS3(where)
      const bytes = await Body!.transformToByteArray()
      if (ContentLength === undefined || bytes.length === ContentLength) return bytes
      throw Object.assign(new Error(`${bytes.length} of ${ContentLength} bytes came`), { code: 'ECONNRESET' })
    } catch (error) {
      // From past the end nothing is read.
      if (statusOf(error) === 416 || codeOf(error) === 'InvalidRange') return new Uint8Array()
      if (!begun || attempt === attempts || !isDoubtful(error)) throw error
    }
  }
}
