/** Which version a table had at a time: object times made rising, in-commit timestamps, and what is left of a log. */
import { rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { PointInTime } from '../../../src/core/driver.ts'
import { readCommitInfo } from '../../../src/drivers/delta/log/commit-info.ts'
import { listLog } from '../../../src/drivers/delta/log/listing.ts'
import { readSnapshotAt, timeText, writtenTimes } from '../../../src/drivers/delta/log/versions.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { checkpoint } from './checkpoint.ts'
import { add, type Fixture, fixture, metaData, protocol, view } from './fixture.ts'

const failure = (part: object): unknown => expect.objectContaining(view(expect.objectContaining(part)))
const pad = (version: number): string => String(version).padStart(20, '0')
const day = (n: number, more = ''): string => `2026-01-${String(n).padStart(2, '0')}T00:00:00${more}Z`

const written = (table: Fixture, version: number, time: string) =>
  utimes(join(table.root, 't/_delta_log', `${pad(version)}.json`), new Date(time), new Date(time))
const at = async (table: Fixture, timestamp: string, store = table.store): Promise<number | undefined> =>
  (await readSnapshotAt(store, 't', { timestamp }, { scratch: table.scratch }))?.version

/** Versions 0 to 4, one a day from the first on. */
async function fiveDays(): Promise<Fixture> {
  const table = await fixture()
  for (let version = 0; version < 5; version++) {
    await table.commit(version, version === 0 ? [protocol, metaData()] : [add(`f${version}`)])
    await written(table, version, day(version + 1))
  }
  return table
}

describe('the version at a time', () => {
  it('is the newest that is not later', async () => {
    const table = await fiveDays()
    expect(await at(table, day(1))).toBe(0)
    expect(await at(table, '2026-01-02T23:59:59.999Z')).toBe(1)
    expect(await at(table, '2026-01-03T02:00:00+02:00')).toBe(2)
    expect(await at(table, day(5))).toBe(4)
    expect(await at(table, day(31))).toBe(4)
    await expect(at(table, '2025-12-31T00:00:00Z')).rejects.toThrow(
      failure({
        kind: 'missing',
        code: 'no-such-version',
        message: expect.stringContaining('2025-12-31T00:00:00.000Z'),
        hint: `the oldest is 0 of ${day(1, '.000')}, the newest 4 of ${day(5, '.000')}`,
      }),
    )
    await expect(at(table, 'yesterday')).rejects.toThrow(failure({ kind: 'usage', code: 'bad-timestamp' }))
  })

  it('by number reads no other', async () => {
    const table = await fiveDays()
    const read = (point: PointInTime) => readSnapshotAt(table.store, 't', point, { scratch: table.scratch })
    expect((await read({ version: 3 }))?.files.size).toBe(3)
    await expect(read({ version: 9 })).rejects.toThrow(failure({ code: 'no-such-version' }))
  })

  it('is none where there is no table', async () => {
    expect(await at(await fixture(), day(1))).toBeUndefined()
  })

  it('goes by times that rise, as in a log that was copied in any order or within one second', async () => {
    const table = await fiveDays()
    await written(table, 1, day(4))
    await written(table, 2, day(3))
    const { commits } = await listLog(table.store, 't', 0)
    const time = (n: number) => Date.parse(day(n))
    expect([...writtenTimes(commits).values()]).toEqual([time(1), time(4), time(4) + 1, time(4) + 2, time(5)])
    expect(await at(table, day(3))).toBe(0)
    expect(await at(table, day(4))).toBe(1)
    expect(await at(table, day(4, '.001'))).toBe(2)
  })

  it('is looked for among what can still be read', async () => {
    const table = await fiveDays()
    await checkpoint(table, `${pad(3)}.checkpoint.parquet`, [protocol, metaData(), add('f')])
    await rm(join(table.root, 't/_delta_log', `${pad(0)}.json`))
    await expect(at(table, day(2))).rejects.toThrow(
      failure({ code: 'no-such-version', hint: expect.stringContaining(`the oldest is 3 of ${day(4, '.000')}`) }),
    )
    expect(await at(table, day(4))).toBe(3)
  })
})

describe('in-commit timestamps', () => {
  const enabled = { 'delta.enableInCommitTimestamps': 'true' }
  const info = (time: string | null, version = 1): object => ({
    commitInfo: { operation: `v${version}`, ...(time === null ? {} : { inCommitTimestamp: Date.parse(time) }) },
  })

  it('count from the first version on where the table was created with them', async () => {
    const table = await fixture()
    for (let version = 0; version < 4; version++) {
      const actions = version === 0 ? [protocol, metaData({ configuration: enabled })] : [add(`f${version}`)]
      await table.commit(version, [info(day(10 + version)), ...actions])
      await written(table, version, day(1))
    }
    expect(await at(table, day(11))).toBe(1)
    expect(await at(table, day(12, '.999'))).toBe(2)
    await expect(at(table, day(9))).rejects.toThrow(
      failure({ hint: `the oldest is 0 of ${day(10, '.000')}, the newest 3 of ${day(13, '.000')}` }),
    )
  })

  it('count from the version that enabled them, and object times before', async () => {
    const table = await fiveDays()
    const configuration = {
      ...enabled,
      'delta.inCommitTimestampEnablementVersion': '3',
      'delta.inCommitTimestampEnablementTimestamp': String(Date.parse(day(20))),
    }
    await table.commit(3, [info(day(20)), metaData({ configuration })])
    await table.commit(4, [info(day(21)), add('x')])
    expect(await at(table, day(2))).toBe(1)
    expect(await at(table, day(19))).toBe(2)
    expect(await at(table, day(20))).toBe(3)
    expect(await at(table, day(22))).toBe(4)
    await table.commit(5, [info(null), add('y')])
    await expect(at(table, day(22))).rejects.toThrow(failure({ kind: 'data', code: 'corrupt-commit' }))
  })

  it('that were turned off count no more', async () => {
    const table = await fiveDays()
    await table.commit(4, [info(day(25)), metaData({ configuration: { 'delta.enableInCommitTimestamps': 'false' } })])
    await written(table, 4, day(5))
    expect(await at(table, day(5))).toBe(4)
  })
})

describe('a commit’s info', () => {
  const big = (n: number) => Array.from({ length: n }, (_, i) => add(`${'x'.repeat(200)}${i}`))
  async function read(actions: readonly object[] | string) {
    const table = await fixture()
    await table.commit(0, actions)
    const object = (await table.store.head(`t/_delta_log/${pad(0)}.json`))!
    let bytes = 0
    const counting: ObjectStore = {
      ...table.store,
      read: async (key, range) => {
        const found = await table.store.read(key, range)
        bytes += found!.length
        return found
      },
    }
    return { info: await readCommitInfo(counting, object), read: bytes, size: object.size }
  }
  const info = { commitInfo: { operation: 'X' } }

  it('is found first, last and in between; of a large commit no more is read than needed', async () => {
    expect((await read([info])).info).toEqual(info.commitInfo)
    for (const actions of [
      [info, ...big(2000)],
      [...big(2000), info],
    ]) {
      const found = await read(actions)
      expect(found.info).toEqual(info.commitInfo)
      expect(found.read).toBeLessThan(found.size / 2)
    }
    expect((await read([...big(1000), info, ...big(1000)])).info).toEqual(info.commitInfo)
  })

  it('may be absent, of any shape, or broken', async () => {
    expect((await read([add('a')])).info).toBeNull()
    expect((await read(big(2000))).info).toBeNull()
    expect((await read([{ commitInfo: [1] }])).info).toBeNull()
    expect((await read([{ commitInfo: null }])).info).toBeNull()
    await expect(read('{"commitInfo":{"operation":')).rejects.toThrow(failure({ kind: 'data', code: 'corrupt-commit' }))
    const { store } = await fixture()
    expect(await readCommitInfo(store, { key: 'gone', size: 10 })).toBeUndefined()
    expect(await readCommitInfo(store, { key: 'gone', size: 10_000_000 })).toBeUndefined()
  })
})

it('what is no time is null', () => {
  expect(timeText(0)).toBe('1970-01-01T00:00:00.000Z')
  for (const bad of [null, Number.NaN, 1e300]) expect(timeText(bad)).toBeNull()
})
