/**
 * The ends of Parquet objects as local files: what a reader of footers alone asks for, at the place where it looks for it. The rest of each file
 * is a hole, so that a footer of kilobytes stands for an object of any size.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { mapBounded } from '../core/run/pool.ts'
import { type LocalCopies, localCopies } from './local-copies.ts'
import { storageError } from './local-errors.ts'
import type { ObjectStore } from './object-store.ts'

export interface FooterOf {
  readonly key: string
  /** When it is known; else the store is asked. */
  readonly size?: number
}

const atOnce = 8
/** Most footers are shorter, and then one request is enough. */
const firstRead = 64 * 1024
/** Of a file with some 10,000 row groups; what is longer is no footer. */
const longestFooter = 256 * 1024 * 1024
/** The footer's length in four bytes, and `PAR1` (Parquet, "File format"). */
const trailer = 8

/**
 * Like localCopies, of files whose data nobody will read. `scratch`: an existing folder. Throws `missing`/`file-missing`, and
 * `data`/`corrupt-file` for a remote object that does not end as a Parquet file does.
 */
export async function footerCopies(
  store: ObjectStore,
  files: readonly FooterOf[],
  options: { readonly scratch: string; readonly signal?: AbortSignal | undefined },
): Promise<LocalCopies> {
  const keys = files.map(({ key }) => key)
  if (keys.every((key) => store.localPath(key) !== null)) return localCopies(store, keys, options)
  const folder = await mkdtemp(join(options.scratch, 'footers-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  // Copies that are on their way end before the folder goes.
  const copied = await mapBounded([...files.entries()], atOnce, async ([i, file]) => {
    const path = join(folder, `${i}.parquet`)
    return copyEnd(store, file, path, options.signal).then(
      () => ({ path, name: printable(`${store.url}/${file.key}`) }),
      (error: unknown) => ({ error }),
    )
  })
  const names = new Map<string, string>()
  for (const copy of copied) {
    if ('path' in copy) {
      names.set(copy.path, copy.name)
      continue
    }
    await remove()
    throw copy.error
  }
  return { paths: [...names.keys()], names, [Symbol.asyncDispose]: remove }
}

async function copyEnd(store: ObjectStore, file: FooterOf, path: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { key } = file
  const size = file.size ?? (await store.head(key))?.size
  if (size === undefined) throw missing(store, key)
  const footer = await footerOf(store, key, size)
  try {
    await using sparse = await open(path, 'wx')
    await sparse.truncate(size)
    await sparse.write(footer, 0, footer.length, size - footer.length)
  } catch (error) {
    throw storageError(error, 'write', path)
  }
}

async function footerOf(store: ObjectStore, key: string, size: number): Promise<Uint8Array> {
  const where = printable(`${store.url}/${key}`)
  const corrupt = (why: string): Error => fail('data', 'corrupt-file', `${where} is no Parquet file: ${why}`, { where })
  const end = async (length: number): Promise<Buffer> => {
    if (length === 0) return Buffer.alloc(0)
    const bytes = await store.read(key, { offset: size - length, length })
    if (bytes === undefined) throw missing(store, key)
    if (bytes.length === length) return Buffer.from(bytes)
    throw fail('data', 'file-changed', `${where} was changed while it was being read`, { where, retry: 'later' })
  }
  const read = await end(Math.min(size, firstRead))
  if (read.length < trailer || read.toString('latin1', read.length - 4) !== 'PAR1')
    throw corrupt('it does not end like one')
  const length = read.readUInt32LE(read.length - trailer) + trailer
  if (length > Math.min(size, longestFooter)) throw corrupt('its footer is longer than the file')
  return length <= read.length ? read : end(length)
}

function missing(store: ObjectStore, key: string): Error {
  const where = printable(`${store.url}/${key}`)
  return fail('missing', 'file-missing', `${where} is not there`, {
    where,
    hint: 'the log names a data file that is gone: restore it from a backup',
  })
}
