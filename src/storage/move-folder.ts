/** A whole folder on one local disk moved by one rename: no reader ever sees a part of it, and its files keep their times. */
import { rename, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { durable } from '../core/durable.ts'
import { codeOf, storageError } from './local-errors.ts'
import { makeDurableFolder, syncFolder } from './local-files.ts'
import type { ObjectStore } from './object-store.ts'

export interface Folder {
  readonly store: ObjectStore
  readonly key: string
}

/** What stands between two folders: other stores, other disks, a folder that is there already (renaming takes an empty one's place). */
const impossible: readonly (string | undefined)[] = ['EXDEV', 'ENOTEMPTY', 'EEXIST', 'ENOENT']

/** False where that cannot be done; then nothing was changed. */
export async function moveFolder(from: Folder, to: Folder): Promise<boolean> {
  const source = from.store.localPath(from.key)
  const target = to.store.localPath(to.key)
  if (source === null || target === null) return false
  try {
    await makeDurableFolder(dirname(target))
    durable('folder-rename:before')
    await rename(source, target)
    await syncFolder(dirname(target))
    await syncFolder(dirname(source))
    durable('folder-rename:after')
    return true
  } catch (error) {
    if (impossible.includes(codeOf(error))) return false
    throw storageError(error, 'move', source)
  }
}

/** Gives a copy the time of what it is a copy of; an object store has no such thing. */
export async function keepTime(store: ObjectStore, key: string, time: Date): Promise<void> {
  const path = store.localPath(key)
  if (path !== null) await utimes(path, time, time)
}
