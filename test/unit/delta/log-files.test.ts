/** Names in the log, paths of data files, and the lines of one commit. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Action } from '../../../src/drivers/delta/log/actions.ts'
import { formatCommit, parseCommit } from '../../../src/drivers/delta/log/commit-file.ts'
import { commitKey, decodePath, encodePath, logFolder, parseLogName } from '../../../src/drivers/delta/log/paths.ts'
import { add, metaData, protocol, remove, view } from './fixture.ts'

describe('log names', () => {
  const v = '00000000000000000012'
  it.each([
    [`${v}.json`, { is: 'commit', version: 12 }],
    [`${v}.checkpoint.parquet`, { is: 'checkpoint', version: 12, part: 1, parts: 1 }],
    [`${v}.checkpoint.0000000002.0000000003.parquet`, { is: 'checkpoint', version: 12, part: 2, parts: 3 }],
    [`${v}.checkpoint.e8fa2696-9728-4e9c-b285-634743fdd4fb.parquet`, { is: 'v2-checkpoint', version: 12 }],
    [`${v}.checkpoint.e8fa2696-9728-4e9c-b285-634743fdd4fb.json`, { is: 'v2-checkpoint', version: 12 }],
    [`${v}.crc`, null],
    [`${v}.json.tmp`, null],
    [`.${v}.json`, null],
    ['12.json', null],
    ['99999999999999999999.json', null],
    ['_last_checkpoint', null],
    [`${v}.00000000000000000013.compacted.json`, null],
    [`_staged_commits/${v}.json`, null],
  ])('%s', (name, expected) => {
    expect(parseLogName(name)).toEqual(expected)
  })
  it('are made with and without a prefix', () => {
    expect(commitKey('', 7)).toBe('_delta_log/00000000000000000007.json')
    expect(commitKey('a/b', 7)).toBe('a/b/_delta_log/00000000000000000007.json')
    expect(logFolder('a/b')).toBe('a/b/_delta_log')
  })
})

describe('paths of data files', () => {
  it.each([
    ['part-0.parquet', 'part-0.parquet'],
    ['special%20p@%23h', 'special p@#h'],
    ['_2=bar+%252521/x', '_2=bar+%2521/x'],
    ['d=2020-01-01 00%3A00/x', 'd=2020-01-01 00:00/x'],
    ['%E6%97%A5/x', '日/x'],
    ['日/x', '日/x'],
    ['a..b/...', 'a..b/...'],
    ['back\\slash', 'back\\slash'],
  ])('%s is decoded once', (logPath, path) => {
    expect(decodePath(logPath)).toEqual({ path })
  })
  it.each([
    ['', 'is empty'],
    ['/etc/passwd', 'is absolute'],
    ['%2Fetc/passwd', 'is absolute'],
    ['file:///etc/passwd', 'is a URL'],
    ['s3://other/x', 'is a URL'],
    ['FILE:/x', 'is a URL'],
    ['../other/x', 'leads out of the table'],
    ['a/../../x', 'leads out of the table'],
    ['a/%2e%2E/x', 'leads out of the table'],
    ['%2e%2e%2fx', 'leads out of the table'],
    ['a/./x', 'is not in its simplest form'],
    ['a//x', 'is not in its simplest form'],
    ['a/', 'is not in its simplest form'],
    ['a%00b', 'holds a NUL character'],
    ['100%', 'is not correctly percent-encoded'],
    ['%ff', 'is not correctly percent-encoded'],
    ['\ud800', 'is not valid Unicode'],
    ['_delta_log/00000000000000000000.json', 'leads into the log'],
    ['%5fdelta_log/x', 'leads into the log'],
  ])('%j is refused: %s', (logPath, refused) => {
    expect(decodePath(logPath)).toEqual({ refused })
  })
  it('read back what was encoded', () => {
    expect(encodePath('d=2020-01-01 00:00/a+b,c%20d#?.parquet')).toBe(
      'd=2020-01-01%2000%3A00/a+b,c%2520d%23%3F.parquet',
    )
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }), (segments) => {
        const path = segments.map((segment) => `x${segment.replaceAll('/', '_')}`).join('/')
        fc.pre(!path.includes('\0') && path.isWellFormed())
        expect(decodePath(encodePath(path))).toEqual({ path })
      }),
    )
  })
  it('are never encoded when they lead elsewhere', () => {
    for (const path of ['../x', '/x', '', 'a//b', '_delta_log/x'])
      expect(() => encodePath(path)).toThrow('the data file path')
  })
})

describe('a commit', () => {
  const parse = (text: string): Action[] => [...parseCommit(Buffer.from(text), 'log/1.json')]

  it('skips actions and fields that it does not know', () => {
    const text = [
      JSON.stringify({ ...protocol }),
      '{"cdc":{"path":"x"}}',
      '{"sidecar":{"path":"x"}}',
      '{"checkpointMetadata":{"version":1}}',
      '{}',
      '',
      '{"add":null,"remove":{"path":"a","dataChange":false,"future":1}}',
    ].join('\r\n')
    expect(parse(text)).toEqual([protocol, { remove: { path: 'a', dataChange: false } }])
  })

  it('reads everything that it knows, and writes it back the same', () => {
    const actions = [
      { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['x'], writerFeatures: ['x', 'y'] } },
      metaData({ name: 'n', description: 'd', createdTime: 5, configuration: { a: 'b', __proto_: 'c' } }),
      add('a%20b', {
        partitionValues: { p: 'v', q: null },
        stats: '{"numRecords":9007199254740993}',
        tags: { t: 'u' },
        deletionVector: { storageType: 'u', pathOrInlineDv: 'x', offset: 1, sizeInBytes: 2, cardinality: 3 },
        baseRowId: 4,
        defaultRowCommitVersion: 5,
        clusteringProvider: 'c',
      }),
      remove('c', { extendedFileMetadata: true, partitionValues: {}, size: 4 }),
      { domainMetadata: { domain: 'd', configuration: '{}', removed: true } },
      { commitInfo: { operation: 'WRITE', inCommitTimestamp: 3 } },
    ]
    const read = parse(actions.map((action) => JSON.stringify(action)).join('\n'))
    expect(read).toEqual(actions)
    expect([...parseCommit(formatCommit(read), 'w')]).toEqual(actions)
  })

  it('keeps transaction versions of 64 bits', () => {
    const [action] = parse('{"txn":{"appId":"a","version":9223372036854775807,"lastUpdated":1}}')
    expect(action).toEqual({ txn: { appId: 'a', version: 9223372036854775807n, lastUpdated: 1 } })
    expect(Buffer.from(formatCommit([action!])).toString()).toContain('"version":9223372036854775807')
  })

  it.each([
    ['broken JSON', '{"add":{"path":"x"'],
    ['a torn line', '{"add":{"path":"x","size":1'],
    ['a bare value', '3'],
    ['a list', '[]'],
    ['an add without a path', '{"add":{"size":1,"modificationTime":1}}'],
    ['a size that is text', '{"add":{"path":"x","size":"1","modificationTime":1}}'],
    ['a size that is no integer', '{"add":{"path":"x","size":1.5,"modificationTime":1}}'],
    [
      'partition values that are numbers',
      '{"add":{"path":"x","size":1,"modificationTime":1,"partitionValues":{"p":1}}}',
    ],
    ['partition values that are a list', '{"add":{"path":"x","size":1,"modificationTime":1,"partitionValues":[]}}'],
    ['an add that is text', '{"add":"x"}'],
    ['features that are no list', '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":{}}}'],
    ['a protocol without versions', '{"protocol":{}}'],
    ['metadata without an id', '{"metaData":{}}'],
    ['a transaction without a version', '{"txn":{"appId":"a","version":null}}'],
  ])('with %s is corrupt, and the line is named', (_what, line) => {
    expect(() => parse(`${JSON.stringify(protocol)}\n\n${line}\n`)).toThrow(
      expect.objectContaining(
        view(expect.objectContaining({ kind: 'data', code: 'corrupt-commit', where: 'log/1.json:3' })),
      ),
    )
  })
  it('that is no UTF-8 is corrupt', () => {
    expect(() => [...parseCommit(new Uint8Array([0x7b, 0xff]), 'w')]).toThrow('not valid UTF-8')
  })
  it('shows hostile text without obeying it', () => {
    expect(() => parse('{"add":\u001b]0;owned\u0007')).toThrow(/\\u001b\]0;owned\\u0007/)
  })
})
