/** Deletion vectors: every form and container, files that Spark wrote, and what is damaged or leads elsewhere. */
import { existsSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeletionVector } from '../../../src/drivers/delta/log/actions.ts'
import { deletedRows, deletionVectorPath } from '../../../src/drivers/delta/log/deletion-vector.ts'
import { decodeRoaring64 } from '../../../src/drivers/delta/log/roaring.ts'
import { decodeZ85 } from '../../../src/drivers/delta/log/z85.ts'
import { openLocalStore } from '../../../src/storage/local.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { fixture, view } from './fixture.ts'
import { encodeRoaring64, encodeZ85, vectorBytes, vectorFile } from './roaring.ts'

const data = fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const failure = (part: object): unknown => expect.objectContaining(view(expect.objectContaining(part)))
const corrupt = (why: string) =>
  failure({ kind: 'data', code: 'corrupt-deletion-vector', message: expect.stringContaining(why) })

const uuid = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61'
const z85Uuid = encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
const inline = (bytes: Buffer, cardinality: number): DeletionVector => ({
  storageType: 'i',
  pathOrInlineDv: encodeZ85(bytes),
  sizeInBytes: bytes.length,
  cardinality,
})
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('Z85', () => {
  it('reads the vector of its specification', () => {
    expect(decodeZ85('HelloWorld')?.toString('hex')).toBe('864fd26fb559f75b')
  })
  it.each(['1234', '0000"', '#####', '0000€'])('refuses %s', (text) => {
    expect(decodeZ85(text)).toBeUndefined()
  })
})

describe('a Roaring bitmap', () => {
  it.each([
    ['nothing', []],
    ['few', [0, 3, 65535, 65536, 70_000]],
    ['a full container', range(0, 65_536)],
    ['bits', range(0, 10_000).map((n) => n * 5)],
    ['exactly as many as an array may hold', range(0, 4096).map((n) => n * 2)],
    ['one more', range(0, 4097).map((n) => n * 2)],
    ['five containers', range(0, 5).map((n) => n * 65_536 + n)],
    ['beyond four billion', [1, 2 ** 32, 2 ** 33 + 5]],
  ])('of %s', (_what, numbers) => {
    for (const runs of [false, true].slice(0, numbers.length === 0 ? 1 : 2))
      expect([...decodeRoaring64(encodeRoaring64(numbers, runs), numbers.length)]).toEqual(numbers)
  })
  it('of any numbers', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(fc.nat({ max: 200_000 }), fc.nat({ max: 2 ** 31 - 1 })), { minLength: 1 }),
        fc.boolean(),
        (numbers, runs) => {
          const sorted = numbers.toSorted((a, b) => a - b)
          expect([...decodeRoaring64(encodeRoaring64(sorted, runs), sorted.length)]).toEqual(sorted)
        },
      ),
      { numRuns: 50 },
    )
  })
  it('that is damaged is an error, and never wrong numbers nor a crash', () => {
    const whole = encodeRoaring64([1, 2, 3, 70_000], true)
    for (let length = 0; length < whole.length; length++)
      expect(() => decodeRoaring64(whole.subarray(0, length), 4)).toThrow('ends too early')
    expect(() => decodeRoaring64(Buffer.concat([whole, Buffer.alloc(2)]), 4)).toThrow('2 bytes follow')
    expect(() => decodeRoaring64(encodeRoaring64([2, 1]), 2)).toThrow('do not ascend')
    expect(() => decodeRoaring64(Buffer.alloc(8, 0xff), 2)).toThrow('ends too early')
    expect(() => decodeRoaring64(encodeRoaring64([2 ** 54]), 1)).toThrow('beyond 2^53')
    const run = encodeRoaring64([1], true)
    run.fill(0xff, run.length - 2)
    expect(() => decodeRoaring64(run, 65_536)).toThrow('leaves its container')
    const start = encodeRoaring64([1])
    start.writeUInt32LE(7, 12)
    expect(() => decodeRoaring64(start, 1)).toThrow('begins with 7')
    const many = encodeRoaring64([1])
    many.writeUInt32LE(70_000, 16)
    expect(() => decodeRoaring64(many, 1)).toThrow('70000 containers')
  })
})

describe('a deletion vector', () => {
  it('stands in the log itself', async () => {
    const { store } = await fixture()
    const rows = [3, 4, 7, 11, 18, 29]
    for (const bytes of [vectorBytes(rows), vectorBytes(rows, true)])
      expect([...(await deletedRows(store, 't', inline(bytes, 6)))]).toEqual(rows)
    // As Delta's own kernel has it in its tests.
    const example: DeletionVector = {
      storageType: 'i',
      pathOrInlineDv: '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L',
      sizeInBytes: 44,
      cardinality: 6,
    }
    expect([...(await deletedRows(store, 't', example))]).toEqual(rows)
    expect(deletionVectorPath(store, 't', example)).toBeNull()
  })

  it('stands in a file of several, below a prefix or not', async () => {
    const { store } = await fixture()
    const [a, b] = [vectorBytes([1, 2]), vectorBytes(range(0, 5000))]
    const { bytes, offsets } = vectorFile([a, b])
    await store.put(`t/ab/deletion_vector_${uuid}.bin`, bytes)
    await store.put(`t/deletion_vector_${uuid}.bin`, bytes)
    const vector = { storageType: 'u', offset: offsets[1]!, sizeInBytes: b.length, cardinality: 5000 }
    expect(await deletedRows(store, 't', { ...vector, pathOrInlineDv: `ab${z85Uuid}` })).toHaveLength(5000)
    const first = { storageType: 'u', pathOrInlineDv: z85Uuid, sizeInBytes: a.length, cardinality: 2 }
    expect([...(await deletedRows(store, 't', first))]).toEqual([1, 2])
    expect(deletionVectorPath(store, 't', { ...vector, pathOrInlineDv: `ab${z85Uuid}` })).toBe(
      `ab/deletion_vector_${uuid}.bin`,
    )
  })

  it('with a path of its own is read inside the table, and nowhere else', async () => {
    const { store, root } = await fixture()
    const bytes = vectorBytes([5])
    await store.put('t/d v.bin', vectorFile([bytes]).bytes)
    await store.put('other/d v.bin', vectorFile([bytes]).bytes)
    const at = (pathOrInlineDv: string): DeletionVector => ({
      storageType: 'p',
      pathOrInlineDv,
      offset: 1,
      sizeInBytes: bytes.length,
      cardinality: 1,
    })
    for (const path of [`file://${root}/t/d%20v.bin`, `file:${root}/t/d%20v.bin`, `${root}/t/d%20v.bin`])
      expect([...(await deletedRows(store, 't', at(path)))]).toEqual([5])
    for (const path of [`file://${root}/other/d%20v.bin`, '/etc/passwd', 'd%20v.bin', 's3://bucket/t/d%20v.bin'])
      await expect(deletedRows(store, 't', at(path))).rejects.toThrow(corrupt('outside the table'))
    await expect(deletedRows(store, 't', at(`${root}/t/../other/d%20v.bin`))).rejects.toThrow(corrupt('leads out'))
    await expect(deletedRows(store, 't', at(`${root}/t/%`))).rejects.toThrow(corrupt('percent-encoded'))
    const remote: ObjectStore = { ...store, url: 's3://bucket', localPath: () => null }
    for (const scheme of ['s3', 's3a', 's3n'])
      expect([...(await deletedRows(remote, 't', at(`${scheme}://bucket/t/d%20v.bin`)))]).toEqual([5])
    await expect(deletedRows(remote, 't', at('s3://bucket2/t/d%20v.bin'))).rejects.toThrow(corrupt('outside'))
    await symlink(join(root, '..'), join(root, 't', 'out'))
    await expect(deletedRows(store, 't', at(`${root}/t/out/x.bin`))).rejects.toThrow(failure({ code: 'outside-root' }))
  })

  it('that is damaged is an error with the file', async () => {
    const { store, root } = await fixture()
    const bytes = vectorBytes([1, 2])
    const key = `t/deletion_vector_${uuid}.bin`
    const { bytes: file } = vectorFile([bytes])
    const vector: DeletionVector = {
      storageType: 'u',
      pathOrInlineDv: z85Uuid,
      offset: 1,
      sizeInBytes: bytes.length,
      cardinality: 2,
    }
    const read = (change: Partial<DeletionVector> = {}) => deletedRows(store, 't', { ...vector, ...change })
    await expect(read()).rejects.toThrow(
      failure({
        kind: 'missing',
        code: 'file-missing',
        where: join(root, key),
        hint: expect.stringContaining('vacuum'),
      }),
    )
    await store.put(key, file)
    await expect(read({ cardinality: 3 })).rejects.toThrow(corrupt('2 numbers and not 3'))
    await expect(read({ cardinality: 1 })).rejects.toThrow(corrupt('more than 1'))
    await expect(read({ sizeInBytes: bytes.length - 1 })).rejects.toThrow(corrupt('the log'))
    await expect(read({ sizeInBytes: bytes.length + 1 })).rejects.toThrow(corrupt('ends too early'))
    await expect(read({ offset: 3 })).rejects.toThrow(corrupt('ends too early'))
    await expect(read({ storageType: 'x' })).rejects.toThrow(corrupt('storage type x'))
    await expect(read({ pathOrInlineDv: 'short' })).rejects.toThrow(corrupt('no UUID'))
    await expect(read({ pathOrInlineDv: `../${z85Uuid}` })).rejects.toThrow(corrupt('leads out'))
    const spoilt = Buffer.from(file)
    spoilt[20]! ^= 1
    await store.put(key, spoilt)
    await expect(read()).rejects.toThrow(failure({ code: 'corrupt-deletion-vector', where: join(root, key) }))
    await expect(read()).rejects.toThrow('checksum')
    await store.put(key, Buffer.concat([Buffer.from([2]), file.subarray(1)]))
    await expect(read()).rejects.toThrow(corrupt('version 2'))
    await store.put(key, Buffer.alloc(0))
    await expect(read()).rejects.toThrow(corrupt('version none'))
  })

  it('in the log that is damaged is an error', async () => {
    const { store } = await fixture()
    const bytes = vectorBytes([1, 2])
    const vector = inline(bytes, 2)
    const read = (change: Partial<DeletionVector>) => deletedRows(store, 't', { ...vector, ...change })
    await expect(read({ pathOrInlineDv: 'x' })).rejects.toThrow(corrupt('no Z85'))
    await expect(read({ sizeInBytes: 99 })).rejects.toThrow(corrupt('not 99'))
    await expect(read(inline(Buffer.alloc(40), 2))).rejects.toThrow(corrupt('unknown format'))
  })
})

describe.runIf(existsSync(data))('what Spark wrote', () => {
  it.each(['dv-with-columnmapping', 'log-replay-dv-key-cases'])('%s', async (name) => {
    const store = openLocalStore(join(data, 'delta', name, 'delta'))
    const vectors: DeletionVector[] = []
    for await (const { key } of store.list('_delta_log'))
      if (key.endsWith('.json'))
        for (const line of Buffer.from((await store.read(key))!)
          .toString()
          .trim()
          .split('\n')) {
          const { add } = JSON.parse(line)
          if (add?.deletionVector) vectors.push(add.deletionVector)
        }
    expect(vectors.length).toBeGreaterThan(0)
    for (const vector of vectors) expect(await deletedRows(store, '', vector)).toHaveLength(vector.cardinality)
  })
})
