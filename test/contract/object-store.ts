/** What every object store must do. A store's test file calls this with a way to open an empty store. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ObjectInfo, ObjectStore } from '../../src/storage/object-store.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (found: Uint8Array | undefined): string | undefined =>
  found === undefined ? undefined : new TextDecoder().decode(found)
const hostile = ['', '/a', '../a', 'a/../../b', 'a/..', './a', 'a//b', 'a/', 'a\0b', '..', '\ud800']
const odd = [
  'with space.txt',
  'per%20cent%',
  'plus+and=equals/x',
  'ünïcødé/日本/🙂',
  'quote\'s and "double"',
  'semi;colon,comma',
  '_hidden/.dot',
  'new\nline',
  'back\\slash',
  '[a]*?',
]

export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  describe(`object store contract: ${name}`, () => {
    let store: ObjectStore
    let scratch: string
    beforeEach(async () => {
      store = await open()
      scratch = await mkdtemp(join(tmpdir(), 'tblctl-contract-'))
    })
    afterEach(async () => {
      await store[Symbol.asyncDispose]()
      await rm(scratch, { recursive: true, force: true })
    })
    const list = async (folder: string, startAfter?: string): Promise<ObjectInfo[]> =>
      Array.fromAsync(store.list(folder, startAfter === undefined ? {} : { startAfter }))
    const keys = async (folder: string, startAfter?: string): Promise<string[]> =>
      (await list(folder, startAfter)).map((info) => info.key)

    it('has a URL without a trailing slash', () => {
      expect(store.url).toMatch(/^[a-z0-9]+:\/\/.*[^/]$/)
    })

    it('says undefined of what is not there, and lists nothing', async () => {
      expect(await store.read('a/b')).toBeUndefined()
      expect(await store.read('a/b', { offset: 0, length: 1 })).toBeUndefined()
      expect(await store.head('a/b')).toBeUndefined()
      expect(await keys('')).toEqual([])
      expect(await keys('a/b')).toEqual([])
      expect(await Array.fromAsync(store.folders(''))).toEqual([])
    })

    it('gives back what was put, with size and time', async () => {
      expect(await store.putIfAbsent('a/b/c.json', bytes('hello'))).toBe('written')
      expect(text(await store.read('a/b/c.json'))).toBe('hello')
      const info = await store.head('a/b/c.json')
      expect(info).toMatchObject({ key: 'a/b/c.json', size: 5 })
      expect(Math.abs(info!.modifiedAt.getTime() - Date.now())).toBeLessThan(600_000)
      expect(await store.head('a/b')).toBeUndefined()
      expect(await store.read('a/b')).toBeUndefined()
      expect(await store.read('a/b/c.json/d')).toBeUndefined()
    })

    it('tells an object from another in its place: one etag and one time in every answer', async () => {
      const file = join(scratch, 'file')
      await writeFile(file, 'first')
      const uploaded = await store.upload('e/x', file)
      expect(await list('e')).toEqual([uploaded])
      expect(await store.head('e/x')).toEqual(uploaded)
      expect(await store.head('e/x')).toEqual(uploaded)
      await store.put('e/x', bytes('other'))
      const replaced = await store.head('e/x')
      expect(replaced).toMatchObject({ size: uploaded.size })
      expect(replaced!.etag).not.toBe(uploaded.etag)
      expect(await list('e')).toEqual([replaced])
    })

    it('uploads a file of several parts whole', async () => {
      const content = Buffer.alloc(17_000_000, 'several parts ')
      const file = join(scratch, 'large')
      await writeFile(file, content)
      expect(await store.upload('large', file)).toMatchObject({ size: content.length })
      const pieces = [await store.read('large', { offset: 0, length: 9_000_000 })]
      pieces.push(await store.read('large', { offset: 9_000_000, length: 9_000_000 }))
      expect(Buffer.concat(pieces.map((piece) => piece!)).equals(content)).toBe(true)
    })

    it('reads ranges, and no further than the end', async () => {
      await store.put('r', bytes('0123456789'))
      const range = async (offset: number, length: number) => text(await store.read('r', { offset, length }))
      expect(await range(0, 3)).toBe('012')
      expect(await range(4, 2)).toBe('45')
      expect(await range(8, 100)).toBe('89')
      expect(await range(10, 1)).toBe('')
      expect(await range(50, 1)).toBe('')
      expect(await range(3, 0)).toBe('')
    })

    it('never overwrites with putIfAbsent', async () => {
      await store.put('k', bytes('first'))
      expect(await store.putIfAbsent('k', bytes('second'))).toBe('exists')
      expect(text(await store.read('k'))).toBe('first')
    })

    it('lets exactly one of 20 racing writers win, and keeps the bytes of that one', async () => {
      for (let round = 0; round < 5; round++) {
        const key = `race/${round}`
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, writer) => store.putIfAbsent(key, bytes(`writer ${writer}`))),
        )
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1)
        expect(text(await store.read(key))).toBe(`writer ${outcomes.indexOf('written')}`)
      }
      expect(await keys('race')).toHaveLength(5)
    })

    it('replaces whole objects: a reader sees the old bytes or the new ones', async () => {
      const versions = ['a'.repeat(200_000), 'b'.repeat(100_000)]
      await store.put('big', bytes(versions[0]!))
      let writing = true
      const seen = new Set<string>()
      const reader = (async () => {
        while (writing) seen.add(text(await store.read('big')) ?? 'missing')
      })()
      for (let i = 1; i < 20; i++) await store.put('big', bytes(versions[i % 2]!))
      writing = false
      await reader
      for (const found of seen) expect(versions).toContain(found)
      expect(text(await store.read('big'))).toBe(versions[1])
    })

    it('keeps empty objects', async () => {
      expect(await store.putIfAbsent('empty', new Uint8Array())).toBe('written')
      expect(await store.read('empty')).toHaveLength(0)
      expect((await store.head('empty'))?.size).toBe(0)
    })

    it.each(odd)('takes the odd key %j', async (key) => {
      expect(await store.putIfAbsent(key, bytes(key))).toBe('written')
      expect(await store.putIfAbsent(key, bytes('again'))).toBe('exists')
      expect(text(await store.read(key))).toBe(key)
      expect(await keys('')).toEqual([key])
      await store.delete([key])
      expect(await keys('')).toEqual([])
    })

    it.each(hostile)('refuses the key %j everywhere', async (key) => {
      const refusal = expect.objectContaining({ view: expect.objectContaining({ kind: 'data', code: 'bad-key' }) })
      await writeFile(join(scratch, 'file'), 'x')
      await expect(store.read(key)).rejects.toThrow(refusal)
      await expect(store.head(key)).rejects.toThrow(refusal)
      await expect(store.put(key, bytes('x'))).rejects.toThrow(refusal)
      await expect(store.putIfAbsent(key, bytes('x'))).rejects.toThrow(refusal)
      await expect(store.upload(key, join(scratch, 'file'))).rejects.toThrow(refusal)
      await expect(store.delete([key])).rejects.toThrow(refusal)
      expect(() => store.localPath(key)).toThrow(refusal)
      if (key !== '' && key !== 'a/') await expect(keys(key)).rejects.toThrow(refusal)
      expect(await keys('')).toEqual([])
    })

    it('lists in byte order at any depth, hidden names too', async () => {
      const names = ['a-b', 'a/c', 'a/b/x', 'a0', '_h', '.h/x', 'Z', 'z\uff5e', 'z🙂', 'z', 'é']
      for (const key of names) await store.put(key, bytes(key))
      const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await keys('')).toEqual(expected)
      expect((await list('')).map((info) => info.size)).toEqual(expected.map((key) => Buffer.byteLength(key)))
    })

    it('lists a folder, not names that begin like it', async () => {
      for (const key of ['t/1', 't/x/2', 't2/3', 't']) if (key !== 't') await store.put(key, bytes('x'))
      expect(await keys('t')).toEqual(['t/1', 't/x/2'])
      expect(await keys('t/')).toEqual(['t/1', 't/x/2'])
      expect(await keys('t/x')).toEqual(['t/x/2'])
    })

    it('starts after a key, whether or not it is there', async () => {
      const all = ['l/1', 'l/2/a', 'l/2/b', 'l/3', 'm']
      for (const key of all) await store.put(key, bytes('x'))
      for (const start of ['', 'l', 'l/', 'l/1', 'l/2', 'l/2/', 'l/2/a', 'l/2/aa', 'l/2/b', 'l/25', 'l/3', 'm', 'z']) {
        expect(await keys('', start)).toEqual(all.filter((key) => key > start))
        expect(await keys('l', start)).toEqual(all.filter((key) => key > start && key.startsWith('l/')))
      }
    })

    it('lists more objects than one page', async () => {
      const names = Array.from({ length: 1203 }, (_, i) => `many/${String(i).padStart(5, '0')}`)
      for (let i = 0; i < names.length; i += 50)
        await Promise.all(names.slice(i, i + 50).map((key) => store.put(key, bytes(''))))
      expect(await keys('many')).toEqual(names)
      expect(await keys('many', 'many/00999')).toEqual(names.slice(1000))
    })

    it('names the folders that hold objects, one level down, sorted', async () => {
      for (const key of ['p/b/1/2', 'p/a-/x', 'p/a/x', 'p/_log/x', 'p/file', 'q/x']) await store.put(key, bytes('x'))
      await store.put('p/gone/x', bytes('x'))
      await store.delete(['p/gone/x'])
      expect(await Array.fromAsync(store.folders('p'))).toEqual(['_log', 'a', 'a-', 'b'])
      expect(await Array.fromAsync(store.folders('p/'))).toEqual(['_log', 'a', 'a-', 'b'])
      expect(await Array.fromAsync(store.folders(''))).toEqual(['p', 'q'])
      expect(await Array.fromAsync(store.folders('nowhere'))).toEqual([])
    })

    it('uploads a local file to a new key and refuses a used one', async () => {
      const file = join(scratch, 'data.parquet')
      await writeFile(file, 'rows')
      expect(await store.upload('x/y/data.parquet', file)).toMatchObject({ key: 'x/y/data.parquet', size: 4 })
      expect(text(await store.read('x/y/data.parquet'))).toBe('rows')
      const second = join(scratch, 'second')
      await writeFile(second, 'other')
      await expect(store.upload('x/y/data.parquet', second)).rejects.toMatchObject({ view: { code: 'object-exists' } })
      expect(text(await store.read('x/y/data.parquet'))).toBe('rows')
      await expect(store.upload('x/new', join(scratch, 'missing'))).rejects.toThrow()
      expect(await keys('x')).toEqual(['x/y/data.parquet'])
    })

    it('lists the same for removal, and removes folders with their last object', async () => {
      for (const key of ['d/a/b/1', 'd/a/b/2', 'd/c/3', 'd/4']) await store.put(key, bytes('x'))
      const listed = await Array.fromAsync(store.list('d', { forRemoval: true }))
      expect(listed).toEqual(await list('d'))
      expect(await Array.fromAsync(store.list('d', { forRemoval: true, startAfter: 'd/a/b/1' }))).toHaveLength(2)
      await store.delete(['d/a/b/1', 'd/c/3', 'd/missing/5'], { emptied: true })
      expect(await keys('')).toEqual(['d/4', 'd/a/b/2'])
      await store.delete(['d/a/b/2'], { emptied: true })
      expect(await Array.fromAsync(store.folders('d'))).toEqual([])
      const path = store.localPath('d/x')
      if (path !== null) expect(await readdir(dirname(path))).toEqual(['4'])
      expect(await store.putIfAbsent('d/a/b/1', bytes('again'))).toBe('written')
    })

    it('deletes many, and missing ones without complaint', async () => {
      const names = Array.from({ length: 70 }, (_, i) => `d/${i}`)
      await Promise.all(names.map((key) => store.put(key, bytes('x'))))
      await store.delete([...names, 'd/missing', 'never/was', 'd/0/below-a-file'])
      expect(await keys('')).toEqual([])
      await store.put('folder/x', bytes('x'))
      await store.delete(['folder'])
      expect(await keys('')).toEqual(['folder/x'])
      await store.delete([])
    })
  })
}
