/** The delta driver on S3, where it has more to say than the generic suite: projects and their buckets, errors told apart, services that are not safe. */
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openS3Store } from '../../src/storage/s3.ts'
import { makeBucket, radosgwBucket } from '../servers/radosgw.ts'
import { startS3Double } from '../servers/s3-double.ts'
import { startTblctl } from '../support/child.ts'
import { contentOf, create, Lake, loadInto, optimize, register, rowsOf } from './world.ts'

const small = 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n'
const ref = 'lake:acme/t'
let server: Awaited<ReturnType<typeof radosgwBucket>>
let prefixes = 0
beforeAll(async () => {
  server = await radosgwBucket()
  process.env.AWS_ACCESS_KEY_ID = server.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey
}, 100_000)
afterAll(() => server.connection[Symbol.asyncDispose]())

/** A lake on the server; `more`: further lines of its backend. */
function lakeAt(url: string, more = '', endpoint = server.endpoint): Lake {
  const lake = new Lake({ small })
  const place = `url: "${url}", endpoint: "${endpoint}", forcePathStyle: true`
  lake.write('tblctl.yaml', `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, ${place}${more} }\n`)
  return lake
}
const freshUrl = (): string => `s3://${server.bucket}/lake ${prefixes++}`
const keysAt = async (url: string): Promise<string[]> =>
  (await Array.fromAsync(openS3Store(url, server.connection).list(''))).map(({ key }) => key)

describe('register PROJECT/', () => {
  it('creates the project’s table where there is none, adopts one that is there, and then it exists', async () => {
    const url = freshUrl()
    await using lake = lakeAt(url)
    const tblctl = await lake.open()
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({
      ref: 'lake:acme/otel_logs_and_spans',
      status: 'changed',
      result: { answer: 'created', location: `${url}/projects/acme/otel_logs_and_spans`, columns: 92 },
    })
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({ status: 'unchanged', result: { answer: 'exists' } })
    await tblctl.operate('unregister', { refs: ['lake:acme/otel_logs_and_spans'] }, {})
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({ status: 'changed', result: { answer: 'adopted' } })
    expect(await keysAt(url)).toEqual(['projects/acme/otel_logs_and_spans/_delta_log/00000000000000000000.json'])
  })

  it('on disk too; what is there and is no Delta table stays as it is', async () => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({ result: { answer: 'created' } })
    lake.write('lake/projects/other/otel_logs_and_spans/part.parquet', 'x')
    expect((await register(tblctl, 'lake:other/')).error).toMatchObject({ kind: 'missing', code: 'not-a-delta-table' })
    expect((await register(tblctl, 'lake:acme/nothing')).error).toMatchObject({ code: 'no-delta-table' })
  })

  it('by the command line', async () => {
    await using lake = lakeAt(freshUrl())
    const env = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey }
    const started = startTblctl(['register', 'lake:acme/', '-y', '-o', 'json'], { cwd: lake.folder, env })
    const { code, stdout, stderr } = await started.ended
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout).items[0].result.answer).toBe('created')
  })
})

describe('a bucket that a project brings', () => {
  it('holds its tables and nobody else’s, and nothing else is looked at when it cannot be reached', async () => {
    const own = await makeBucket(server.connection)
    const url = freshUrl()
    const keys = 'credentials: { accessKeyId: "file:./key", secretAccessKey: "file:./secret" }'
    await using lake = lakeAt(url, `, projects: { globex: { url: "s3://${own}/tf", ${keys} } }`)
    lake.write('key', server.accessKeyId)
    lake.write('secret', server.secretAccessKey)
    const input = lake.rows('a.ndjson', [{ id: 1 }])
    {
      const tblctl = await lake.open()
      for (const name of [ref, 'lake:globex/t']) {
        expect(await create(tblctl, name, 'small')).toMatchObject({ status: 'changed' })
        expect(await loadInto(tblctl, lake.folder, name, [input])).toMatchObject({ status: 'changed' })
      }
      expect((await keysAt(url)).filter((key) => key.includes('globex'))).toEqual([])
      expect((await keysAt(`s3://${own}`)).filter((key) => !key.startsWith('tf/projects/globex/t/'))).toEqual([])
      expect((await tblctl.list({ refs: [] }, true)).items.map((item) => [item.ref, item.live])).toEqual([
        [ref, 'present'],
        ['lake:globex/t', 'present'],
      ])
    }
    // Its tables lie in the shared bucket too, under the same names: they are not its own.
    const shared = openS3Store(url, server.connection)
    await shared.put('projects/globex/u/_delta_log/00000000000000000000.json', new TextEncoder().encode('{}'))
    lake.write('secret', 'wrong')
    const tblctl = await lake.open()
    for (const attempt of [register(tblctl, 'lake:globex/u'), create(tblctl, 'lake:globex/u', 'small')])
      expect((await attempt).error).toMatchObject({
        kind: 'denied',
        code: 'bad-credentials',
        message: expect.stringContaining(`s3://${own}`),
      })
    const live = await tblctl.list({ refs: [] }, true)
    expect(live.items.map(({ ref, live, unknown }) => [ref, live, unknown?.includes(`s3://${own}`)])).toEqual([
      [ref, 'present', undefined],
      ['lake:globex/t', null, true],
    ])
    expect(live.errors.map(({ error }) => error.code)).toContain('bad-credentials')
    expect(JSON.stringify(live)).not.toContain(server.secretAccessKey)
  })

  it('is looked at with its own keys, and every root that fails is named', async () => {
    const url = freshUrl()
    const wrong = 'credentials: { accessKeyId: "file:./wrong", secretAccessKey: "file:./wrong" }'
    const [nobody, apart] = [`s3://${server.bucket}-nobody`, `s3://${server.bucket}-apart`]
    const projects = `one: { url: "${url}", ${wrong} }, two: { url: "${url}" }, three: { url: "${nobody}" }, four: { url: "${apart}" }`
    await using lake = lakeAt(url, `, projects: { ${projects} }`)
    lake.write('wrong', 'nobody')
    const tblctl = await lake.open()
    const checks = (await Array.fromAsync(tblctl.doctor())).filter(({ backend }) => backend === 'lake')
    const lines = checks.filter(({ check }) => check === 'list').map(({ ok, detail }) => [ok, detail])
    expect(lines).toEqual([
      [true, `${url} (0 projects)`],
      [false, expect.stringMatching(/^project one: .*credentials are not valid/)],
      [true, `project two: ${url} (0 projects)`],
      [false, expect.stringMatching(/^project three: .*no bucket/)],
      [false, expect.stringMatching(/^project four: .*no bucket/)],
    ])
    const { errors } = await tblctl.list({ refs: [] }, true)
    for (const root of [nobody, apart])
      expect(errors.filter(({ error }) => error.message.includes(root))).toHaveLength(1)
  })

  it('that names a service of its own is never shown the backend’s keys', async () => {
    const double = await startS3Double('theirs')
    await using other = double
    const keys = 'credentials: { accessKeyId: "file:./key", secretAccessKey: "file:./key" }'
    const globex = `{ url: "s3://theirs", endpoint: "${other.endpoint}", forcePathStyle: true, region: here }`
    await using lake = lakeAt(freshUrl(), `, ${keys}, projects: { globex: ${globex} }`)
    lake.write('key', 'AKIDBACKEND')
    const before = process.env.AWS_ACCESS_KEY_ID
    process.env.AWS_ACCESS_KEY_ID = 'AKIDCHAIN'
    try {
      expect(await create(await lake.open(), 'lake:globex/t', 'small')).toMatchObject({ status: 'changed' })
    } finally {
      process.env.AWS_ACCESS_KEY_ID = before
    }
    expect(double.keys()).toEqual(['AKIDCHAIN'])
  })
})

describe('errors', () => {
  it('unreachable, forbidden and missing are told apart', async () => {
    const cases = [
      [lakeAt('s3://bucket/x', '', 'http://127.0.0.1:1'), { kind: 'unreachable', code: 'storage-unreachable' }],
      [lakeAt('s3://no-such-bucket-here/x'), { kind: 'missing', code: 'no-such-bucket' }],
      [
        lakeAt(freshUrl(), ', credentials: { accessKeyId: "file:./key", secretAccessKey: "file:./key" }'),
        { kind: 'denied', code: 'bad-credentials' },
      ],
    ] as const
    for (const [made, error] of cases) {
      await using lake = made
      lake.write('key', 'nobody')
      const tblctl = await lake.open()
      for (const item of [
        await register(tblctl, ref),
        await register(tblctl, 'lake:acme/'),
        await create(tblctl, ref, 'small'),
      ])
        expect(item.error).toMatchObject(error)
      const failed = (await Array.fromAsync(tblctl.doctor())).filter((check) => check.backend === 'lake' && !check.ok)
      expect(failed.length).toBeGreaterThan(0)
    }
  })

  it('what belongs to S3 alone is refused for a folder, and keys are references', async () => {
    for (const [line, says] of [
      ['url: "file:./lake", region: eu', 'belongs to an s3:// url'],
      ['url: "gs://bucket"', 'must begin with file: or s3://'],
      ['url: "s3://b/x", endpoint: "http://me:secret@host"', 'no keys in it'],
      ['url: "s3://b/x", credentials: { accessKeyId: AKID, secretAccessKey: "env:X" }', 'reference'],
    ]) {
      await using lake = new Lake()
      lake.write('tblctl.yaml', `version: 1\nbackends:\n  lake: { driver: delta, ${line} }\n`)
      await expect(lake.open()).rejects.toThrow(says)
    }
  })

  it('a damaged data file is named by its URL', async () => {
    const url = freshUrl()
    await using lake = lakeAt(url)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'small')
    for (const id of [1, 2]) await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])
    const key = (await keysAt(url)).find((name) => name.endsWith('.parquet'))!
    await openS3Store(url, server.connection).put(key, new TextEncoder().encode('PAR1 nonsense'))
    const damaged = { view: expect.objectContaining({ code: 'corrupt-file', where: `${url}/${key}` }) }
    await expect(rowsOf(tblctl, ref, 'select * from t')).rejects.toMatchObject(damaged)
    await expect(tblctl.stats({ refs: [ref] }, true)).rejects.toMatchObject(damaged)
    expect((await optimize(tblctl, ref)).error).toMatchObject({ code: 'corrupt-file', where: `${url}/${key}` })
    expect(await keysAt(url)).toContain(key)
  })
})

describe('places', () => {
  it('the policy names each bucket, and no more of it than the prefix', async () => {
    await using lake = lakeAt(
      's3://shared/some/prefix',
      ', projects: { globex: { url: "s3://theirs" }, disk: { url: "file:/d" } }',
    )
    const text = await (await lake.open()).policy('lake')
    const [shared, theirs] = text.split(/\n(?=\{)/).map((part) => JSON.parse(part.replace(/\nread, write.*/s, '')))
    expect(shared.Statement.map((statement: { Resource: string[] }) => statement.Resource)).toEqual([
      ['arn:aws:s3:::shared'],
      ['arn:aws:s3:::shared/some/prefix/*'],
    ])
    expect(shared.Statement[0].Condition).toEqual({ StringLike: { 's3:prefix': ['some/prefix/*'] } })
    expect(theirs.Statement[1].Resource).toEqual(['arn:aws:s3:::theirs/*'])
    expect(text).toContain('rename below /d')
  })

  it('a table may lie in any bucket that the backend’s keys reach', async () => {
    const other = await makeBucket(server.connection)
    await using lake = lakeAt(freshUrl())
    const tblctl = await lake.open()
    const location = `s3://${other}/some where/table`
    expect(await create(tblctl, ref, 'small', `${location}/`)).toMatchObject({ result: { location } })
    await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', [{ id: 7 }])])
    await tblctl.operate('unregister', { refs: [ref] }, {})
    // No new table inside of it or around it, though the catalog does not know it now.
    for (const nested of [`${location}/sub`, `s3://${other}/some where`, `s3://${other}`])
      expect((await create(tblctl, 'lake:acme/nested', 'small', nested)).error).toMatchObject({ code: 'nested-table' })
    expect(await register(tblctl, ref, location)).toMatchObject({ result: { answer: 'adopted', rows: 1 } })
    expect((await contentOf(tblctl, ref)).rows).toBe(1)
    expect((await keysAt(`s3://${other}`)).every((key) => key.startsWith('some where/table/'))).toBe(true)
  })

  it('hostile names stay where they are', async () => {
    const url = freshUrl()
    await using lake = lakeAt(url)
    const tblctl = await lake.open()
    for (const name of ['lake:../t', 'lake:a/..', 'lake:a%2Fb/t', 'lake:a b/t', 'lake:.x/t', 'lake:a//t'])
      await expect(create(tblctl, name, 'small')).rejects.toMatchObject({ view: { kind: 'usage', code: 'bad-ref' } })
    expect((await create(tblctl, 'lake:_delta_log/t', 'small')).error).toMatchObject({ code: 'bad-ref' })
    for (const name of ['lake:a/t', 'lake:ab/t', 'lake:a.b/t', 'lake:constructor/__proto'])
      expect(await create(tblctl, name, 'small'), name).toMatchObject(
        name.endsWith('__proto') ? { status: 'failed' } : { status: 'changed' },
      )
    await loadInto(tblctl, lake.folder, 'lake:a/t', [lake.rows('a.ndjson', [{ id: 1 }])])
    expect((await contentOf(tblctl, 'lake:ab/t')).rows).toBe(0)
    expect((await tblctl.list({ refs: ['lake:a/*'] }, true)).items.map((item) => item.ref)).toEqual(['lake:a/t'])
  })
})

describe('a service that takes connections and never answers', () => {
  it('is said to be waited for, and a signal ends even a command that changes something', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await using lake = lakeAt('s3://bucket/x', '', endpoint)
    const env = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }
    const start = (...args: string[]) => startTblctl(args, { cwd: lake.folder, env })
    try {
      const creating = start('create', ref, '--schema', 'small', '-y')
      const listing = start('list', '--live', '--timeout', '2s').ended
      await expect.poll(creating.output, { timeout: 20_000 }).toContain(`${endpoint} does not answer yet`)
      creating.child.kill('SIGTERM')
      expect((await creating.ended).code).toBe(143)
      expect((await listing).code).toBe(124)
    } finally {
      server.close()
    }
  }, 60_000)
})

describe('a service that ignores conditions', () => {
  it('is refused before anything is written, and doctor says so', async () => {
    await using double = await startS3Double('bucket')
    double.ignoresConditions = true
    await using lake = lakeAt('s3://bucket/lake', '', double.endpoint)
    const tblctl = await lake.open()
    expect((await create(tblctl, ref, 'small')).error).toMatchObject({
      kind: 'refused',
      code: 'no-conditional-writes',
      message: expect.stringContaining(double.endpoint),
    })
    expect([...double.objects('bucket').keys()].filter((key) => key.includes('_delta_log'))).toEqual([])
    const write = (await Array.fromAsync(tblctl.doctor())).find(
      ({ check, backend }) => backend === 'lake' && check === 'write',
    )
    expect(write).toMatchObject({
      ok: false,
      detail: expect.stringContaining('If-None-Match'),
      fix: expect.any(String),
    })
  })

  it('answers that get lost do no harm: every commit once', async () => {
    await using double = await startS3Double('bucket')
    await using lake = lakeAt('s3://bucket/lake', '', double.endpoint)
    const tblctl = await lake.open()
    double.inject('lost-reply', /PUT .*_delta_log/, 2)
    expect(await create(tblctl, ref, 'small')).toMatchObject({ result: { answer: 'created' } })
    for (const id of [1, 2, 3]) {
      double.inject('lost-reply', /PUT .*(_delta_log|parquet)/, 3)
      expect(await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])).toMatchObject({
        result: { rows: 1, commits: 1 },
      })
    }
    double.inject('lost-reply', /PUT .*_delta_log/)
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 3, filesAdded: 1 } })
    expect(await rowsOf(tblctl, ref, 'select id::varchar from t order by id')).toEqual([['1'], ['2'], ['3']])
    expect((await tblctl.describe(ref)).status.version).toBe(4)
  })
})
