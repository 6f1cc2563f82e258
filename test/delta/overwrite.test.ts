/** load --mode overwrite: one commit puts all rows in the place of all others; nobody ever sees half of it. */
import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startS3Double } from '../servers/s3-double.ts'
import { startChdb } from '../support/chdb.ts'
import { stopSwitch } from '../support/open.ts'
import { run } from './program.ts'
import {
  commitAs,
  create,
  Lake,
  type LoadWith,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  orphansOf,
  rowsOf,
} from './world.ts'

const schemas = {
  t: 'table_name: t\npartitions: [p]\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: p, data_type: Utf8, nullable: true }\n',
}
const ref = 'lake:acme/t'
const rows = (ids: readonly number[]) => ids.map((id) => ({ id, p: id % 2 ? 'odd' : 'even' }))
const ids = async (tblctl: Tblctl): Promise<number[]> =>
  (await rowsOf(tblctl, ref, 'select id::int from t order by id')).map(([id]) => id as number)

async function world() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 't')
  let files = 0
  return {
    lake,
    tblctl,
    table: lake.table('t'),
    load: (given: readonly number[], more: LoadWith = {}) =>
      loadInto(tblctl, lake.folder, ref, [lake.rows(`rows-${files++}.ndjson`, rows(given))], more),
    [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose](),
  }
}
const overwrite: LoadWith = { mode: 'overwrite' }

describe('overwrite', () => {
  it('puts all rows in the place of all others in one commit, and says what went and what came', async () => {
    await using made = await world()
    const { tblctl, table, load, lake } = made
    await load([1, 2, 3])
    await load([4])
    const item = await load([10, 11, 12, 13, 14], { ...overwrite, commitRows: 2 })
    expect(item).toMatchObject({
      status: 'changed',
      result: {
        ...{ rows: 5, rejected: 0, rowsBefore: 4, rowsAfter: 5, filesBefore: 3, commits: 1, version: 3 },
        verified: ['rows'],
      },
    })
    expect(item.plan?.summary).toEqual([
      expect.stringMatching(/takes the place of 4 rows of lake:acme\/t \(3 files, /),
      'batches that were loaded before still count as loaded: load --again loads them anew',
    ])
    expect(await ids(tblctl)).toEqual([10, 11, 12, 13, 14])
    expect(logOf(table)).toHaveLength(4)
    expect(orphansOf(table)).toEqual([])
    await using chdb = startChdb(lake.folder)
    expect((await chdb.content(table)).rows).toBe(5)
  })

  it('the same batch again: unchanged while its rows are there, and a new overwrite once others are', async () => {
    await using made = await world()
    const { tblctl, load, table } = made
    const again = () => load([1, 2], overwrite)
    expect(await again()).toMatchObject({ status: 'changed' })
    expect(await again()).toMatchObject({ status: 'unchanged' })
    await load([4])
    await optimize(tblctl, ref)
    expect(await again()).toMatchObject({ status: 'changed', result: { rowsBefore: 3, rowsAfter: 2 } })
    await optimize(tblctl, ref)
    expect(await again()).toMatchObject({ status: 'unchanged' })
    expect(await load([1, 2])).toMatchObject({ status: 'changed' })
    expect(await ids(tblctl)).toEqual([1, 1, 2, 2])
    // What the log does not tell is not known.
    const bare = liveOf(table).map(({ stats: _, ...add }): LogAction => ({ ...add, dataChange: false }))
    commitAs(
      table,
      bare.map(({ path }) => ({ remove: { path, dataChange: false } })),
    )
    commitAs(
      table,
      bare.map((add) => ({ add })),
    )
    expect(await again()).toMatchObject({
      result: { rowsBefore: null, rowsBeforeUnknown: expect.stringMatching(/do not say/) },
    })
  })

  it('a batch that it took away counts as loaded, is told as such, and comes again with --again', async () => {
    await using made = await world()
    const { tblctl, load, lake } = made
    const batch = lake.rows('batch.ndjson', rows([1, 2, 3]))
    const item = await load([9], overwrite)
    expect(item.plan?.summary).toHaveLength(1) // nothing was loaded before
    await loadInto(tblctl, lake.folder, ref, [batch])
    await load([10], overwrite)
    const second = await loadInto(tblctl, lake.folder, ref, [batch])
    expect(second).toMatchObject({ status: 'unchanged' })
    expect(second.plan?.summary).toEqual([
      expect.stringMatching(
        /into lake:acme\/t; rows of this batch were loaded before \(3 rows\); --again loads them anew$/,
      ),
    ])
    expect(await loadInto(tblctl, lake.folder, ref, [batch], { again: true })).toMatchObject({ status: 'changed' })
    expect(await ids(tblctl)).toEqual([1, 2, 3, 10])
  })

  it('an input without rows empties nothing', async () => {
    await using made = await world()
    const { tblctl, load, lake } = made
    await load([1])
    expect((await load([], overwrite)).error).toMatchObject({ kind: 'refused', code: 'no-rows' })
    const bad = lake.rows('bad.ndjson', [{ id: 'x' }])
    const rejected = await loadInto(tblctl, lake.folder, ref, [bad], { ...overwrite, rejectTo: lake.path('rejects') })
    expect(rejected.error).toMatchObject({ code: 'no-rows' })
    expect(await ids(tblctl)).toEqual([1])
  })

  it('rows that came since it was planned are not taken with it: it is planned again, or told', async () => {
    await using made = await world()
    const { tblctl, load, table, lake } = made
    await load([1])
    const add = liveOf(table)[0]!
    const late = (path: string) => commitAs(table, [{ add: { ...add, path, stats: '{"numRecords":1}' } }])
    let planned = 0
    const other = await lake.open({
      approve: () => {
        if (planned++ === 0) late('late.parquet')
        return true
      },
    })
    const file = lake.rows('new.ndjson', rows([5]))
    expect(await loadInto(other, lake.folder, ref, [file], overwrite)).toMatchObject({
      result: { rowsBefore: 2, rowsAfter: 1 },
    })
    async function* input() {
      yield Buffer.from('{"id":7}\n')
      late('later.parquet')
    }
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { ...overwrite, input: input() })
    expect(item.error).toMatchObject({ kind: 'busy', code: 'conflict' })
    expect(liveOf(table).map(({ path }) => path)).toContain('later.parquet')
    expect(orphansOf(table)).toEqual([])
  })

  it('stopped while it writes, it leaves nothing, and the same command does all of it', async () => {
    await using made = await world()
    const { tblctl, load, table, lake } = made
    await load([1])
    const stop = stopSwitch()
    const stopped = await lake.open({ stop, reporter: { progress: () => stop.stop('interrupt') } })
    const file = lake.rows('new.ndjson', rows([5, 6, 7]))
    const more = { ...overwrite, commitRows: 1 }
    expect((await loadInto(stopped, lake.folder, ref, [file], more)).error).toMatchObject({ kind: 'stopped' })
    expect(await ids(tblctl)).toEqual([1])
    expect(orphansOf(table)).toEqual([])
    expect(await loadInto(tblctl, lake.folder, ref, [file], more)).toMatchObject({
      resumed: true,
      result: { rowsAfter: 3 },
    })
    expect(await ids(tblctl)).toEqual([5, 6, 7])
  })

  it('killed at any durable step, the same command ends as if nothing had happened', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const made = await world()
          await made.load([1, 2, 3])
          made.lake.rows('a.ndjson', rows([5, 6, 7, 8]))
          return Object.assign(made, {
            [Symbol.dispose]: () => rmSync(made.lake.folder, { recursive: true, force: true }),
          })
        },
        command: ({ lake }, env) =>
          run(lake.folder, { verb: 'load', ref, inputs: ['a.ndjson'], more: { ...overwrite, commitRows: 2 } }, env),
        oracle: async ({ tblctl, table }) => {
          const job = (await tblctl.jobs.list({ verb: 'load' })).find(({ result }) => result?.rowsBefore !== undefined)
          const { rowsBefore, rowsAfter, commits } = job!.result as Record<string, number>
          return { ids: await ids(tblctl), rowsBefore, rowsAfter, commits, versions: logOf(table).length }
        },
        every: 3,
      },
      5,
    )
  }, 180_000)
})

it('merge and overwrite on S3', async () => {
  await using server = await startS3Double('bucket')
  await using lake = new Lake(schemas)
  const place = `url: "s3://bucket/lake", endpoint: "${server.endpoint}", forcePathStyle: true, credentials: { accessKeyId: "file:./k", secretAccessKey: "file:./k" }`
  lake.write('k', 'key')
  lake.write('tblctl.yaml', `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, ${place} }\n`)
  const tblctl = await lake.open()
  await create(tblctl, ref, 't')
  const load = (name: string, given: readonly number[], more: LoadWith = {}) =>
    loadInto(tblctl, lake.folder, ref, [lake.rows(name, rows(given))], more)
  await load('a.ndjson', [1, 2, 3])
  const merge: LoadWith = { mode: 'merge', key: ['id'] }
  expect(await load('b.ndjson', [3, 4], merge)).toMatchObject({ result: { rowsUpdated: 1, rowsInserted: 1 } })
  expect(await ids(tblctl)).toEqual([1, 2, 3, 4])
  // The answer to the commit is lost, and it is there all the same.
  server.inject('lost-reply', /PUT .*_delta_log/, 1)
  expect(await load('c.ndjson', [4, 5], merge)).toMatchObject({ result: { rowsUpdated: 1, rowsInserted: 1 } })
  // What did not come to be leaves nothing.
  const objects = () => [...server.objects('bucket').keys()].sort()
  const before = objects()
  for (const [i, line] of [/PUT .*_delta_log/, /PUT .*even.*parquet/].entries())
    for (const [j, more] of [merge, overwrite].entries()) {
      server.inject('deny', line, 1)
      expect((await load(`e${i}${j}.ndjson`, [1, 20 + 2 * i, 31 + j], more)).error).toMatchObject({ kind: 'denied' })
      expect(objects()).toEqual(before)
    }
  expect(await load('d.ndjson', [9], overwrite)).toMatchObject({ result: { rowsBefore: 5, rowsAfter: 1 } })
  expect(await ids(tblctl)).toEqual([9])
})
