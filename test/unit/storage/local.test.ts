import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TblctlError } from '../../../src/core/errors.ts'
import { openLocalStore } from '../../../src/storage/local.ts'
import { storageError } from '../../../src/storage/local-errors.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { objectStoreContract } from '../../contract/object-store.ts'
import { faultyStore } from '../../support/faulty-store.ts'

const run = promisify(execFile)
let top: string
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'tblctl-local-'))
})
afterAll(async () => {
  await rm(top, { recursive: true, force: true })
})
let count = 0
const freshRoot = (): string => join(top, `root ${count++}`, 'not made yet')
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const keys = async (store: ObjectStore): Promise<string[]> =>
  (await Array.fromAsync(store.list(''))).map((info) => info.key)

objectStoreContract('local disk', async () => openLocalStore(freshRoot()))

describe('local store: root', () => {
  it('takes a path or a file URL', async () => {
    const root = freshRoot()
    await openLocalStore(root).put('k', bytes('v'))
    for (const same of [pathToFileURL(root), pathToFileURL(root).href, `${root}/`, `${pathToFileURL(root).href}/`]) {
      const store = openLocalStore(same)
      expect(await store.read('k')).toBeDefined()
      expect(store.url).toBe(pathToFileURL(root).href)
    }
  })
  it.each(['relative/path', '', 'file://host/path', '/a\0b', 's3://bucket'])('refuses %j', (root) => {
    expect(() => openLocalStore(root)).toThrow(
      expect.objectContaining({ view: expect.objectContaining({ kind: 'config' }) }),
    )
  })
  it('may itself be a symbolic link', async () => {
    const real = freshRoot()
    await mkdir(real, { recursive: true })
    await symlink(real, join(top, 'link-to-root'))
    const store = openLocalStore(join(top, 'link-to-root'))
    await store.put('a/b', bytes('x'))
    expect(await keys(store)).toEqual(['a/b'])
    expect(store.localPath('a/b')).toBe(join(top, 'link-to-root', 'a/b'))
  })
  it('says where an object lies', async () => {
    const root = freshRoot()
    expect(openLocalStore(root).localPath('a/b c')).toBe(join(root, 'a/b c'))
  })
})

describe('local store: confinement', () => {
  let root: string
  let secret: string
  let store: ObjectStore
  beforeEach(async () => {
    root = freshRoot()
    secret = `${root}-secret`
    await mkdir(root, { recursive: true })
    await mkdir(secret)
    await writeFile(join(secret, 'file'), 'secret')
    await symlink(secret, join(root, 'folder'))
    await symlink(join(secret, 'file'), join(root, 'file'))
    await symlink(join(secret, 'missing'), join(root, 'dangling'))
    store = openLocalStore(root)
  })
  it.each(['folder/file', 'folder/new', 'folder/deep/new', 'file'])(
    'never follows a link out of the root: %s',
    async (key) => {
      const refusal = expect.objectContaining({ view: expect.objectContaining({ kind: 'data', code: 'outside-root' }) })
      await writeFile(join(top, 'upload'), 'x')
      await expect(store.read(key)).rejects.toThrow(refusal)
      await expect(store.head(key)).rejects.toThrow(refusal)
      await expect(store.put(key, bytes('x'))).rejects.toThrow(refusal)
      await expect(store.putIfAbsent(key, bytes('x'))).rejects.toThrow(refusal)
      await expect(store.upload(key, join(top, 'upload'))).rejects.toThrow(refusal)
      await expect(store.delete([key])).rejects.toThrow(refusal)
      await expect(Array.fromAsync(store.list('folder'))).rejects.toThrow(refusal)
      expect(() => store.localPath(key)).toThrow(refusal)
      expect(await readdir(secret)).toEqual(['file'])
      expect(await readFile(join(secret, 'file'), 'utf8')).toBe('secret')
    },
  )
  it('lists nothing that lies outside, and replaces a dangling link instead of following it', async () => {
    expect(await keys(store)).toEqual([])
    expect(await store.read('dangling')).toBeUndefined()
    expect(await store.putIfAbsent('dangling', bytes('x'))).toBe('exists')
    await store.put('dangling', bytes('mine'))
    expect(existsSync(join(secret, 'missing'))).toBe(false)
    expect(await keys(store)).toEqual(['dangling'])
  })
  it('follows links inside the root, once', async () => {
    await store.put('data/x', bytes('x'))
    await symlink(join(root, 'data'), join(root, 'same'))
    await symlink(join(root, 'data/x'), join(root, 'y'))
    await symlink(root, join(root, 'data/loop'))
    await symlink(join(root, 'self'), join(root, 'self'))
    expect(await keys(store)).toEqual(['data/x', 'same/x', 'y'])
    expect(await store.read('same/x')).toEqual(Buffer.from('x'))
  })
})

describe('local store: files of its own and of others', () => {
  it('leaves no temporary file, and lists none that a killed process left', async () => {
    const root = freshRoot()
    const store = openLocalStore(root)
    await store.put('a/x', bytes('1'))
    await store.putIfAbsent('a/x', bytes('2'))
    expect(await readdir(join(root, 'a'))).toEqual(['x'])
    await writeFile(join(root, 'a', '.tblctl-left.tmp'), 'half')
    expect(await keys(store)).toEqual(['a/x'])
    await expect(store.put('a/.tblctl-mine', bytes('x'))).rejects.toMatchObject({ view: { code: 'bad-key' } })
  })
  it('does not block on a named pipe', async () => {
    const root = freshRoot()
    await mkdir(root, { recursive: true })
    await run('mkfifo', [join(root, 'pipe')])
    const store = openLocalStore(root)
    expect(await store.read('pipe')).toBeUndefined()
    expect(await store.head('pipe')).toBeUndefined()
    expect(await keys(store)).toEqual([])
  })
  it('announces each durable step before and after', async () => {
    const store = openLocalStore(freshRoot())
    const steps: string[] = []
    const listen = (message: unknown): unknown => steps.push((message as { step: string }).step)
    subscribe('tblctl:durable', listen)
    try {
      await store.putIfAbsent('k', bytes('x'))
      await store.put('k', bytes('y'))
      await store.delete(['k'])
    } finally {
      unsubscribe('tblctl:durable', listen)
    }
    expect(steps).toEqual([
      ...['object-temporary:before', 'object-temporary:after', 'object-link:before', 'object-link:after'],
      ...['object-temporary:before', 'object-temporary:after', 'object-rename:before', 'object-rename:after'],
      ...['object-delete:before', 'object-delete:after'],
    ])
  })
  it.runIf(existsSync('/dev/shm'))('uploads across devices', async () => {
    const other = await mkdtemp('/dev/shm/tblctl-')
    try {
      await writeFile(join(other, 'f'), 'far')
      const root = freshRoot()
      const store = openLocalStore(root)
      expect(await store.upload('near/f', join(other, 'f'))).toMatchObject({ size: 3 })
      expect(await readdir(join(root, 'near'))).toEqual(['f'])
      await writeFile(join(other, 'g'), 'again')
      await expect(store.upload('near/f', join(other, 'g'))).rejects.toMatchObject({ view: { code: 'object-exists' } })
      expect(await readdir(join(root, 'near'))).toEqual(['f'])
    } finally {
      await rm(other, { recursive: true })
    }
  })
  it('refuses to upload a link or a folder', async () => {
    const store = openLocalStore(freshRoot())
    await writeFile(join(top, 'plain'), 'x')
    await symlink(join(top, 'plain'), join(top, 'a-link'))
    await expect(store.upload('k', join(top, 'a-link'))).rejects.toMatchObject({ view: { code: 'upload-source' } })
    await expect(store.upload('k', top)).rejects.toMatchObject({ view: { code: 'upload-source' } })
  })
})

describe('local store: errors', () => {
  it.each([
    ['ENOSPC', 'failed', 'disk-full'],
    ['EDQUOT', 'failed', 'disk-full'],
    ['EFBIG', 'failed', 'disk-full'],
    ['EACCES', 'denied', 'storage-denied'],
    ['EPERM', 'denied', 'storage-denied'],
    ['EROFS', 'denied', 'storage-denied'],
    ['ENOTSUP', 'failed', 'no-hard-links'],
    ['EIO', 'failed', 'storage-failed'],
    ['EWHATEVER', 'failed', 'storage-failed'],
  ])('%s is %s/%s and names the path', (code, kind, expected) => {
    const error = storageError(Object.assign(new Error('x'), { code }), 'write', '/some/path') as TblctlError
    expect(error.view).toMatchObject({ kind, code: expected, where: '/some/path' })
    expect(error.message).toContain('cannot write /some/path')
  })
  it('leaves our own errors and bugs as they are', () => {
    const bug = new TypeError('x')
    expect(storageError(bug, 'write', '/p')).toBe(bug)
    const ours = new TblctlError({ kind: 'data', code: 'c', message: 'm' })
    expect(storageError(ours, 'write', '/p')).toBe(ours)
  })
  it('says that a folder is in the way, or a file', async () => {
    const store = openLocalStore(freshRoot())
    await store.put('a/b', bytes('x'))
    await expect(store.put('a', bytes('x'))).rejects.toMatchObject({ view: { code: 'storage-failed' } })
    await expect(store.putIfAbsent('a/b/c', bytes('x'))).rejects.toMatchObject({ view: { code: 'storage-failed' } })
    expect(await keys(store)).toEqual(['a/b'])
  })
  it('survives a disk that is really full: nothing half written, nothing left over', async () => {
    const root = freshRoot()
    const script = `
      import { openLocalStore } from ${JSON.stringify(new URL('../../../src/storage/local.ts', import.meta.url).href)}
      const store = openLocalStore(${JSON.stringify(root)})
      await store.put('small', Buffer.from('fits'))
      for (const put of ['put', 'putIfAbsent'])
        await store[put]('t/large', Buffer.alloc(1 << 20)).then(() => process.exit(3), (e) => process.stdout.write(e.view.code + ' ' + e.view.kind + '\\n'))
    `
    await writeFile(join(top, 'full.mts'), script)
    const { stdout } = await run('bash', [
      '-c',
      'ulimit -f 64; exec "$0" "$1"',
      process.execPath,
      join(top, 'full.mts'),
    ])
    expect(stdout).toBe('disk-full failed\ndisk-full failed\n')
    expect(await keys(openLocalStore(root))).toEqual(['small'])
    expect(await readdir(join(root, 't'))).toEqual([])
  })
})

describe('faulty store', () => {
  it.each(['before', 'half', 'after'] as const)('fails exactly the second write (%s)', async (when) => {
    const root = freshRoot()
    const store = faultyStore(openLocalStore(root), 2, when)
    await store.put('t/1', bytes('one'))
    await expect(store.putIfAbsent('t/2', bytes('two'))).rejects.toMatchObject({ view: { code: 'disk-full' } })
    await writeFile(join(top, 'third'), 'three')
    await store.upload('t/3', join(top, 'third'))
    expect(store.writes).toBe(3)
    expect(await keys(store)).toEqual(when === 'after' ? ['t/1', 't/2', 't/3'] : ['t/1', 't/3'])
    expect((await readdir(join(root, 't'))).includes('.tblctl-half-written.tmp')).toBe(when === 'half')
  })
})
