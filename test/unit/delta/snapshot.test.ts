import { appendFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actionOf } from '../../../src/drivers/delta/log/actions.ts'
import { applyAction, emptyState, removeOf } from '../../../src/drivers/delta/log/replay.ts'
import { readSnapshot, type Snapshot, updateSnapshot } from '../../../src/drivers/delta/log/snapshot.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { checkpoint, checkpointColumns } from './checkpoint.ts'
import { add, type Fixture, fixture, metaData, protocol, remove, schemaString, view } from './fixture.ts'

const paths = (snapshot: Snapshot | undefined): string[] => [...(snapshot?.files.keys() ?? [])].toSorted()
const failure = (part: object): unknown => expect.objectContaining(view(expect.objectContaining(part)))

const pad = (version: number): string => String(version).padStart(20, '0')

describe('a snapshot', () => {
  it('is undefined where there is no table', async () => {
    const table = await fixture()
    expect(await table.read()).toBeUndefined()
    await table.store.put('t/part-0.parquet', Buffer.from('x'))
    await table.store.put('t/_delta_log/.hidden', Buffer.from(''))
    await table.store.put('t2/_delta_log/00000000000000000000.json', Buffer.from(''))
    expect(await table.read()).toBeUndefined()
  })

  it('replays commits in order', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData({ name: 'n', configuration: { k: 'v' } }), add('a'), add('b%20c')])
    await table.commit(1, [
      remove('b c'),
      add('d', { stats: '{"numRecords":1}' }),
      { txn: { appId: 'app', version: 3 } },
    ])
    await table.commit(2, [
      add('a', { size: 20 }),
      { txn: { appId: 'app', version: 4 } },
      { domainMetadata: { domain: 'x', configuration: '1', removed: false } },
    ])
    const snapshot = (await table.read())!
    expect(paths(snapshot)).toEqual(['a', 'd'])
    expect(snapshot).toMatchObject({ version: 2, metadata: { name: 'n', configuration: { k: 'v' } } })
    expect(snapshot.files.get('a')).toMatchObject({ path: 'a', logPath: 'a', size: 20 })
    expect(snapshot.files.get('d')?.stats).toBe('{"numRecords":1}')
    expect(snapshot.txns.get('app')?.version).toBe(4n)
    expect(snapshot.domains.get('x')?.configuration).toBe('1')
    expect(snapshot.fields).toEqual([{ name: 'id', type: { kind: 'Int64' }, nullable: true }])
    const { mtime } = await stat(join(table.root, 't/_delta_log', `${pad(2)}.json`))
    expect(snapshot.timestamp).toBe(mtime.getTime())
    await table.commit(3, [{ domainMetadata: { domain: 'x', configuration: '', removed: true } }])
    expect((await table.read())?.domains.size).toBe(0)
  })

  it('is undefined where the log is moved away while it is read, and what another process put there where it did', async () => {
    for (const next of [undefined, 'b']) {
      const table = await fixture()
      for (const version of [0, 1]) await table.commit(version, version === 0 ? [protocol, metaData(), add('a')] : [])
      let moved = false
      const moving = {
        ...table.store,
        async *list(...of: Parameters<ObjectStore['list']>) {
          for await (const info of table.store.list(...of)) if (moved || !info.key.endsWith('0.json')) yield info
          if (moved) return
          moved = true
          await rm(join(table.root, 't/_delta_log'), { recursive: true })
          if (next !== undefined) await table.commit(0, [protocol, metaData(), add(next)])
        },
      }
      const read = await readSnapshot(moving, 't', { scratch: table.scratch })
      expect(read && paths(read)).toEqual(next === undefined ? undefined : [next])
    }
  })

  it('lies at any prefix, also at the root of its store', async () => {
    for (const prefix of ['', 'projects/acme/with space %20']) {
      const table = await fixture(prefix)
      await table.commit(0, [protocol, metaData(), add('a')])
      expect(paths(await table.read())).toEqual(['a'])
    }
  })

  it('can be of an older version', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData(), add('a')])
    await table.commit(1, [remove('a'), add('b')])
    expect(paths(await table.read({ version: 0 }))).toEqual(['a'])
    expect(paths(await table.read({ version: 1 }))).toEqual(['b'])
    await expect(table.read({ version: 2 })).rejects.toThrow(failure({ kind: 'missing', code: 'no-such-version' }))
    await expect(table.read({ version: -1 })).rejects.toThrow(failure({ kind: 'missing', code: 'no-such-version' }))
  })

  it('takes the time from the commit where it carries one', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData()])
    await table.commit(1, [{ commitInfo: { inCommitTimestamp: 1234 } }, add('a')])
    expect((await table.read())?.timestamp).toBe(1234)
    await table.commit(2, [add('b')])
    expect((await table.read())?.timestamp).not.toBe(1234)
  })

  it('reads many commits, in order', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData()])
    for (let i = 1; i <= 100; i++) await table.commit(i, [add(`f${i}`), ...(i > 1 ? [remove(`f${i - 1}`)] : [])])
    const snapshot = await table.read()
    expect(snapshot?.version).toBe(100)
    expect(paths(snapshot)).toEqual(['f100'])
  })

  it.each([
    ['no protocol', [metaData()], { code: 'no-protocol', kind: 'data' }],
    ['no metadata', [protocol], { code: 'no-metadata', kind: 'data' }],
    ['no schema', [protocol, metaData({ schemaString: null })], { code: 'bad-schema', kind: 'data' }],
    ['a broken schema', [protocol, metaData({ schemaString: '{' })], { code: 'bad-schema', kind: 'data' }],
    [
      'an unknown partition column',
      [protocol, metaData({ partitionColumns: ['no'] })],
      { code: 'bad-schema', kind: 'data' },
    ],
    ['a file elsewhere', [protocol, metaData(), add('../x')], { code: 'path-outside-table', kind: 'data' }],
    ['a URL', [protocol, metaData(), add('s3://b/x')], { code: 'path-outside-table', kind: 'data' }],
    [
      'a feature',
      [{ protocol: { minReaderVersion: 9, minWriterVersion: 9 } }, metaData()],
      { code: 'delta-feature', kind: 'refused' },
    ],
    ['a broken line', '{"protocol":', { code: 'corrupt-commit', kind: 'data' }],
  ])('with %s is an error', async (_what, actions, expected) => {
    const table = await fixture()
    await table.commit(0, actions)
    await expect(table.read()).rejects.toThrow(failure(expected))
  })

  it('tolerates a path elsewhere once the file is removed', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData(), add('s3://b/x'), add('a')])
    await table.commit(1, [remove('s3://b/x'), remove('../never-added')])
    expect(paths(await table.read())).toEqual(['a'])
  })

  it('tells files apart by their deletion vectors', async () => {
    const vector = (id: string): object => ({
      deletionVector: { storageType: 'u', pathOrInlineDv: id, offset: 1, sizeInBytes: 1, cardinality: 1 },
    })
    const state = emptyState()
    for (const action of [
      add('a'),
      add('a', vector('1')),
      remove('a'),
      add('a', vector('2')),
      remove('a', vector('1')),
    ])
      applyAction(state, actionOf(action)!)
    const [file] = state.files.values()
    expect(state.files.size).toBe(1)
    expect(file?.deletionVector?.pathOrInlineDv).toBe('2')
    applyAction(state, { remove: removeOf(file!, 7, false) })
    expect(state.files.size).toBe(0)
  })

  it('removes exactly the file that a tombstone was made of', () => {
    const state = emptyState()
    applyAction(
      state,
      actionOf(
        add('p=a%20b/x', { partitionValues: { p: 'a b' }, tags: { t: '1' }, baseRowId: 1, defaultRowCommitVersion: 2 }),
      )!,
    )
    const [file] = state.files.values()
    expect(file?.path).toBe('p=a b/x')
    const tombstone = removeOf(file!, 7, false)
    expect(tombstone).toEqual({
      path: 'p=a%20b/x',
      deletionTimestamp: 7,
      dataChange: false,
      extendedFileMetadata: true,
      partitionValues: { p: 'a b' },
      size: 10,
      tags: { t: '1' },
      baseRowId: 1,
      defaultRowCommitVersion: 2,
    })
    applyAction(state, { remove: tombstone })
    expect(state.files.size).toBe(0)
  })

  it('names the version that a log lacks', async () => {
    const table = await fixture()
    for (const version of [0, 1, 3])
      await table.commit(version, version === 0 ? [protocol, metaData()] : [add(`f${version}`)])
    await expect(table.read()).rejects.toThrow(failure({ kind: 'data', code: 'log-gap' }))
    await expect(table.read()).rejects.toThrow('lacks version 2')
    expect((await table.read({ version: 1 }))?.version).toBe(1)
    await rm(join(table.root, 't/_delta_log', `${pad(0)}.json`))
    await expect(table.read({ version: 1 })).rejects.toThrow('lacks version 0')
  })

  it('stops when it is told to', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData()])
    await expect(table.read({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})

describe('a checkpoint', () => {
  const state = [
    protocol,
    metaData({ configuration: { k: 'v' }, partitionColumns: ['id'], createdTime: 9 }),
    { txn: { appId: 'app', version: '9007199254740993' } },
    { domainMetadata: { domain: 'd', configuration: 'c', removed: false } },
    { remove: { path: 'gone', deletionTimestamp: 1, dataChange: true } },
    add('p%20q', { partitionValues: { id: '7', other: null }, stats: '{"numRecords":5}', tags: { t: 'u' } }),
    add('r', { stats_parsed: { numRecords: 3 } }),
  ]
  async function table(): Promise<Fixture> {
    const made = await fixture()
    await made.store.put('t/_delta_log/_last_checkpoint', Buffer.from('{"version":10,"size":7}'))
    await made.commit(11, [add('s')])
    return made
  }
  const whole = { version: 11, files: ['p q', 'r', 's'] }
  const summary = (snapshot: Snapshot | undefined): object => ({ version: snapshot?.version, files: paths(snapshot) })

  it('stands for the commits before it', async () => {
    const made = await table()
    await checkpoint(made, `${pad(10)}.checkpoint.parquet`, state)
    const snapshot = (await made.read())!
    expect(summary(snapshot)).toEqual(whole)
    expect(snapshot.files.get('p q')).toEqual({
      path: 'p q',
      logPath: 'p%20q',
      partitionValues: { id: '7', other: null },
      size: 10,
      modificationTime: 1,
      dataChange: true,
      stats: '{"numRecords":5}',
      tags: { t: 'u' },
    })
    expect(snapshot.metadata).toEqual({
      id: 'a-table',
      format: { provider: 'parquet', options: {} },
      schemaString,
      partitionColumns: ['id'],
      configuration: { k: 'v' },
      createdTime: 9,
    })
    expect(snapshot.txns.get('app')?.version).toBe(9007199254740993n)
    expect(snapshot.domains.get('d')?.configuration).toBe('c')
    await rm(join(made.root, 't/_delta_log', `${pad(11)}.json`))
    const only = await made.read()
    expect(summary(only)).toEqual({ version: 10, files: ['p q', 'r'] })
    expect(only?.timestamp).toBeNull()
    expect(only?.commit).toBeNull()
    await expect(made.read({ version: 9 })).rejects.toThrow(
      failure({ code: 'no-such-version', hint: 'the oldest version that can still be read is 10' }),
    )
  })

  it('may come in parts, all of which are needed', async () => {
    const made = await table()
    for (let version = 0; version <= 10; version++)
      await made.commit(version, version === 0 ? [protocol, metaData(), add('from json')] : [])
    await checkpoint(made, `${pad(10)}.checkpoint.0000000001.0000000002.parquet`, state.slice(0, 6))
    expect(summary(await made.read())).toEqual({ version: 11, files: ['from json', 's'] })
    await checkpoint(made, `${pad(10)}.checkpoint.0000000002.0000000002.parquet`, state.slice(6))
    expect(summary(await made.read())).toEqual(whole)
  })

  it('is found without its hint, and with one that is wrong', async () => {
    const made = await table()
    await checkpoint(made, `${pad(10)}.checkpoint.parquet`, state)
    for (const hint of [
      '',
      '{',
      'null',
      '{"version":"10"}',
      '{"version":-1}',
      '{"version":99}',
      '{"version":11}',
      '{"version":3}',
    ]) {
      await made.store.put('t/_delta_log/_last_checkpoint', Buffer.from(hint))
      expect(summary(await made.read())).toEqual(whole)
    }
    await made.store.delete(['t/_delta_log/_last_checkpoint'])
    expect(summary(await made.read())).toEqual(whole)
  })

  it('may lack columns and members', async () => {
    const made = await table()
    const columns = {
      protocol: checkpointColumns.protocol!,
      metaData: 'STRUCT(id VARCHAR, schemaString VARCHAR)',
      add: 'STRUCT("path" VARCHAR, size BIGINT, modificationTime BIGINT)',
    }
    await checkpoint(made, `${pad(10)}.checkpoint.parquet`, state, columns)
    const snapshot = await made.read()
    expect(summary(snapshot)).toEqual(whole)
    expect(snapshot?.files.get('r')?.partitionValues).toEqual({})
  })

  it.each([
    ['is no Parquet', async (file: string) => writeFile(file, 'nonsense, and longer than a footer')],
    ['is empty', async (file: string) => writeFile(file, '')],
    ['is cut off', async (file: string) => writeFile(file, Buffer.alloc(1000, 'PAR1'))],
  ])('that %s is an error that names the file', async (_what, spoil) => {
    const made = await table()
    const file = join(made.root, 't/_delta_log', `${pad(10)}.checkpoint.parquet`)
    await spoil(file)
    await expect(made.read()).rejects.toThrow(failure({ kind: 'data', code: 'corrupt-checkpoint', where: file }))
  })

  it.each([
    ['columns of other types', { protocol: 'VARCHAR', metaData: 'VARCHAR', add: 'INTEGER' }],
    ['members of other types', { protocol: 'STRUCT(minReaderVersion VARCHAR, minWriterVersion VARCHAR)' }],
    ['an add without a path', { add: 'STRUCT(size BIGINT)' }],
  ])('with %s is an error', async (_what, columns) => {
    const made = await table()
    await checkpoint(made, `${pad(10)}.checkpoint.parquet`, [protocol], columns)
    await expect(made.read()).rejects.toThrow(failure({ kind: 'data', code: 'corrupt-checkpoint' }))
  })

  it('is fetched from a store that has no local files', async () => {
    const made = await table()
    await checkpoint(made, `${pad(10)}.checkpoint.parquet`, state)
    const remote: ObjectStore = { ...made.store, url: 's3://bucket', localPath: () => null }
    expect(summary(await readSnapshot(remote, 't', { scratch: made.scratch }))).toEqual(whole)
    const vanished: ObjectStore = {
      ...remote,
      read: async (key) => (key.endsWith('.parquet') ? undefined : made.store.read(key)),
    }
    await expect(readSnapshot(vanished, 't', { scratch: made.scratch })).rejects.toThrow(
      failure({ code: 'corrupt-checkpoint', where: `s3://bucket/t/_delta_log/${pad(10)}.checkpoint.parquet` }),
    )
  })
})

describe('updating a snapshot', () => {
  const update = (table: Fixture, snapshot: Snapshot, store = table.store): Promise<Snapshot | undefined> =>
    updateSnapshot(store, 't', snapshot, { scratch: table.scratch })

  it('reads the commits since, and no others', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData(), add('a')])
    const first = (await table.read())!
    expect(await update(table, first)).toBe(first)
    await table.commit(1, [remove('a'), add('b'), { txn: { appId: 'x', version: 1 } }])
    await table.commit(2, [add('c')])
    const read: string[] = []
    const counting: ObjectStore = { ...table.store, read: (key) => table.store.read(key).finally(() => read.push(key)) }
    const second = (await update(table, first, counting))!
    expect(second).toEqual(await table.read())
    expect(read.toSorted()).toEqual([`t/_delta_log/${pad(1)}.json`, `t/_delta_log/${pad(2)}.json`])
    expect(paths(first)).toEqual(['a'])
    expect(first.txns.size).toBe(0)
  })

  it('begins again when the table was made anew', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData(), add('a')])
    const first = (await table.read())!
    await rm(join(table.root, 't'), { recursive: true })
    await table.commit(0, [protocol, metaData({ id: 'another' })])
    await appendFile(join(table.root, 't/_delta_log', `${pad(0)}.json`), '\n')
    expect((await update(table, first))?.metadata.id).toBe('another')
    await rm(join(table.root, 't'), { recursive: true })
    expect(await update(table, first)).toBeUndefined()
  })

  it('begins again when the log behind it has a gap or is cleaned up', async () => {
    const table = await fixture()
    await table.commit(0, [protocol, metaData(), add('a')])
    const first = (await table.read())!
    await table.commit(2, [add('c')])
    await expect(update(table, first)).rejects.toThrow('lacks version 1')
    await table.commit(1, [add('b')])
    await utimes(join(table.root, 't/_delta_log', `${pad(0)}.json`), 1, 1)
    expect(paths(await update(table, first))).toEqual(['a', 'b', 'c'])
  })

  it('always agrees with reading from the beginning', async () => {
    const action = fc.tuple(fc.boolean(), fc.constantFrom('a', 'b', 'c%20d', 'c d', 'e'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(action, { maxLength: 5 }), { maxLength: 6 }), async (commits) => {
        const table = await fixture()
        await table.commit(0, [protocol, metaData()])
        let snapshot = (await table.read())!
        const expected = new Set<string>()
        for (const [i, actions] of commits.entries()) {
          await table.commit(
            i + 1,
            actions.map(([adds, path]) => (adds ? add(path) : remove(path))),
          )
          for (const [adds, path] of actions) {
            const name = path.replace('%20', ' ')
            if (adds) expected.add(name)
            else expected.delete(name)
          }
          snapshot = (await update(table, snapshot))!
        }
        expect(paths(snapshot)).toEqual([...expected].toSorted())
        expect(snapshot).toEqual(await table.read())
      }),
      { numRuns: 20 },
    )
  })
})
