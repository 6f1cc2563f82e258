/** Earlier versions of a table: describe, query and export at a version or a time, against Delta's own kernel; and what can no longer be read. */
import { readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { PointInTime } from '../../src/core/driver.ts'
import { fail } from '../../src/core/errors.ts'
import { tellingOfGoneFiles } from '../../src/drivers/delta/files/gone-files.ts'
import { type Chdb, deltaTable, startChdb } from '../support/chdb.ts'
import { cliEntry, runChild } from '../support/child.ts'
import { create, hasSharedData, Lake, loadInto, optimize, register, rowsOf, sharedData } from './world.ts'

const small = 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n'
const ref = 'lake:acme/t'
const day = (n: number): string => `2026-01-${String(n).padStart(2, '0')}T00:00:00.000Z`

/** Ids from the table as it was. */
async function idsAt(tblctl: Tblctl, at: PointInTime, of = ref): Promise<unknown[]> {
  await using rows = await tblctl.query(of, 'select id from t order by id', { at })
  const found: unknown[] = []
  for await (const batch of rows.batches) found.push(...batch.columns[0]!)
  return found
}

describe('a table with a past', () => {
  let lake: Lake
  let chdb: Chdb
  let tblctl: Tblctl
  beforeAll(async () => {
    lake = new Lake({ small })
    chdb = startChdb(lake.folder)
    tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    for (const id of [1, 2, 3]) await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])
    await optimize(tblctl, ref)
    for (let version = 0; version <= 4; version++) {
      const time = new Date(day(version + 1))
      utimesSync(join(lake.table('t'), '_delta_log', `${String(version).padStart(20, '0')}.json`), time, time)
    }
  })
  afterAll(async () => {
    await chdb[Symbol.asyncDispose]()
    await lake[Symbol.asyncDispose]()
  })

  it('is queried at every version, and the kernel reads the same', async () => {
    for (let version = 0; version <= 4; version++) {
      const wanted = [1n, 2n, 3n].slice(0, version)
      expect(await idsAt(tblctl, { version })).toEqual(wanted)
      if (version === 0) continue
      const told = await chdb.query(
        `SELECT id FROM ${deltaTable(lake.table('t'))} ORDER BY id SETTINGS delta_lake_snapshot_version = ${version}`,
      )
      expect(told.map(([id]) => BigInt(id as string | number))).toEqual(wanted)
    }
  })

  it('is queried at a time', async () => {
    expect(await idsAt(tblctl, { timestamp: day(3) })).toEqual([1n, 2n])
    expect(await idsAt(tblctl, { timestamp: '2026-01-02T12:00:00+01:00' })).toEqual([1n])
    expect(await idsAt(tblctl, { timestamp: day(28) })).toEqual([1n, 2n, 3n])
    await expect(idsAt(tblctl, { timestamp: '2025-01-01T00:00:00Z' })).rejects.toMatchObject({
      view: {
        kind: 'missing',
        code: 'no-such-version',
        hint: `the oldest is 0 of ${day(1)}, the newest 4 of ${day(5)}`,
      },
    })
  })

  it('is described as it was', async () => {
    expect(await tblctl.describe(ref, { version: 2 })).toMatchObject({
      status: { version: 2, rows: 2, files: 2, lastCommitAt: day(3) },
    })
    expect(await tblctl.describe(ref, { timestamp: day(4) })).toMatchObject({ status: { version: 3, rows: 3 } })
    expect(await tblctl.describe(ref)).toMatchObject({
      status: { version: 4, files: 1 },
      details: { features: [], columnMapping: 'none', checkpoint: null, filesWithDeletionVectors: 0 },
    })
    await expect(tblctl.describe(ref, { version: 5 })).rejects.toMatchObject({
      view: { code: 'no-such-version', message: 'the table has no version 5; its newest is 4' },
    })
  })

  it('is exported as it was', async () => {
    const target = lake.path('out.ndjson')
    const done = await tblctl.export(ref, { out: target, format: 'ndjson' }, { at: { version: 1 } })
    expect(done.rows).toBe(1)
    expect(readFileSync(target, 'utf8')).toBe('{"id":1}\n')
  })

  it('by the command line', async () => {
    const run = async (...args: readonly string[]) => {
      const ended = await runChild(cliEntry, [...args, '-o', 'json'], { cwd: lake.folder })
      return { code: ended.code, out: ended.stdout === '' ? null : JSON.parse(ended.stdout) }
    }
    expect(await run('describe', ref, '--version', '3')).toMatchObject({ code: 0, out: { status: { version: 3 } } })
    expect(await run('describe', ref, '--timestamp', day(2))).toMatchObject({ out: { status: { version: 1 } } })
    expect(await run('describe', ref, '--version', '9')).toMatchObject({ code: 66 })
  })
})

it('a version whose files a vacuum took says so', async () => {
  await using lake = new Lake({ small })
  const tblctl = await lake.open()
  await create(tblctl, ref, 'small')
  for (const id of [1, 2]) await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])
  const removed = readdirSync(lake.table('t')).find((name) => name.endsWith('.parquet'))!
  rmSync(join(lake.table('t'), removed))
  const gone = { kind: 'missing', code: 'file-missing', hint: expect.stringContaining('vacuum removes') }
  await expect(idsAt(tblctl, { version: 2 })).rejects.toMatchObject({ view: gone })
  const target = lake.path('out.csv')
  await expect(tblctl.export(ref, { out: target, format: 'csv' }, { at: { version: 2 } })).rejects.toMatchObject({
    view: gone,
  })
  await expect(rowsOf(tblctl, ref, 'select * from t')).rejects.toMatchObject({
    view: { code: 'file-missing', hint: expect.stringContaining('tblctl verify') },
  })
})

it('a file that goes while rows are read is told like one that was gone before', async () => {
  async function* rows() {
    yield 1
    throw fail('missing', 'file-missing', 'a file cannot be read')
  }
  await expect(Array.fromAsync(tellingOfGoneFiles(rows(), { version: 1 }))).rejects.toMatchObject({
    view: { code: 'file-missing', message: 'a file cannot be read', hint: expect.stringContaining('vacuum removes') },
  })
})

describe.runIf(hasSharedData)('what Spark wrote', () => {
  const tables: Readonly<Record<string, readonly (readonly [version: number, rows: number, columns: number])[]>> = {
    'time-travel-schema-changes-b': [
      [0, 10, 1],
      [1, 20, 2],
    ],
    'time-travel-partition-changes-b': [
      [0, 10, 2],
      [1, 10, 2],
    ],
    'time-travel-start-start20': [
      [0, 10, 1],
      [1, 20, 1],
    ],
  }
  it.each(Object.entries(tables))('%s', async (name, versions) => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    await register(tblctl, ref, lake.copyIn(join(sharedData, 'delta', name, 'delta'), 'spark'))
    for (const [version, rows, columns] of versions) {
      await using found = await tblctl.query(ref, 'select * from t', { at: { version } })
      let count = 0
      for await (const batch of found.batches) count += batch.rows
      expect([version, count, found.fields.length]).toEqual([version, rows, columns])
    }
  })

  it('snapshot-vacuumed: the newest version is whole, the first is not', async () => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    await register(tblctl, ref, lake.copyIn(join(sharedData, 'delta/snapshot-vacuumed/delta'), 'spark'))
    const count = async (version: number): Promise<void> => {
      await using rows = await tblctl.query(ref, 'select count(*) from (select distinct * from t)', { at: { version } })
      for await (const _ of rows.batches);
    }
    await count(5)
    await expect(count(0)).rejects.toMatchObject({ view: { code: 'file-missing' } })
  })
})
