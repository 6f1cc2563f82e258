/** Tables in which rows are marked as deleted: nobody sees those rows, they are not counted, and a rewrite leaves them out for good. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { paddedVersion } from '../../src/drivers/delta/log/paths.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { startS3Double } from '../servers/s3-double.ts'
import { type Chdb, deltaTable, startChdb } from '../support/chdb.ts'
import { encodeZ85, vectorBytes, vectorFile } from '../unit/delta/roaring.ts'
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
  register,
  rowsOf,
} from './world.ts'

const plain =
  'table_name: plain\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: v, data_type: Utf8, nullable: true }\n'
const parted = `table_name: parted\npartitions: [p]\nfields:\n  - { name: File_Row_Number, data_type: Int64, nullable: true }\n  - { name: file_index, data_type: Int64, nullable: true }\n  - { name: p, data_type: Int64, nullable: true }\n`

let lake: Lake
let chdb: Chdb
let tblctl: Tblctl
beforeAll(async () => {
  lake = new Lake({ plain, parted })
  chdb = startChdb(lake.folder)
  tblctl = await lake.open()
})
afterAll(async () => {
  await chdb[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

const protocol = {
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: ['deletionVectors'],
  writerFeatures: ['deletionVectors', 'appendOnly', 'invariants'],
}
const inline = (rows: readonly number[]): LogAction => {
  const bytes = vectorBytes(rows)
  return { storageType: 'i', pathOrInlineDv: encodeZ85(bytes), sizeInBytes: bytes.length, cardinality: rows.length }
}

/** As another writer's DELETE does it: the same files again, each with a vector. */
function mark(table: string, marks: readonly (readonly [file: LogAction, vector: LogAction])[]): void {
  const enabled = logOf(table).some((actions) => actions.some((action) => action.protocol?.minReaderVersion === 3))
  commitAs(table, [
    ...(enabled ? [] : [{ protocol }]),
    ...marks.flatMap(([file, deletionVector]) => [
      { remove: { ...identity(file), deletionTimestamp: 1, dataChange: true } },
      { add: { ...file, deletionVector, dataChange: true } },
    ]),
  ])
}
const identity = ({ path, deletionVector }: LogAction): LogAction => ({
  path,
  ...(deletionVector === undefined ? {} : { deletionVector }),
})

async function loaded(name: string, schema: string, rows: readonly object[]): Promise<{ table: string; ref: string }> {
  const ref = `lake:acme/${name}`
  expect((await create(tblctl, ref, schema)).error).toBeUndefined()
  expect(await loadInto(tblctl, lake.folder, ref, [lake.rows(`${name}.ndjson`, rows)])).toMatchObject({
    status: 'changed',
  })
  return { table: lake.table(name), ref }
}
const ids = async (ref: string, where = ''): Promise<unknown[]> =>
  (await rowsOf(tblctl, ref, `SELECT id FROM t ${where} ORDER BY id`)).map(([id]) => Number(id))
const rowsFrom = (first: number, count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ id: first + i, v: `v${first + i}` }))

describe('rows that a deletion vector takes out', () => {
  it('are not read, counted or exported, and are gone after a rewrite', async () => {
    const { table, ref } = await loaded('t', 'plain', rowsFrom(0, 10))
    mark(table, [[liveOf(table)[0]!, inline([0, 3, 9])]])
    expect(await ids(ref)).toEqual([1, 2, 4, 5, 6, 7, 8])
    expect(await ids(ref, 'WHERE id < 4')).toEqual([1, 2])
    expect((await tblctl.describe(ref)).status).toMatchObject({ rows: 7, source: 'log', files: 1 })
    expect((await tblctl.stats({ refs: [ref] }, true))[0]).toMatchObject({ status: { rows: 7, source: 'exact' } })
    expect(await tblctl.export(ref, { format: 'ndjson', out: lake.path('t.out') })).toMatchObject({ rows: 7 })
    expect((await chdb.content(table)).rows).toBe(7)

    // More of them, in a file beside the data; and a file without any.
    const uuid = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61'
    const rows = [0, 1, 3, 9]
    const { bytes, offsets } = vectorFile([vectorBytes([5]), vectorBytes(rows)])
    writeFileSync(join(table, `deletion_vector_${uuid}.bin`), bytes)
    const vector = {
      storageType: 'u',
      pathOrInlineDv: encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex')),
      offset: offsets[1],
      sizeInBytes: vectorBytes(rows).length,
      cardinality: rows.length,
    }
    mark(table, [[liveOf(table)[0]!, vector]])
    await loadInto(tblctl, lake.folder, ref, [lake.rows('more.ndjson', rowsFrom(20, 2))])
    const before = { ours: await contentOf(tblctl, ref), theirs: await chdb.content(table) }
    expect(before).toMatchObject({ ours: { rows: 8 }, theirs: { rows: 8 } })

    expect(await optimize(tblctl, ref)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 2, filesAdded: 1, rows: 8 },
    })
    expect({ ours: await contentOf(tblctl, ref), theirs: await chdb.content(table) }).toEqual(before)
    const actions = logOf(table).at(-1)!
    expect(actions.flatMap(({ remove }) => remove?.deletionVector ?? [])).toEqual([vector])
    expect(actions.flatMap(({ add }) => (add ? [add.deletionVector] : []))).toEqual([undefined])
    expect((await tblctl.describe(ref)).status).toMatchObject({ files: 1, rows: 8 })
    // The vector is not asked for any more.
    rmSync(join(table, `deletion_vector_${uuid}.bin`))
    expect(await ids(ref)).toEqual([2, 4, 5, 6, 7, 8, 20, 21])
  })

  it('are found by their own file among many, also where columns are called like the engine’s own', async () => {
    const all = Array.from({ length: 300 }, (_, i) => ({ File_Row_Number: i, file_index: -i, p: i % 100 }))
    const { table, ref } = await loaded('many', 'parted', all)
    const marked = liveOf(table).filter(({ partitionValues }) => Number(partitionValues.p) % 3 > 0)
    mark(
      table,
      marked.map((file) => [file, inline([Number(file.partitionValues.p) % 3])]),
    )
    const found = await rowsOf(
      tblctl,
      ref,
      'SELECT p, count(*), sum(File_Row_Number + file_index) FROM t GROUP BY p ORDER BY p',
    )
    expect(found).toEqual(all.slice(0, 100).map(({ p }) => [BigInt(p), p % 3 > 0 ? 2n : 3n, '0']))
    expect(await rowsOf(tblctl, ref, 'SELECT count(*) FROM t WHERE p = 50')).toEqual([[2n]])
    expect((await chdb.content(table)).rows).toBe(234)
    const rows = await rowsOf(tblctl, ref, 'SELECT p, File_Row_Number FROM t WHERE p BETWEEN 50 AND 53 ORDER BY ALL')
    const inFiles = await chdb.query(
      `SELECT p, File_Row_Number FROM deltaLakeLocal('${table}/') WHERE p BETWEEN 50 AND 53 ORDER BY 1, 2`,
    )
    expect(rows.map((row) => row.map(Number))).toEqual(inFiles.map((row) => row.map(Number)))
  })

  it('may be all of a file, and millions', async () => {
    const { table, ref } = await loaded('large', 'plain', rowsFrom(0, 3))
    mark(table, [[liveOf(table)[0]!, inline([0, 1, 2])]])
    expect(await ids(ref)).toEqual([])
    expect((await tblctl.stats({ refs: [ref] }, true))[0]).toMatchObject({ status: { rows: 0 } })

    const out = lake.path('large.parquet')
    await using engine = await openEngine({ scratch: lake.path('scratch') })
    await engine.run(`COPY (SELECT range AS id, NULL::VARCHAR AS v FROM range(1000000)) TO '${out}' (FORMAT parquet)`)
    await loadInto(tblctl, lake.folder, ref, [out])
    const file = liveOf(table).find(({ deletionVector }) => deletionVector === undefined)!
    const rows = Array.from({ length: 500_000 }, (_, i) => 2 * i)
    const vector = vectorFile([vectorBytes(rows)])
    writeFileSync(join(table, 'deletion_vector_00000000-0000-0000-0000-000000000001.bin'), vector.bytes)
    const name = Buffer.alloc(16)
    name[15] = 1
    const sizeInBytes = vectorBytes(rows).length
    mark(table, [
      [file, { storageType: 'u', pathOrInlineDv: encodeZ85(name), offset: 1, sizeInBytes, cardinality: rows.length }],
    ])
    const theirs = await chdb.query(`SELECT count(), sum(id), max(id) FROM (SELECT * FROM ${deltaTable(table)})`)
    const ours = await rowsOf(tblctl, ref, 'SELECT count(*), sum(id), max(id) FROM t')
    expect(ours.flat().map(Number)).toEqual(theirs.flat().map(Number))
    expect(ours[0]![0]).toBe(500_000n)
    expect(await tblctl.stats({ refs: [ref] }, true)).toMatchObject([{ status: { rows: 500_000 } }])
  })

  it('stay away through every verb that changes rows', async () => {
    const { table, ref } = await loaded('verbs', 'plain', rowsFrom(0, 6))
    await loadInto(tblctl, lake.folder, ref, [lake.rows('verbs-2.ndjson', rowsFrom(10, 3))])
    const [first, second] = liveOf(table)
    mark(table, [
      [first!, inline([1, 4])],
      [second!, inline([0])],
    ])
    const marked = logOf(table).length - 1
    const agreed = async (...expected: readonly number[]): Promise<void> => {
      expect(await ids(ref)).toEqual(expected)
      const theirs = await chdb.query(`SELECT id FROM ${deltaTable(table)} ORDER BY id`)
      expect(theirs.map(([id]) => Number(id))).toEqual(expected)
    }
    await agreed(0, 2, 3, 5, 11, 12)
    const removed = await tblctl.operate('delete', { refs: [ref] }, { where: 'id IN (1, 3, 4)' })
    expect(removed.items[0]).toMatchObject({ status: 'changed', result: { rowsRemoved: 1 } })
    await agreed(0, 2, 5, 11, 12)
    // What is marked as deleted is no row that a merge could meet.
    const input = lake.rows('verbs-3.ndjson', [
      { id: 10, v: 'new' },
      { id: 11, v: 'other' },
    ])
    const merged = await loadInto(tblctl, lake.folder, ref, [input], { mode: 'merge', key: ['id'] })
    expect(merged.error).toBeUndefined()
    await agreed(0, 2, 5, 10, 11, 12)
    const back = await tblctl.operate('restore', { refs: [ref] }, { version: marked, timestamp: null })
    expect(back.items[0]!.error).toBeUndefined()
    await agreed(0, 2, 3, 5, 11, 12)
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed', result: { rows: 6 } })
    await agreed(0, 2, 3, 5, 11, 12)
    expect(await tblctl.verify(ref, { data: true })).toMatchObject({ problems: [] })
  })

  it('are in checkpoints too', async () => {
    const { table, ref } = await loaded('checkpointed', 'plain', rowsFrom(0, 5))
    const altered = await tblctl.operate('alter', { refs: [ref] }, { set: { 'delta.checkpointInterval': '1' } })
    expect(altered.items[0]!.error).toBeUndefined()
    mark(table, [[liveOf(table)[0]!, inline([0, 2])]])
    await loadInto(tblctl, lake.folder, ref, [lake.rows('checkpointed-2.ndjson', rowsFrom(7, 1))])
    const newest = logOf(table).length - 1
    for (let version = 0; version <= newest; version++)
      rmSync(join(table, '_delta_log', `${paddedVersion(version)}.json`))
    await using fresh = await lake.open()
    expect(await rowsOf(fresh, ref, 'SELECT id FROM t ORDER BY id')).toEqual([[1n], [3n], [4n], [7n]])
    expect(await chdb.content(table)).toMatchObject({ rows: 4 })
  })

  it('are not guessed when the vector cannot be read', async () => {
    const { table, ref } = await loaded('damaged', 'plain', rowsFrom(0, 3))
    const [file] = liveOf(table)
    mark(table, [[file!, { ...inline([1]), cardinality: 2 }]])
    await expect(ids(ref)).rejects.toMatchObject({ view: { kind: 'data', code: 'corrupt-deletion-vector' } })
    const lost = {
      storageType: 'u',
      pathOrInlineDv: encodeZ85(Buffer.alloc(16, 7)),
      offset: 1,
      sizeInBytes: 40,
      cardinality: 1,
    }
    mark(table, [[liveOf(table)[0]!, lost]])
    await expect(ids(ref)).rejects.toMatchObject({
      view: { code: 'file-missing', where: expect.stringContaining('deletion_vector_07070707') },
    })
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'failed', error: { code: 'file-missing' } })
    expect(logOf(table)).toHaveLength(4)
  })
})

describe('on S3', () => {
  it('vectors and mapped columns are read and rewritten as on a disk', async () => {
    await using double = await startS3Double('bucket')
    await using remote = new Lake({ plain })
    remote.write('key', 'k')
    const keys = 'credentials: { accessKeyId: "file:./key", secretAccessKey: "file:./key" }'
    remote.write(
      'tblctl.yaml',
      `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, url: "s3://bucket/lake", endpoint: "${double.endpoint}", forcePathStyle: true, ${keys} }\n`,
    )
    // Made on a disk, and taken there object by object.
    const { table } = await loaded('moved', 'plain', rowsFrom(0, 6))
    const metadata = logOf(table)[0]!.find(({ metaData }) => metaData)!.metaData
    const named = (name: string, id: number, physical: string, type: string): LogAction => ({
      name,
      type,
      nullable: true,
      metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
    })
    const fields = [named('number', 1, 'id', 'long'), named('id', 2, 'v', 'string')]
    commitAs(table, [
      {
        protocol: {
          ...protocol,
          readerFeatures: ['deletionVectors', 'columnMapping'],
          writerFeatures: ['deletionVectors', 'columnMapping'],
        },
      },
      {
        metaData: {
          ...metadata,
          schemaString: JSON.stringify({ type: 'struct', fields }),
          configuration: { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '2' },
        },
      },
    ])
    mark(table, [[liveOf(table)[0]!, inline([1, 2])]])
    for (const entry of readdirSync(table, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const key = `lake/projects/acme/moved/${path.slice(table.length + 1)}`
      if (entry.isFile()) double.objects('bucket').set(key, { bytes: readFileSync(path), modified: new Date() })
    }

    const far = await remote.open()
    const ref = 'lake:acme/moved'
    expect(await register(far, ref)).toMatchObject({ status: 'changed' })
    const kept = [
      [0n, 'v0'],
      [3n, 'v3'],
      [4n, 'v4'],
      [5n, 'v5'],
    ]
    const all = 'SELECT number, id FROM t ORDER BY number'
    expect(await rowsOf(far, ref, all)).toEqual(kept)
    expect((await far.stats({ refs: [ref] }, true))[0]).toMatchObject({ status: { rows: 4 } })
    const input = remote.rows('a.ndjson', [{ number: 7, id: 'seven' }])
    expect(await loadInto(far, remote.folder, ref, [input])).toMatchObject({ status: 'changed' })
    expect(await optimize(far, ref)).toMatchObject({ status: 'changed', result: { rows: 5 } })
    expect(await rowsOf(far, ref, all)).toEqual([...kept, [7n, 'seven']])
  })
})
