/** optimize: the same rows in fewer files, whatever other writers do meanwhile. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { startChdb } from '../support/chdb.ts'
import { encodeZ85, vectorBytes } from '../unit/delta/roaring.ts'
import { beforeCommit, optimizeWith, sessionWith } from './with-store.ts'
import {
  commitAs,
  contentOf,
  create,
  hasSharedData,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  orphansOf,
  register,
  rowsOf,
  sharedData,
} from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const schemas = {
  parted: `table_name: parted\npartitions: [p]\nfields:\n${column('id', 'Int64')}${column('p', 'Utf8')}`,
  days: `table_name: days\npartitions: [day, n, p]\nfields:\n${column('id', 'Int64')}${column('n', 'Int64')}${column('day', 'Date32')}${column('p', 'Utf8')}`,
  typed: `table_name: typed\nfields:\n${[
    ['id', 'Int64'],
    ['j', 'Json'],
    ['u8', 'UInt8'],
    ['u64', 'UInt64'],
    ['dec', 'Decimal128(38, 10)'],
    ['bytes', 'Binary'],
    ['ts', 'Timestamp(Microsecond, Some("UTC"))'],
    ['f', 'Float32'],
    ['list', 'List(Utf8)'],
  ]
    .map(([name, type]) => column(name!, type!))
    .join('')}`,
}
const ref = 'lake:acme/t'
const path = 'lake/acme/t'

/** Two partitions of three files each. */
async function world() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'parted')
  for (let i = 0; i < 3; i++) {
    lake.rows('a.ndjson', [
      { id: 2 * i, p: 'a' },
      { id: 2 * i + 1, p: 'b' },
    ])
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])
  }
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const ids = async (tblctl: Tblctl): Promise<number[]> =>
  (await rowsOf(tblctl, ref, 'select id from t order by id')).map(([id]) => Number(id))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const removeOf = ({ path: file, partitionValues, size }: LogAction) => ({
  remove: { path: file, deletionTimestamp: 1, dataChange: true, extendedFileMetadata: true, partitionValues, size },
})
function addColumn(table: string): void {
  const { metaData } = logOf(table)
    .flat()
    .findLast((action) => action.metaData)!
  const schema = JSON.parse(metaData.schemaString)
  const fields = [...schema.fields, { name: 'extra', type: 'string', nullable: true, metadata: {} }]
  commitAs(table, [{ metaData: { ...metaData, schemaString: JSON.stringify({ ...schema, fields }) } }])
}

describe('optimize beside other writers', () => {
  it('keeps what was appended meanwhile, and leaves it for the next time', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    lake.rows('more.ndjson', [{ id: 6, p: 'a' }])
    const append = () => loadInto(tblctl, lake.folder, ref, ['more.ndjson'])
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, append))
    expect(await optimizeWith(session, path, null)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 6, filesAdded: 2, rows: 6, binsLost: 0 },
    })
    expect(await ids(tblctl)).toEqual(upTo(7))
    expect(liveOf(table)).toHaveLength(3)
    expect(orphansOf(table)).toEqual([])
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 2, filesAdded: 1 } })
  })

  it('loses only the bin whose file was deleted, and leaves nothing of it behind', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    const victim = liveOf(table).find(({ partitionValues }) => partitionValues.p === 'a')!
    const erase = () => commitAs(table, [removeOf(victim)])
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, erase))
    expect(await optimizeWith(session, path, null)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 3, filesAdded: 1, rows: 3, binsLost: 1 },
    })
    expect(orphansOf(table)).toEqual([])
    expect(liveOf(table)).toHaveLength(3)
    expect(await ids(tblctl)).toHaveLength(5)
  })

  it('gives way to a delete: what it deleted stays so, and the other bins are done', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await using elsewhere = new Lake()
    const other = await elsewhere.open()
    await register(other, 'lake:acme/same', `file:${table}`)
    const erase = async () => {
      const [item] = (await other.operate('delete', { refs: ['lake:acme/same'] }, { where: 'id IN (0, 2)' })).items
      expect(item, JSON.stringify(item?.error)).toMatchObject({ status: 'changed' })
    }
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, erase))
    expect(await optimizeWith(session, path, null)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 3, filesAdded: 1, binsLost: 1 },
    })
    expect(await ids(tblctl)).toEqual([1, 3, 4, 5])
    expect(orphansOf(table)).toEqual([])
  })

  it('and a second optimize from elsewhere do each bin once', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await using elsewhere = new Lake()
    const other = await elsewhere.open()
    await register(other, 'lake:acme/same', `file:${table}`)
    const second = () => optimize(other, 'lake:acme/same')
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, second))
    const item = await optimizeWith(session, path, null)
    expect(item).toMatchObject({ status: 'failed', error: { code: 'conflict', kind: 'busy', retry: 'later' } })
    expect(await ids(tblctl)).toEqual(upTo(6))
    expect(liveOf(table)).toHaveLength(2)
    expect(orphansOf(table)).toEqual([])
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'unchanged' })
  })

  it.each([1, 2])(
    'a change of the schema before commit %i: planned again or gone on with, and all is done',
    async (n) => {
      await using made = await world()
      const { lake, tblctl, table } = made
      await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, n, () => addColumn(table)))
      expect(await optimizeWith(session, path, null)).toMatchObject({
        status: 'changed',
        result: { filesRemoved: 6, filesAdded: 2, rows: 6, binsLost: 0 },
      })
      expect(await rowsOf(tblctl, ref, 'select id, extra from t order by id')).toEqual(
        upTo(6).map((id) => [BigInt(id), null]),
      )
      expect(liveOf(table)).toHaveLength(2)
      expect(orphansOf(table)).toEqual([])
    },
  )

  it('a feature that appears is refused by its name, and nothing is written', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    const features = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['ofTomorrow'],
      writerFeatures: ['ofTomorrow'],
    }
    const upgrade = () => commitAs(table, [{ protocol: features }])
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, upgrade))
    const { error } = await optimizeWith(session, path, null)
    expect(error).toMatchObject({
      kind: 'refused',
      code: 'delta-feature',
      message: expect.stringContaining('ofTomorrow'),
    })
    expect(orphansOf(table)).toEqual([])
    expect(logOf(table)).toHaveLength(5)
    await expect(contentOf(tblctl, ref)).rejects.toMatchObject({ view: { code: 'delta-feature' } })
    const loaded = await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again: true })
    expect(loaded.error).toMatchObject({ code: 'delta-feature' })
  })

  it('one that cannot be written is read all the same', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    commitAs(table, [{ protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] } }])
    expect(await ids(tblctl)).toEqual(upTo(6))
    for (const item of [await optimize(tblctl, ref), await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])])
      expect(item.error).toMatchObject({ code: 'delta-feature', message: expect.stringContaining('rowTracking') })
    expect(logOf(table)).toHaveLength(5)
  })
})

describe('what optimize keeps', () => {
  it('values of every type, for both readers', async () => {
    await using lake = new Lake(schemas)
    await using chdb = startChdb(lake.folder)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'typed')
    const values = [
      '{"id":1,"j":{"a":[1,"x",null]},"u8":255,"u64":18446744073709551615,"dec":"1234567890123456789012345678.0123456789","bytes":"AP8=","ts":"2024-01-01T00:00:00.000001Z","f":0.1,"list":["a",null,""]}',
      '{"id":2,"j":"text","u8":0,"u64":0,"dec":-1,"bytes":"","ts":"1969-12-31T23:59:59.999999Z","f":-1e30,"list":[]}',
      '{"id":3}',
    ]
    for (const [i, value] of values.entries()) {
      lake.write(`v${i}.ndjson`, value)
      expect(await loadInto(tblctl, lake.folder, ref, [`v${i}.ndjson`])).toMatchObject({ result: { rows: 1 } })
    }
    const all = 'select *, dec::varchar, ts::varchar from t order by id'
    const before = [await rowsOf(tblctl, ref, all), await chdb.content(lake.table('t'))]
    expect(before[0]).toMatchObject([
      { 2: 255, 3: 18446744073709551615n },
      { 1: '"text"' },
      [3n, null, null, null, null, null, null, null, null, null, null],
    ])
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 3, filesAdded: 1 } })
    expect([await rowsOf(tblctl, ref, all), await chdb.content(lake.table('t'))]).toEqual(before)
    const types = (await tblctl.describe(ref)).schema.fields.map(({ type }) => type)
    expect(types.slice(1, 5)).toEqual(['Json', 'UInt8', 'UInt64', 'Decimal128(38, 10)'])
  })

  it('the rows, when the log counts them wrongly', async () => {
    await using made = await world()
    const { tblctl, table } = made
    for (const version of [1, 2, 3]) {
      const file = join(table, '_delta_log', `${String(version).padStart(20, '0')}.json`)
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('numRecords\\":1', `numRecords\\":${version * 1000}`))
    }
    expect((await tblctl.describe(ref)).status.rows).toBe(12_000)
    expect((await tblctl.stats({ refs: [ref] }, true))[0]!.status).toMatchObject({ rows: 6, source: 'exact' })
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { rows: 6, filesAdded: 2 } })
    expect((await tblctl.describe(ref)).status.rows).toBe(6)
    expect(await ids(tblctl)).toEqual(upTo(6))
  })

  it('files without a column that came later, with nulls in it', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    addColumn(table)
    lake.rows('late.ndjson', [{ id: 6, p: 'a', extra: 'x' }])
    await loadInto(tblctl, lake.folder, ref, ['late.ndjson'])
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 7, filesAdded: 2 } })
    const rows = await rowsOf(tblctl, ref, 'select id, extra from t order by id')
    expect(rows).toEqual([...upTo(6).map((id) => [BigInt(id), null]), [6n, 'x']])
  })

  it('one commit for each bin of the target size, none of a file that is big enough', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const sizes = liveOf(table).map(({ size }) => Number(size))
    // Two files fit, three do not.
    const targetSize = 2 * Math.max(...sizes) + 1
    const before = await contentOf(tblctl, ref)
    expect(await optimize(tblctl, ref, targetSize)).toMatchObject({ result: { filesRemoved: 4, filesAdded: 2 } })
    const commits = logOf(table).slice(4)
    expect(commits).toHaveLength(2)
    for (const actions of commits) {
      const { commitInfo } = actions.find((action) => action.commitInfo)!
      expect(commitInfo).toMatchObject({ operation: 'OPTIMIZE', isBlindAppend: false, tblctl: { run: 'test' } })
      const files = actions.flatMap((action) => [action.add ?? action.remove ?? []].flat())
      expect(files.map(({ dataChange }) => dataChange)).toEqual([false, false, false])
      expect(new Set(files.map(({ partitionValues }) => partitionValues.p)).size).toBe(1)
    }
    expect(await contentOf(tblctl, ref)).toEqual(before)
    expect(await optimize(tblctl, ref, targetSize)).toMatchObject({ status: 'unchanged' })
    expect(await optimize(tblctl, ref, 10)).toMatchObject({ status: 'unchanged' })
  })
})

describe('--where', () => {
  /** Two files in each of four partitions: nulls, and values that stand escaped in the log. */
  async function days() {
    const lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'days')
    const partitions = [
      { day: '2026-02-28', n: 9, p: 'a' },
      { day: '2026-03-01', n: 10, p: 'x/y z=%1' },
      { day: '2026-03-02', n: 100, p: 'a' },
      { day: null, n: null, p: null },
    ]
    for (let i = 0; i < 2; i++) {
      lake.rows(
        'days.ndjson',
        partitions.map((partition, k) => ({ id: 4 * i + k, ...partition })),
      )
      const loaded = await loadInto(tblctl, lake.folder, ref, ['days.ndjson'])
      expect(loaded, JSON.stringify(loaded.error)).toMatchObject({ result: { rows: 4 } })
    }
    const where = async (condition: string) =>
      (await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, where: condition })).items[0]!
    return { lake, tblctl, where, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
  }
  const partsOf = (table: string): unknown[] =>
    [...Map.groupBy(liveOf(table), ({ partitionValues }) => partitionValues.p)].map(([p, files]) => [p, files.length])

  it('takes those partitions alone that it holds for, by the types of their columns', async () => {
    await using made = await days()
    const { lake, tblctl, where } = made
    const before = await contentOf(tblctl, ref)
    const plan = await tblctl.operate(
      'optimize',
      { refs: [ref] },
      { targetSize: null, where: "day >= '2026-03-01'" },
      true,
    )
    expect(plan.items[0]!.plan).toMatchObject({ bins: 2, files: 4 })
    // As texts, 100 would come before 9.
    expect(await where('n > 10')).toMatchObject({ result: { filesRemoved: 2, filesAdded: 1 } })
    expect(await where("day >= '2026-03-01' AND p = 'x/y z=%1'")).toMatchObject({ result: { filesRemoved: 2 } })
    expect(await where("day >= '2026-03-01'")).toMatchObject({ status: 'unchanged' })
    expect(await where('p IS NULL')).toMatchObject({ result: { filesRemoved: 2, filesAdded: 1 } })
    expect(partsOf(lake.table('t')).sort()).toEqual([
      [null, 1],
      ['a', 3],
      ['x/y z=%1', 1],
    ])
    expect(await contentOf(tblctl, ref)).toEqual(before)
    const { commitInfo } = logOf(lake.table('t'))
      .at(-1)!
      .find((action) => action.commitInfo)!
    expect(commitInfo.operationParameters).toMatchObject({ predicate: '["p IS NULL"]' })
  })

  it('goes with an order of the rows', async () => {
    await using made = await days()
    const { tblctl } = made
    const options = { targetSize: null, where: 'day IS NOT NULL', sort: ['id'] }
    const run = async () => (await tblctl.operate('optimize', { refs: [ref] }, options)).items[0]!
    expect(await run()).toMatchObject({ result: { filesRemoved: 6, filesAdded: 3, layout: 'sort("id")' } })
    expect(await run()).toMatchObject({ status: 'unchanged' })
  })

  it('names the column that is no partition column, and what is no condition', async () => {
    await using made = await days()
    const { lake, where } = made
    expect((await where("day > '2026-01-01' AND id = 3")).error).toMatchObject({
      kind: 'refused',
      code: 'not-a-partition-column',
      message: expect.stringContaining('"id"'),
    })
    expect((await where('dya IS NULL')).error).toMatchObject({ kind: 'usage', code: 'no-such-column' })
    expect((await where('day >')).error).toMatchObject({ kind: 'usage', code: 'bad-condition' })
    expect(logOf(lake.table('t'))).toHaveLength(3)
  })

  it('of a table without rows holds for nothing', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'days')
    const [item] = (
      await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, where: "day > '2026-01-01'" })
    ).items
    expect(item).toMatchObject({ status: 'unchanged' })
  })
})

describe('what is due', () => {
  it('a file far above a target that was asked for becomes several, once; the property asks too', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'parted')
    lake.rows(
      'big.ndjson',
      Array.from({ length: 30_000 }, (_, id) => ({ id: id * 7919, p: 'a' })),
    )
    await loadInto(tblctl, lake.folder, ref, ['big.ndjson'])
    const table = lake.table('t')
    const before = await contentOf(tblctl, ref)
    const [{ size }] = liveOf(table) as [LogAction]
    const target = Math.floor(size / 5)
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'unchanged' })
    const item = await optimize(tblctl, ref, target)
    expect(item).toMatchObject({ status: 'changed', result: { filesRemoved: 1, rows: 30_000 } })
    expect(liveOf(table).length).toBeGreaterThanOrEqual(4)
    for (const file of liveOf(table)) expect(file.size).toBeLessThan(2 * target)
    expect(await contentOf(tblctl, ref)).toEqual(before)
    expect(orphansOf(table)).toEqual([])
    expect(await optimize(tblctl, ref, target)).toMatchObject({ status: 'unchanged' })
    const { metaData } = logOf(table)
      .flat()
      .findLast((action) => action.metaData)!
    const configure = (value: string) =>
      commitAs(table, [{ metaData: { ...metaData, configuration: { 'delta.targetFileSize': value } } }])
    configure('1gb')
    const packed = await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null }, true)
    expect(packed.items[0]!.plan).toMatchObject({ targetSize: 1024 ** 3, bins: 1 })
    configure('a lot')
    expect((await optimize(tblctl, ref)).error).toMatchObject({ kind: 'data', code: 'bad-property' })
  })
})

describe('files with deleted rows', () => {
  const features = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['deletionVectors'],
    writerFeatures: ['deletionVectors'],
  }
  /** As another writer's DELETE does it: the file again, with a vector. */
  const marked = (file: LogAction, rows: number): object[] => {
    const bytes = vectorBytes(upTo(rows))
    const vector = { storageType: 'i', pathOrInlineDv: encodeZ85(bytes), sizeInBytes: bytes.length, cardinality: rows }
    return [removeOf(file), { add: { ...file, deletionVector: vector, dataChange: true } }]
  }
  /** One file of 100 rows, laid out by `id`. */
  async function hundred() {
    const lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'parted')
    lake.rows(
      'a.ndjson',
      upTo(100).map((id) => ({ id: 99 - id, p: 'a' })),
    )
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])
    await layOut(tblctl)
    return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
  }
  const layOut = async (tblctl: Tblctl) =>
    (await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, sort: ['id'] })).items[0]!

  it('are left up to a share of 5 %, rewritten above it, and stay in their order', async () => {
    await using made = await hundred()
    const { tblctl, table } = made
    commitAs(table, [{ protocol: features }, ...marked(liveOf(table)[0]!, 5)])
    for (const item of [await optimize(tblctl, ref), await layOut(tblctl)])
      expect(item).toMatchObject({ status: 'unchanged' })
    const [{ deletionVector: _five, ...plain }] = liveOf(table) as [LogAction]
    const tags = plain.tags
    commitAs(table, [{ remove: { ...removeOf(plain).remove, deletionVector: _five } }, ...marked(plain, 6).slice(1)])
    expect(await optimize(tblctl, ref)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 1, filesAdded: 1, rows: 94 },
    })
    const [file] = liveOf(table)
    expect(file!.deletionVector).toBeUndefined()
    expect(file!.tags['tblctl.layout']).toBe(tags['tblctl.layout'])
    expect((await rowsOf(tblctl, ref, 'select id from t')).map(([id]) => Number(id))).toEqual(upTo(100).slice(6))
    for (const item of [await optimize(tblctl, ref), await layOut(tblctl)])
      expect(item).toMatchObject({ status: 'unchanged' })
    const { commitInfo } = logOf(table)
      .at(-1)!
      .find((action) => action.commitInfo)!
    expect(commitInfo.operationMetrics).toMatchObject({ numDeletionVectorsRemoved: '1' })
  })

  it('go without a new file when no row is left', async () => {
    await using made = await hundred()
    const { tblctl, table } = made
    commitAs(table, [{ protocol: features }, ...marked(liveOf(table)[0]!, 100)])
    expect(await optimize(tblctl, ref)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 1, filesAdded: 0, rows: 0, bytesAfter: 0 },
    })
    expect(liveOf(table)).toEqual([])
    expect(orphansOf(table)).toEqual([])
    expect(await ids(tblctl)).toEqual([])
  })

  it('lose their bin to a writer who deletes more meanwhile', async () => {
    await using made = await hundred()
    const { lake, tblctl, table } = made
    const [file] = liveOf(table)
    commitAs(table, [{ protocol: features }, ...marked(file!, 50)])
    const more = () => {
      const [{ deletionVector, ...now }] = liveOf(table) as [LogAction]
      commitAs(table, [{ remove: { ...removeOf(now).remove, deletionVector } }, ...marked(now, 60).slice(1)])
    }
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, more))
    const item = await optimizeWith(session, path, null)
    expect(item).toMatchObject({ status: 'failed', error: { code: 'conflict', retry: 'later' } })
    expect(orphansOf(table)).toEqual([])
    expect(await ids(tblctl)).toEqual(upTo(100).slice(60))
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed', result: { rows: 40 } })
    expect(await ids(tblctl)).toEqual(upTo(100).slice(60))
  })
})

describe.runIf(hasSharedData)('tables of other writers', () => {
  it.each([
    ['log-replay-dv-key-cases', 'id'],
    ['dv-with-columnmapping', 'col1'],
    ['table-with-columnmapping-mode-name', 'LongType'],
  ])('%s: without its deleted rows and under its column mapping, also in another order', async (name, by) => {
    await using lake = new Lake()
    await using chdb = startChdb(lake.folder)
    const tblctl = await lake.open()
    const table = lake.copyIn(join(sharedData, 'delta', name, 'delta'), 'elsewhere/t')
    await register(tblctl, ref, `file:${table}`)
    const before = [await contentOf(tblctl, ref), await chdb.content(table)]
    for (const options of [{}, { sort: [by] }]) {
      const item = (await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, ...options })).items[0]!
      expect(item, JSON.stringify(item.error)).toMatchObject({ status: 'changed' })
      expect([await contentOf(tblctl, ref), await chdb.content(table)]).toEqual(before)
      const again = await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null, ...options })
      expect(again.items[0]).toMatchObject({ status: 'unchanged' })
    }
    expect((await tblctl.stats({ refs: [ref] }, true))[0]!.status).toMatchObject({ rows: before[0]!.rows })
  })
})
