/** Checkpoints of every kind on read: V2 with sidecars, tombstones, parsed statistics, damage that can be gone around; and random logs against a model. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sidecarKey } from '../../../src/drivers/delta/log/sidecars.ts'
import { readSnapshot, type Snapshot, updateSnapshot } from '../../../src/drivers/delta/log/snapshot.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { checkpoint, checkpointColumns, sidecarColumns, v2Columns } from './checkpoint.ts'
import { add, type Fixture, fixture, metaData, protocol, remove, view } from './fixture.ts'

const failure = (part: object): unknown => expect.objectContaining(view(expect.objectContaining(part)))
const pad = (version: number): string => String(version).padStart(20, '0')
const uuid = 'e8fa2696-9728-4e9c-b285-634743fdd4fb'
const lines = (actions: readonly object[]): Buffer => Buffer.from(actions.map((a) => `${JSON.stringify(a)}\n`).join(''))
const summary = (snapshot: Snapshot | undefined): object => ({
  version: snapshot?.version,
  checkpoint: snapshot?.checkpoint,
  files: [...(snapshot?.files.keys() ?? [])].toSorted(),
})
const sidecar = (path: string): object => ({ sidecar: { path, sizeInBytes: 1, modificationTime: 1, tags: {} } })
const nonFile = [
  { checkpointMetadata: { version: 10 } },
  protocol,
  metaData(),
  { txn: { appId: 'app', version: 3 } },
  { domainMetadata: { domain: 'd', configuration: 'c', removed: false } },
]

async function withSidecars(table: Fixture): Promise<void> {
  await checkpoint(table, '_sidecars/one.parquet', [add('a'), remove('gone')], sidecarColumns)
  await checkpoint(table, '_sidecars/two%.parquet', [add('b')], sidecarColumns)
  await table.commit(11, [add('c')])
}

describe('a V2 checkpoint', () => {
  const whole = { version: 11, checkpoint: 10, files: ['a', 'b', 'c', 'top'] }
  // Names, and what older writers put: whole paths and URLs, percent-encoded.
  const named = [sidecar('s3://bucket/t/_delta_log/_sidecars/one.parquet'), sidecar('two%25.parquet')]
  const top = [...nonFile, add('top'), ...named]

  it('is read as Parquet, also under the classic name', async () => {
    for (const name of [`${pad(10)}.checkpoint.${uuid}.parquet`, `${pad(10)}.checkpoint.parquet`]) {
      const table = await fixture()
      await withSidecars(table)
      await checkpoint(table, name, top, v2Columns)
      const snapshot = (await table.read({ tombstones: true }))!
      expect(summary(snapshot)).toEqual(whole)
      expect([...snapshot.tombstones!.keys()]).toEqual(['gone'])
      expect(snapshot.txns.get('app')?.version).toBe(3n)
      expect(snapshot.domains.get('d')?.configuration).toBe('c')
    }
  })

  it('is read as JSON', async () => {
    const table = await fixture()
    await withSidecars(table)
    await table.store.put(`t/_delta_log/${pad(10)}.checkpoint.${uuid}.json`, lines(top))
    await table.store.put('t/_delta_log/_last_checkpoint', Buffer.from('{"version":10}'))
    expect(summary(await table.read())).toEqual(whole)
    const remote: ObjectStore = { ...table.store, url: 's3://bucket', localPath: () => null }
    const snapshot = await readSnapshot(remote, 't', { scratch: table.scratch, tombstones: true })
    expect(summary(snapshot)).toEqual(whole)
    expect(snapshot?.tombstones?.size).toBe(1)
  })

  it('needs no sidecars', async () => {
    const table = await fixture()
    await table.store.put(`t/_delta_log/${pad(10)}.checkpoint.${uuid}.json`, lines([...nonFile, add('top')]))
    expect(summary(await table.read())).toEqual({ version: 10, checkpoint: 10, files: ['top'] })
  })

  it('without one of its sidecars is an error, unless the commits are there', async () => {
    const table = await fixture()
    await withSidecars(table)
    const name = `${pad(10)}.checkpoint.${uuid}.json`
    await table.store.put(`t/_delta_log/${name}`, lines(top))
    await rm(join(table.root, 't/_delta_log/_sidecars/one.parquet'))
    const error = failure({
      kind: 'data',
      code: 'corrupt-checkpoint',
      where: join(table.root, 't/_delta_log', name),
      message: expect.stringContaining('one.parquet'),
    })
    await expect(table.read()).rejects.toThrow(error)
    for (let version = 0; version <= 10; version++)
      await table.commit(version, version === 0 ? [protocol, metaData(), add('from json')] : [{ commitInfo: {} }])
    const warnings: string[] = []
    const read = await table.read({ warn: (message) => warnings.push(message) })
    expect(summary(read)).toEqual({ version: 11, checkpoint: null, files: ['c', 'from json'] })
    expect(warnings).toEqual([expect.stringContaining('one.parquet')])
  })

  it.each([
    ['a sidecar without a name', '{"sidecar":{"path":"folder/"}}'],
    ['a sidecar that is a text', '{"sidecar":"x"}'],
    ['a sidecar that is badly encoded', '{"sidecar":{"path":"%"}}'],
    ['a line that is cut off', '{"add":{"path":"x"'],
    ['a sidecar that is cut off', '{"sidecar":{"path":"x"'],
  ])('with %s is an error', async (_what, line) => {
    const table = await fixture()
    await table.store.put(
      `t/_delta_log/${pad(10)}.checkpoint.${uuid}.json`,
      Buffer.concat([lines(nonFile), Buffer.from(line)]),
    )
    await expect(table.read()).rejects.toThrow(failure({ code: 'corrupt-checkpoint' }))
  })

  it('never leads out of its folder', () => {
    expect(sidecarKey('t', 'x.parquet')).toBe('t/_delta_log/_sidecars/x.parquet')
    expect(sidecarKey('', 'file:///etc/passwd')).toBe('_delta_log/_sidecars/passwd')
    for (const path of ['', 'a/', '..', 'a/..', '%2e%2e', '..%2Fx', 'x%00', '%'])
      expect(sidecarKey('t', path)).toBeUndefined()
  })
})

describe('a checkpoint', () => {
  it('gives the tombstones only to who asks', async () => {
    const table = await fixture()
    const vector = { storageType: 'u', pathOrInlineDv: 'x', offset: 1, sizeInBytes: 2, cardinality: 3 }
    const columns = {
      ...checkpointColumns,
      add: checkpointColumns.add!.replace(
        /\)$/,
        ', deletionVector STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, "offset" INTEGER, sizeInBytes INTEGER, cardinality BIGINT))',
      ),
    }
    const state = [protocol, metaData(), add('a', { deletionVector: vector }), remove('gone'), remove('again')]
    await checkpoint(table, `${pad(10)}.checkpoint.parquet`, state, columns)
    await table.commit(11, [add('again'), remove('late', { deletionTimestamp: 9 })])
    const plain = (await table.read())!
    expect(plain.tombstones).toBeNull()
    expect([...plain.files.values()].map((file) => file.deletionVector)).toEqual([vector, undefined])
    const asked = (await table.read({ tombstones: true }))!
    expect([...asked.tombstones!]).toEqual([
      ['gone', { path: 'gone', deletionTimestamp: 5, dataChange: true }],
      ['late', { path: 'late', deletionTimestamp: 9, dataChange: true }],
    ])
    const again = (tombstones: boolean, from: Snapshot) =>
      updateSnapshot(table.store, 't', from, { scratch: table.scratch, ...(tombstones ? { tombstones } : {}) })
    expect((await again(true, plain))?.tombstones?.size).toBe(2)
    await table.commit(12, [add('gone'), remove('again')])
    expect([...(await again(true, asked))!.tombstones!.keys()]).toEqual(['late', 'again'])
    expect([...(await again(false, asked))!.tombstones!.keys()]).toEqual(['late', 'again'])
    expect((await again(false, plain))?.tombstones).toBeNull()
    expect([...asked.tombstones!.keys()]).toEqual(['gone', 'late'])
  })

  it('with parsed statistics only still counts its rows', async () => {
    const table = await fixture()
    const files = [
      add('a', { stats_parsed: { numRecords: 3 } }),
      add('b', { stats_parsed: { numRecords: 4 }, stats: '{"numRecords":5}' }),
      add('c'),
    ]
    await checkpoint(table, `${pad(10)}.checkpoint.parquet`, [protocol, metaData(), ...files])
    const without = {
      ...checkpointColumns,
      add: 'STRUCT("path" VARCHAR, size BIGINT, modificationTime BIGINT, stats_parsed STRUCT(numRecords BIGINT))',
    }
    const statsOf = (snapshot: Snapshot | undefined) => [...snapshot!.files.values()].map(({ stats }) => stats)
    expect(statsOf(await table.read())).toEqual(['{"numRecords":3}', '{"numRecords":5}', undefined])
    await checkpoint(table, `${pad(10)}.checkpoint.parquet`, [protocol, metaData(), ...files], without)
    expect(statsOf(await table.read())).toEqual(['{"numRecords":3}', '{"numRecords":4}', undefined])
    const nothing = {
      ...without,
      add: 'STRUCT("path" VARCHAR, size BIGINT, modificationTime BIGINT, stats_parsed STRUCT(x BIGINT))',
    }
    await checkpoint(table, `${pad(10)}.checkpoint.parquet`, [protocol, metaData(), ...files], nothing)
    expect(statsOf(await table.read())).toEqual([undefined, undefined, undefined])
  })

  it('that is damaged is gone around by an older one, with a remark', async () => {
    const table = await fixture()
    const warnings: string[] = []
    const read = (version?: number) =>
      table.read({ warn: (message) => warnings.push(message), ...(version === undefined ? {} : { version }) })
    await checkpoint(table, `${pad(10)}.checkpoint.parquet`, [protocol, metaData(), add('ten')])
    for (let version = 11; version <= 21; version++) await table.commit(version, [add(`f${version}`)])
    const damaged = join(table.root, 't/_delta_log', `${pad(20)}.checkpoint.parquet`)
    await writeFile(damaged, 'not Parquet at all')
    await table.store.put('t/_delta_log/_last_checkpoint', Buffer.from('{"version":20}'))
    expect(await read()).toMatchObject({ version: 21, checkpoint: 10 })
    expect((await read())?.files.size).toBe(12)
    expect(warnings[0]).toContain('cannot be read')
    expect((await read(15))?.files.size).toBe(6)
    // A second one of that version, whole.
    await table.store.put(`t/_delta_log/${pad(20)}.checkpoint.${uuid}.json`, lines([protocol, metaData(), add('v2')]))
    expect(summary(await read())).toEqual({ version: 21, checkpoint: 20, files: ['f21', 'v2'] })
    await rm(join(table.root, 't/_delta_log', `${pad(20)}.checkpoint.${uuid}.json`))
    // With a commit missing between them the older one leads nowhere.
    await rm(join(table.root, 't/_delta_log', `${pad(15)}.json`))
    await expect(read()).rejects.toThrow(failure({ code: 'corrupt-checkpoint', where: damaged }))
  })

  it('is not needed where compacted commits stand beside the commits', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData(), add('a')])
    await table.commit(1, [remove('a'), add('b')])
    await table.store.put(`t/_delta_log/${pad(0)}.${pad(1)}.compacted.json`, lines([protocol, metaData(), add('b')]))
    await table.store.put(`t/_delta_log/${pad(1)}.crc`, Buffer.from('{"numFiles":1}'))
    expect(summary(await table.read())).toEqual({ version: 1, checkpoint: null, files: ['b'] })
  })
})

describe('random logs', () => {
  const paths = ['a', 'b', 'c%20d', 'p=1/e', 'f']
  const vectors = [undefined, { storageType: 'u', pathOrInlineDv: 'x', offset: 1, sizeInBytes: 2, cardinality: 3 }]
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'remove', 'txn', 'domain', 'undomain'),
    path: fc.constantFrom(...paths),
    vector: fc.constantFrom(0, 0, 0, 1),
    size: fc.nat(1000),
  })
  const checkpointKind = fc.constantFrom('none', 'none', 'classic', 'parts', 'v2', 'damaged')

  /** The plainest reading of the protocol: keep the newest word about each thing. */
  class Model {
    files = new Map<string, { action: any; live: boolean }>()
    txns = new Map<string, number>()
    domains = new Map<string, string>()
    apply(actions: readonly any[]): void {
      for (const { add: added, remove: removed, txn, domainMetadata } of actions) {
        const file = added ?? removed
        if (file) this.files.set(this.key(file), { action: file, live: added !== undefined })
        if (txn) this.txns.set(txn.appId, txn.version)
        if (domainMetadata?.removed === false) this.domains.set(domainMetadata.domain, domainMetadata.configuration)
        if (domainMetadata?.removed) this.domains.delete(domainMetadata.domain)
      }
    }
    key(file: any): string {
      const vector = file.deletionVector ? `\0u${file.deletionVector.pathOrInlineDv}@1` : ''
      return decodeURIComponent(file.path) + vector
    }
    state(): object {
      const keys = (live: boolean) => [...this.files].filter(([, file]) => file.live === live).map(([key]) => key)
      const sizes = [...this.files].filter(([, file]) => file.live).map(([key, { action }]) => [key, action.size])
      return {
        live: keys(true).toSorted(),
        gone: keys(false).toSorted(),
        sizes: sizes.toSorted(),
        txns: [...this.txns].toSorted(),
        domains: [...this.domains].toSorted(),
      }
    }
    actions(): object[] {
      return [
        protocol,
        metaData(),
        ...[...this.txns].map(([appId, version]) => ({ txn: { appId, version } })),
        ...[...this.domains].map(([domain, configuration]) => ({
          domainMetadata: { domain, configuration, removed: false },
        })),
        ...[...this.files.values()].map(({ action, live }) => (live ? { add: action } : { remove: action })),
      ]
    }
  }
  const stateOf = (snapshot: Snapshot): object => ({
    live: [...snapshot.files.keys()].toSorted(),
    gone: [...snapshot.tombstones!.keys()].toSorted(),
    sizes: [...snapshot.files].map(([key, { size }]) => [key, size]).toSorted(),
    txns: [...snapshot.txns].map(([app, { version }]) => [app, Number(version)]).toSorted(),
    domains: [...snapshot.domains].map(([domain, { configuration }]) => [domain, configuration]).toSorted(),
  })
  const vectorType =
    ', deletionVector STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, "offset" INTEGER, sizeInBytes INTEGER, cardinality BIGINT))'
  const columns = {
    ...checkpointColumns,
    add: checkpointColumns.add!.replace(/\)$/, vectorType),
    remove: checkpointColumns.remove!.replace(/\)$/, vectorType),
  }

  function actionOf({
    kind,
    path,
    vector,
    size,
  }: {
    kind: string
    path: string
    vector: number
    size: number
  }): object {
    const dv = vectors[vector] === undefined ? {} : { deletionVector: vectors[vector] }
    if (kind === 'add') return add(path, { size, ...dv })
    if (kind === 'remove') return remove(path, dv)
    if (kind === 'txn') return { txn: { appId: path, version: size } }
    return { domainMetadata: { domain: path, configuration: String(size), removed: kind === 'undomain' } }
  }

  async function writeCheckpoint(
    table: Fixture,
    version: number,
    kind: string,
    actions: readonly object[],
  ): Promise<void> {
    const name = `${pad(version)}.checkpoint`
    if (kind === 'classic') await checkpoint(table, `${name}.parquet`, actions, columns)
    if (kind === 'damaged') await table.store.put(`t/_delta_log/${name}.parquet`, Buffer.from('nonsense'))
    if (kind === 'parts')
      for (const part of [0, 1])
        await checkpoint(
          table,
          `${name}.000000000${part + 1}.0000000002.parquet`,
          actions.filter((_, i) => i % 2 === part),
          columns,
        )
    if (kind === 'v2') {
      const inSidecar = actions.filter((action) => 'add' in action || 'remove' in action)
      const rest = actions.filter((action) => !('add' in action || 'remove' in action))
      await checkpoint(table, `_sidecars/${version}.parquet`, inSidecar, { add: columns.add, remove: columns.remove })
      await table.store.put(`t/_delta_log/${name}.${uuid}.json`, lines([...rest, sidecar(`${version}.parquet`)]))
    }
  }

  it('are what a plain model of the protocol says, at every version', async () => {
    const commit = fc.tuple(fc.array(step, { maxLength: 6 }), checkpointKind)
    await fc.assert(
      fc.asyncProperty(fc.array(commit, { minLength: 1, maxLength: 5 }), fc.boolean(), async (commits, cleaned) => {
        const table = await fixture()
        const model = new Model()
        const states = [model.state()]
        await table.commit(0, [protocol, metaData()])
        let newestWhole = 0
        for (const [i, [steps, kind]] of commits.entries()) {
          const actions = [
            ...new Map(steps.map((each) => [`${each.path} ${each.kind.replace('un', '')}`, each])).values(),
          ]
          const written = actions.map(actionOf)
          await table.commit(i + 1, written)
          model.apply(written)
          states.push(model.state())
          await writeCheckpoint(table, i + 1, kind, model.actions())
          if (kind !== 'none' && kind !== 'damaged') newestWhole = i + 1
        }
        // What a clean-up leaves: the newest whole checkpoint and everything since.
        if (cleaned)
          for (let version = 0; version < newestWhole; version++)
            await rm(join(table.root, 't/_delta_log', `${pad(version)}.json`))
        for (let version = cleaned ? newestWhole : 0; version < states.length; version++)
          expect(stateOf((await table.read({ version, tombstones: true }))!)).toEqual(states[version])
      }),
      { numRuns: 12 },
    )
  }, 60_000)
})
