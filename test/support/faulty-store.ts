/** A store whose n-th write fails as on a full disk. Everything else passes through. */
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail } from '../../src/core/errors.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'

export interface FaultyStore extends ObjectStore {
  /** Writes asked for so far (put, putIfAbsent, upload), the failed ones included. */
  readonly writes: number
}

/**
 * `before`: nothing was written. `half`: half of the bytes lie in a temporary file, as a killed process leaves them (local stores).
 * `after`: the object is there, and the writer is told that it failed. `failAt` counts from 1; only that write fails.
 */
export function faultyStore(inner: ObjectStore, failAt: number, when: 'before' | 'half' | 'after'): FaultyStore {
  let writes = 0
  const full = (key: string): Error =>
    fail('failed', 'disk-full', `cannot write ${key}: no space is left on the device (injected)`, {
      where: key,
      retry: 'resume',
    })

  async function write<T>(key: string, bytes: () => Promise<Uint8Array>, proceed: () => Promise<T>): Promise<T> {
    writes++
    if (writes !== failAt) return proceed()
    if (when === 'after') await proceed()
    const target = when === 'half' ? inner.localPath(key) : null
    if (target !== null) {
      const content = await bytes()
      const leftOver = join(dirname(target), '.tblctl-half-written.tmp')
      await writeFile(leftOver, content.subarray(0, content.length >> 1)).catch(() => undefined)
    }
    throw full(key)
  }

  return {
    get writes() {
      return writes
    },
    url: inner.url,
    list: (folder, options) => inner.list(folder, options),
    folders: (folder) => inner.folders(folder),
    head: (key) => inner.head(key),
    read: (key, range) => inner.read(key, range),
    localPath: (key) => inner.localPath(key),
    delete: (keys) => inner.delete(keys),
    put: (key, bytes) =>
      write(
        key,
        async () => bytes,
        () => inner.put(key, bytes),
      ),
    putIfAbsent: (key, bytes) =>
      write(
        key,
        async () => bytes,
        () => inner.putIfAbsent(key, bytes),
      ),
    upload: (key, localFile) =>
      write(
        key,
        () => readFile(localFile),
        () => inner.upload(key, localFile),
      ),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }
}
