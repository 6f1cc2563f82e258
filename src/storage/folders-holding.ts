/** Folders, at any depth, that hold something of a given name: on a disk by its folders alone, elsewhere from one listing of all keys. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { listUnordered } from './list-unordered.ts'
import { isAbsent, storageError } from './local-errors.ts'
import type { ObjectStore } from './object-store.ts'

/**
 * Relative to `folder`, which is '' itself when it holds one; each at least once. On a disk an empty folder or a symbolic link of that
 * name counts; links are not followed.
 */
export async function* foldersHolding(store: ObjectStore, folder: string, name: string): AsyncGenerator<string> {
  const prefix = folder === '' ? '' : `${folder}/`
  const path = store.localPath(`${prefix}${name}`)
  if (path !== null) yield* onDisk(dirname(path), '', name)
  else
    for await (const { key } of listUnordered(store, folder)) {
      const segments = key.slice(prefix.length).split('/')
      const at = segments.indexOf(name)
      if (at !== -1) yield segments.slice(0, at).join('/')
    }
}

async function* onDisk(path: string, relative: string, name: string): AsyncGenerator<string> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw storageError(error, 'list', path)
  })
  if (entries.some((entry) => entry.name === name)) yield relative
  for (const entry of entries)
    if (entry.isDirectory() && entry.name !== name)
      yield* onDisk(join(path, entry.name), relative === '' ? entry.name : `${relative}/${entry.name}`, name)
}
