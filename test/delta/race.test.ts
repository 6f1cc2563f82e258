/**
 * Eight processes append fifty times each to one table, while another compacts it, a third removes what nobody needs any more, and ClickHouse
 * appends in its own way: no commit lost, no gap in the versions, no row doubled; Delta's own kernel agrees.
 */
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { paddedVersion } from '../../src/drivers/delta/log/paths.ts'
import { readSnapshot } from '../../src/drivers/delta/log/snapshot.ts'
import { openLocalStore } from '../../src/storage/local.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { startChdb } from '../support/chdb.ts'
import { itemOf, run } from './program.ts'
import { loop } from './race-program.ts'
import { create, Lake, logOf, rowsOf } from './world.ts'

const writers = 8
const commits = 50
const rowsEach = 4
const foreign = 99

/** Only the commits of a log. */
const withoutCheckpoints = (store: ObjectStore): ObjectStore => ({
  ...store,
  async *list(folder, options) {
    for await (const info of store.list(folder, options)) if (!info.key.endsWith('.checkpoint.parquet')) yield info
  },
  read: async (key, range) => (key.endsWith('_last_checkpoint') ? undefined : store.read(key, range)),
})

test('appends of many processes beside optimize, vacuum and a foreign writer', async () => {
  await using lake = new Lake({
    events:
      'table_name: events\nfields:\n  - { name: writer, data_type: Int32, nullable: false }\n  - { name: n, data_type: Int64, nullable: false }\n',
  })
  const ref = 'lake:acme/events'
  const tblctl = await lake.open()
  await create(tblctl, ref, 'events')
  const table = lake.table('events')
  const orphan = lake.write('lake/projects/acme/events/part-00000-left-over.parquet', 'a killed writer left this')
  utimesSync(lake.path(orphan), 1_700_000_000, 1_700_000_000)
  for (let writer = 0; writer < writers; writer++)
    lake.rows(
      `${writer}.ndjson`,
      Array.from({ length: commits * rowsEach }, (_, n) => ({ writer, n })),
    )

  const until = lake.path('done')
  const loads = Array.from({ length: writers }, (_, writer) =>
    run(lake.folder, { verb: 'load', ref, inputs: [`${writer}.ndjson`], more: { commitRows: rowsEach } }),
  )
  const optimizing = loop(lake.folder, { verb: 'optimize', ref, options: {}, until })
  // Longer than any writer takes from a file to its commit.
  const vacuuming = loop(lake.folder, { verb: 'vacuum', ref, options: { retainMs: 60_000, belowFloor: true }, until })
  await using chdb = startChdb(lake.folder)
  let theirs = 0
  const strange: string[] = []
  const inserting = (async () => {
    while (!existsSync(until)) {
      const insert = `INSERT INTO FUNCTION deltaLakeLocal('${table}/') SELECT toInt32(${foreign}) AS writer, toInt64(${theirs}) AS n`
      try {
        await chdb.query(`${insert} SETTINGS allow_delta_lake_writes = 1, allow_experimental_delta_lake_writes = 1`)
        theirs++
      } catch (error) {
        // It does not try again when another writer was faster.
        if (!String(error).includes('commit conflict')) strange.push(String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  const loaded = await Promise.all(loads).finally(() => writeFileSync(until, ''))
  const [optimized, vacuumed] = await Promise.all([optimizing, vacuuming])
  await inserting
  expect(strange).toEqual([])

  expect(loaded.map((ended) => itemOf(ended).error ?? itemOf(ended).result)).toEqual(
    Array(writers).fill(expect.objectContaining({ commits, rows: commits * rowsEach })),
  )
  for (const item of [...optimized, ...vacuumed])
    expect(['changed', 'unchanged'], JSON.stringify(item.error)).toContain(item.status)
  expect(
    optimized.some((item) => item.status === 'changed'),
    'an optimize met the appends',
  ).toBe(true)
  expect(existsSync(lake.path(orphan)), 'vacuum removed what nobody names').toBe(false)
  expect(theirs, 'the foreign writer met them').toBeGreaterThan(0)

  const folder = join(table, '_delta_log')
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  expect(names.toSorted()).toEqual(names.map((_, version) => `${paddedVersion(version)}.json`))
  const log = logOf(table)
  const of = (operation: string) =>
    log.filter((actions) => actions.some((action) => action.commitInfo?.operation === operation)).length
  expect(of('WRITE')).toBe(writers * commits)
  expect(of('UNKNOWN')).toBe(theirs)
  const checkpoints = readdirSync(folder).flatMap((name) =>
    name.endsWith('.checkpoint.parquet') ? [Number(name.slice(0, 20))] : [],
  )
  // A foreign commit may take a multiple of ten; two in a row are made up for.
  const newest = Math.max(...checkpoints)
  expect(newest).toBeGreaterThan(log.length - 1 - 21)
  const store = openLocalStore(table)
  const scratch = lake.path('scratch')
  for (const version of [checkpoints[0]!, checkpoints[checkpoints.length >> 1]!, newest]) {
    const through = (await readSnapshot(store, '', { version, scratch }))!
    const replayed = (await readSnapshot(withoutCheckpoints(store), '', { version, scratch }))!
    expect([...through.files.keys()].toSorted()).toEqual([...replayed.files.keys()].toSorted())
    expect(through.txns).toEqual(replayed.txns)
  }

  const each = commits * rowsEach
  const sum = (count: number): number => (count * (count - 1)) / 2
  const expected = [writers * each + theirs, writers * each + theirs, writers * sum(each) + sum(theirs)]
  const [ours] = await rowsOf(tblctl, ref, 'select count(*), count(distinct (writer, n)), sum(n)::bigint from t')
  expect(ours!.map(Number)).toEqual(expected)
  const kernel = async () =>
    (
      await chdb.query(`SELECT count(), uniqExact(writer, n), sum(n) FROM (SELECT * FROM deltaLakeLocal('${table}/'))`)
    )[0]!
  expect((await kernel()).map(Number)).toEqual(expected)
}, 480_000)
