/** The two executors: what they tell of servers that refuse, do not answer or are too old, and of a folder that another process has. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChdb } from '../../src/drivers/clickhouse/chdb.ts'
import { clickhouseError, codeOf, plainMessage } from '../../src/drivers/clickhouse/errors.ts'
import type { Executor } from '../../src/drivers/clickhouse/executor.ts'
import { folderHolder } from '../../src/drivers/clickhouse/folder-lock.ts'
import { openHttp } from '../../src/drivers/clickhouse/http.ts'
import { failure, thrown } from '../contract/driver/reports.ts'
import { type ClickhouseServer, startClickhouse } from '../support/clickhouse.ts'
import { openIn } from '../support/open.ts'

let folder: string
let server: ClickhouseServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tblctl-clickhouse-executor-'))
  server = await startClickhouse({ password: 'secret' })
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})
const http = (url = server.url, password = 'secret') =>
  openHttp({ url, username: 'default', password, application: 'tblctl/test' })
const chdb = (lockTimeoutMs = 0, at = 'data') =>
  openChdb({ folder: join(folder, at), scratch: async () => folder, lockTimeoutMs })

describe.each([
  ['over HTTP', () => http()],
  ['embedded', () => chdb()],
] as const)('%s', (_name, open: () => Promise<Executor>) => {
  test('parameters of every kind, exact numbers, no settings of one in another', async () => {
    await using executor = await open()
    const hostile = 'it\'s `"\\ \t\n {x:Int8} ü😀'
    const sql = `SELECT {s:String} AS s, {n:UInt64} AS n, {b:Bool} AS b, {l:Array(String)} AS l, getSetting('max_threads') AS threads`
    const parameters = { s: hostile, n: 18446744073709551615n, b: true, l: [hostile, ''] }
    const [row] = await executor.query<Record<string, unknown>>({ sql, parameters, settings: { max_threads: 7 } })
    expect(row).toEqual({ s: hostile, n: '18446744073709551615', b: true, l: [hostile, ''], threads: 7 })
    const [after] = await executor.query<{ threads: number }>({ sql: "SELECT getSetting('max_threads') AS threads" })
    expect(after!.threads).not.toBe(7)
  })

  test('errors by their kinds, from both engines alike', async () => {
    await using executor = await open()
    expect(await thrown(executor.query({ sql: 'SELECT * FROM nowhere.nothing' }))).toMatchObject({ kind: 'missing' })
    expect(
      await thrown(
        executor
          .query({ sql: 'SELECT 1', settings: { readonly: 1 } })
          .then(() => executor.command({ sql: 'CREATE DATABASE x', settings: { readonly: 1 } })),
      ),
    ).toMatchObject({ kind: 'denied' })
    const error = await thrown(executor.query({ sql: 'selec' }))
    expect(error).toMatchObject({ kind: 'failed', code: 'clickhouse-62', where: executor.place })
  })

  test('a file in, bytes out; an abort is told as such', async () => {
    await using executor = await open()
    await executor.command({ sql: 'CREATE DATABASE IF NOT EXISTS e ENGINE = Atomic' })
    await executor.command({ sql: 'CREATE TABLE e.t (a Int64, `b c` String) ENGINE = MergeTree ORDER BY a' })
    const file = join(folder, 'rows.csv')
    writeFileSync(file, '1,one\n2,two\n')
    await executor.insertFile({ database: 'e', table: 't', columns: ['a', 'b c'] }, 'CSV', file, {})
    const chunks = await Array.fromAsync(executor.bytes({ sql: 'SELECT * FROM e.t ORDER BY a' }, 'CSV'))
    expect(Buffer.concat(chunks).toString()).toBe('1,"one"\n2,"two"\n')
    await expect(Array.fromAsync(executor.bytes({ sql: 'SELECT * FROM e.gone' }, 'CSV'))).rejects.toThrow('code 60')
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(executor.query({ sql: 'SELECT 1', signal: aborted })).rejects.toThrow('enough')
    await executor.command({ sql: 'DROP DATABASE e SYNC' })
    expect(await executor.version).toMatch(/^26\./)
  })
})

test('a wrong password is told without it; a server that is not there is unreachable', async () => {
  await using wrong = await http(server.url, 'guess')
  const error = await thrown(wrong.query({ sql: 'SELECT 1' }))
  expect(error).toMatchObject({ kind: 'denied', code: 'authentication-failed' })
  expect(JSON.stringify(error)).not.toContain('guess')
  await using nobody = await http('http://127.0.0.1:1')
  expect(await thrown(nobody.query({ sql: 'SELECT 1' }))).toMatchObject({ kind: 'unreachable', retry: 'later' })
})

test('doctor: a server that is too old, one that is not there, and one that is fine', async () => {
  const old = createServer((_request, response) => response.end('{"v":"18.16.1"}\n'))
  old.listen(0, '127.0.0.1')
  await once(old, 'listening')
  const config = [
    'version: 1',
    'backends:',
    `  old: { driver: clickhouse, url: "http://127.0.0.1:${(old.address() as AddressInfo).port}" }`,
    '  gone: { driver: clickhouse, url: "http://127.0.0.1:1" }',
    `  fine: { driver: clickhouse, url: "${server.url}", password: "file:./password", database: otel }`,
  ]
  writeFileSync(join(folder, 'password'), 'secret')
  writeFileSync(join(folder, 'tblctl.yaml'), `${config.join('\n')}\n`)
  try {
    await using tblctl = await openIn(folder)
    const refusal = async (backend: string) =>
      failure(await tblctl.provision('register', [`${backend}:t`], { location: null, labels: {} }))
    expect(await refusal('old')).toMatchObject({ code: 'server-too-old' })
    expect(await refusal('gone')).toMatchObject({ kind: 'unreachable' })
    expect(await refusal('fine')).toMatchObject({ kind: 'missing', code: 'table-not-found' })
    const report = JSON.stringify(await Array.fromAsync(tblctl.doctor()))
    expect(report).toContain('too old')
    expect(report).toContain('ClickHouse 26.')
    expect(report).toContain('not there yet')
  } finally {
    old.close()
  }
})

test('a folder that another process has: busy, by its number; and free when that is gone', async () => {
  const program = fileURLToPath(new URL('../servers/clickhouse-front.ts', import.meta.url))
  const held = join(folder, 'held')
  const child = spawn(process.execPath, ['--no-warnings', program, held], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    expect(folderHolder(held)).toBe(child.pid)
    expect(await thrown(chdb(0, 'held'))).toMatchObject({
      kind: 'busy',
      code: 'engine-locked',
      message: expect.stringContaining(String(child.pid)),
    })
    const waiting = chdb(20_000, 'held')
    child.kill('SIGKILL')
    await using executor = await waiting
    expect(await executor.version).toMatch(/^26\./)
  } finally {
    child.kill('SIGKILL')
  }
  expect(folderHolder(held)).toBeNull()
})

test('of many processes that open one folder at once, each has it or is told who has: the engine says nothing', async () => {
  const program = `
    import { openChdb } from ${JSON.stringify(new URL('../../src/drivers/clickhouse/chdb.ts', import.meta.url).href)}
    const wait = Number(process.argv[2])
    try {
      const executor = await openChdb({ folder: process.argv[1], scratch: async () => '/tmp', lockTimeoutMs: wait })
      await executor.query({ sql: 'SELECT 1 AS one' })
      await executor[Symbol.asyncDispose]()
      process.stdout.write('had it')
    } catch (error) {
      process.stdout.write(error.view.kind)
    }`
  const shared = join(folder, 'shared')
  const outcomes = await Promise.all(
    [0, 0, 30_000].map(async (wait) => {
      const child = spawn(process.execPath, [
        '--no-warnings',
        '--input-type=module',
        '-e',
        program,
        shared,
        String(wait),
      ])
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
      expect(stderr).toBe('')
      return stdout
    }),
  )
  expect(outcomes[2]).toBe('had it')
  for (const outcome of outcomes) expect(['had it', 'busy']).toContain(outcome)
})

test('one process has one folder open at a time: the second waits for the first', async () => {
  const first = await chdb(0, 'one')
  const second = chdb(0, 'two')
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await using executor = await second
  expect(executor.place).toContain('two')
})

test('codes and messages as servers of all ages write them', () => {
  expect(codeOf(new Error('Code: 60. DB::Exception: no. (UNKNOWN_TABLE) (version 26.7.2.1)'))).toBe(60)
  expect(codeOf(new Error('Code: 47, e.displayText() = DB::Exception: no'))).toBe(47)
  expect(codeOf(Object.assign(new Error('no'), { code: '516' }))).toBe(516)
  expect(codeOf(new Error('no'))).toBeNull()
  expect(plainMessage('Code: 60. DB::Exception: no\u001b[1m table. (UNKNOWN_TABLE) (version 26.7.2.1)')).toBe(
    'no\\u001b[1m table.',
  )
  const plain = new TypeError('a mistake of ours')
  expect(clickhouseError(plain, 'x')).toBe(plain)
  const reset = new AggregateError([Object.assign(new Error(''), { code: 'ECONNREFUSED' })], '')
  expect(clickhouseError(reset, 'x')).toMatchObject({ view: { kind: 'unreachable' } })
})
