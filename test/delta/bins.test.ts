import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packBins, packedTag } from '../../src/drivers/delta/bins.ts'
import type { LiveFile } from '../../src/drivers/delta/log/replay.ts'

const file = (path: string, size: number, more: Partial<LiveFile> = {}): LiveFile => ({
  path,
  logPath: path,
  partitionValues: {},
  size,
  modificationTime: 1,
  dataChange: true,
  ...more,
})
const shape = (files: readonly LiveFile[], target: number) =>
  packBins(files, target).map((bin) => bin.files.map(({ path }) => path))

const target = 100
const values = fc.record(
  { p: fc.constantFrom('a', 'b', '', null), q: fc.constantFrom('1', null) },
  { requiredKeys: ['p'] },
)
const files: fc.Arbitrary<LiveFile[]> = fc
  .array(
    fc.record({ size: fc.integer({ min: 0, max: 150 }), packed: fc.option(fc.integer({ min: 0, max: 150 })), values }),
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
          expect(bin.weight).toBeLessThanOrEqual(target)
          expect(bin.bytes).toBe(bin.files.reduce((sum, each) => sum + each.size, 0))
          expect(new Set(bin.files.map(partition)).size).toBe(1)
          expect(bin.files.every((each) => weight(each) < 0.75 * target)).toBe(true)
        }
      }),
    )
  })

  it('is idempotent: once its bins are applied there is nothing to do, however well they compress', () => {
    fc.assert(
      fc.property(files, fc.double({ min: 0, max: 1, noNaN: true }), (all, ratio) => {
        const bins = packBins(all, target)
        const gone = new Set(bins.flatMap((bin) => bin.files))
        const outputs = bins.map((bin, i) =>
          file(`out${i}`, Math.round(bin.bytes * ratio), {
            partitionValues: bin.partitionValues,
            tags: { [packedTag]: String(bin.weight) },
          }),
        )
        expect(packBins([...all.filter((each) => !gone.has(each)), ...outputs], target)).toEqual([])
      }),
    )
  })

  it('gives the same bins for the same files in any order', () => {
    const shuffled = files.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    )
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(shape(other, target)).toEqual(shape(all, target))
      }),
    )
  })

  it('leaves single files, big ones and what is packed already', () => {
    expect(shape([], target)).toEqual([])
    expect(shape([file('a', 10)], target)).toEqual([])
    expect(shape([file('a', 75), file('b', 80), file('c', 200)], target)).toEqual([])
    expect(shape([file('a', 5, { tags: { [packedTag]: '99' } }), file('b', 5)], target)).toEqual([])
    expect(shape([file('a', 60), file('b', 50)], target)).toEqual([])
    expect(shape([file('a', 60), file('b', 40)], target)).toEqual([['a', 'b']])
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
    const bins = packBins(many, 10_000)
    expect(bins.reduce((sum, bin) => sum + bin.files.length, 0)).toBe(100_000)
    const total = many.reduce((sum, each) => sum + each.size, 0)
    expect(bins.length).toBeLessThan(1.01 * Math.ceil(total / 10_000) + 1)
  })
})
