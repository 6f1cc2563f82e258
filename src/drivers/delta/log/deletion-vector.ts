/**
 * Deletion vectors (Delta PROTOCOL, "Deletion Vectors" and "Deletion Vector Format"): which rows of a data file are gone. They stand in
 * the log itself (`i`), in a file of the table named by a UUID (`u`), or in a file with a path of its own (`p`).
 */
import { crc32 } from 'node:zlib'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import type { DeletionVector } from './actions.ts'
import { refusalOf, tableKey } from './paths.ts'
import { decodeRoaring64, MalformedBitmap } from './roaring.ts'
import { decodeZ85 } from './z85.ts'

/** The first four bytes of the bitmap, little-endian. */
const magic = 1681511377
/** A UUID in Z85. */
const uuidLength = 20
const fileVersion = 1

/**
 * Indexes of deleted rows, ascending, counted from 0 in the file's own order. `prefix` is the table's folder. Size, CRC-32 and cardinality
 * are checked. Throws `data`/`corrupt-deletion-vector` and `missing`/`file-missing`, with the file in `where`.
 */
export async function deletedRows(
  store: ObjectStore,
  prefix: string,
  vector: DeletionVector,
): Promise<Uint32Array | readonly number[]> {
  const key = vector.storageType === 'i' ? null : keyOf(store, prefix, vector)
  const where = printable(key === null ? store.url : (store.localPath(key) ?? `${store.url}/${key}`))
  try {
    const bytes = key === null ? inlineBytes(vector) : await fileBytes(store, key, vector, where)
    if (bytes.length < 4 || bytes.readUInt32LE() !== magic) throw new MalformedBitmap('it is of an unknown format')
    return decodeRoaring64(bytes.subarray(4), vector.cardinality)
  } catch (error) {
    if (error instanceof MalformedBitmap) throw corrupt(where, error.message)
    throw error
  }
}

/** The file of a vector, relative to the table; null when it stands in the log. Throws `data`/`corrupt-deletion-vector`. */
export function deletionVectorPath(store: ObjectStore, prefix: string, vector: DeletionVector): string | null {
  const { storageType, pathOrInlineDv } = vector
  if (storageType === 'i') return null
  if (storageType === 'u') return uuidPath(pathOrInlineDv)
  if (storageType === 'p') return pathInside(store, prefix, pathOrInlineDv)
  throw corrupt(printable(pathOrInlineDv), `its storage type ${printable(storageType)} is unknown`)
}

const keyOf = (store: ObjectStore, prefix: string, vector: DeletionVector): string =>
  tableKey(prefix, deletionVectorPath(store, prefix, vector)!)

/** A prefix that spreads the files over folders, and the UUID. */
function uuidPath(text: string): string {
  const bytes = decodeZ85(text.slice(-uuidLength))
  if (text.length < uuidLength || bytes === undefined) throw corrupt(printable(text), 'its name is no UUID in Z85')
  const uuid = bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  const folder = text.slice(0, -uuidLength)
  return confined(`${folder === '' ? '' : `${folder}/`}deletion_vector_${uuid}.bin`, text)
}

/** An absolute path or URL, percent-encoded: only one inside this table is followed. */
function pathInside(store: ObjectStore, prefix: string, text: string): string {
  const local = store.localPath(tableKey(prefix, 'x'))?.slice(0, -1)
  const table = local ?? `${store.url}/${tableKey(prefix, '')}`
  const path = decoded(text).replace(local === undefined ? /^s3[an]:/ : /^file:\/+/, local === undefined ? 's3:' : '/')
  if (!path.startsWith(table)) throw corrupt(printable(text), 'its file lies outside the table')
  return confined(path.slice(table.length), text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw corrupt(printable(text), 'the path of its file is not correctly percent-encoded')
  }
}

function confined(path: string, text: string): string {
  const refused = refusalOf(path)
  if (refused !== undefined) throw corrupt(printable(text), `the path of its file ${refused}`)
  return path
}

/** The text is filled up to whole groups; the vector says how long it is. */
function inlineBytes({ pathOrInlineDv, sizeInBytes }: DeletionVector): Buffer {
  const bytes = decodeZ85(pathOrInlineDv)
  if (bytes === undefined) throw new MalformedBitmap('it is no Z85')
  if (bytes.length < sizeInBytes || bytes.length - sizeInBytes > 3)
    throw new MalformedBitmap(`it has ${bytes.length} bytes and not ${sizeInBytes}`)
  return bytes.subarray(0, sizeInBytes)
}

/** Of the file: its version (1 byte), then per vector, at `offset`, size (4 bytes, big-endian), bytes and CRC-32 (big-endian). */
async function fileBytes(
  store: ObjectStore,
  key: string,
  { offset = 1, sizeInBytes }: DeletionVector,
  where: string,
): Promise<Buffer> {
  const version = await store.read(key, { offset: 0, length: 1 })
  if (version === undefined)
    throw fail('missing', 'file-missing', `the deletion vector ${where} is not there`, {
      where,
      hint: 'vacuum removes the files of old versions; a newer version may still be readable, or restore the file from a backup',
    })
  if (version[0] !== fileVersion) throw new MalformedBitmap(`its file has version ${version[0] ?? 'none'}`)
  const read = Buffer.from((await store.read(key, { offset, length: sizeInBytes + 8 })) ?? [])
  if (read.length !== sizeInBytes + 8) throw new MalformedBitmap('its file ends too early')
  if (read.readUInt32BE() !== sizeInBytes)
    throw new MalformedBitmap(`its file says ${read.readUInt32BE()} bytes, the log ${sizeInBytes}`)
  const bytes = read.subarray(4, 4 + sizeInBytes)
  if (crc32(bytes) !== read.readUInt32BE(4 + sizeInBytes)) throw new MalformedBitmap('its checksum is wrong')
  return bytes
}

const corrupt = (where: string, why: string): Error =>
  fail('data', 'corrupt-deletion-vector', `a deletion vector cannot be read: ${why}`, {
    where,
    hint: 'without it the deleted rows of a file are not known; restore it from a backup',
  })
