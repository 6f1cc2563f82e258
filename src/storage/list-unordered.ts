/**
 * A folder's objects in no order, faster than one listing gives them: a service answers a thousand keys at a time, one page after the other,
 * so its folders are divided into ranges of keys that are listed beside one another.
 */
import { compareKeys } from './keys.ts'
import type { ListOptions, ObjectInfo, ObjectStore } from './object-store.ts'

const ranges = 8

/** Memory: a page for each range. On a disk it is one listing: there is no answer to wait for. */
export async function* listUnordered(
  store: ObjectStore,
  folder: string,
  { forRemoval = false }: Pick<ListOptions, 'forRemoval'> = {},
): AsyncGenerator<ObjectInfo> {
  const prefix = folder === '' ? '' : `${folder}/`
  const starts = store.localPath(`${prefix}x`) === null ? await boundaries(store, folder) : []
  const ends = [...starts, undefined]
  const lanes = ['', ...starts].map((start, i) => range(store, folder, start, ends[i], forRemoval))
  if (lanes.length === 1) yield* lanes[0]!
  else yield* together(lanes)
}

/** Keys that divide the folder about evenly by its folders: those one level below, or two where they are few. */
async function boundaries(store: ObjectStore, folder: string): Promise<string[]> {
  const below = async (key: string): Promise<string[]> =>
    (await Array.fromAsync(store.folders(key))).map((name) => (key === '' ? name : `${key}/${name}`))
  let folders = await below(folder)
  if (folders.length > 0 && folders.length < ranges) {
    const deeper = await Promise.all(folders.map(below))
    folders = folders.flatMap((one, i) => (deeper[i]!.length === 0 ? [one] : deeper[i]!))
  }
  folders.sort((a, b) => compareKeys(`${a}/`, `${b}/`))
  const step = Math.max(1, Math.ceil(folders.length / ranges))
  return folders.filter((_, i) => i > 0 && i % step === 0).map((one) => `${one}/`)
}

/** Keys from `start` on (a folder with its slash, no key of its own) and before `end`. */
async function* range(
  store: ObjectStore,
  folder: string,
  start: string,
  end: string | undefined,
  forRemoval: boolean,
): AsyncGenerator<ObjectInfo> {
  for await (const object of store.list(folder, { startAfter: start, forRemoval })) {
    if (end !== undefined && compareKeys(object.key, end) >= 0) return
    yield object
  }
}

/** One object of each lane is asked for at a time; a lane that fails ends all. */
async function* together<T>(lanes: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const step = async (lane: AsyncGenerator<T>) => ({ lane, next: await lane.next() })
  const pending = new Map(lanes.map((lane) => [lane, step(lane)]))
  for (const promise of pending.values()) promise.catch(() => undefined) // seen when its turn comes
  try {
    while (pending.size > 0) {
      const { lane, next } = await Promise.race(pending.values())
      if (next.done) pending.delete(lane)
      else {
        const following = step(lane)
        following.catch(() => undefined)
        pending.set(lane, following)
        yield next.value
      }
    }
  } finally {
    await Promise.allSettled([...pending.keys()].map((lane) => lane.return(undefined)))
  }
}
