/** Listing a folder tree in key order with one folder's names in memory at a time. */
import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareKeys, isTemporary, reservedPrefix } from './keys.ts'
import { isAbsent } from './local-errors.ts'
import type { ObjectInfo } from './object-store.ts'

/** A folder being listed: its path, its key with a trailing slash (`''` for the root), and where it and its parents really are. */
export interface Folder {
  readonly path: string
  readonly key: string
  readonly real: readonly string[]
}
type Entry =
  | { readonly is: 'folder'; readonly sort: string; readonly name: string; readonly real: string }
  | { readonly is: 'file'; readonly sort: string; readonly name: string }

/** Says whether a real path lies below the root: links that lead elsewhere are not part of the store. */
type Inside = (real: string) => boolean

/** Without `inside` it is a listing for removal: no link is followed, and temporary files come too. */
export async function* listTree(folder: Folder, startAfter: string, inside: Inside | null): AsyncGenerator<ObjectInfo> {
  const entries = (await entriesOf(folder, inside)).filter((entry) => mayFollow(entry, folder.key, startAfter))
  for (let i = 0; i < entries.length; ) {
    const entry = entries[i]!
    if (entry.is === 'folder') {
      yield* listTree(below(folder, entry), startAfter, inside)
      i++
      continue
    }
    let end = i
    while (end < entries.length && end - i < 64 && entries[end]!.is === 'file') end++
    const batch = entries.slice(i, end)
    const stats = await Promise.all(batch.map((file) => statOf(join(folder.path, file.name))))
    for (const [j, info] of stats.entries()) if (info?.isFile()) yield infoOf(folder.key + batch[j]!.name, info)
    i = end
  }
}

export const infoOf = (key: string, { size, mtime, mtimeMs, ino }: Stats): ObjectInfo => ({
  key,
  size,
  modifiedAt: mtime,
  etag: `${ino}-${mtimeMs}-${size}`,
})

export async function* listFolders(folder: Folder, inside: Inside): AsyncGenerator<string> {
  const names = (await entriesOf(folder, inside)).filter((entry) => entry.is === 'folder')
  names.sort((a, b) => compareKeys(a.name, b.name))
  for (const entry of names)
    for await (const _ of listTree(below(folder, entry), '', inside)) {
      yield entry.name
      break
    }
}

const below = (folder: Folder, entry: { name: string; real: string }): Folder => ({
  path: join(folder.path, entry.name),
  key: `${folder.key}${entry.name}/`,
  real: [...folder.real, entry.real],
})

function mayFollow(entry: Entry, parent: string, startAfter: string): boolean {
  if (startAfter === '') return true
  const key = parent + entry.sort
  return compareKeys(key, startAfter) > 0 || (entry.is === 'folder' && startAfter.startsWith(key))
}

async function entriesOf(folder: Folder, inside: Inside | null): Promise<Entry[]> {
  let found: Dirent[]
  try {
    found = await readdir(folder.path, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
  const entries: Entry[] = []
  for (const entry of found) {
    if (entry.name.startsWith(reservedPrefix) && !(inside === null && isTemporary(entry.name))) continue
    const isLink = entry.isSymbolicLink()
    const resolved = !isLink ? plain(folder, entry) : inside && (await followLink(folder, entry.name, inside))
    if (resolved) entries.push(resolved)
  }
  // A folder's keys continue with a slash: `a-b` sorts before `a/c`.
  return entries.sort((a, b) => compareKeys(a.sort, b.sort))
}

function plain(folder: Folder, entry: Dirent): Entry | undefined {
  const name = entry.name
  if (entry.isFile()) return { is: 'file', sort: name, name }
  if (entry.isDirectory()) return { is: 'folder', sort: `${name}/`, name, real: join(folder.real.at(-1)!, name) }
  return undefined
}

async function followLink(folder: Folder, name: string, inside: Inside): Promise<Entry | undefined> {
  const path = join(folder.path, name)
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined || !inside(real)) return undefined
  const info = await statOf(path)
  if (info?.isFile()) return { is: 'file', sort: name, name }
  // A link to a folder that is being listed would never end.
  if (!info?.isDirectory() || folder.real.includes(real)) return undefined
  return { is: 'folder', sort: `${name}/`, name, real }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}
