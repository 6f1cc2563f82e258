/** Requests: what they carry, which errors are tried again and how, where they go, and with whose credentials. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { errorView } from '../../src/core/errors.ts'
import { bigqueryConfig } from '../../src/drivers/bigquery/config.ts'
import { driver as module } from '../../src/drivers/bigquery/module.ts'
import { Secret } from '../../src/settings/secret.ts'
import { BigQueryFront, type Fault } from '../servers/bigquery-front.ts'
import { context, firstTime, makeTable, openDriver, pagesOf, rowsOfPages, source, sourceOf } from './world.ts'

let front: BigQueryFront
beforeAll(async () => {
  front = await BigQueryFront.start(0, 50_000)
})
afterAll(() => front[Symbol.asyncDispose]())
beforeEach(() => {
  const fields = [
    { name: 'id', type: 'INT64', mode: 'REQUIRED' },
    { name: 'ts', type: 'TIMESTAMP' },
    { name: 'text', type: 'STRING' },
  ]
  makeTable(
    front,
    't',
    fields,
    [0, 1, 2, 3].map((id) => ({ id, ts: String(id) })),
  )
  front.seen.length = 0
})
afterEach(() => front.heal())

const table = source('t', { key: ['id'] })
const read = async (rows = 10, project = 'p') => {
  await using driver = openDriver(front, project)
  const facts = await sourceOf(driver).inspect(table, context())
  return rowsOfPages(await pagesOf(sourceOf(driver), table, firstTime, { rows }, facts)).map((row) => Number(row[0]))
}
const whole = [0, 1, 2, 3]
const thrown = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    return errorView(error)
  }
  throw new Error('it did not throw')
}
const queries = () => front.seen.filter(({ method, path }) => method === 'POST' && path.includes('/queries'))

test('a query carries where, who, its limit, exact times and an id of its own (H17)', async () => {
  await using driver = openDriver(front, 'p', { config: { maximumBytesBilled: '20MiB' } })
  await pagesOf(sourceOf(driver), table, firstTime, { rows: 10 })
  const [clock, page] = queries().map(({ body }) => body)
  expect(page).toMatchObject({
    useLegacySql: false,
    location: 'EU',
    maximumBytesBilled: '20971520',
    labels: { 'tblctl-run': 'run_1' },
    formatOptions: { useInt64Timestamp: true },
    parameterMode: 'NAMED',
  })
  expect(page.queryParameters).toEqual([
    { name: 'p0', parameterType: { type: 'INT64' }, parameterValue: { value: expect.stringMatching(/^\d{16}$/) } },
    { name: 'p1', parameterType: { type: 'INT64' }, parameterValue: { value: '11' } },
  ])
  expect(page.requestId).toMatch(/^[0-9a-f-]{36}$/)
  expect(page.requestId).not.toBe(clock.requestId)
  expect(front.seen.every(({ authorization }) => authorization === undefined)).toBe(true)
})

describe('tried again', () => {
  const again: readonly (readonly [string, Fault['is'], string])[] = [
    ['overloaded', { code: 503, reason: 'backendError' }, 'same'],
    ['too fast', { code: 403, reason: 'rateLimitExceeded' }, 'same'],
    ['too many', { code: 429, reason: 'unknownToUs' }, 'same'],
    ['cut before it was done', 'reset-before', 'same'],
    ['cut after it was done', 'reset-after', 'same'],
    ['a job that failed', { code: 400, reason: 'jobBackendError' }, 'other'],
  ]
  test.each(again)('%s', async (_what, is, job) => {
    front.fail({ method: 'POST', path: /\/queries/, times: 2, is })
    expect(await read()).toEqual(whole)
    const ids = queries().map(({ body }) => body.requestId)
    expect(ids).toHaveLength(4)
    expect(new Set(ids.slice(0, 3)).size).toBe(job === 'same' ? 1 : 3)
  })
  test('no answer at all', async () => {
    await using driver = openDriver(front, 'p', { answer: 300 })
    const facts = await sourceOf(driver).inspect(table, context())
    front.fail({ method: 'POST', path: /\/queries/, times: 1, is: { slow: 1500 } })
    const pages = await pagesOf(sourceOf(driver), table, firstTime, { rows: 10 }, facts)
    expect(rowsOfPages(pages).map((row) => Number(row[0]))).toEqual(whole)
    const [first, second] = queries().slice(-2)
    expect(second!.body.requestId).toBe(first!.body.requestId)
  })
  test('a query that is not done yet is asked for again, where it runs', async () => {
    front.fail(
      { method: 'POST', path: /\/queries/, times: 1, is: 'incomplete' },
      { method: 'GET', path: /\/queries\//, times: 2, is: 'incomplete' },
    )
    expect(await read()).toEqual(whole)
    const polls = front.seen.filter(({ method, path }) => method === 'GET' && path.includes('/queries/'))
    expect(polls).toHaveLength(3)
    for (const { path } of polls) expect(path).toMatch(/location=EU/)
  })
  test('results that expired are asked for anew, and no row comes twice', async () => {
    const stored = front.store.table('p', 'd', 't')
    const large = Array.from({ length: 12 }, (_, id) => ({ json: { id, ts: String(id), text: 'x'.repeat(10_000) } }))
    stored.replace([])
    stored.append(large)
    front.fail({ method: 'GET', path: /\/queries\/.*pageToken/, times: 1, is: { code: 404, reason: 'notFound' } })
    expect(await read(20)).toEqual(large.map(({ json }) => json.id))
    expect(new Set(queries().map(({ body }) => body.requestId)).size).toBe(3)
  })
  test('an answer that is too large is asked for in halves', async () => {
    await using driver = openDriver(front)
    const facts = await sourceOf(driver).inspect(table, context())
    front.fail({ method: 'POST', path: /\/queries/, times: 1, is: { code: 403, reason: 'responseTooLarge' } })
    const pages = await pagesOf(sourceOf(driver), table, firstTime, { rows: 3 }, facts)
    expect(pages.map(({ batch }) => batch.rows)).toEqual([2, 2])
    expect(rowsOfPages(pages).map((row) => Number(row[0]))).toEqual(whole)
  })
})

describe('told', () => {
  test.each([
    [{ code: 503, reason: 'backendError' }, 5, 'unreachable', 'bigquery-unreachable', 'later'],
    [{ code: 403, reason: 'quotaExceeded' }, 1, 'failed', 'quota-exceeded', 'later'],
    [{ code: 403, reason: 'accessDenied' }, 1, 'denied', 'bigquery-denied', 'no'],
    [{ code: 401, reason: 'other' }, 1, 'denied', 'bigquery-denied', 'no'],
    [{ code: 403, reason: 'billingNotEnabled' }, 1, 'denied', 'bigquery-denied', 'no'],
    [{ code: 403, reason: 'responseTooLarge' }, 9, 'failed', 'response-too-large', 'no'],
    [{ code: 404, reason: 'notFound' }, 1, 'missing', 'not-found', 'no'],
    [{ code: 400, reason: 'invalid' }, 1, 'data', 'invalid-query', 'no'],
  ] as const)('%j', async (is, times, kind, code, retry) => {
    front.fail({ method: 'POST', path: /\/queries/, times, is })
    expect(await thrown(read(1))).toMatchObject({ kind, code, retry, message: `BigQuery: ${is.reason}` })
  })
  test('a query that would cost more than it may is refused, and says what it needs', async () => {
    await using driver = openDriver(front, 'p', { config: { maximumBytesBilled: '1MB' } })
    expect(await thrown(pagesOf(sourceOf(driver), table, firstTime, { rows: 10 }))).toMatchObject({
      kind: 'refused',
      code: 'too-many-bytes-billed',
      message: 'BigQuery: Query exceeded limit for bytes billed: 1000000. 10485760 or higher required.',
      hint: expect.stringContaining('maximumBytesBilled'),
    })
  })
  test('nobody there', async () => {
    await using driver = openDriver(front, 'p', { config: { apiEndpoint: 'http://127.0.0.1:1' } })
    expect(await thrown(sourceOf(driver).inspect(table, context()))).toMatchObject({
      kind: 'unreachable',
      retry: 'later',
    })
    const checks = await driver.ping(context())
    expect(checks.map(({ check, ok }) => [check, ok])).toEqual([
      ['datasets', false],
      ['query', false],
    ])
    expect(checks[0]!.fix).toContain('apiEndpoint')
  })
})

test('stopped while a query runs: at once, and the query is cancelled', async () => {
  const stop = new AbortController()
  await using driver = openDriver(front)
  const facts = await sourceOf(driver).inspect(table, context())
  front.fail(
    { method: 'POST', path: /\/queries/, times: 1, is: 'incomplete' },
    { method: 'GET', path: /\/queries\//, times: 1, is: { slow: 5000 } },
  )
  const limit = { rows: 10, bytes: 1e6 }
  const page = sourceOf(driver).page(table, facts, firstTime, facts.highWater, limit, context(stop.signal))
  setTimeout(() => stop.abort(new Error('told to stop')), 100)
  await expect(page).rejects.toThrow('told to stop')
  expect(front.seen.at(-1)).toMatchObject({ method: 'POST', path: expect.stringMatching(/\/jobs\/job_.*\/cancel\?/) })
})

describe('where and as whom', () => {
  test.each([
    (endpoint: string) => endpoint,
    (endpoint: string) => endpoint.replace('http://', ''),
    (endpoint: string) => `${endpoint}/bigquery/v2/`,
  ])('BIGQUERY_EMULATOR_HOST is honoured (%#)', async (form) => {
    const config = { apiEndpoint: undefined }
    await using driver = openDriver(front, 'p', { config, env: { BIGQUERY_EMULATOR_HOST: form(front.endpoint) } })
    expect((await driver.ping(context())).every(({ ok }) => ok)).toBe(true)
  })
  test('apiEndpoint says more than the variable', async () => {
    await using driver = openDriver(front, 'p', { env: { BIGQUERY_EMULATOR_HOST: '127.0.0.1:1' } })
    expect((await driver.ping(context())).every(({ ok }) => ok)).toBe(true)
  })
  test('credentials never go over plain http', async () => {
    const credentials = new Secret('file:./key.json', '{"type":"service_account"}')
    const parsed = { ...bigqueryConfig.parse({ projectId: 'p', apiEndpoint: front.endpoint }), credentials }
    await using driver = await module.open('warehouse', parsed, { directory: '/', env: {} } as never)
    expect((await driver.ping(context())).every(({ ok }) => ok)).toBe(true)
    expect(front.seen.every(({ authorization }) => authorization === undefined)).toBe(true)
  })
  test('credentials are exchanged for a token where they say', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tblctl-bigquery-'))
    let exchanged = 0
    const exchange = createServer((_request, response) => {
      exchanged++
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          access_token: 'exchanged',
          token_type: 'Bearer',
          expires_in: 3600,
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        }),
      )
    }).listen(0, '127.0.0.1')
    try {
      await new Promise((resolve) => exchange.once('listening', resolve))
      writeFileSync(join(folder, 'subject'), 'subject')
      const key = {
        type: 'external_account',
        audience: 'a',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `http://127.0.0.1:${(exchange.address() as AddressInfo).port}/token`,
        credential_source: { file: join(folder, 'subject') },
      }
      // The service itself is out of reach: that its host is asked with this token is all that can be seen here.
      const { connect } = await import('../../src/drivers/bigquery/client.ts')
      const secret = new Secret('file:./key.json', JSON.stringify(key))
      const send = await connect({ projectId: 'p', apiEndpoint: 'https://127.0.0.1:1', credentials: secret }, {})
      const error = await send({ method: 'GET', uri: '/datasets' }).catch((caught: unknown) => caught)
      expect(String(error)).toContain('127.0.0.1:1')
      expect(exchanged).toBe(1)
    } finally {
      exchange.close()
      rmSync(folder, { recursive: true })
    }
  })
  test.each([
    ['hunter2', 'hold no JSON'],
    ['null', 'hold no key'],
    ['{"type": "service_account", "private_key": "hunter2"}', 'name no client_email'],
    ['{"type": "service_account", "client_email": "a@b", "private_key": "hunter2"}', 'have a private_key that cannot'],
  ])('credentials that are no key are told by their reference, never by what they hold (%#)', async (text, why) => {
    const credentials = new Secret('file:./key.json', text)
    const config = { ...bigqueryConfig.parse({ projectId: 'p' }), credentials }
    await using driver = await module.open('warehouse', config, { directory: '/', env: {} } as never)
    const view = await thrown(sourceOf(driver).inspect(table, context()))
    expect(view).toMatchObject({
      kind: 'config',
      code: 'bad-credentials',
      message: expect.stringContaining(`credentials (file:./key.json) ${why}`),
    })
    expect(JSON.stringify(view)).not.toContain('hunter2')
  })
  test.each([
    { projectId: '' },
    { projectId: 'p', apiEndpoint: '127.0.0.1:9050' },
    { projectId: 'p', apiEndpoint: 'http://x/bigquery' },
    { projectId: 'p', apiEndpoint: 'http://x?key=hunter2' },
    { projectId: 'p', maximumBytesBilled: '10' },
    { projectId: 'p', credentials: '{"type":"service_account"}' },
  ])('%j is no config', (config) => {
    expect(() => bigqueryConfig.parse(config)).toThrow()
  })
})
