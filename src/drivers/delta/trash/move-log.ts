/**
 * A log from one folder to another, so that at no moment a reader or writer can take a part of it for the table. On one disk that is a
 * rename. Elsewhere objects are copied, and the order does it: what makes a log readable goes first from where it was, and comes last where it will be.
 */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import { keepTime, moveFolder } from '../../../storage/move-folder.ts'
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { logFolder, parseLogName } from '../log/paths.ts'

export interface LogPlace {
  readonly store: ObjectStore
  readonly prefix: string
}

const atOnce = 16
/** Larger objects (checkpoints) are copied in pieces. */
const wholeBytes = 8 * 1024 * 1024
const mostRounds = 100

/** Again after a kill, it goes on. `scratch`: an existing folder. */
export async function moveLog(from: LogPlace, to: LogPlace, scratch: string, signal: AbortSignal): Promise<void> {
  const source = { store: from.store, key: logFolder(from.prefix) }
  const target = { store: to.store, key: logFolder(to.prefix) }
  await moveFolder(source, target)
  // A writer that knew the table may commit once more while its log is leaving: looked for until nothing is there.
  for (let round = 0; round < mostRounds; round++) {
    const objects = await Array.fromAsync(from.store.list(source.key))
    if (objects.length === 0) return
    for (const group of arriving(objects, source.key))
      await mapBounded(group, atOnce, async (info) => {
        signal.throwIfAborted()
        await copyObject(from.store, info, to.store, target.key + info.key.slice(source.key.length), scratch)
      })
    for (const group of leaving(objects, source.key)) await from.store.delete(group.map(({ key }) => key))
  }
  throw fail('failed', 'log-written', `other writers commit to ${printable(from.store.url)} again and again`, {
    hint: 'stop them, then run the same command again',
    retry: 'resume',
  })
}

/** Commits make a log readable with version 0; where that was cleaned up, checkpoints do. Hints and what nobody needs come last. */
function arriving(objects: readonly ObjectInfo[], folder: string): readonly (readonly ObjectInfo[])[] {
  const { commits, first, sidecars, checkpoints, others } = sorted(objects, folder)
  return [commits, first, sidecars, checkpoints, others]
}

/** Without its checkpoints a log begins with version 0, and without that it is a gap to every reader. */
function leaving(objects: readonly ObjectInfo[], folder: string): readonly (readonly ObjectInfo[])[] {
  const { commits, first, sidecars, checkpoints, others } = sorted(objects, folder)
  return [others, checkpoints, first, commits, sidecars]
}

function sorted(objects: readonly ObjectInfo[], folder: string) {
  const groups = { commits: [], first: [], sidecars: [], checkpoints: [], others: [] } as Record<
    'commits' | 'first' | 'sidecars' | 'checkpoints' | 'others',
    ObjectInfo[]
  >
  for (const info of objects) {
    const name = info.key.slice(folder.length + 1)
    const file = parseLogName(name)
    if (file?.is === 'commit') groups[file.version === 0 ? 'first' : 'commits'].push(info)
    else if (file !== null && /checkpoint/.test(file.is)) groups.checkpoints.push(info)
    else if (name.startsWith('_sidecars/')) groups.sidecars.push(info)
    else groups.others.push(info)
  }
  return groups
}

async function copyObject(
  from: ObjectStore,
  { key, size, modifiedAt }: ObjectInfo,
  to: ObjectStore,
  target: string,
  scratch: string,
): Promise<void> {
  if ((await to.head(target))?.size === size) return keepTime(to, target, modifiedAt)
  if (size <= wholeBytes) {
    const bytes = await from.read(key)
    if (bytes !== undefined) await to.put(target, bytes)
    return keepTime(to, target, modifiedAt)
  }
  const folder = await mkdtemp(join(scratch, 'log-'))
  try {
    const file = join(folder, 'object')
    await copyInPieces(from, key, file)
    await to.upload(target, file)
    await keepTime(to, target, modifiedAt)
  } catch (error) {
    if (!(error instanceof TblctlError && error.view.code === 'object-exists')) throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function copyInPieces(store: ObjectStore, key: string, file: string): Promise<void> {
  const out = createWriteStream(file, { flags: 'wx' })
  for (let offset = 0; ; offset += wholeBytes) {
    const piece = await store.read(key, { offset, length: wholeBytes })
    if (piece === undefined) break
    if (!out.write(piece)) await once(out, 'drain')
    if (piece.length < wholeBytes) break
  }
  out.end()
  await once(out, 'close')
}
