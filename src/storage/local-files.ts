/** Durable steps on a local disk: fsync before a name appears, fsync of the folder after. */
import { randomUUID } from 'node:crypto'
import { copyFile, type FileHandle, link, open, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { durable } from '../core/durable.ts'
import { makeFolder } from '../core/files.ts'
import { reservedPrefix } from './keys.ts'
import { codeOf } from './local-errors.ts'

/** Makes the folder and its parents, and makes each new name durable. */
export async function makeDurableFolder(folder: string): Promise<void> {
  for (const made of makeFolder(folder)) await syncFolder(dirname(made))
}

const folderAttempts = 10

/** Does what makes a first file in a folder. A vacuum may take the folder away while it is still empty: then it is made again. */
export async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      await makeDurableFolder(folder)
      return await work()
    } catch (error) {
      if (attempt === folderAttempts || codeOf(error) !== 'ENOENT') throw error
    }
}

/** The folder and those above it, as far as they are empty and lie below `root`. */
export async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at !== root && at !== dirname(at); at = dirname(at))
    try {
      await rmdir(at)
    } catch {
      return // it holds something, or is none of ours
    }
}

/** Writes or copies into a temporary file beside the target, hands it to `place`, and leaves no temporary file behind. */
export async function withTemporary<T>(
  target: string,
  content: Uint8Array | { readonly copyOf: string },
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  const folder = dirname(target)
  // A killed process may leave it behind: it is never read.
  const temporary = join(folder, `${reservedPrefix}${randomUUID()}.tmp`)
  try {
    durable('object-temporary:before')
    await inFolder(folder, () =>
      content instanceof Uint8Array ? write(temporary, content) : copy(content.copyOf, temporary),
    )
    durable('object-temporary:after')
    return await place(temporary)
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx')
  await file.writeFile(bytes)
  await file.sync()
}

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  await syncFile(to)
}

/** False when the name is taken. Of any number of racing links exactly one succeeds (POSIX link). */
export async function linkIfAbsent(source: string, target: string): Promise<boolean> {
  durable('object-link:before')
  try {
    await link(source, target)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  await syncFolder(dirname(target))
  durable('object-link:after')
  return true
}

export async function replace(source: string, target: string): Promise<void> {
  durable('object-rename:before')
  await rename(source, target)
  await syncFolder(dirname(target))
  durable('object-rename:after')
}

export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}

export async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle
  try {
    folder = await open(path, 'r')
  } catch (error) {
    // A folder that may be entered but not listed cannot be opened; its new name is then as durable as the system makes it.
    if (codeOf(error) === 'EACCES') return
    throw error
  }
  await using opened = folder
  try {
    await opened.sync()
  } catch (error) {
    // Some network and FUSE file systems know no fsync of folders.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) throw error
  }
}
