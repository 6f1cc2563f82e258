import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LiveFile } from '../../src/drivers/delta/log/replay.ts'
import { type Bin, packBins } from '../../src/drivers/delta/optimize/bins.ts'
import { layoutTag, packedTag } from '../../src/drivers/delta/optimize/triggers.ts'

const file = (path: string, size: number, more: Partial<LiveFile> = {}): LiveFile => ({
  path,
  logPath: path,
  partitionValues: {},
  size,
  modificationTime: 1,
  dataChange: true,
  ...more,
})
const shape = (files: readonly LiveFile[], size: number, asked = false) =>
  packBins(files, { size, asked }).map((bin) => bin.files.map(({ path }) => path))

const size = 100
const target = { size, asked: false }
const values = fc.record(
  { p: fc.constantFrom('a', 'b', '', null), q: fc.constantFrom('1', null) },
  { requiredKeys: ['p'] },
)
const filesUpTo = (most: number): fc.Arbitrary<LiveFile[]> =>
  fc
    .array(
      fc.record({
        size: fc.integer({ min: 0, max: most }),
        packed: fc.option(fc.integer({ min: 0, max: 150 })),
        values,
      }),
      { maxLength: 60 },
    )
    .map((all) =>
      all.map(({ size, packed, values }, i) =>
        file(`f${i}`, size, {
          partitionValues: values as LiveFile['partitionValues'],
          ...(packed === null ? {} : { tags: { [packedTag]: String(packed) } }),
        }),
      ),
    )
const files = filesUpTo(150)
/** A file whose deletion vector takes out this many of a hundred rows. */
const withDeleted = (each: LiveFile, cardinality: number, stats: string | null = '{"numRecords":100}'): LiveFile => ({
  ...each,
  ...(stats === null ? {} : { stats }),
  deletionVector: { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality },
})
/** What a bin becomes: one file, or parts that may stay above the target, of some share of the bytes. */
const outputsOf = (bins: readonly Bin[], ratio: number): LiveFile[] =>
  bins.flatMap(({ bytes, partitionValues, tags, into }, i) =>
    Array.from({ length: into === 'one' ? 1 : 3 }, (_, part) =>
      file(`out${i}-${part}`, Math.round(bytes * ratio), { partitionValues, tags, stats: '{"numRecords":5000}' }),
    ),
  )
const applied = (all: readonly LiveFile[], bins: readonly Bin[], ratio: number): LiveFile[] => {
  const gone = new Set(bins.flatMap((bin) => bin.files))
  return [...all.filter((each) => !gone.has(each)), ...outputsOf(bins, ratio)]
}
const weight = ({ size, tags }: LiveFile): number => Math.max(size, Number(tags?.[packedTag] ?? 0))
const partition = ({ partitionValues: { p, q } }: LiveFile): string => `${p || null} ${q || null}`

describe('packBins', () => {
  it('puts no file in two bins, at least two in each, none above the target, of one partition each', () => {
    fc.assert(
      fc.property(files, (all) => {
        const bins = packBins(all, target)
        const packed = bins.flatMap((bin) => bin.files)
        expect(new Set(packed).size).toBe(packed.length)
        for (const bin of bins) {
          expect(bin.files.length).toBeGreaterThanOrEqual(2)
          expect(bin.weight).toBe(bin.files.reduce((sum, each) => sum + weight(each), 0))
          expect(bin.weight).toBeLessThanOrEqual(size)
          expect(bin.bytes).toBe(bin.files.reduce((sum, each) => sum + each.size, 0))
          expect(new Set(bin.files.map(partition)).size).toBe(1)
          expect(bin.files.every((each) => weight(each) < 0.75 * size)).toBe(true)
        }
      }),
    )
  })

  it('is idempotent: once its bins are applied there is nothing to do, however well they compress', () => {
    fc.assert(
      fc.property(files, fc.double({ min: 0, max: 1, noNaN: true }), (all, ratio) => {
        expect(packBins(applied(all, packBins(all, target), ratio), target)).toEqual([])
      }),
    )
  })

  it('and so it is with deleted rows, layouts and files that are far too big', () => {
    const marked = fc
      .tuple(filesUpTo(1000), fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 60, maxLength: 60 }))
      .map(([all, deleted]) =>
        all.map((each, i) => {
          const laidOut = i % 7 === 0 ? { ...each, tags: { ...each.tags, [layoutTag]: 'sort("a")' } } : each
          return i % 3 === 0
            ? withDeleted(laidOut, 100 * deleted[i]!, '{"numRecords":10000}')
            : { ...laidOut, stats: '{"numRecords":5000}' }
        }),
      )
    fc.assert(
      fc.property(marked, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (all, ratio, asked) => {
        expect(packBins(applied(all, packBins(all, { size, asked }), ratio), { size, asked })).toEqual([])
      }),
    )
  })

  it('takes a file of many deleted rows, also alone, at the weight of those that are left', () => {
    const big = file('big', 90)
    expect(packBins([withDeleted(big, 5)], target)).toEqual([])
    expect(packBins([withDeleted(big, 6)], target)).toMatchObject([
      { weight: 85, bytes: 90, into: 'one', tags: { [packedTag]: '85' } },
    ])
    expect(shape([withDeleted(big, 60), file('a', 40)], size)).toEqual([['a', 'big']])
    expect(packBins([withDeleted(file('small', 9), 50)], target)).toMatchObject([{ weight: 5 }])
    // The log does not say how many rows it has.
    for (const stats of [null, '{}', '{"numRecords":0}'])
      expect(shape([withDeleted(big, 1, stats)], size)).toEqual([['big']])
  })

  it('leaves files of a layout, but for their deleted rows, and says the layout of what it writes then', () => {
    const laidOut = (name: string, bytes: number) => file(name, bytes, { tags: { [layoutTag]: 'zorder("a","b")' } })
    expect(shape([laidOut('a', 10), laidOut('b', 10), file('c', 10)], size)).toEqual([])
    expect(shape([laidOut('a', 1000)], size, true)).toEqual([])
    expect(packBins([withDeleted(laidOut('a', 10), 50), laidOut('b', 10)], target)).toMatchObject([
      { files: [{ path: 'a' }], into: 'one', tags: { [layoutTag]: 'zorder("a","b")', [packedTag]: '5' } },
    ])
  })

  it('divides what is far above a size that was asked for, once for that size', () => {
    const rows = (count: number) => ({ stats: `{"numRecords":${count}}` })
    const bins = packBins([file('a', 201, rows(5000)), file('b', 200, rows(5000))], { size, asked: true })
    expect(bins).toMatchObject([{ files: [{ path: 'a' }], into: 'several', bytes: 201 }])
    expect(shape([file('a', 201, rows(5000))], size, false)).toEqual([])
    expect(shape([file('a', 201)], size, true)).toEqual([['a']])
    expect(shape([file('a', 201, rows(2048))], size, true)).toEqual([])
    const parts = [file('x', 500, { tags: bins[0]!.tags }), file('y', 1, { tags: bins[0]!.tags }), file('z', 1)]
    expect(shape(parts, size, true)).toEqual([])
    expect(shape(parts, 50, true)).toEqual([['x']])
  })

  it('gives the same bins for the same files in any order', () => {
    const shuffled = files.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    )
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(shape(other, size)).toEqual(shape(all, size))
      }),
    )
  })

  it('leaves single files, big ones and what is packed already', () => {
    expect(shape([], size)).toEqual([])
    expect(shape([file('a', 10)], size)).toEqual([])
    expect(shape([file('a', 75), file('b', 80), file('c', 200)], size)).toEqual([])
    expect(shape([file('a', 5, { tags: { [packedTag]: '99' } }), file('b', 5)], size)).toEqual([])
    expect(shape([file('a', 60), file('b', 50)], size)).toEqual([])
    expect(shape([file('a', 60), file('b', 40)], size)).toEqual([['a', 'b']])
  })

  it('takes a tag of another writer for what it is: text', () => {
    expect(
      shape([file('a', 5, { tags: { [packedTag]: 'x' } }), file('b', 5, { tags: { [packedTag]: null } })], 100),
    ).toEqual([['a', 'b']])
  })

  it('fills the gaps of early bins from far behind', () => {
    // Twenty bins of 70, then small ones: a search of the last few bins only would open new ones.
    const big = Array.from({ length: 20 }, (_, i) => file(`big${String(i).padStart(2, '0')}`, 70))
    const small = Array.from({ length: 20 }, (_, i) => file(`small${String(i).padStart(2, '0')}`, 30))
    expect(packBins([...big, ...small], target).map((bin) => bin.weight)).toEqual(Array.from({ length: 20 }, () => 100))
  })

  it('packs a hundred thousand files of different sizes', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => file(`f${i}`, 1 + ((i * 7919) % 6000)))
    const bins = packBins(many, { size: 10_000, asked: false })
    expect(bins.reduce((sum, bin) => sum + bin.files.length, 0)).toBe(100_000)
    const total = many.reduce((sum, each) => sum + each.size, 0)
    expect(bins.length).toBeLessThan(1.01 * Math.ceil(total / 10_000) + 1)
  })
})
