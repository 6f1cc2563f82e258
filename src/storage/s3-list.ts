/** Listing (ListObjectsV2): pages of a thousand keys in the order of their bytes. */
import { fail } from '../core/errors.ts'
import { compareKeys, isKey, reservedPrefix } from './keys.ts'
import type { ObjectInfo } from './object-store.ts'
import type { S3Clients } from './s3-client.ts'
import { noS3, type S3Where, s3Error } from './s3-errors.ts'

interface Asked {
  /** All keys begin with it. */
  readonly prefix: string
  readonly startAfter?: string
  readonly delimiter?: string
}

/** Keys without the first `cut` characters. What no key of ours can be (a console's `folder/` markers) and the store's own objects are left out. */
export async function* listObjects(
  clients: S3Clients,
  where: S3Where,
  { cut, ...asked }: Asked & { readonly cut: number },
): AsyncGenerator<ObjectInfo> {
  let last = ''
  for await (const page of pages(clients, where, asked)) {
    const decode = decoder(page.EncodingType)
    for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
      const full = decode(Key!)
      if (last !== '' && compareKeys(full, last) <= 0)
        throw fail('refused', 'unordered-listing', `s3://${where.bucket} does not list its keys in order`, {
          where: `s3://${where.bucket} at ${where.connection.name}`,
          hint: 'a Delta log needs a general purpose bucket, which lists in the order of the keys',
        })
      last = full
      const key = full.slice(cut)
      if (!isKey(key) || key.slice(key.lastIndexOf('/') + 1).startsWith(reservedPrefix)) continue
      yield { key, size: Size ?? 0, modifiedAt: wholeSeconds(LastModified!), etag: ETag ?? '' }
    }
  }
}

/** Names one level below the prefix. */
export async function* listNames(clients: S3Clients, where: S3Where, prefix: string): AsyncGenerator<string> {
  const names: string[] = []
  for await (const page of pages(clients, where, { prefix, delimiter: '/' })) {
    const decode = decoder(page.EncodingType)
    for (const { Prefix } of page.CommonPrefixes ?? []) names.push(decode(Prefix!).slice(prefix.length, -1))
  }
  // `a-/` comes before `a/`, the name `a` before `a-`.
  yield* names.filter(isKey).sort(compareKeys)
}

async function* pages({ sdk, client }: S3Clients, where: S3Where, { prefix, startAfter, delimiter }: Asked) {
  let token: string | undefined
  do {
    const request = new sdk.ListObjectsV2Command({
      Bucket: where.bucket,
      Prefix: prefix,
      EncodingType: 'url',
      ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
      ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    const page = await client.send(request).catch((error: unknown) => {
      throw s3Error(error, 'list', prefix === '' ? where : { ...where, key: prefix.slice(0, -1) })
    })
    if (page.IsTruncated === undefined) throw noS3(where)
    yield page
    if (page.IsTruncated && !page.NextContinuationToken)
      throw fail('unreachable', 'listing-cut-off', `the listing of s3://${where.bucket} ends before its end`, {
        where: `s3://${where.bucket} at ${where.connection.name}`,
        hint: 'the service says that there is more and not how to get it',
        retry: 'later',
      })
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** Keys can hold characters that XML cannot, so they are asked for in URL encoding; a service that ignores that says so. */
const decoder = (encoding: string | undefined) => (text: string) =>
  encoding === 'url' ? decodeURIComponent(text.replaceAll('+', '%20')) : text

/** HEAD knows no more than seconds: the same object must have the same time in every answer. */
export const wholeSeconds = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000)
