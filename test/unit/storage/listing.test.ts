/** Listings for whoever removes files: in no order but complete, without links, and folders that hold a name. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorView } from '../../../src/core/errors.ts'
import { foldersHolding } from '../../../src/storage/folders-holding.ts'
import { listUnordered } from '../../../src/storage/list-unordered.ts'
import { openLocalStore } from '../../../src/storage/local.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { openS3Store } from '../../../src/storage/s3.ts'
import { openS3Connection, type S3Connection } from '../../../src/storage/s3-client.ts'
import { type S3Double, startS3Double } from '../../servers/s3-double.ts'

let folder: string
let double: S3Double
let connection: S3Connection
let disk: ObjectStore
let s3: ObjectStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tblctl-listing-'))
  double = await startS3Double('bucket')
  double.pageSize = 3
  connection = openS3Connection({
    endpoint: double.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  })
  disk = openLocalStore(folder)
  s3 = openS3Store('s3://bucket/root', connection)
})
afterEach(async () => {
  await connection[Symbol.asyncDispose]()
  await double[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})
async function put(...keys: string[]): Promise<void> {
  for (const key of keys) {
    mkdirSync(dirname(join(folder, key)), { recursive: true })
    writeFileSync(join(folder, key), key)
    double.objects('bucket').set(`root/${key}`, { bytes: Buffer.from(key), modified: new Date() })
  }
}
const unordered = async (store: ObjectStore, at = ''): Promise<string[]> =>
  (await Array.fromAsync(listUnordered(store, at))).map(({ key }) => key).sort()
const holding = async (store: ObjectStore, at: string): Promise<string[]> =>
  [...new Set(await Array.fromAsync(foldersHolding(store, at, '_log')))].sort()

describe('listUnordered', () => {
  const many = Array.from({ length: 40 }, (_, i) => `t/p=${i % 13}/${i}`)
  it.each([
    ['nothing', []],
    ['one flat folder', ['t/a', 't/b', 't/c', 't/d', 't/e']],
    ['many folders', many],
    ['folders in few folders', many.map((key) => key.replace('t/', 't/one/'))],
    ['files between folders', ['t/0', 't/a-', 't/a/1', 't/a0', 't/b-', 't/b/x/1', 't/b/y/2', 't/b/y-', 't/z']],
    [
      'names that sort around a slash',
      ['t/a!/1', 't/a-b/2', 't/a.c/3', 't/a/4', 't/a0/5', 't/\u{1f642}/6', 't/\ufffd/7'],
    ],
  ])('gives every object once: %s', async (_, keys) => {
    await put('before', 's/x', 't-/x', ...keys, 't0', 'u/y')
    for (const store of [disk, s3]) {
      expect(await unordered(store, 't')).toEqual([...keys].sort())
      expect(await unordered(store)).toEqual(['before', 's/x', 't-/x', ...keys, 't0', 'u/y'].sort())
    }
  })

  it('asks for ranges beside one another', async () => {
    await put(...many)
    await unordered(s3, 't')
    expect(double.requests.filter((line) => line.includes('start-after')).length).toBeGreaterThan(5)
  })

  it('that fails in one range fails as a whole, and one that is left early ends', async () => {
    await put(...many)
    double.inject('deny', /start-after/)
    await expect(unordered(s3, 't')).rejects.toSatisfy((error) => errorView(error).kind === 'denied')
    for await (const { key } of listUnordered(s3, 't')) {
      expect(key).toContain('t/')
      break
    }
  })
})

describe('foldersHolding', () => {
  it('finds them at any depth, whatever sorts before', async () => {
    await put(
      't/_log/0',
      't/a/z/_log/1',
      't/a/b',
      't/m/x',
      't/m/_log/0',
      't/m/_log/deep/_log/1',
      't/n_log/0',
      'u/_log/0',
    )
    for (const store of [disk, s3]) {
      expect(await holding(store, 't')).toEqual(['', 'a/z', 'm'])
      expect(await holding(store, '')).toEqual(['t', 't/a/z', 't/m', 'u'])
      expect(await holding(store, 'nothing')).toEqual([])
    }
  })

  it('on a disk counts what is no object, and follows no link', async () => {
    await put('t/a/x', 't/b/x', 'elsewhere/_log/x')
    mkdirSync(join(folder, 't/a/_log'))
    symlinkSync('/nowhere', join(folder, 't/b/_log'))
    symlinkSync(join(folder, 'elsewhere'), join(folder, 't/link'))
    symlinkSync(join(folder, 't'), join(folder, 't/loop'))
    expect(await holding(disk, 't')).toEqual(['a', 'b'])
  })
})

describe('a listing for removal', () => {
  it('shows temporary files, but nothing behind a link and no other name of the store', async () => {
    await put('t/a', 'elsewhere/x')
    writeFileSync(join(folder, 't/.tblctl-1.tmp'), '')
    writeFileSync(join(folder, 't/.tblctl-put-if-absent'), '')
    symlinkSync(join(folder, 'elsewhere'), join(folder, 't/link'))
    symlinkSync(join(folder, 't/a'), join(folder, 't/b'))
    const keys = async (forRemoval: boolean) =>
      (await Array.fromAsync(disk.list('t', { forRemoval }))).map(({ key }) => key)
    expect(await keys(true)).toEqual(['t/.tblctl-1.tmp', 't/a'])
    expect(await keys(false)).toEqual(['t/a', 't/b', 't/link/x'])
  })
})

describe('a file that is moved into a folder which is removed while it is empty', () => {
  it('makes it again', async () => {
    const source = join(folder, 'source')
    writeFileSync(source, 'x')
    let removals = 0
    const remove = () => {
      if (removals++ < 3) rmSync(join(folder, 'p'), { recursive: true })
    }
    // Announced between the making of the folder and the link into it.
    subscribe('tblctl:durable', remove)
    try {
      await disk.upload('p/q/file', source)
    } finally {
      unsubscribe('tblctl:durable', remove)
    }
    expect(removals).toBeGreaterThan(3)
    expect(await disk.head('p/q/file')).toMatchObject({ size: 1 })
  })
})
