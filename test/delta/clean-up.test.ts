/** The clean-up of a log: what lies before the kept checkpoint goes, oldest first, and every version from there on reads as before. */
import { readdirSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanUpLog } from '../../src/drivers/delta/log/clean-up.ts'
import { commitKey, paddedVersion } from '../../src/drivers/delta/log/paths.ts'
import { readSnapshot } from '../../src/drivers/delta/log/snapshot.ts'
import { checkpointKey, writeCheckpoint } from '../../src/drivers/delta/log/write-checkpoint.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { openS3Store } from '../../src/storage/s3.ts'
import { openS3Connection } from '../../src/storage/s3-client.ts'
import { usualPatience } from '../../src/storage/s3-patience.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startS3Double } from '../servers/s3-double.ts'
import { type Chdb, startChdb } from '../support/chdb.ts'
import { add, type Fixture, fixture, metaData, protocol, remove, temporaryFolder, view } from '../unit/delta/fixture.ts'
import { run } from './program.ts'
import { saved } from './saved.ts'
import { commitAs, contentOf, create, Lake, loadInto, logOf } from './world.ts'

const hour = 3_600_000
const day = 24 * hour
/** Noon: what is cut off ends at the midnight before. */
const noon = Date.parse('2026-03-10T12:00:00Z')
const cutoff = noon - 12 * hour

/** `t`, with commit i made at `times[i]`, and checkpoints of these versions. */
async function table(times: readonly number[], checkpoints: readonly number[], infos: readonly object[] = []) {
  const made = await fixture()
  for (const [version, time] of times.entries()) {
    const first = version === 0 ? [protocol, metaData()] : version % 3 === 0 ? [remove(`f${version - 2}`)] : []
    await made.commit(version, [{ commitInfo: infos[version] ?? {} }, ...first, add(`f${version}`)])
    utimesSync(join(made.root, commitKey('t', version)), time / 1000, time / 1000)
  }
  for (const version of checkpoints.toSorted((a, b) => a - b)) {
    const snapshot = (await made.read({ version, tombstones: true }))!
    await writeCheckpoint(made.store, 't', snapshot, { scratch: made.scratch, now: new Date(10) })
  }
  return made
}
const cleanUp = ({ store, scratch }: Pick<Fixture, 'store' | 'scratch'>, more: object = {}) =>
  cleanUpLog(store, 't', { olderThan: new Date(noon), inCommitTimestamps: false, scratch, ...more })
const names = ({ root }: Fixture): string[] => readdirSync(join(root, 't/_delta_log')).toSorted()
const versionsOf = (made: Fixture, suffix: string): number[] =>
  names(made).flatMap((name) =>
    name.endsWith(suffix) && /^\d{20}\.[jc][sh]/.test(name) ? [Number(name.slice(0, 20))] : [],
  )
const days = (...ages: number[]): number[] => ages.map((age) => noon - age * day)

describe('the clean-up', () => {
  it('keeps the newest checkpoint that is no newer than the cut-off, its commit, and all that follows', async () => {
    const made = await table(days(9, 8, 7, 6, 5, 0.1, 0), [1, 3, 5])
    for (const [name, version] of [
      ['.crc', 2],
      ['.crc', 4],
      ['.00000000000000000004.compacted.json', 2],
      ['.00000000000000000005.compacted.json', 3],
    ] as const)
      await made.store.put(`t/_delta_log/${paddedVersion(version)}${name}`, Buffer.from('{}'))
    await made.store.put(`t/_delta_log/.${paddedVersion(0)}.json.crc`, Buffer.from('x'))
    for (const other of ['notes.txt', '00000000000000000001.mine', '_staged_commits/00000000000000000001.x.json'])
      await made.store.put(`t/_delta_log/${other}`, Buffer.from('x'))
    expect(await cleanUp(made)).toEqual({ keptFrom: 3, filesRemoved: 3 + 1 + 1 + 1 + 1 })
    expect(names(made)).toEqual(
      [
        ...['3.checkpoint.parquet', '3.json', '3.00000000000000000005.compacted.json', '4.crc', '4.json'],
        ...['5.checkpoint.parquet', '5.json', '6.json'],
      ]
        .map((name) => name.replace(/^\d/, (version) => paddedVersion(Number(version))))
        .concat('00000000000000000001.mine', '_last_checkpoint', '_staged_commits', 'notes.txt')
        .toSorted(),
    )
    expect(await cleanUp(made)).toBeNull()
  })

  it.each<[string, number[], number[]]>([
    ['nothing is old enough', days(0.4, 0.3, 0.2), [1]],
    ['no checkpoint is old enough', days(3, 2, 0.2), [2]],
    ['there is no checkpoint', days(3, 2, 1), []],
    ['nothing lies before the checkpoint', days(3, 2, 1), [0]],
  ])('does nothing when %s', async (_why, times, checkpoints) => {
    const made = await table(times, checkpoints)
    const before = names(made)
    expect(await cleanUp(made)).toBeNull()
    expect(names(made)).toEqual(before)
  })

  it('takes a commit at midnight as old, and one that was copied out of order as no older than the one before it', async () => {
    const atMidnight = await table([cutoff - 2, cutoff - 1, cutoff, noon], [2])
    expect(await cleanUp(atMidnight)).toMatchObject({ keptFrom: 2 })
    const copied = await table([cutoff - 9, noon, cutoff - 8, cutoff - 7], [0, 2, 3])
    expect(await cleanUp(copied)).toBeNull()
    const rising = await table([cutoff - 1, cutoff - 2, cutoff - 3, noon], [0, 1, 2])
    // -1, then 0 (still the cut-off itself), then past it.
    expect(await cleanUp(rising)).toMatchObject({ keptFrom: 1 })
  }, 120_000)

  it('believes the commits where they carry their own time', async () => {
    const infos = [5, 4, 0.2, 0.1].map((age) => ({ inCommitTimestamp: noon - age * day }))
    const made = await table(days(9, 8, 7, 6), [1, 2, 3], infos)
    expect(await cleanUp(made, { inCommitTimestamps: true })).toMatchObject({ keptFrom: 1 })
    const none = await table(days(9, 8), [1], [{ inCommitTimestamp: noon }, { inCommitTimestamp: noon + 1 }])
    expect(await cleanUp(none, { inCommitTimestamps: true })).toBeNull()
  })

  it('removes nothing when the checkpoint that it would keep cannot be read, or the hint points before it', async () => {
    const made = await table(days(9, 8, 7, 6), [1, 3])
    const key = checkpointKey('t', 3)
    const bytes = (await made.store.read(key))!
    await made.store.put(key, bytes.subarray(0, bytes.length - 30))
    const before = names(made)
    await expect(cleanUp(made)).rejects.toThrow(
      expect.objectContaining(view(expect.objectContaining({ kind: 'data' }))),
    )
    expect(names(made)).toEqual(before)
    await made.store.put(key, bytes)
    await made.store.put('t/_delta_log/_last_checkpoint', Buffer.from('{"version":1,"size":3}'))
    expect(await cleanUp(made)).toBeNull()
    expect(names(made)).toEqual(before)
  })

  it('shows no reader a gap, whenever it looks', async () => {
    const made = await table(days(9, 8, 7, 6, 5, 4, 3, 0), [2, 5])
    const wanted = new Set((await made.read())!.files.keys())
    // One by one: the finest that any store does.
    const looking: ObjectStore = {
      ...made.store,
      async delete(keys) {
        for (const key of keys) {
          await made.store.delete([key])
          const version = Number(/\d{20}/.exec(key)![0])
          const left = versionsOf(made, '.json')
          expect(left).toEqual(left.map((_, i) => left[0]! + i))
          expect(left[0]).toBeGreaterThanOrEqual(version)
          expect(new Set((await made.read())!.files.keys())).toEqual(wanted)
          expect((await made.read({ version: 5 }))!.files.size).toBe(5)
        }
      },
    }
    expect(await cleanUp({ ...made, store: looking })).toMatchObject({ keptFrom: 5 })
    expect(versionsOf(made, '.json')).toEqual([5, 6, 7])
  }, 120_000)

  it('leaves every version from the kept one on as it was, whatever the log', async () => {
    const log = fc
      .array(fc.record({ age: fc.double({ min: -0.4, max: 3, noNaN: true }), checkpoint: fc.boolean() }), {
        minLength: 1,
        maxLength: 7,
      })
      .chain((commits) => fc.tuple(fc.constant(commits), fc.boolean()))
    await fc.assert(
      fc.asyncProperty(log, async ([commits, sorted]) => {
        const ages = commits.map(({ age }) => age)
        const times = days(...(sorted ? ages.toSorted((a, b) => b - a) : ages))
        const made = await table(
          times,
          commits.flatMap(({ checkpoint }, i) => (checkpoint ? [i] : [])),
        )
        const versions = [...commits.keys()]
        const read = (version: number) => made.read({ version, tombstones: true })
        const before = await Promise.all(versions.map(read))
        const done = await cleanUp(made)
        const from = done?.keptFrom ?? 0
        for (const version of versions.slice(from)) {
          const { commit: _, ...now } = (await read(version))!
          const { commit: __, ...then } = before[version]!
          expect(now).toEqual(then)
        }
        if (done === null) return
        expect(versionsOf(made, '.json')).toEqual(versions.slice(from))
        for (const version of versions.slice(0, from)) await expect(read(version)).rejects.toThrow()
        expect(times[from]).toBeLessThanOrEqual(cutoff)
      }),
      { numRuns: 12 },
    )
  }, 240_000)
})

/** The double, because a real service does not let objects grow old; that it behaves like one is checked elsewhere. */
it('checkpoints and the clean-up on S3: lost answers do no harm, the same objects stay', async () => {
  await using double = await startS3Double('bucket')
  await using connection = openS3Connection({
    endpoint: double.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    patience: { ...usualPatience, retryMs: 2 },
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: undefined },
  })
  const store = openS3Store('s3://bucket/root', connection)
  const scratch = join(await temporaryFolder(), 'scratch')
  for (let version = 0; version < 6; version++) {
    const actions = [...(version === 0 ? [protocol, metaData()] : []), add(`f${version}`)]
    await store.put(commitKey('t', version), Buffer.from(actions.map((action) => JSON.stringify(action)).join('\n')))
  }
  double.inject('lost-reply', /PUT .*checkpoint/, 2)
  const written = []
  for (const version of [1, 3, 3]) {
    const snapshot = (await readSnapshot(store, 't', { version, tombstones: true, scratch }))!
    written.push(await writeCheckpoint(store, 't', snapshot, { scratch, now: new Date() }))
  }
  expect(written.map((one) => one?.files ?? null)).toEqual([2, 4, null])
  const objects = double.objects('bucket')
  for (const [key, object] of objects)
    if (/0{19}[0-4]\./.test(key)) objects.set(key, { ...object, modified: new Date(noon - 9 * day) })
  double.inject('slow-key', /POST .*delete/)
  expect(await cleanUp({ store, scratch })).toEqual({ keptFrom: 3, filesRemoved: 4 })
  const left = [...objects.keys()]
    .filter((key) => key.includes('_delta_log/'))
    .map((key) => key.slice('root/t/_delta_log/'.length))
  const named = (version: number, suffix: string): string => `${paddedVersion(version)}.${suffix}`
  expect(left.toSorted()).toEqual([
    named(3, 'checkpoint.parquet'),
    ...[3, 4, 5].map((v) => named(v, 'json')),
    '_last_checkpoint',
  ])
  expect((await readSnapshot(store, 't', { scratch }))!.files.size).toBe(6)
}, 60_000)

const ref = 'lake:acme/t'
const schemas = { events: 'table_name: events\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n' }

/** A checkpoint every two versions, a log of one day, and 7 versions of which all but the last two are a week old. */
async function oldTable(more: Readonly<Record<string, string>> = {}) {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'events')
  const folder = lake.table('t')
  const { metaData: made } = logOf(folder)[0]!.find((action) => action.metaData)!
  const configuration = { 'delta.checkpointInterval': '2', 'delta.logRetentionDuration': 'interval 1 day', ...more }
  commitAs(folder, [{ metaData: { ...made, configuration } }])
  const input = lake.rows(
    'old.ndjson',
    Array.from({ length: 10 }, (_, id) => ({ id })),
  )
  await loadInto(tblctl, lake.folder, ref, [input], { batchId: 'old', commitRows: 2 })
  const log = join(folder, '_delta_log')
  const weekAgo = Date.now() / 1000 - 7 * 24 * 3600
  for (const name of readdirSync(log)) if (/^0{19}[0-4]/.test(name)) utimesSync(join(log, name), weekAgo, weekAgo)
  lake.rows('new.ndjson', [{ id: 10 }])
  const load = () => loadInto(tblctl, lake.folder, ref, ['new.ndjson'], { batchId: 'new' })
  return { lake, tblctl, folder, log, load, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const jsonsIn = (log: string): number[] =>
  readdirSync(log)
    .filter((name) => /^\d{20}\.json$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .toSorted((a, b) => a - b)

describe('a commit', () => {
  it('after whose checkpoint the log was cleaned up: the table reads as before, and no batch is forgotten', async () => {
    await using made = await oldTable()
    const { lake, tblctl, folder, log, load } = made
    await using chdb: Chdb = startChdb(lake.folder)
    expect(await chdb.content(folder)).toMatchObject({ rows: 10 })
    expect(await load()).toMatchObject({ status: 'changed', result: { version: 7 } })
    expect(jsonsIn(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    lake.rows('newer.ndjson', [{ id: 11 }])
    await loadInto(tblctl, lake.folder, ref, ['newer.ndjson'])
    expect(jsonsIn(log)).toEqual([4, 5, 6, 7, 8])
    await using other = await lake.open()
    expect(await contentOf(other, ref)).toEqual(await contentOf(tblctl, ref))
    expect((await contentOf(other, ref)).rows).toBe(12)
    const [kernel] = await chdb.query(`SELECT count(), sum(id) FROM (SELECT * FROM deltaLakeLocal('${folder}/'))`)
    expect(kernel!.map(Number)).toEqual([12, 66])
    // Also through each checkpoint alone.
    rmSync(join(log, '_last_checkpoint'))
    expect(await chdb.content(folder)).toMatchObject({ rows: 12 })
    // Its commits are gone; its transaction is not.
    for (const [batchId, input] of [
      ['old', 'old.ndjson'],
      ['new', 'new.ndjson'],
    ] as const)
      expect(await loadInto(other, lake.folder, ref, [input], { batchId, commitRows: 2 })).toMatchObject({
        status: 'unchanged',
      })
    expect((await contentOf(other, ref)).rows).toBe(12)
  }, 60_000)

  it('leaves the log alone where the table says so', async () => {
    await using made = await oldTable({ 'delta.enableExpiredLogCleanup': 'false' })
    const { lake, tblctl, log, load } = made
    await load()
    lake.rows('newer.ndjson', [{ id: 11 }])
    await loadInto(tblctl, lake.folder, ref, ['newer.ndjson'])
    expect(jsonsIn(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('stands when the clean-up fails: that is told, and the next checkpoint tries again', async () => {
    await using made = await oldTable({ 'delta.logRetentionDuration': 'a while' })
    const { lake, log, load } = made
    const warnings: string[] = []
    const reporter = { log: (level: string, message: string) => void (level === 'warn' && warnings.push(message)) }
    await load()
    lake.rows('newer.ndjson', [{ id: 11 }])
    const other = await lake.open({ reporter })
    expect(await loadInto(other, lake.folder, ref, ['newer.ndjson'])).toMatchObject({ result: { version: 8 } })
    expect(warnings).toEqual([
      expect.stringMatching(/^version 8 is committed, but its log could not be cleaned up: .*a while/),
    ])
    expect(jsonsIn(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(readdirSync(log)).toContain(`${paddedVersion(8)}.checkpoint.parquet`)
  })

  it('killed at every durable step of the clean-up: the same rows, and versions without a gap', async () => {
    await using made = await oldTable()
    const { lake, tblctl, folder, log, load } = made
    await load()
    const call = { verb: 'load', ref, inputs: [lake.rows('k.ndjson', [{ id: 11 }])], more: { batchId: 'k' } } as const
    await tblctl[Symbol.asyncDispose]()
    await using chdb = startChdb(lake.folder)
    using before = saved(lake.folder)
    await killEverywhere(
      {
        setUp: () => before.restore(),
        command: (_, env) => run(lake.folder, call, env),
        oracle: async () => {
          const [kernel] = await chdb.query(`SELECT count(), sum(id) FROM (SELECT * FROM deltaLakeLocal('${folder}/'))`)
          return { versions: jsonsIn(log).filter((version) => version >= 4), kernel }
        },
        every: 2, // the steps of a load and of a checkpoint have tests of their own
      },
      10,
    )
  }, 180_000)
})
