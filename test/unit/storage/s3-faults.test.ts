/** What a real server does not do on demand: lost answers, conflicts, broken bodies, ignored conditions. And errors told apart. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorView } from '../../../src/core/errors.ts'
import { localCopies } from '../../../src/storage/local-copies.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { openS3Store } from '../../../src/storage/s3.ts'
import { openS3Connection, type S3Connection } from '../../../src/storage/s3-client.ts'
import { probeName } from '../../../src/storage/s3-condition.ts'
import { s3Error } from '../../../src/storage/s3-errors.ts'
import { usualPatience } from '../../../src/storage/s3-patience.ts'
import { type S3Double, startS3Double } from '../../servers/s3-double.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (found: Uint8Array | undefined) => found && new TextDecoder().decode(found)
const secretAccessKey = 'not-to-be-printed'
const connectTo = (endpoint: string): S3Connection =>
  openS3Connection({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    patience: { ...usualPatience, retryMs: 2 },
    credentials: { accessKeyId: 'key', secretAccessKey, sessionToken: 'token' },
  })

let double: S3Double
let connection: S3Connection
let store: ObjectStore
let scratch: string
beforeEach(async () => {
  double = await startS3Double('bucket')
  connection = connectTo(double.endpoint)
  store = openS3Store('s3://bucket/root', connection)
  scratch = await mkdtemp(join(tmpdir(), 'tblctl-s3-'))
})
afterEach(async () => {
  await connection[Symbol.asyncDispose]()
  await double[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true, force: true })
})
const held = (key: string) => double.objects('bucket').get(`root/${key}`)?.bytes.toString()
const errorOf = (work: Promise<unknown>) => work.then(() => expect.unreachable('it did not fail'), errorView)
const put = /PUT .*root\/log$/

describe('putIfAbsent', () => {
  beforeEach(() => store.putIfAbsent('warm', bytes('')))

  it.each(['lost-reply', 'error', 'slow-down', 'conflict'] as const)('%s: it is written, once', async (fault) => {
    double.inject(fault, put, 2)
    expect(await store.putIfAbsent('log', bytes('mine'))).toBe('written')
    expect(held('log')).toBe('mine')
    expect(double.requests.filter((line) => put.test(line)).length).toBeGreaterThan(1)
  })

  it.each(['lost-reply', 'error', 'conflict'] as const)('%s, and another writer was first: exists', async (fault) => {
    await store.put('log', bytes('theirs'))
    double.inject(fault, put)
    expect(await store.putIfAbsent('log', bytes('mine'))).toBe('exists')
    expect(held('log')).toBe('theirs')
  })

  it('the same bytes of another writer are not ours without a doubt', async () => {
    await store.put('log', bytes('same'))
    expect(await store.putIfAbsent('log', bytes('same'))).toBe('exists')
  })

  it('every answer lost: what is there decides', async () => {
    double.inject('lost-reply', put, 99)
    expect(await store.putIfAbsent('log', bytes('mine'))).toBe('written')
    double.inject('lost-reply', /PUT .*root\/other$/, 99)
    await store.put('third', bytes('theirs'))
    double.inject('error', /PUT .*root\/third$/, 99)
    expect(await store.putIfAbsent('third', bytes('mine'))).toBe('exists')
  })

  it('never an answer and nothing there: it may be there all the same', async () => {
    double.inject('error', put, 99)
    const view = await errorOf(store.putIfAbsent('log', bytes('mine')))
    expect(view).toMatchObject({ kind: 'unreachable', code: 'write-unknown', retry: 'resume' })
    expect(view.message).toContain('may be there')
    double.inject('conflict', /PUT .*root\/busy$/, 99)
    expect(await errorOf(store.putIfAbsent('busy', bytes('mine')))).toMatchObject({ code: 'storage-busy' })
  })

  it('nor is it known when what is there cannot be read', async () => {
    double.inject('lost-reply', put, 99)
    double.inject('deny', /GET .*root\/log/, 99)
    expect(await errorOf(store.putIfAbsent('log', bytes('mine')))).toMatchObject({ code: 'write-unknown' })
  })
})

describe('a service that ignores the condition', () => {
  it('is found out before anything is written', async () => {
    double.ignoresConditions = true
    await writeFile(join(scratch, 'data'), 'rows')
    for (const attempt of [
      () => store.putIfAbsent('log', bytes('mine')),
      () => store.upload('data', join(scratch, 'data')),
    ])
      expect(await errorOf(attempt())).toMatchObject({
        kind: 'refused',
        code: 'no-conditional-writes',
        message: expect.stringContaining(double.endpoint),
        hint: expect.stringContaining('nothing was written'),
      })
    expect([...double.objects('bucket').keys()]).toEqual([`root/${probeName}`])
  })
  it('or says that it does not know it', async () => {
    double.inject('unknown', /PUT/)
    expect(await errorOf(store.putIfAbsent('log', bytes('')))).toMatchObject({ code: 'no-conditional-writes' })
    // Only what a service does is remembered; and once it is known, nobody asks again.
    expect(await store.putIfAbsent('log', bytes(''))).toBe('written')
    await store.putIfAbsent('log2', bytes(''))
    expect(double.requests.filter((line) => line.includes(probeName))).toHaveLength(3)
  })
  it('a later process asks once', async () => {
    await store.putIfAbsent('log', bytes(''))
    double.requests.length = 0
    await using other = connectTo(double.endpoint)
    await openS3Store('s3://bucket/root', other).putIfAbsent('log2', bytes(''))
    expect(double.requests).toHaveLength(2)
  })
})

describe('reading', () => {
  it('a body that breaks off is read again', async () => {
    await store.put('a', randomBytes(300_000))
    double.inject('reset', /GET .*root\/a/, 2)
    expect(await store.read('a')).toHaveLength(300_000)
    double.inject('reset', /GET .*root\/a/, 99)
    expect(await errorOf(store.read('a'))).toMatchObject({ kind: 'unreachable', code: 'storage-unreachable' })
  })
  it('a listing that is cut off is an error, not a short list', async () => {
    await store.put('a', bytes(''))
    double.inject('cut-listing', /GET/)
    expect(await errorOf(Array.fromAsync(store.list('')))).toMatchObject({ code: 'listing-cut-off' })
  })
  it('a console’s markers and keys that no store of ours can have are left out', async () => {
    for (const key of ['root/a/', 'root/a//b', 'root/a/../b', 'root/a/x'])
      double.objects('bucket').set(key, { bytes: Buffer.from(''), modified: new Date() })
    expect((await Array.fromAsync(store.list(''))).map(({ key }) => key)).toEqual(['a/x'])
  })
  it('a service that lists in no order is refused', async () => {
    for (const key of ['a', 'b']) await store.put(key, bytes(''))
    double.inject('unordered', /GET/)
    expect(await errorOf(Array.fromAsync(store.list('')))).toMatchObject({ kind: 'refused', code: 'unordered-listing' })
  })
  it('small pages change nothing', async () => {
    double.pageSize = 2
    for (const key of ['f/1', 'f/2', 'g/1', 'h/1', 'i']) await store.put(key, bytes(''))
    expect((await Array.fromAsync(store.list(''))).map(({ key }) => key)).toEqual(['f/1', 'f/2', 'g/1', 'h/1', 'i'])
    expect(await Array.fromAsync(store.folders(''))).toEqual(['f', 'g', 'h'])
  })
})

describe('upload in parts', () => {
  const content = randomBytes(20_000_000)
  let file: string
  beforeEach(async () => {
    file = join(scratch, 'large')
    await writeFile(file, content)
  })
  it('whole, in order, and the file is gone', async () => {
    const info = await store.upload('large', file)
    expect(info).toMatchObject({ key: 'large', size: content.length })
    expect(double.objects('bucket').get('root/large')!.bytes.equals(content)).toBe(true)
    expect(existsSync(file)).toBe(false)
    await using copies = await localCopies(store, ['large'], { scratch })
    expect(copies.names.get(copies.paths[0]!)).toBe('s3://bucket/root/large')
  })
  it('a used key is refused, an answer that is lost at the end is not', async () => {
    double.inject('lost-reply', /POST .*\?uploadId/, 99)
    expect((await store.upload('large', file)).size).toBe(content.length)
    await writeFile(file, content)
    expect(await errorOf(store.upload('large', file))).toMatchObject({ code: 'object-exists' })
  })
  it('that fails leaves no parts behind', async () => {
    double.inject('deny', /PUT .*partNumber/)
    expect(await errorOf(store.upload('large', file))).toMatchObject({ kind: 'denied' })
    expect(double.unfinished()).toBe(0)
    expect(held('large')).toBeUndefined()
    double.inject('deny', /POST .*\?uploads/)
    expect(await errorOf(store.upload('large', file))).toMatchObject({ code: 'storage-denied' })
  })
})

describe('delete', () => {
  const keys = Array.from({ length: 20 }, (_, i) => `d/${i}`)
  it('goes one by one where the service knows no more', async () => {
    for (const key of keys) await store.put(key, bytes(''))
    double.inject('unknown', /POST/)
    await store.delete(keys)
    expect(await Array.fromAsync(store.list(''))).toEqual([])
  })
  it('asks again for keys that a busy service did not get to', async () => {
    for (const key of keys) await store.put(key, bytes(''))
    double.inject('slow-key', /POST/, 2)
    await store.delete(keys)
    expect(await Array.fromAsync(store.list(''))).toEqual([])
    expect(double.requests.filter((line) => line.startsWith('POST'))).toHaveLength(3)
  })
  it('that is forbidden says so', async () => {
    double.inject('deny', /POST/)
    expect(await errorOf(store.delete(keys))).toMatchObject({ kind: 'denied' })
    double.inject('refuse-keys', /POST/)
    expect(await errorOf(store.delete(keys))).toMatchObject({ kind: 'denied', where: expect.stringContaining('d/7') })
    double.inject('deny', /DELETE/)
    expect(await errorOf(store.delete(['d/1']))).toMatchObject({
      kind: 'denied',
      where: expect.stringContaining('d/1'),
    })
  })
})

describe('errors', () => {
  const answered = (name: string, httpStatusCode: number) => ({ name, $metadata: { httpStatusCode } })
  it.each([
    [{ name: 'CredentialsProviderError' }, 'denied no-credentials'],
    [answered('ExpiredToken', 400), 'denied bad-credentials'],
    [answered('RequestTimeTooSkewed', 403), 'denied clock-skewed'],
    [answered('PermanentRedirect', 301), 'config wrong-region'],
    [answered('AuthorizationHeaderMalformed', 400), 'config wrong-region'],
    [answered('TooManyRequests', 429), 'unreachable storage-unreachable'],
    [{ name: 'TimeoutError' }, 'unreachable storage-unreachable'],
    [Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' }), 'unreachable storage-unreachable'],
    [new Error('Region is missing'), 'config no-region'],
    [answered('KeyTooLongError', 400), 'failed storage-failed'],
    [new TypeError('a mistake of ours'), 'bug bug'],
  ])('%o', (thrown, expected) => {
    const { kind, code } = errorView(s3Error(thrown, 'read', { connection, bucket: 'bucket' }))
    expect(`${kind} ${code}`).toBe(expected)
  })
  it('tell unreachable, forbidden and missing apart, name the service, and print no secret', async () => {
    await using nowhere = connectTo('http://127.0.0.1:1')
    const gone = openS3Store('s3://bucket', nowhere)
    const absent = openS3Store('s3://no-such', connection)
    double.inject('deny', /GET|HEAD|PUT/, 3)
    const views = [
      await errorOf(store.read('a')),
      await errorOf(store.head('a')),
      await errorOf(store.put('a', bytes(''))),
      await errorOf(Array.fromAsync(gone.list(''))),
      await errorOf(gone.read('a')),
      await errorOf(Array.fromAsync(absent.list(''))),
      await errorOf(absent.putIfAbsent('a', bytes(''))),
    ]
    expect(views.map(({ kind, code }) => `${kind} ${code}`)).toEqual([
      ...Array(3).fill('denied storage-denied'),
      ...Array(2).fill('unreachable storage-unreachable'),
      ...Array(2).fill('missing no-such-bucket'),
    ])
    for (const view of views) expect(`${view.message} ${view.where}`.match(/http:\/\/127/g)).toHaveLength(1)
    expect(JSON.stringify(views)).not.toContain(secretAccessKey)
  })

  it.each(['s3://', 's3://b', 's3:///x', 's3://bad name/x', 's3://bucket/a//b', 's3://bucket/../b', 'http://bucket/x'])(
    '%s is no location',
    (url) => {
      expect(() => openS3Store(url, connection)).toThrow(
        expect.objectContaining({ view: expect.objectContaining({ kind: 'config', code: 'bad-location' }) }),
      )
    },
  )
  it('a name of the store’s own is no key', async () => {
    expect(await errorOf(store.put(`a/${probeName}`, bytes('')))).toMatchObject({ code: 'bad-key' })
  })
})

describe('local copies', () => {
  it('an object that is gone is named, and nothing is left in the scratch folder', async () => {
    await store.put('a', bytes('x'))
    expect(await errorOf(localCopies(store, ['a', 'b'], { scratch }))).toMatchObject({
      kind: 'missing',
      code: 'file-missing',
      where: 's3://bucket/root/b',
    })
    expect(text(await store.read('a'))).toBe('x')
    expect(readdirSync(scratch)).toEqual([])
  })
})
