/** history: commits of ours and of others, newest first, and no more of them read than asked for. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { history as historyOf } from '../../src/api/history.ts'
import type { HistoryEntry } from '../../src/core/driver.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { startS3Double } from '../servers/s3-double.ts'
import { cliEntry, runChild } from '../support/child.ts'
import { createWith, sessionWith } from './with-store.ts'
import { create, hasSharedData, Lake, loadInto, optimize, register, sharedData } from './world.ts'

const small = 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n'
const ref = 'lake:acme/t'

describe('history', () => {
  it('tells what was done, newest first, with the run and the job', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    for (const id of [1, 2]) await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])
    await optimize(tblctl, ref)
    const items = await Array.fromAsync(tblctl.history(ref))
    expect(items.map(({ version, operation }) => [version, operation])).toEqual([
      [3, 'OPTIMIZE'],
      [2, 'WRITE'],
      [1, 'WRITE'],
      [0, 'CREATE TABLE'],
    ])
    const [newest] = items
    expect(newest).toMatchObject({ engine: expect.stringMatching(/^tblctl\//), metrics: { numAddedFiles: '1' } })
    expect(newest!.run).toEqual(expect.any(String))
    const jobs = await tblctl.jobs.list({})
    expect(jobs.map(({ id }) => id)).toContain(newest!.job)
    const times = items.map(({ timestamp }) => Date.parse(timestamp!))
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect(new Set(times).size).toBe(4)
    expect(await Array.fromAsync(tblctl.history(ref, 2))).toEqual(items.slice(0, 2))
  })

  it('by the command line', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    const { code, stdout } = await runChild(cliEntry, ['history', ref, '-o', 'json'], { cwd: lake.folder })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'HistoryList',
      items: [{ version: 0, operation: 'CREATE TABLE' }],
    })
    // A time that is copied from the table names this version, and not the one before.
    const [{ timestamp }] = JSON.parse(stdout).items
    const table = await runChild(cliEntry, ['history', ref, '-o', 'table'], { cwd: lake.folder })
    expect(timestamp).toMatch(/\.\d{3}Z$/)
    expect(table.stdout).toContain(timestamp)
  })

  it('tells of commits of any shape what it can, and of the rest null', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    const put = (version: number, actions: readonly object[]) =>
      writeFileSync(
        join(lake.table('t'), '_delta_log', `${String(version).padStart(20, '0')}.json`),
        actions.map((action) => `${JSON.stringify(action)}\n`).join(''),
      )
    put(1, [{ txn: { appId: 'x', version: 1 } }])
    put(2, [
      { commitInfo: { operation: 3, operationParameters: 'none', operationMetrics: [1], engineInfo: {}, tblctl: 'x' } },
    ])
    put(3, [
      {
        commitInfo: { operation: 'MERGE', operationParameters: { a: [1, null] }, inCommitTimestamp: 1_700_000_000_000 },
      },
    ])
    const nothing = { operation: null, parameters: {}, metrics: {}, engine: null, run: null, job: null }
    expect(await Array.fromAsync(tblctl.history(ref, 3))).toEqual([
      {
        ...nothing,
        version: 3,
        timestamp: '2023-11-14T22:13:20.000Z',
        operation: 'MERGE',
        parameters: { a: [1, null] },
      },
      { ...nothing, version: 2, timestamp: expect.any(String) },
      { ...nothing, version: 1, timestamp: expect.any(String) },
    ])
  })

  it('tells what is left of a log that was cleaned up, and fails where there is no table', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    await loadInto(tblctl, lake.folder, ref, [lake.rows('1.ndjson', [{ id: 1 }])])
    rmSync(join(lake.table('t'), '_delta_log', '00000000000000000000.json'))
    expect((await Array.fromAsync(tblctl.history(ref))).map(({ version }) => version)).toEqual([1])
    rmSync(lake.table('t'), { recursive: true })
    await expect(Array.fromAsync(tblctl.history(ref))).rejects.toMatchObject({ view: { code: 'no-delta-table' } })
  })

  it('reads as many commits as it is asked for, a few ahead at most', async () => {
    await using lake = new Lake({ small })
    const read: string[] = []
    const counting = (store: ObjectStore): ObjectStore => ({
      ...store,
      read: (key, range) => {
        if (/\d{20}\.json$/.test(key)) read.push(key)
        return store.read(key, range)
      },
    })
    const session = await sessionWith(lake.folder, counting)
    await createWith(session, ref, 'small')
    const log = join(lake.table('t'), '_delta_log')
    for (let version = 1; version <= 40; version++)
      writeFileSync(join(log, `${String(version).padStart(20, '0')}.json`), '{"commitInfo":{"operation":"X"}}\n')
    read.length = 0
    expect(await Array.fromAsync(historyOf(session, ref, 5))).toHaveLength(5)
    expect(read).toHaveLength(5)
    read.length = 0
    for await (const entry of historyOf(session, ref, null)) if (entry.version === 39) break
    expect(read.length).toBeLessThan(12)
    await session[Symbol.asyncDispose]()
  })

  it('on S3 too', async () => {
    await using double = await startS3Double('bucket')
    await using lake = new Lake({ small })
    lake.write(
      'tblctl.yaml',
      `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, url: "s3://bucket/lake", endpoint: "${double.endpoint}", forcePathStyle: true, region: here, credentials: { accessKeyId: "file:./key", secretAccessKey: "file:./key" } }\n`,
    )
    lake.write('key', 'AKIDEXAMPLE')
    const tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    for (const id of [1, 2]) await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])
    const items: HistoryEntry[] = await Array.fromAsync(tblctl.history(ref))
    expect(items.map(({ version }) => version)).toEqual([2, 1, 0])
    expect(await tblctl.describe(ref, { version: 1 })).toMatchObject({ status: { version: 1, rows: 1 } })
    const { timestamp } = items[1]!
    // S3 knows seconds only: what was committed within one is told apart by a millisecond.
    expect(await tblctl.describe(ref, { timestamp: timestamp! })).toMatchObject({ status: { version: 1 } })
  })
})

describe.runIf(hasSharedData)('what Spark did', () => {
  it('basic-with-inserts-overwrite-restore', async () => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    const place = lake.copyIn(join(sharedData, 'delta/basic-with-inserts-overwrite-restore/delta'), 'spark')
    await register(tblctl, ref, place)
    const items = await Array.fromAsync(tblctl.history(ref))
    expect(items.map(({ operation }) => operation)).toEqual(['RESTORE', 'WRITE', 'WRITE', 'WRITE'])
    expect(items[0]!.engine).toContain('Apache-Spark')
  })
})
