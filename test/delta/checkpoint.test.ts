/** Checkpoints that we write: everything of a version, read again by us and by Delta's own kernel, and never in the way of a commit. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogLevel } from '../../src/core/operation.ts'
import type { Action } from '../../src/drivers/delta/log/actions.ts'
import { formatExact } from '../../src/drivers/delta/log/exact-json.ts'
import { commitKey, encodePath, paddedVersion } from '../../src/drivers/delta/log/paths.ts'
import { readSnapshot, type Snapshot } from '../../src/drivers/delta/log/snapshot.ts'
import { checkpointKey, writeCheckpoint } from '../../src/drivers/delta/log/write-checkpoint.ts'
import { canonicalJson } from '../../src/drivers/delta/log/write-last-checkpoint.ts'
import { openLocalStore } from '../../src/storage/local.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { add, type Fixture, fixture, metaData, protocol, remove, view } from '../unit/delta/fixture.ts'
import { itemOf, run } from './program.ts'
import { saved } from './saved.ts'
import { sessionWith } from './with-store.ts'
import { commitAs, contentOf, create, hasSharedData, Lake, loadInto, logOf, optimize, sharedData } from './world.ts'

const now = new Date('2026-03-10T12:00:00Z')
const day = 24 * 3_600_000
const ago = (days: number): number => now.getTime() - days * day
const everything = { tombstones: true } as const

const write = async (made: Fixture, snapshot: Snapshot, store: ObjectStore = made.store) =>
  writeCheckpoint(store, 't', snapshot, { scratch: made.scratch, now })
/** What a checkpoint must keep of a version; nothing that a checkpoint holds changes the table. */
const stateOf = ({ protocol: p, metadata, files, tombstones, txns, domains }: Snapshot) => ({
  protocol: p,
  metadata,
  files: new Map([...files].map(([key, file]) => [key, { ...file, dataChange: false }])),
  tombstones: new Map([...tombstones!].map(([key, { tags: _, ...file }]) => [key, { ...file, dataChange: false }])),
  txns,
  domains,
})
async function withoutCommits(made: Fixture, upTo: number): Promise<void> {
  for (let version = 0; version <= upTo; version++) await made.store.delete([commitKey('t', version)])
}
const hintOf = async ({ store }: Fixture) =>
  JSON.parse(new TextDecoder().decode((await store.read('t/_delta_log/_last_checkpoint')) ?? Buffer.from('null')))

describe('a checkpoint', () => {
  it('holds all that its version holds, and what is expired no more', async () => {
    const made = await fixture()
    const vector = {
      storageType: 'u',
      pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
      offset: 4,
      sizeInBytes: 40,
      cardinality: 6,
    }
    await made.commit(0, [
      protocol,
      metaData({ name: 'n', description: 'ü', partitionColumns: [], configuration: { 'a.b': 'c' }, createdTime: 5 }),
      { txn: { appId: 'app', version: 7, lastUpdated: 3 } },
      { domainMetadata: { domain: 'd', configuration: '{"x":"\\n"}', removed: false } },
      { domainMetadata: { domain: 'gone', configuration: '', removed: false } },
      add('a', { stats: '{"numRecords":1,"minValues":{"id":9007199254740993}}', tags: { t: 'x', u: null } }),
      add('p=%2525/b%20c', { partitionValues: { p: '%', q: null }, baseRowId: 1, defaultRowCommitVersion: 2 }),
      add('v', { stats: '{"numRecords":9}', clusteringProvider: 'liquid' }),
      add('old'),
      add('young', { tags: { t: 'x' } }),
    ])
    const text = `{"txn":{"appId":"far","version":9223372036854775807}}\n`
    await made.commit(
      1,
      text +
        [
          { domainMetadata: { domain: 'gone', configuration: '', removed: true } },
          remove('v', { deletionTimestamp: ago(1) }),
          add('v', { deletionVector: vector }),
          remove('old', { deletionTimestamp: ago(7) }),
          remove('young', { deletionTimestamp: ago(6.9), extendedFileMetadata: true, size: 3, tags: { t: 'x' } }),
        ]
          .map((action) => JSON.stringify(action))
          .join('\n'),
    )
    const before = (await made.read(everything))!
    expect(before.tombstones!.size).toBe(3)
    const written = (await write(made, before))!
    expect(written).toMatchObject({ version: 1, actions: 2 + 2 + 1 + 2 + 3, files: 3 })
    expect(await hintOf(made)).toEqual({
      version: 1,
      size: 10,
      sizeInBytes: written.bytes,
      numOfAddFiles: 3,
      checksum: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    await withoutCommits(made, 1)
    const wanted = stateOf(before)
    expect(wanted.tombstones.delete('old')).toBe(true)
    expect(stateOf((await made.read(everything))!)).toEqual(wanted)
  })

  it('leaves out statistics where the table says so, unless they would be in no form at all', async () => {
    const made = await fixture()
    const stats = { stats: '{"numRecords":1}' }
    const configure = (configuration: object) => metaData({ configuration })
    const off = { 'delta.checkpoint.writeStatsAsJson': 'false' }
    await made.commit(0, [protocol, configure(off), add('a', stats)])
    await made.commit(1, [configure({ ...off, 'delta.checkpoint.writeStatsAsStruct': 'true' })])
    for (const version of [1, 0]) await write(made, (await made.read({ ...everything, version }))!)
    await withoutCommits(made, 1)
    expect((await made.read({ version: 0 }))!.files.get('a')).not.toHaveProperty('stats')
    expect((await made.read({ version: 1 }))!.files.get('a')).toMatchObject(stats)
  })

  it('is left as it is where the version has one, and the hint never goes back', async () => {
    const made = await fixture()
    await made.commit(0, [protocol, metaData(), add('a')])
    await made.commit(1, [add('b')])
    expect(await write(made, (await made.read(everything))!)).not.toBeNull()
    expect(await write(made, (await made.read(everything))!)).toBeNull()
    expect(await write(made, (await made.read({ ...everything, version: 0 }))!)).toMatchObject({ version: 0 })
    expect(await hintOf(made)).toMatchObject({ version: 1 })
  })

  it.each<[string, (made: Fixture) => Promise<unknown>]>([
    ['lacks a file', (made) => made.commit(0, [protocol, metaData(), add('a')])],
    ['has another file', (made) => made.commit(0, [protocol, metaData(), add('a'), add('c')])],
    ['has another size of a file', (made) => made.commit(0, [protocol, metaData(), add('a'), add('b', { size: 11 })])],
  ])('that %s is found when it is read again, and removed', async (_what, other) => {
    const made = await fixture()
    const wrong = await fixture()
    await other(wrong)
    await write(wrong, (await wrong.read(everything))!)
    const bytes = (await wrong.store.read(checkpointKey('t', 0)))!
    await made.commit(0, [protocol, metaData(), add('a'), add('b')])
    const confusing: ObjectStore = {
      ...made.store,
      async upload(key) {
        await made.store.put(key, bytes)
        return (await made.store.head(key))!
      },
    }
    const snapshot = (await made.read(everything))!
    await expect(write(made, snapshot, confusing)).rejects.toThrow(
      expect.objectContaining(view(expect.objectContaining({ code: 'checkpoint-differs' }))),
    )
    expect(await made.store.head(checkpointKey('t', 0))).toBeUndefined()
    expect(await hintOf(made)).toBeNull()
  })

  it('gives back whatever log was played, at every version', async () => {
    const path = fc.stringMatching(/^[a-c][%é "'\\\u0001+=&?]{0,2}$/).map(encodePath)
    const values = fc.option(fc.dictionary(fc.constantFrom('p', 'q'), fc.option(fc.string())), { nil: undefined })
    const action: fc.Arbitrary<Action> = fc.oneof(
      fc
        .record({ path, size: fc.nat(), modificationTime: fc.nat(), values, stats: fc.option(fc.json()) })
        .map((one) => ({
          add: {
            path: one.path,
            partitionValues: one.values ?? {},
            size: one.size,
            modificationTime: one.modificationTime,
            dataChange: true,
            ...(one.stats === null ? {} : { stats: one.stats }),
          },
        })),
      fc.record({ path, age: fc.integer({ min: 0, max: 6 }) }).map(({ path: p, age }) => ({
        remove: { path: p, dataChange: true, deletionTimestamp: ago(age) },
      })),
      fc
        .record({ appId: fc.string({ minLength: 1 }), version: fc.bigInt({ min: 0n, max: 2n ** 62n }) })
        .map((txn) => ({ txn })),
      fc
        .record({ domain: fc.constantFrom('x', 'y'), configuration: fc.string(), removed: fc.boolean() })
        .map((domainMetadata) => ({ domainMetadata })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(action, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (commits) => {
          const made = await fixture()
          await made.commit(0, [protocol, metaData()])
          for (const [i, actions] of commits.entries()) await made.commit(i + 1, actions.map(formatExact).join('\n'))
          const before = (await made.read(everything))!
          await write(made, before)
          await withoutCommits(made, commits.length)
          expect(stateOf((await made.read(everything))!)).toEqual(stateOf(before))
        },
      ),
      { numRuns: 15 },
    )
  }, 180_000)

  it('is named with a checksum by the rules of the protocol', () => {
    // The sample of Delta PROTOCOL, "JSON checksum".
    const sample = {
      k0: "'v 0'",
      checksum: 'adsaskfljadfkjadfkj',
      k1: { k2: 2, k3: ['v3', [1, 2], { k4: 'v4', k5: ['v5', 'v6', 'v7'] }] },
    }
    const canonical =
      '"k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,"k1"+"k3"+2+"k4"="v4",' +
      '"k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7"'
    expect(canonicalJson(sample)).toBe(canonical)
  })
})

/** Delta's own compatibility tables: whatever they hold, a checkpoint of ours in place of their log says the same. */
describe.runIf(hasSharedData)('in place of the log of a real table', () => {
  const tables = hasSharedData
    ? [...readdirSync(join(sharedData, 'delta')).map((name) => `delta/${name}`), 'covid-nyt']
    : []
  it('it reads the same, to us and to Delta’s own kernel', async () => {
    await using lake = new Lake()
    await using chdb = startChdb(lake.folder)
    const compared: string[] = []
    for (const name of tables) {
      const source = ['delta', '.']
        .map((below) => join(sharedData, name, below))
        .find((at) => existsSync(join(at, '_delta_log')))
      if (source === undefined) continue
      const folder = lake.copyIn(source, name)
      const store = openLocalStore(folder)
      const options = { scratch: lake.path('scratch'), tombstones: true } as const
      const before = await readSnapshot(store, '', options).catch(() => undefined)
      if (before === undefined) continue // refused by name: test/delta/golden.test.ts
      const kernel = await chdb.content(folder).catch(() => null)
      for await (const { key } of store.list('_delta_log'))
        if (!key.endsWith('.json') || key.endsWith('_last_checkpoint')) await store.delete([key])
      const at = { scratch: options.scratch, now: new Date(0) }
      expect(await writeCheckpoint(store, '', before, at), name).toMatchObject({ files: before.files.size })
      for await (const { key } of store.list('_delta_log'))
        if (key.endsWith('.json') && key !== commitKey('', before.version)) await store.delete([key])
      const after = (await readSnapshot(store, '', options))!
      expect(after.checkpoint, name).toBe(before.version)
      expect(stateOf(after), name).toEqual(stateOf(before))
      if (kernel !== null) expect(await chdb.content(folder), name).toEqual(kernel)
      compared.push(name)
    }
    expect(compared.length).toBeGreaterThan(20)
  }, 240_000)
})

const schemas = {
  events:
    'table_name: events\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: p, data_type: Utf8, nullable: true }\npartitions: [p]\n',
}
const ref = 'lake:acme/t'
const checkpointsOf = (table: string): number[] =>
  readdirSync(join(table, '_delta_log'))
    .filter((name) => name.endsWith('.checkpoint.parquet'))
    .map((name) => Number(name.slice(0, 20)))
const hintIn = (table: string): number => {
  const file = join(table, '_delta_log/_last_checkpoint')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : -1
}
/** `commits` of two rows each, in one load. */
async function loadMany(lake: Lake, tblctl: Awaited<ReturnType<Lake['open']>>, batchId: string, commits: number) {
  const rows = Array.from({ length: 2 * commits }, (_, i) => ({ id: i, p: `${batchId}/${i % 2}` }))
  const input = lake.rows(`${batchId}.ndjson`, rows)
  return loadInto(tblctl, lake.folder, ref, [input], { batchId, commitRows: 2 })
}
async function world(interval?: number) {
  const lake = new Lake(schemas)
  const warnings: string[] = []
  const reporter = { log: (level: LogLevel, message: string) => void (level === 'warn' && warnings.push(message)) }
  const tblctl = await lake.open({ reporter: reporter as never })
  await create(tblctl, ref, 'events')
  const table = lake.table('t')
  if (interval !== undefined) {
    const { metaData: made } = logOf(table)[0]!.find((action) => action.metaData)!
    commitAs(table, [
      { metaData: { ...made, configuration: { ...made.configuration, 'delta.checkpointInterval': String(interval) } } },
    ])
  }
  return { lake, tblctl, table, warnings, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}

describe('a commit', () => {
  it('is followed by a checkpoint every delta.checkpointInterval versions; with only that and what follows the table is whole', async () => {
    await using made = await world(4)
    const { lake, tblctl, table, warnings } = made
    await using chdb = startChdb(lake.folder)
    expect(await loadMany(lake, tblctl, 'one', 5)).toMatchObject({ result: { commits: 5, version: 6 } })
    expect([checkpointsOf(table), hintIn(table)]).toEqual([[4], 4])
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed' })
    expect(await loadMany(lake, tblctl, 'two', 6)).toMatchObject({ result: { commits: 6, version: 14 } })
    expect([checkpointsOf(table), hintIn(table)]).toEqual([[4, 8, 12], 12])
    expect(warnings).toEqual([])
    const content = await contentOf(tblctl, ref)
    expect(content.rows).toBe(22)
    const kernel = await chdb.content(table)
    expect(kernel.rows).toBe(22)
    for (let version = 0; version < 12; version++) rmSync(join(table, '_delta_log', `${paddedVersion(version)}.json`))
    await using other = await lake.open()
    expect(await contentOf(other, ref)).toEqual(content)
    expect(await chdb.content(table)).toEqual(kernel)
    // Both batches are in the checkpoint, one of them only there: neither is loaded again.
    for (const [batch, commits] of [
      ['one', 5],
      ['two', 6],
    ] as const)
      expect(await loadMany(lake, other, batch, commits)).toMatchObject({ status: 'unchanged' })
  }, 60_000)

  it('of any version is followed by one when foreign writers left two intervals without', async () => {
    await using made = await world(3)
    const { lake, tblctl, table } = made
    for (let i = 0; i < 6; i++) commitAs(table, [{ commitInfo: { operation: 'FOREIGN' } }])
    await loadMany(lake, tblctl, 'one', 3)
    // 8 is the first one that is more than 6 behind; 9 is a multiple, 10 neither.
    expect(logOf(table)).toHaveLength(11)
    expect(checkpointsOf(table)).toEqual([8, 9])
  })

  it('stands when its checkpoint cannot be written: that is told, and tried at the next multiple', async () => {
    await using made = await world(2)
    const { lake, tblctl, table, warnings } = made
    // A folder in its place: neither a file nor free.
    writeFileSync(join(table, '_delta_log/_last_checkpoint'), '{"version": "nonsense"}')
    await loadMany(lake, tblctl, 'one', 1)
    expect(hintIn(table)).toBe(2)
    const { metaData: now_ } = logOf(table)
      .flat()
      .findLast((action) => action.metaData)!
    commitAs(table, [{ metaData: { ...now_, configuration: { 'delta.checkpointInterval': 'often' } } }])
    expect(await loadMany(lake, tblctl, 'two', 1)).toMatchObject({ status: 'changed', result: { version: 4 } })
    expect(checkpointsOf(table)).toEqual([2])
    expect(warnings).toEqual([expect.stringMatching(/^version 4 is committed, but no checkpoint was written: .*often/)])
  })

  it('stands when the storage fails at the checkpoint', async () => {
    await using made = await world(2)
    const { lake, table } = made
    const full = (store: ObjectStore): ObjectStore => ({
      ...store,
      upload: async (key, file) => {
        if (key.endsWith('.checkpoint.parquet')) throw new Error('no space is left')
        return store.upload(key, file)
      },
    })
    await using session = await sessionWith(lake.folder, full)
    const subject = {
      kind: 'table' as const,
      path: 'lake/acme/t',
      spec: (await session.catalog().table('lake/acme/t'))!.spec,
    }
    const { operate } = await import('../../src/api/operate.ts')
    const options = {
      inputs: [{ path: lake.path(lake.rows('a.ndjson', [{ id: 1, p: 'x' }])), format: 'ndjson' }],
      batchId: 'a',
    }
    const [item] = (await operate(session, 'load', [subject], options)).items
    expect(item).toMatchObject({ status: 'changed', result: { rows: 1, version: 2 } })
    expect(checkpointsOf(table)).toEqual([])
  })

  it('killed at every durable step around a checkpoint: the same rows, and a hint that leads to a checkpoint or nowhere', async () => {
    await using made = await world(2)
    const { lake, tblctl, table } = made
    const rows = Array.from({ length: 2 }, (_, id) => ({ id, p: 'a' }))
    const call = {
      verb: 'load',
      ref,
      inputs: [lake.rows('k.ndjson', rows)],
      more: { batchId: 'k', commitRows: 2 },
    } as const
    await tblctl[Symbol.asyncDispose]()
    await using chdb = startChdb(lake.folder)
    using before = saved(lake.folder)
    const tried = await killEverywhere(
      {
        setUp: () => before.restore(),
        command: (_, env) => run(lake.folder, call, env),
        oracle: async () => {
          const hint = hintIn(table)
          const [kernel] = await chdb.query(`SELECT count(), sum(id) FROM (SELECT * FROM deltaLakeLocal('${table}/'))`)
          return { kernel, versions: logOf(table).length, hinted: hint === -1 || checkpointsOf(table).includes(hint) }
        },
      },
      20,
    )
    expect(tried).toBeGreaterThan(20)
    expect(itemOf(await run(lake.folder, call))).toMatchObject({ status: 'unchanged' })
  }, 180_000)
})
