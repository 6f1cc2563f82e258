/** A finished file becomes an object: small ones in one conditional PUT, large ones in parts, a few at a time, each read from the disk when its turn comes. */
import { type FileHandle, open } from 'node:fs/promises'
import { durable } from '../core/durable.ts'
import { mapBounded } from '../core/run/pool.ts'
import type { S3Clients } from './s3-client.ts'
import { codeOf, isAbsent, isDoubtful, type S3Where, s3Error } from './s3-errors.ts'
import { putIfAbsent } from './s3-put-if-absent.ts'

const MiB = 1024 * 1024
/** Memory is this times `atOnce`. The service's least for a part is 5 MiB, and it takes 10,000 parts. */
const partBytes = 8 * MiB
const mostParts = 10_000
const atOnce = 4

/** Whole or not at all; `exists` when something has the key. */
export async function uploadFile(
  clients: S3Clients,
  where: S3Where & { readonly key: string },
  localFile: string,
): Promise<'written' | 'exists'> {
  await using file = await open(localFile, 'r')
  const { size } = await file.stat()
  if (size <= partBytes) return putIfAbsent(clients, where, await bytesAt(file, 0, size))
  if ((await sizeThere(clients, where)) !== undefined) return 'exists'
  await uploadParts(clients, where, file, size)
  return 'written'
}

async function uploadParts(
  clients: S3Clients,
  where: S3Where & { readonly key: string },
  file: FileHandle,
  size: number,
): Promise<void> {
  const { sdk, client } = clients
  const target = { Bucket: where.bucket, Key: where.key }
  const length = Math.max(partBytes, Math.ceil(size / mostParts))
  const offsets = Array.from({ length: Math.ceil(size / length) }, (_, i) => i * length)
  durable('object-upload:before')
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(target)).catch((error: unknown) => {
    throw s3Error(error, 'write', where)
  })
  try {
    let failure: { readonly error: unknown } | undefined
    // Parts that are on their way end before the upload is aborted: one that came after it would stay for ever.
    const Parts = await mapBounded(offsets, atOnce, async (offset) => {
      const PartNumber = offset / length + 1
      if (failure !== undefined) return { PartNumber }
      try {
        const Body = await bytesAt(file, offset, Math.min(length, size - offset))
        const { ETag } = await client.send(new sdk.UploadPartCommand({ ...target, UploadId, PartNumber, Body }))
        return { PartNumber, ETag }
      } catch (error) {
        failure ??= { error }
        return { PartNumber }
      }
    })
    if (failure !== undefined) throw failure.error
    durable('object-upload:parts')
    await complete(clients, where, { Parts, UploadId: UploadId!, size })
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined)
    throw s3Error(error, 'write', where)
  }
  durable('object-upload:after')
}

/** Its answer can be lost like any other; the size of what is there then decides, for the key is new and ours. */
async function complete(
  clients: S3Clients,
  where: S3Where & { readonly key: string },
  done: { readonly Parts: object[]; readonly UploadId: string; readonly size: number },
): Promise<void> {
  const { sdk, client } = clients
  const { Parts, UploadId, size } = done
  try {
    const request = { Bucket: where.bucket, Key: where.key, UploadId, MultipartUpload: { Parts } }
    // Services that know the condition here refuse a key that was taken meanwhile; others ignore it.
    await client.send(new sdk.CompleteMultipartUploadCommand({ ...request, IfNoneMatch: '*' }))
  } catch (error) {
    const mayBeDone = isDoubtful(error) || codeOf(error) === 'NoSuchUpload'
    if (!mayBeDone || (await sizeThere(clients, where)) !== size) throw error
  }
}

async function sizeThere(
  { sdk, client }: S3Clients,
  where: S3Where & { readonly key: string },
): Promise<number | undefined> {
  try {
    const { ContentLength } = await client.send(new sdk.HeadObjectCommand({ Bucket: where.bucket, Key: where.key }))
    return ContentLength ?? 0
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw s3Error(error, 'read', where)
  }
}

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) throw new Error('the file became shorter while it was uploaded')
    filled += bytesRead
  }
  return bytes
}
