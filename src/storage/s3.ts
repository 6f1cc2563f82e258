/** The object store on S3 and whatever speaks its protocol. Commits are conditional PUTs; nothing is ever read from a local cache. */
import { lstat, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { durable } from '../core/durable.ts'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { checkKey, reservedPrefix } from './keys.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import type { S3Connection } from './s3-client.ts'
import { requireConditions } from './s3-condition.ts'
import { deleteObjects } from './s3-delete.ts'
import { isAbsent, noS3, s3Error } from './s3-errors.ts'
import { listNames, listObjects, wholeSeconds } from './s3-list.ts'
import { folderPrefix, objectKey, parseS3Url } from './s3-place.ts'
import { putIfAbsent } from './s3-put-if-absent.ts'
import { readObject } from './s3-read.ts'
import { uploadFile } from './s3-upload.ts'

/**
 * `url`: `s3://bucket/prefix`. The connection is closed by whoever opened it. Errors: `unreachable` (no service there, or it fails),
 * `denied` (`bad-credentials`, `no-credentials`, `storage-denied`), `missing`/`no-such-bucket`, `refused`/`no-conditional-writes`;
 * each names the service and the object, none a secret.
 */
export function openS3Store(url: string, connection: S3Connection): ObjectStore {
  const place = parseS3Url(url)
  const bucket = { connection, bucket: place.bucket }
  const at = (key: string) => ({ ...bucket, key: objectKey(place, key) })
  function writable(key: string) {
    const where = at(key)
    if (basename(key).startsWith(reservedPrefix))
      throw fail('data', 'bad-key', `"${printable(key)}" cannot name an object: "${reservedPrefix}…" is reserved`)
    return where
  }
  async function head(key: string): Promise<ObjectInfo | undefined> {
    const where = at(key)
    const { sdk, client } = await connection.open()
    try {
      const found = await client.send(new sdk.HeadObjectCommand({ Bucket: where.bucket, Key: where.key }))
      const { ContentLength = 0, LastModified, ETag } = found
      if (ETag === undefined) throw noS3(where)
      return { key, size: ContentLength, modifiedAt: wholeSeconds(LastModified!), etag: ETag }
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw s3Error(error, 'read', where)
    }
  }

  return {
    url: place.url,
    head,

    async *list(folder, { startAfter = '' } = {}) {
      const prefix = folderPrefix(place, folder)
      const clients = await connection.open()
      const from = startAfter === '' ? {} : { startAfter: place.prefix + startAfter }
      yield* listObjects(clients, bucket, { prefix, ...from, cut: place.prefix.length })
    },

    async *folders(folder) {
      const prefix = folderPrefix(place, folder)
      yield* listNames(await connection.open(), bucket, prefix)
    },

    async read(key, range) {
      const where = at(key)
      if (range?.length === 0) return (await head(key)) && new Uint8Array()
      try {
        return await readObject(await connection.open(), where, range)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw s3Error(error, 'read', where)
      }
    },

    async putIfAbsent(key, bytes) {
      const where = writable(key)
      await requireConditions(connection, place)
      return putIfAbsent(await connection.open(), where, bytes)
    },

    async put(key, bytes) {
      const where = writable(key)
      const { sdk, client } = await connection.open()
      try {
        durable('object-put:before')
        const request = new sdk.PutObjectCommand({ Bucket: where.bucket, Key: where.key, Body: bytes })
        if ((await client.send(request)).ETag === undefined) throw noS3(where)
        durable('object-put:after')
      } catch (error) {
        throw s3Error(error, 'write', where)
      }
    },

    async upload(key, localFile) {
      const where = writable(key)
      if (!(await lstat(localFile)).isFile())
        throw fail('bug', 'upload-source', `${printable(localFile)} is no plain file`)
      await requireConditions(connection, place)
      const name = printable(`${place.url}/${key}`)
      if ((await uploadFile(await connection.open(), where, localFile)) === 'exists')
        throw fail('failed', 'object-exists', `${name} exists already; it was not replaced`)
      const there = await head(key)
      if (!there) throw fail('failed', 'object-vanished', `${name} was written and is gone`, { retry: 'resume' })
      await unlink(localFile).catch(() => undefined)
      return there
    },

    async delete(keys) {
      const wanted = [...new Set(keys.map((key) => at(key).key))]
      if (wanted.length > 0) await deleteObjects(await connection.open(), bucket, wanted)
    },

    localPath(key) {
      checkKey(key)
      return null
    },

    async [Symbol.asyncDispose]() {},
  }
}
