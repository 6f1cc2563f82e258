import { execFile } from 'node:child_process'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseType } from '../../../src/core/types.ts'
import type { Action } from '../../../src/drivers/delta/log/actions.ts'
import { commit } from '../../../src/drivers/delta/log/commit.ts'
import type { CommitOutcome, CommitRequest } from '../../../src/drivers/delta/log/commit-request.ts'
import { createActions, type NewTable } from '../../../src/drivers/delta/log/create.ts'
import { encodePath } from '../../../src/drivers/delta/log/paths.ts'
import { removeOf } from '../../../src/drivers/delta/log/replay.ts'
import type { Snapshot } from '../../../src/drivers/delta/log/snapshot.ts'
import { formatStats } from '../../../src/drivers/delta/log/stats.ts'
import { openEngine } from '../../../src/engine/engine.ts'
import { writeParquet } from '../../../src/engine/write-parquet.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { faultyStore } from '../../support/faulty-store.ts'
import { add, type Fixture, fixture, metaData, protocol, remove, temporaryFolder, view } from './fixture.ts'

const committer = { engineInfo: 'tblctl/1.2.3', run: 'run-1', job: 'job-1', now: () => new Date(1_700_000_000_000) }
const operation = { name: 'WRITE', parameters: { mode: 'Append' }, metrics: { numFiles: 1 } }
const adds = (path: string, more: object = {}): Action => add(path, more) as Action
const failure = (part: object): unknown => expect.objectContaining(view(expect.objectContaining(part)))
const v = (version: number): string => `t/_delta_log/${String(version).padStart(20, '0')}.json`
const lines = async (store: ObjectStore, version: number): Promise<any[]> =>
  Buffer.from((await store.read(v(version)))!)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

async function table(more: object = {}): Promise<Fixture & { snapshot: Snapshot }> {
  const made = await fixture()
  await made.commit(0, [protocol, metaData(more), add('a'), add('b'), { txn: { appId: 'old', version: 5 } }])
  return { ...made, snapshot: (await made.read())! }
}
const append = (snapshot: Snapshot, path: string, more: Partial<CommitRequest> = {}): CommitRequest => ({
  snapshot,
  kind: 'append',
  actions: [adds(path)],
  operation,
  ...more,
})
const rewrite = (snapshot: Snapshot, inputs: readonly string[], output: string, dataChange = false): CommitRequest => ({
  snapshot,
  kind: 'rewrite',
  actions: [
    ...inputs.map((path): Action => ({ remove: removeOf(snapshot.files.get(path)!, 1, dataChange) })),
    adds(output, { dataChange }),
  ],
  operation: { ...operation, name: 'OPTIMIZE' },
})

describe('committing', () => {
  it('writes the next version: commitInfo first, one action a line', async () => {
    const { store, snapshot } = await table()
    const outcome = await commit(store, 't', append(snapshot, 'c', { txn: { appId: 'batch', version: 7 } }), committer)
    expect(outcome).toEqual({ is: 'committed', version: 1 })
    const [info, ...rest] = await lines(store, 1)
    expect(info.commitInfo).toMatchObject({
      timestamp: 1_700_000_000_000,
      operation: 'WRITE',
      operationParameters: { mode: 'Append' },
      operationMetrics: { numFiles: '1' },
      readVersion: 0,
      isolationLevel: 'Serializable',
      isBlindAppend: true,
      engineInfo: 'tblctl/1.2.3',
      tblctl: { run: 'run-1', job: 'job-1' },
    })
    expect(info.commitInfo.txnId).toMatch(/^[0-9a-f-]{36}$/)
    expect(rest).toEqual([{ txn: { appId: 'batch', version: 7, lastUpdated: 1_700_000_000_000 } }, add('c')])
  })

  it('goes on behind appends of others', async () => {
    const made = await table()
    await made.commit(1, [add('x')])
    await made.commit(2, [add('y'), { txn: { appId: 'another', version: 9 } }])
    const request = append(made.snapshot, 'c', { txn: { appId: 'batch', version: 7 } })
    expect(await commit(made.store, 't', request, committer)).toEqual({ is: 'committed', version: 3 })
    expect((await lines(made.store, 3))[0].commitInfo.readVersion).toBe(0)
    expect([...(await made.read())!.files.keys()]).toEqual(['a', 'b', 'x', 'y', 'c'])
  })

  it('does a transaction once, whoever did it', async () => {
    const made = await table()
    const once = (appId: string, version: number): Promise<CommitOutcome> =>
      commit(made.store, 't', append(made.snapshot, 'c', { txn: { appId, version } }), committer)
    expect(await once('old', 5)).toEqual({ is: 'already' })
    expect(await once('old', 4)).toEqual({ is: 'already' })
    // It goes on from 4, and somebody has been at 5: that may be a part of it.
    const later = { txn: { appId: 'old', version: 6, after: 4 } }
    expect(await commit(made.store, 't', append(made.snapshot, 'x', later), committer)).toEqual({ is: 'overtaken' })
    expect(await once('new', 1)).toEqual({ is: 'committed', version: 1 })
    expect(await once('new', 1)).toEqual({ is: 'already' })
    await made.commit(2, [metaData(), { txn: { appId: 'other', version: 2 } }])
    expect(await once('other', 1)).toEqual({ is: 'already' })
    expect((await made.read())?.version).toBe(2)
  })

  it('does not go on behind a part of the same transaction: its rows could be in both', async () => {
    const made = await table()
    await made.commit(1, [add('x'), { txn: { appId: 'batch', version: 6 } }])
    const request = append(made.snapshot, 'c', { txn: { appId: 'batch', version: 7 } })
    expect(await commit(made.store, 't', request, committer)).toEqual({ is: 'overtaken' })
    expect((await made.read())?.version).toBe(1)
  })

  it.each([
    ['the metadata', metaData({ name: 'changed' })],
    ['the protocol', protocol],
  ])('stops when a winner changed %s', async (_what, action) => {
    for (const request of [append, (s: Snapshot) => rewrite(s, ['a'], 'c')]) {
      const made = await table()
      await made.commit(1, [add('x')])
      await made.commit(2, [action])
      expect(await commit(made.store, 't', request(made.snapshot, 'c'), committer)).toEqual({
        is: 'metadata-changed',
        version: 2,
      })
      expect((await made.read())?.version).toBe(2)
    }
  })

  it('rewrites beside appends, and beside rewrites of other files', async () => {
    const made = await table()
    await made.commit(1, [add('x'), remove('b')])
    const outcome = await commit(made.store, 't', rewrite(made.snapshot, ['a'], 'c'), committer)
    expect(outcome).toEqual({ is: 'committed', version: 2 })
    const [info] = await lines(made.store, 2)
    expect(info.commitInfo).toMatchObject({ isolationLevel: 'SnapshotIsolation', isBlindAppend: false })
    expect([...(await made.read())!.files.keys()]).toEqual(['x', 'c'])
  })

  it('loses a rewrite when a winner removed an input, and says which', async () => {
    const made = await table()
    await made.commit(1, [remove('a'), remove('never'), add('x')])
    const outcome = await commit(made.store, 't', rewrite(made.snapshot, ['a', 'b'], 'c'), committer)
    expect(outcome).toMatchObject({ is: 'conflict', removedInputs: ['a'] })
    expect((await made.read())?.version).toBe(1)
  })

  it('loses when a winner wrote the same metadata domain', async () => {
    const made = await table()
    const domain = (name: string): Action => ({ domainMetadata: { domain: name, configuration: '', removed: false } })
    await made.commit(1, [domain('x')])
    const request = (name: string): CommitRequest => append(made.snapshot, 'c', { actions: [domain(name)] })
    expect(await commit(made.store, 't', request('x'), committer)).toMatchObject({ is: 'conflict' })
    expect(await commit(made.store, 't', request('y'), committer)).toMatchObject({ is: 'committed' })
  })

  it('gives up when others are faster every time', async () => {
    const made = await table()
    // No pauses between the attempts.
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => random.mockRestore())
    let version = 0
    const busy: ObjectStore = {
      ...made.store,
      putIfAbsent: async () => {
        await made.commit(++version, [add(`x${version}`)])
        return 'exists'
      },
    }
    const outcome = await commit(busy, 't', append(made.snapshot, 'c'), committer)
    expect(outcome).toMatchObject({ is: 'conflict', why: expect.stringContaining('50 times') })
    expect(version).toBe(50)
  })

  it('keeps to append-only, but lets files be rewritten', async () => {
    const made = await table({ configuration: { 'delta.appendOnly': 'true' } })
    const deleting = commit(made.store, 't', rewrite(made.snapshot, ['a'], 'c', true), committer)
    await expect(deleting).rejects.toThrow(failure({ kind: 'refused', code: 'append-only' }))
    expect(await commit(made.store, 't', rewrite(made.snapshot, ['a'], 'c'), committer)).toMatchObject({ version: 1 })
  })

  it('refuses a table that this version must not write, and writes nothing', async () => {
    const made = await table({ configuration: { 'delta.enableChangeDataFeed': 'true' } })
    const writing = commit(made.store, 't', append(made.snapshot, 'c'), committer)
    await expect(writing).rejects.toThrow(failure({ kind: 'refused', code: 'delta-feature' }))
    await expect(writing).rejects.toThrow('the Delta feature changeDataFeed, which this version cannot write')
    expect(await made.store.head(v(1))).toBeUndefined()
  })

  it.each<[string, (snapshot: Snapshot) => CommitRequest]>([
    ['one file twice', (s) => append(s, 'c', { actions: [adds('c d'), adds('c%20d')] })],
    ['an append that removes', (s) => ({ ...rewrite(s, ['a'], 'c'), kind: 'append' })],
    ['an append that changes the table', (s) => append(s, 'c', { actions: [metaData() as Action] })],
    ['a commitInfo of its own', (s) => append(s, 'c', { actions: [{ commitInfo: {} }] })],
    [
      'two transactions of one application',
      (s) => append(s, 'c', { txn: { appId: 'x', version: 1 }, actions: [{ txn: { appId: 'x', version: 2n } }] }),
    ],
    ['a new table without metadata', () => ({ ...append(null as never, 'c'), kind: 'metadata', snapshot: null })],
  ])('is a bug with %s', async (_what, request) => {
    const made = await table()
    await expect(commit(made.store, 't', request(made.snapshot), committer)).rejects.toThrow(failure({ kind: 'bug' }))
    expect(await made.store.head(v(1))).toBeUndefined()
  })

  it('stops when it is told to', async () => {
    const made = await table()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(commit(made.store, 't', append(made.snapshot, 'c'), { ...committer, signal })).rejects.toThrow(
      'enough',
    )
  })
})

describe('what a winner’s commit means', () => {
  const changing = (dataChange: boolean) => ({ dataChange })
  const vector = { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 }
  const domain = (configuration: string): Action => ({ domainMetadata: { domain: 'd', configuration, removed: false } })
  const domains = { append: [domain('mine')], others: [domain('theirs')] }
  type Kind = CommitRequest['kind']
  const kinds: readonly Kind[] = ['append', 'rewrite', 'replace', 'metadata']
  const request = (snapshot: Snapshot, kind: Kind): CommitRequest => ({
    snapshot,
    kind,
    actions: [
      adds('c', changing(kind !== 'rewrite')),
      ...(kind === 'append' ? [] : [{ remove: removeOf(snapshot.files.get('a b')!, 1, kind !== 'rewrite') }]),
      ...(kind === 'metadata' ? [metaData({ description: 'new' }) as Action] : []),
      ...domains.append,
    ],
    txn: { appId: 'batch', version: 7 },
    operation,
  })
  const all = (answer: string): Record<Kind, string> =>
    Object.fromEntries(kinds.map((kind) => [kind, answer])) as Record<Kind, string>
  it.each<[string, readonly object[], Record<Kind, string>]>([
    ['wrote the transaction', [add('x'), { txn: { appId: 'batch', version: 7 } }], all('already')],
    ['wrote beyond it', [metaData(), { txn: { appId: 'batch', version: 8 } }], all('already')],
    ['wrote a part of it', [metaData(), { txn: { appId: 'batch', version: 6 } }], all('overtaken')],
    ['wrote another transaction', [{ txn: { appId: 'x', version: 9 } }], all('committed')],
    ['changed the metadata', [metaData({ description: 'x' })], all('metadata-changed')],
    ['changed the protocol', [protocol], all('metadata-changed')],
    ['wrote the same domain', domains.others, all('conflict')],
    [
      'wrote another domain',
      [{ domainMetadata: { domain: 'x', configuration: '', removed: false } }],
      all('committed'),
    ],
    ['removed the input', [remove('a%20b')], { ...all('conflict'), append: 'committed' }],
    [
      'gave the input a deletion vector',
      [remove('a%20b', changing(false)), add('a%20b', { deletionVector: vector, ...changing(false) })],
      { ...all('conflict'), append: 'committed' },
    ],
    ['appended', [add('x')], { ...all('committed'), replace: 'conflict' }],
    ['removed other rows', [remove('b')], { ...all('committed'), replace: 'conflict' }],
    ['rewrote another file', [remove('b', changing(false)), add('x', changing(false))], all('committed')],
    ['said nothing', [{ commitInfo: { operation: 'VACUUM START' } }], all('committed')],
  ])('when it %s', async (_what, winner, expected) => {
    const found: Record<string, string> = {}
    for (const kind of kinds) {
      const made = await fixture()
      await made.commit(0, [protocol, metaData(), add('a%20b'), add('b')])
      const snapshot = (await made.read())!
      await made.commit(1, winner)
      const outcome = await commit(made.store, 't', request(snapshot, kind), committer)
      found[kind] = outcome.is
      if (outcome.is === 'committed') expect(outcome.version).toBe(2)
      if (outcome.is === 'metadata-changed') expect(outcome.version).toBe(1)
      expect((await made.read())!.version).toBe(outcome.is === 'committed' ? 2 : 1)
    }
    expect(found).toEqual(expected)
  })

  it.each<[Kind, boolean, string]>([
    ['append', true, 'Serializable'],
    ['rewrite', false, 'SnapshotIsolation'],
    ['rewrite', true, 'WriteSerializable'],
    ['replace', true, 'Serializable'],
  ])('is told in the commit: %s, rows change: %s', async (kind, dataChange, isolationLevel) => {
    const { store, snapshot } = await table()
    const actions: Action[] = [adds('c', { dataChange })]
    if (kind !== 'append') actions.push({ remove: removeOf(snapshot.files.get('a')!, 1, dataChange) })
    await commit(store, 't', { snapshot, kind, actions, operation }, committer)
    expect((await lines(store, 1))[0].commitInfo).toMatchObject({ isolationLevel, isBlindAppend: kind === 'append' })
  })
})

describe('in-commit timestamps', () => {
  const on = { 'delta.enableInCommitTimestamps': 'true' }
  const now = 1_700_000_000_000
  const features = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['inCommitTimestamp'] }
  const timed = async (at: number) => {
    const made = await fixture()
    const info = { commitInfo: { inCommitTimestamp: at, operation: 'CREATE TABLE' } }
    await made.commit(0, [info, { protocol: features }, metaData({ configuration: on }), add('a')])
    return { ...made, snapshot: (await made.read())! }
  }
  const timeOf = async (store: ObjectStore, version: number) =>
    (await lines(store, version))[0].commitInfo.inCommitTimestamp

  it('are now, or a millisecond after the version before, whatever its writer’s clock said', async () => {
    const past = await timed(5)
    await commit(past.store, 't', append(past.snapshot, 'c'), committer)
    expect(await timeOf(past.store, 1)).toBe(now)
    const ahead = await timed(now + 500)
    await commit(ahead.store, 't', append(ahead.snapshot, 'c'), committer)
    expect(await timeOf(ahead.store, 1)).toBe(now + 501)
    expect((await ahead.read())!.timestamp).toBe(now + 501)
    expect(Object.keys((await lines(ahead.store, 1))[0].commitInfo)[0]).toBe('inCommitTimestamp')
  })

  it('are found anew at each attempt: after every winner', async () => {
    const made = await timed(5)
    await made.commit(1, [{ commitInfo: { inCommitTimestamp: now + 100 } }, add('x')])
    await made.commit(2, [{ commitInfo: { inCommitTimestamp: now + 200 } }, add('y')])
    expect(await commit(made.store, 't', append(made.snapshot, 'c'), committer)).toMatchObject({ version: 3 })
    expect(await timeOf(made.store, 3)).toBe(now + 201)
  })

  it('say from where on they hold in the commit that turns them on, at the version that it came to', async () => {
    const made = await fixture()
    await made.commit(0, [{ protocol: features }, metaData(), add('a')])
    const snapshot = (await made.read())!
    await made.commit(1, [add('x')])
    const request: CommitRequest = {
      snapshot,
      kind: 'metadata',
      actions: [metaData({ configuration: on }) as Action],
      operation,
    }
    const later = snapshot.timestamp! + 60_000
    const outcome = await commit(made.store, 't', request, { ...committer, now: () => new Date(later) })
    expect(outcome).toEqual({ is: 'committed', version: 2 })
    const after = (await made.read())!
    expect(after.metadata.configuration).toEqual({
      ...on,
      'delta.inCommitTimestampEnablementVersion': '2',
      'delta.inCommitTimestampEnablementTimestamp': String(later),
    })
    expect(after.timestamp).toBe(later)
  })

  it('hold from the beginning in a table that is made with them', async () => {
    const made = await fixture()
    const actions = [{ protocol: features }, metaData({ configuration: on })] as Action[]
    await commit(made.store, 't', { snapshot: null, kind: 'metadata', actions, operation }, committer)
    expect(await timeOf(made.store, 0)).toBe(now)
    expect((await made.read())!.metadata.configuration).toEqual(on)
  })
})

describe('an unclear answer', () => {
  it('is no conflict when the object is our own', async () => {
    const made = await table()
    const retrying: ObjectStore = {
      ...made.store,
      // The first request arrived, its answer did not; the client's retry meets the object.
      putIfAbsent: async (key, bytes) => {
        await made.store.putIfAbsent(key, bytes)
        return made.store.putIfAbsent(key, bytes)
      },
    }
    expect(await commit(retrying, 't', append(made.snapshot, 'c'), committer)).toEqual({ is: 'committed', version: 1 })
    expect((await made.read())?.version).toBe(1)
  })

  it('is success when the write failed after it was done', async () => {
    const made = await table()
    const store = faultyStore(made.store, 1, 'after')
    expect(await commit(store, 't', append(made.snapshot, 'c'), committer)).toEqual({ is: 'committed', version: 1 })
    expect(store.writes).toBe(1)
  })

  it.each(['before', 'half'] as const)('is the error when nothing was written (%s)', async (when) => {
    const made = await table()
    const store = faultyStore(made.store, 1, when)
    await expect(commit(store, 't', append(made.snapshot, 'c'), committer)).rejects.toThrow(
      failure({ code: 'disk-full' }),
    )
    expect((await made.read())?.version).toBe(0)
    expect(await commit(store, 't', append(made.snapshot, 'c'), committer)).toEqual({ is: 'committed', version: 1 })
  })

  it('is an error when the object is there and then is not', async () => {
    const made = await table()
    const lying: ObjectStore = { ...made.store, putIfAbsent: async () => 'exists' }
    await expect(commit(lying, 't', append(made.snapshot, 'c'), committer)).rejects.toThrow(
      failure({ code: 'commit-vanished' }),
    )
  })
})

describe('a race', () => {
  it('of 12 writers in one process: each commit lands exactly once', async () => {
    const made = await table()
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, i) => commit(made.store, 't', append(made.snapshot, `f${i}`), committer)),
    )
    expect(outcomes.map((outcome) => outcome.is)).toEqual(Array(12).fill('committed'))
    const versions = outcomes.map((outcome) => (outcome.is === 'committed' ? outcome.version : -1))
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    for (const [i, version] of versions.entries()) expect((await lines(made.store, version))[1].add.path).toBe(`f${i}`)
  })

  it('of two threads: each commit lands exactly once', async () => {
    const made = await table()
    const outcomes = await Promise.all(
      ['left', 'right'].map(
        (writer) =>
          new Promise<string[]>((resolve, reject) => {
            const worker = new Worker(new URL('./race-worker.ts', import.meta.url), {
              workerData: { root: made.root, scratch: made.scratch, writer, commits: 20 },
            })
            worker.on('message', resolve)
            worker.on('error', reject)
          }),
      ),
    )
    expect(outcomes.flat()).toEqual(Array(40).fill('committed'))
    const snapshot = (await made.read())!
    expect(snapshot.version).toBe(40)
    expect(snapshot.files.size).toBe(42)
    expect(snapshot.txns.size).toBe(41)
  })

  it('of two rewrites of the same files: one wins', async () => {
    const made = await table()
    const outcomes = await Promise.all(
      ['x', 'y', 'z'].map((output) => commit(made.store, 't', rewrite(made.snapshot, ['a', 'b'], output), committer)),
    )
    expect(outcomes.map((outcome) => outcome.is).toSorted()).toEqual(['committed', 'conflict', 'conflict'])
    expect((await made.read())?.files.size).toBe(1)
  })
})

const newTable = (fields: Readonly<Record<string, string>>, more: Partial<NewTable> = {}): NewTable => ({
  id: '8f5b6a3e-0000-4000-8000-000000000000',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type: parseType(type), nullable: true })),
  partitionColumns: [],
  configuration: {},
  createdTime: 1,
  ...more,
})
const create = (store: ObjectStore, spec: NewTable): Promise<CommitOutcome> =>
  commit(
    store,
    't',
    {
      snapshot: null,
      kind: 'metadata',
      actions: createActions(spec),
      operation: { ...operation, name: 'CREATE TABLE' },
    },
    committer,
  )

describe('a new table', () => {
  it('is version 0 with reader 1 and writer 2', async () => {
    const made = await fixture()
    const spec = newTable(
      { id: 'UInt32', p: 'Utf8' },
      { name: 'n', description: 'd', partitionColumns: ['p'], configuration: { 'delta.appendOnly': 'true' } },
    )
    expect(await create(made.store, spec)).toEqual({ is: 'committed', version: 0 })
    const [info] = await lines(made.store, 0)
    expect(info.commitInfo).not.toHaveProperty('readVersion')
    const snapshot = (await made.read())!
    expect(snapshot.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
    expect(snapshot.fields).toEqual(spec.fields)
    expect(snapshot.metadata).toMatchObject({ id: spec.id, name: 'n', description: 'd', partitionColumns: ['p'] })
    expect(await create(made.store, { ...spec, id: 'other' })).toMatchObject({ is: 'conflict' })
    expect((await made.read())?.metadata.id).toBe(spec.id)
  })

  it.each([
    'Timestamp(Microsecond, None)',
    'List(Timestamp(Second, None))',
    'Map(Utf8, Struct("x": Timestamp(Microsecond, None)))',
  ])('declares its feature for %s', (type) => {
    expect(createActions(newTable({ c: type }))[0]).toEqual({
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['timestampNtz'],
        writerFeatures: ['timestampNtz', 'appendOnly', 'invariants'],
      },
    })
  })

  it.each<[string, NewTable, string]>([
    ['a name with a space', newTable({ 'a b': 'Utf8' }), 'bad-column-name'],
    ['a nested name with a comma', newTable({ c: 'List(Struct("a,b": Utf8))' }), 'bad-column-name'],
    ['a name in a map', newTable({ c: 'Map(Utf8, Struct("a=b": Utf8))' }), 'bad-column-name'],
    ['an unknown partition column', newTable({ a: 'Utf8' }, { partitionColumns: ['b'] }), 'bad-partition'],
    ['a partition column twice', newTable({ a: 'Utf8', b: 'Utf8' }, { partitionColumns: ['a', 'a'] }), 'bad-partition'],
    [
      'a list as a partition column',
      newTable({ a: 'List(Utf8)', b: 'Utf8' }, { partitionColumns: ['a'] }),
      'bad-partition',
    ],
    ['partition columns only', newTable({ a: 'Utf8' }, { partitionColumns: ['a'] }), 'bad-partition'],
    ['a type that Delta lacks', newTable({ a: 'Variant' }), 'unsupported-type'],
    ['a feature', newTable({ a: 'Utf8' }, { configuration: { 'delta.enableRowTracking': 'true' } }), 'delta-feature'],
  ])('is refused with %s', (_what, spec, code) => {
    expect(() => createActions(spec)).toThrow(failure({ code }))
  })
})

describe('an independent reader', () => {
  const columns: Readonly<Record<string, string>> = {
    id: 'Int64',
    at: 'Timestamp(Microsecond, Some("UTC"))',
    wall: 'Timestamp(Microsecond, None)',
    name: 'Utf8',
    amount: 'Decimal128(20, 2)',
    tags: 'List(Utf8)',
    small: 'UInt8',
    day: 'Date32',
  }

  it('finds exactly the rows that were committed, after appends, a rewrite and with skipping', async () => {
    const folder = await realpath(await temporaryFolder())
    const made = await fixture()
    const spec = newTable(columns, { partitionColumns: ['day'] })
    await create(made.store, spec)
    const stored = spec.fields.filter((field) => field.name !== 'day')
    await using engine = await openEngine({ scratch: folder })
    async function file(name: string, from: number, to: number, day: string | null): Promise<Action> {
      const local = join(folder, 'next.parquet')
      const written = await writeParquet(
        engine,
        `SELECT i AS id, timestamptz '2020-01-01 00:00:00.000001+00' + interval (i) second AS at, timestamp '2020-01-01 00:00:00' AS wall,
         repeat('é🙂', 30) || i AS name, (i * 1000000000000000.01::decimal(18,2))::decimal(20,2) AS amount, ['x', i::varchar] AS tags, (i % 200)::smallint AS small
         FROM range(${from}, ${to}) r(i)`,
        local,
        { fields: stored, compression: 'zstd' },
      )
      const path = `day=${day ?? '__HIVE_DEFAULT_PARTITION__'}/odd name %20+${name}.parquet`
      const info = await made.store.upload(`t/${path}`, local)
      return {
        add: {
          path: encodePath(path),
          partitionValues: { day },
          size: info.size,
          modificationTime: info.modifiedAt.getTime(),
          dataChange: true,
          stats: formatStats(written, {
            fields: spec.fields,
            partitionColumns: ['day'],
            configuration: {},
            mapping: null,
          }),
        },
      }
    }
    for (const [name, from, to, day] of [
      ['a', 0, 500, '2020-01-01'],
      ['b', 500, 900, '2020-01-01'],
      ['c', 900, 1000, null],
    ] as const)
      await commit(
        made.store,
        't',
        {
          snapshot: (await made.read())!,
          kind: 'append',
          actions: [await file(name, from, to, day)],
          txn: { appId: 'load', version: to },
          operation,
        },
        committer,
      )
    const before = (await made.read())!
    const inputs = [...before.files.values()].filter((each) => each.partitionValues.day === '2020-01-01')
    expect(inputs).toHaveLength(2)
    const output = await file('ab', 0, 900, '2020-01-01')
    await commit(
      made.store,
      't',
      {
        snapshot: before,
        kind: 'rewrite',
        actions: [...inputs.map((each): Action => ({ remove: removeOf(each, 5, false) })), output],
        operation,
      },
      committer,
    )
    expect((await readdir(join(made.root, 't'))).toSorted()).toEqual([
      '_delta_log',
      'day=2020-01-01',
      'day=__HIVE_DEFAULT_PARTITION__',
    ])

    const ask = async (sql: string): Promise<unknown> => {
      const script = fileURLToPath(new URL('./read-with-clickhouse.ts', import.meta.url))
      const { stdout } = await promisify(execFile)(process.execPath, [script, await realpath(made.root), 't', sql])
      return stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    }
    expect(
      await ask(
        'SELECT count() n, sum(id) s, toString(sum(amount)) a, countIf(day IS NULL) d, uniqExact(name) u, max(small) m, toString(max(at)) t, toString(any(wall)) w, sum(length(tags)) l FROM t',
      ),
    ).toEqual([
      [
        1000,
        499_500,
        '499500000000000004995',
        100,
        1000,
        199,
        '2020-01-01 00:16:39.000001',
        '2020-01-01 00:00:00.000000',
        2000,
      ].map((each) => (typeof each === 'number' ? expect.toSatisfy((found: unknown) => Number(found) === each) : each)),
    ])
    expect(await ask("SELECT id FROM t WHERE at = toDateTime64('2020-01-01 00:16:39.000001', 6, 'UTC')")).toEqual([
      [expect.toSatisfy((id: unknown) => Number(id) === 999)],
    ])
    expect(await readFile(join(made.root, v(0)), 'utf8')).toContain('tblctl.type')
  }, 60_000)
})
