/**
 * Objects as local files, for engines that read nothing else: in place where the store is a disk, else copied into a folder of their own that
 * goes with them.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { mapBounded } from '../core/run/pool.ts'
import { storageError } from './local-errors.ts'
import type { ObjectStore } from './object-store.ts'

export interface LocalCopies extends AsyncDisposable {
  /** In the order of the keys. */
  readonly paths: readonly string[]
  /** Of what was copied: path → the object's URL. */
  readonly names: ReadonlyMap<string, string>
}

/** Memory is this times `atOnce`. */
const pieceBytes = 8 * 1024 * 1024
const atOnce = 4

/** `scratch`: an existing folder. Throws `missing`/`file-missing` for an object that is not there. */
export async function localCopies(
  store: ObjectStore,
  keys: readonly string[],
  { scratch, signal }: { readonly scratch: string; readonly signal?: AbortSignal | undefined },
): Promise<LocalCopies> {
  const inPlace = keys.flatMap((key) => store.localPath(key) ?? [])
  if (inPlace.length === keys.length) return { paths: inPlace, names: new Map(), [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(scratch, 'objects-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const names = new Map<string, string>()
  let failure: { readonly error: unknown } | undefined
  try {
    const paths = await mapBounded([...keys.entries()], atOnce, async ([i, key]) => {
      const path = join(folder, `${i}.parquet`)
      names.set(path, printable(`${store.url}/${key}`))
      try {
        if (failure === undefined) await copyTo(path, store, key, signal)
      } catch (error) {
        failure ??= { error } // copies that are on their way end before the folder goes
      }
      return path
    })
    if (failure !== undefined) throw failure.error
    return { paths, names, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function copyTo(path: string, store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<void> {
  await using file = await open(path, 'wx')
  for (let offset = 0; ; ) {
    signal?.throwIfAborted()
    const piece = await store.read(key, { offset, length: pieceBytes })
    if (piece === undefined)
      throw fail('missing', 'file-missing', `${printable(`${store.url}/${key}`)} is not there`, {
        where: printable(`${store.url}/${key}`),
        hint: 'the log names a data file that is gone: restore it from a backup',
      })
    try {
      await file.writeFile(piece)
    } catch (error) {
      throw storageError(error, 'write', path)
    }
    offset += piece.length
    if (piece.length < pieceBytes) return
  }
}
