/** optimize: the same rows in fewer files, whatever other writers do meanwhile. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { startChdb } from '../support/chdb.ts'
import { beforeCommit, optimizeWith, sessionWith } from './with-store.ts'
import {
  commitAs,
  contentOf,
  create,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  orphansOf,
  register,
  rowsOf,
} from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const schemas = {
  parted: `table_name: parted\npartitions: [p]\nfields:\n${column('id', 'Int64')}${column('p', 'Utf8')}`,
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
      readerFeatures: ['deletionVectors'],
      writerFeatures: ['deletionVectors'],
    }
    const upgrade = () => commitAs(table, [{ protocol: features }])
    await using session = await sessionWith(lake.folder, (store) => beforeCommit(store, 1, upgrade))
    const { error } = await optimizeWith(session, path, null)
    expect(error).toMatchObject({
      kind: 'refused',
      code: 'delta-feature',
      message: expect.stringContaining('deletionVectors'),
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
