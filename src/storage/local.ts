/** The object store on a local disk: commits by link(2), replacements by rename(2), everything fsynced before it has a name. */
import { constants, realpathSync } from 'node:fs'
import { lstat, open, realpath, stat, unlink } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { durable } from '../core/durable.ts'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { checkFolder, checkKey, reservedPrefix } from './keys.ts'
import { codeOf, isAbsent, storageError } from './local-errors.ts'
import { inFolder, linkIfAbsent, removeEmptyFolders, replace, syncFile, withTemporary } from './local-files.ts'
import { type Folder, infoOf, listFolders, listTree } from './local-list.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'

/**
 * `root`: an absolute path or a `file:` URL; made when first written to. A symbolic link below it that leads out of it is
 * refused (`data`/`outside-root`). A full disk is `failed`/`disk-full`, missing permission is `denied`/`storage-denied`.
 */
export function openLocalStore(root: string | URL): ObjectStore {
  const directory = rootPath(root)
  const path = (key: string): string => join(directory, checkKey(key))

  /** The path of a key, once it is known where it really leads. */
  async function confined(key: string): Promise<string> {
    const target = path(key)
    const [real, home] = await Promise.all([realOrWouldBe(target), realOrWouldBe(directory)])
    if (!isInside(real, home)) throw outside(key, directory)
    return target
  }
  async function writable(key: string): Promise<string> {
    if (basename(key).startsWith(reservedPrefix))
      throw fail('data', 'bad-key', `"${printable(key)}" cannot name an object: "${reservedPrefix}…" is reserved`)
    return confined(key)
  }
  async function tree(folder: string): Promise<{ start: Folder; inside: (real: string) => boolean }> {
    const key = checkFolder(folder)
    const at = key === '' ? directory : await confined(key)
    const [home, real] = await Promise.all([realOrWouldBe(directory), realOrWouldBe(at)])
    return {
      start: { path: at, key: key === '' ? '' : `${key}/`, real: [real] },
      inside: (target) => isInside(target, home),
    }
  }

  return {
    url: pathToFileURL(directory).href.replace(/(?<=[^/])\/$/, ''),

    async *list(folder, options = {}) {
      const { start, inside } = await tree(folder)
      try {
        yield* listTree(start, options.startAfter ?? '', options.forRemoval ? null : inside)
      } catch (error) {
        throw storageError(error, 'list', start.path)
      }
    },

    async *folders(folder) {
      const { start, inside } = await tree(folder)
      try {
        yield* listFolders(start, inside)
      } catch (error) {
        throw storageError(error, 'list', start.path)
      }
    },

    async head(key) {
      const target = await confined(key)
      return inspect(key, target)
    },

    async read(key, range) {
      const target = await confined(key)
      try {
        return await readFile(target, range)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw storageError(error, 'read', target)
      }
    },

    async putIfAbsent(key, bytes) {
      const target = await writable(key)
      try {
        const linked = await withTemporary(target, bytes, (temporary) => linkIfAbsent(temporary, target))
        return linked ? 'written' : 'exists'
      } catch (error) {
        throw storageError(error, 'write', target)
      }
    },

    async put(key, bytes) {
      const target = await writable(key)
      try {
        await withTemporary(target, bytes, (temporary) => replace(temporary, target))
      } catch (error) {
        throw storageError(error, 'write', target)
      }
    },

    async upload(key, localFile) {
      const target = await writable(key)
      let linked: boolean
      try {
        if (!(await lstat(localFile)).isFile())
          throw fail('bug', 'upload-source', `${printable(localFile)} is no plain file`)
        linked = await moveIn(localFile, target)
      } catch (error) {
        throw storageError(error, 'write', target)
      }
      if (!linked) throw fail('failed', 'object-exists', `${printable(target)} exists already; it was not replaced`)
      await unlink(localFile).catch(() => undefined)
      return (await inspect(key, target))!
    },

    async delete(keys, { emptied = false } = {}) {
      const home = await realOrWouldBe(directory)
      // Of many keys few folders are asked for; a link is looked into by itself.
      const folders = new Map<string, Promise<string>>()
      const confinedIn = async (key: string): Promise<string> => {
        const target = path(key)
        const folder = dirname(target)
        const real = folders.get(folder) ?? realOrWouldBe(folder)
        folders.set(folder, real)
        if (!isInside(await real, home)) throw outside(key, directory)
        const info = await lstat(target).catch(() => undefined)
        return info?.isSymbolicLink() ? confined(key) : target
      }
      for (let i = 0; i < keys.length; i += 32) {
        const targets = await Promise.all(keys.slice(i, i + 32).map(confinedIn))
        durable('object-delete:before')
        await Promise.all(targets.map(remove))
        durable('object-delete:after')
      }
      if (emptied) for (const folder of folders.keys()) await removeEmptyFolders(folder, directory)
    },

    localPath(key) {
      const target = path(key)
      if (!isInside(realOrWouldBeSync(target), realOrWouldBeSync(directory))) throw outside(key, directory)
      return target
    },

    async [Symbol.asyncDispose]() {},
  }
}

function rootPath(root: string | URL): string {
  const text = String(root)
  try {
    if (root instanceof URL || text.startsWith('file:')) return trimSlash(fileURLToPath(root))
  } catch {
    throw fail('config', 'bad-location', `"${printable(text)}" is no location on this machine`, {
      hint: 'write file:///absolute/path',
    })
  }
  if (!isAbsolute(text) || text.includes('\0'))
    throw fail('config', 'bad-location', `"${printable(text)}" is no absolute path`)
  return trimSlash(join(text))
}
const trimSlash = (path: string): string => (path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path)

async function inspect(key: string, target: string): Promise<ObjectInfo | undefined> {
  try {
    const info = await stat(target)
    return info.isFile() ? infoOf(key, info) : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw storageError(error, 'read', target)
  }
}

async function readFile(target: string, range?: { offset: number; length: number }): Promise<Uint8Array | undefined> {
  // Without O_NONBLOCK a named pipe in the folder would block for ever.
  await using file = await open(target, constants.O_RDONLY | constants.O_NONBLOCK)
  const info = await file.stat()
  if (!info.isFile()) return undefined
  if (range === undefined) return await file.readFile() // awaited: the file is closed on return
  const bytes = Buffer.alloc(Math.max(0, Math.min(range.length, info.size - range.offset)))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, range.offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** Links the file in place where source and target share a device, else copies it first. False when the name is taken. */
async function moveIn(localFile: string, target: string): Promise<boolean> {
  await syncFile(localFile)
  try {
    return await inFolder(dirname(target), () => linkIfAbsent(localFile, target))
  } catch (error) {
    // EPERM: the kernel forbids links to files of other owners.
    if (codeOf(error) !== 'EXDEV' && codeOf(error) !== 'EPERM') throw error
  }
  return withTemporary(target, { copyOf: localFile }, (temporary) => linkIfAbsent(temporary, target))
}

async function remove(target: string): Promise<void> {
  try {
    await unlink(target)
  } catch (error) {
    if (isAbsent(error)) return
    // A folder is no object, so there is nothing to delete; macOS says EPERM for it, Linux EISDIR.
    const info = await lstat(target).catch(() => undefined)
    if (info === undefined || info.isDirectory()) return
    throw storageError(error, 'delete', target)
  }
}

const isInside = (path: string, home: string): boolean =>
  path === home || path.startsWith(home.endsWith(sep) ? home : home + sep)

const outside = (key: string, directory: string): Error =>
  fail('data', 'outside-root', `"${printable(key)}" leads out of ${printable(directory)} through a symbolic link`, {
    hint: 'nothing outside the location of a backend or table is read or written',
  })

/** Where the path leads; for what does not exist yet, where it would be. */
async function realOrWouldBe(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (!isAbsent(error)) throw storageError(error, 'open', path)
    return path === dirname(path) ? path : join(await realOrWouldBe(dirname(path)), basename(path))
  }
}
function realOrWouldBeSync(path: string): string {
  try {
    return realpathSync.native(path)
  } catch (error) {
    if (!isAbsent(error)) throw storageError(error, 'open', path)
    return path === dirname(path) ? path : join(realOrWouldBeSync(dirname(path)), basename(path))
  }
}
