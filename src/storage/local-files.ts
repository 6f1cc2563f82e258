/** Durable steps on a local disk: fsync before a name appears, fsync of the folder after. */
import { randomUUID } from 'node:crypto'
import { copyFile, type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { durable } from '../core/durable.ts'
import { makeFolder } from '../core/files.ts'
import { reservedPrefix } from './keys.ts'
import { codeOf } from './local-errors.ts'

/** Makes the folder and its parents, and makes each new name durable. */
export async function makeDurableFolder(folder: string): Promise<void> {
  for (const made of makeFolder(folder)) await syncFolder(dirname(made))
}

/** Writes or copies into a temporary file beside the target, hands it to `place`, and leaves no temporary file behind. */
export async function withTemporary<T>(
  target: string,
  content: Uint8Array | { readonly copyOf: string },
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  const folder = dirname(target)
  await makeDurableFolder(folder)
  // A killed process may leave it behind: it is never read.
  const temporary = join(folder, `${reservedPrefix}${randomUUID()}.tmp`)
  try {
    durable('object-temporary:before')
    if (content instanceof Uint8Array) await write(temporary, content)
    else await copy(content.copyOf, temporary)
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

async function syncFolder(path: string): Promise<void> {
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
