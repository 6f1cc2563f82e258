/** Symbolic links below a folder: listings that follow none leave out what they lead to, and say nothing of it. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isAbsent, storageError } from './local-errors.ts'
import type { ObjectStore } from './object-store.ts'

/** Paths relative to `folder`, at any depth; no link is followed. A store that is no disk has none. */
export async function* symbolicLinks(store: ObjectStore, folder: string): AsyncGenerator<string> {
  const path = store.localPath(folder === '' ? 'x' : `${folder}/x`)
  if (path !== null) yield* onDisk(dirname(path), '')
}

async function* onDisk(path: string, relative: string): AsyncGenerator<string> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw storageError(error, 'list', path)
  })
  for (const entry of entries) {
    const below = relative === '' ? entry.name : `${relative}/${entry.name}`
    if (entry.isSymbolicLink()) yield below
    else if (entry.isDirectory()) yield* onDisk(join(path, entry.name), below)
  }
}
