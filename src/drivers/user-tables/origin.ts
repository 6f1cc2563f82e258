/**
 * Which hot store a file is of. A segment carries a mark of its own in its footer, a manifest names its hot store and its table: what is not
 * ours is neither read, nor replaced, nor deleted.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { fail } from '../../core/errors.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { manifestKey } from './manifest.ts'
import type { Home, User, UserTable } from './table.ts'

export interface ManifestHead {
  /** Id of the hot store; absent in manifests of before it had one. */
  readonly store?: string
  readonly ref: string
  readonly user_id: string
  /** Rises with every change of the segments. */
  readonly version: number
}

/** Undefined when there is none, or none that can be read: then it says nothing of other rows. */
export async function readManifestHead(store: ObjectStore, prefix: string): Promise<ManifestHead | undefined> {
  const bytes = await store.read(manifestKey(prefix))
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as ManifestHead
  } catch {
    return undefined
  }
}

export const isOwn = (home: Home, head: ManifestHead, ref: string): boolean =>
  head.ref === ref && (head.store === undefined || head.store === home.store.id())

/**
 * Throws `foreign-folder` when the user's folder is another table's or another hot store's, `hot-store-older` when its manifest tells of more
 * than the hot store knows: a backup was brought back, and segments lie there that it has never seen.
 */
export async function requireOwnFolder(home: Home, table: UserTable, user: User): Promise<void> {
  const { store, prefix, root } = home.locations.of(table, user.name)
  const head = await readManifestHead(store, prefix)
  if (head === undefined) return
  const where = printable(`${root}/${manifestKey(prefix)}`)
  const ref = refOfPath(table.path)
  if (!isOwn(home, head, ref))
    throw fail('refused', 'foreign-folder', `the folder belongs to ${printable(head.ref)} of another hot store`, {
      where,
      hint: `give one of the two another location, or, if that hot store is lost, move the folder away; ${ref} was left as it is`,
    })
  const { version } = home.store.get('select version from users where id = ?', user.id) ?? { version: 0 }
  if (head.version > Number(version))
    throw fail('refused', 'hot-store-older', 'the hot store is older than this manifest: it lacks segments', {
      where,
      hint: 'bring the newer hot store back; to go on with this one, move the manifest and the segments that it lacks away',
    })
}

/** The file at this absolute path is the segment that was written: its length and the mark in its footer. Null: what it is instead. */
export async function segmentProblem(
  path: string,
  expected: { readonly bytes: number; readonly mark: string | null },
): Promise<string | null> {
  await using file = await open(path)
  const { size } = await file.stat()
  if (size !== expected.bytes) return `has ${size} bytes, and ${expected.bytes} were written`
  if (expected.mark === null) return null
  const [length] = new Uint32Array(new Uint8Array(await bytesAt(file, size - 8, 4)).buffer)
  const footer = length! < longestFooter ? await bytesAt(file, size - 8 - length!, length!) : ''
  return footer.includes(expected.mark) ? null : 'is another file than the one that was written'
}

/** A footer has some bytes for each column of each row group. */
const longestFooter = 64 * 1024 * 1024

async function bytesAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, Math.max(0, from))
  return buffer.subarray(0, bytesRead)
}
