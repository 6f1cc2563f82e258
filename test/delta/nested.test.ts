/** Tables inside one another: a legacy `projects/acme/` around `projects/acme/metrics/`. Who cares for the outer one keeps out of the others. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { openS3Store } from '../../src/storage/s3.ts'
import { radosgwBucket } from '../servers/radosgw.ts'
import { contentOf, create, Lake, liveOf, loadInto, optimize, register } from './world.ts'

const schemas = {
  small: 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n',
  parted:
    'table_name: parted\npartitions: [p]\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: p, data_type: Utf8, nullable: true }\n',
}
const below = { retainMs: 0, belowFloor: true }

/** Names, bytes and times of everything in a folder. */
const fingerprint = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = join(entry.parentPath, entry.name)
        return [file.slice(folder.length), createHash('sha256').update(readFileSync(file)).digest('hex')]
      }),
  )

/** Some files that are live, some that are not. */
async function fill(lake: Lake, tblctl: Tblctl, ref: string): Promise<void> {
  for (const id of [1, 2, 3]) {
    lake.rows('rows.ndjson', [{ id }])
    await loadInto(tblctl, lake.folder, ref, ['rows.ndjson'])
  }
  await optimize(tblctl, ref)
}

/** `acme` at the legacy place, and inside of it `metrics` and `a/b`; made apart and moved together, as other programs have left them. */
async function nested() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  const outer = lake.path('lake/projects/acme')
  for (const [ref, place] of [
    ['lake:x/outer', outer],
    ['lake:x/metrics', join(outer, 'metrics')],
    ['lake:x/b', join(outer, 'a/b')],
  ] as const) {
    const made = lake.path(`made/${ref.slice(-1)}`)
    await create(tblctl, ref, ref === 'lake:x/outer' ? 'parted' : 'small', `file:${made}`)
    await fill(lake, tblctl, ref)
    await tblctl.operate('unregister', { refs: [ref] }, {})
    mkdirSync(join(place, '..'), { recursive: true })
    renameSync(made, place)
  }
  await register(tblctl, 'lake:acme/otel', `file:${outer}`)
  writeFileSync(join(outer, 'orphan.parquet'), 'x')
  const vacuum = async (options: object = below, ref = 'lake:acme/otel') =>
    (await tblctl.operate('vacuum', { refs: [ref] }, options)).items[0]!
  return { lake, tblctl, outer, vacuum, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const inner = (outer: string) => [fingerprint(join(outer, 'metrics')), fingerprint(join(outer, 'a/b'))]

describe('vacuum of the outer table', () => {
  it('removes its own files and leaves the inner ones as they are, registered or not', async () => {
    await using made = await nested()
    const { tblctl, outer, vacuum } = made
    const before = inner(outer)
    await register(tblctl, 'lake:acme/metrics', `file:${join(outer, 'metrics')}`)
    expect(await vacuum()).toMatchObject({ status: 'changed', result: { filesRemoved: 4 } })
    expect(inner(outer)).toEqual(before)
    expect(await contentOf(tblctl, 'lake:acme/otel')).toMatchObject({ rows: 3 })
    // The inner one's own vacuum does what it is for.
    expect(await vacuum(below, 'lake:acme/metrics')).toMatchObject({ result: { filesRemoved: 3 } })
    expect(await contentOf(tblctl, 'lake:acme/metrics')).toMatchObject({ rows: 3 })
  })

  it.each([
    ['damaged', (log: string) => writeFileSync(join(log, '00000000000000000000.json'), '{ no')],
    ['empty', (log: string) => readdirSync(log).forEach((name) => void rmSync(join(log, name), { recursive: true }))],
    [
      'a link to nowhere',
      (log: string) => {
        rmSync(log, { recursive: true })
        symlinkSync('/nowhere', log)
      },
    ],
  ])('leaves an inner one alone whose log is %s', async (_, damage) => {
    await using made = await nested()
    const { outer, vacuum } = made
    damage(join(outer, 'metrics/_delta_log'))
    damage(join(outer, 'a/b/_delta_log'))
    const before = inner(outer)
    expect(await vacuum()).toMatchObject({ result: { filesRemoved: 4 } })
    expect(inner(outer)).toEqual(before)
  })

  it('leaves one alone that is only registered, however its place is spelled', async () => {
    await using made = await nested()
    const { lake, tblctl, outer, vacuum } = made
    symlinkSync(lake.path('lake'), lake.path('other name'))
    const spelled = lake.path('other name/projects/acme/x/../metrics/')
    expect(await register(tblctl, 'lake:acme/metrics', spelled)).toMatchObject({ status: 'changed' })
    expect(await register(tblctl, 'lake:acme/b', `file://${outer}/a/%62`)).toMatchObject({ status: 'changed' })
    for (const table of ['metrics', 'a/b']) rmSync(join(outer, table, '_delta_log'), { recursive: true })
    const before = inner(outer)
    expect(await vacuum()).toMatchObject({ result: { filesRemoved: 4 } })
    expect(inner(outer)).toEqual(before)
  })

  it('leaves one alone that was dropped and may come back', async () => {
    await using made = await nested()
    const { tblctl, outer, vacuum } = made
    await register(tblctl, 'lake:acme/metrics', `file:${join(outer, 'metrics')}`)
    const content = await contentOf(tblctl, 'lake:acme/metrics')
    expect((await tblctl.operate('drop', { refs: ['lake:acme/metrics'] }, {})).items[0]).toMatchObject({
      status: 'changed',
    })
    const before = inner(outer)
    expect(await vacuum()).toMatchObject({ result: { filesRemoved: 4 } })
    expect(inner(outer)).toEqual(before)
    expect((await tblctl.undrop(['lake:acme/metrics'], null, false)).items[0]).toMatchObject({ status: 'changed' })
    expect(await contentOf(tblctl, 'lake:acme/metrics')).toEqual(content)
  })

  it('by the log alone enters none either, when the log names files in one', async () => {
    await using made = await nested()
    const { outer, vacuum } = made
    const before = inner(outer)
    const victim = decodeURIComponent(liveOf(join(outer, 'metrics'))[0]!.path)
    const version = String(readdirSync(join(outer, '_delta_log')).filter((name) => name.endsWith('.json')).length)
    writeFileSync(
      join(outer, '_delta_log', `${version.padStart(20, '0')}.json`),
      `${JSON.stringify({ remove: { path: `metrics/${victim}`, deletionTimestamp: 1, dataChange: true } })}\n`,
    )
    expect(await vacuum({ ...below, mode: 'lite' })).toMatchObject({ result: { filesRemoved: 3 } })
    expect(inner(outer)).toEqual(before)
  })

  it('drop leaves the inner ones as they are', async () => {
    await using made = await nested()
    const { tblctl, outer } = made
    const before = inner(outer)
    expect((await tblctl.operate('drop', { refs: ['lake:acme/otel'] }, {})).items[0]).toMatchObject({
      status: 'changed',
    })
    expect(inner(outer)).toEqual(before)
  })
})

describe('on S3', () => {
  let server: Awaited<ReturnType<typeof radosgwBucket>>
  beforeAll(async () => {
    server = await radosgwBucket()
    process.env.AWS_ACCESS_KEY_ID = server.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey
  }, 100_000)
  afterAll(() => server.connection[Symbol.asyncDispose]())

  it('vacuum of many partitions removes its own files alone, and verify finds it whole', async () => {
    await using lake = new Lake(schemas)
    const url = `s3://${server.bucket}/nested`
    lake.write(
      'tblctl.yaml',
      `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, url: "${url}", endpoint: "${server.endpoint}", forcePathStyle: true }\n`,
    )
    const store = openS3Store(url, server.connection)
    const keys = async (folder: string) => (await Array.fromAsync(store.list(folder))).map(({ key }) => key)
    const tblctl = await lake.open()
    const outer = 'lake:acme/otel'
    const ids = Array.from({ length: 12 }, (_, id) => ({ id }))
    lake.rows('small.ndjson', ids)
    lake.rows(
      'parted.ndjson',
      ids.map(({ id }) => ({ id, p: `p${id}` })),
    )
    for (const [ref, schema] of [
      ['lake:acme/metrics', 'small'],
      [outer, 'parted'],
    ] as const) {
      await create(tblctl, ref, schema, ref === outer ? null : `${url}/projects/acme/otel-metrics`)
      for (const again of [false, true]) await loadInto(tblctl, lake.folder, ref, [`${schema}.ndjson`], { again })
      await optimize(tblctl, ref)
    }
    // The inner one is put where the legacy layout has it.
    for (const key of await keys('projects/acme/otel-metrics')) {
      await store.put(key.replace('otel-metrics', 'otel/metrics'), (await store.read(key))!)
      await store.delete([key])
    }
    await tblctl.operate('unregister', { refs: ['lake:acme/metrics'] }, {})
    const before = await keys('projects/acme/otel/metrics')
    expect(before.length).toBeGreaterThan(5)
    // S3 tells times in seconds: what was written in this one counts as young.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const vacuum = async (mode: string) =>
      (await tblctl.operate('vacuum', { refs: [outer] }, { ...below, mode })).items[0]!
    await store.put('projects/acme/otel/p=p7/orphan.parquet', new Uint8Array(3))
    expect(await vacuum('lite')).toMatchObject({ status: 'changed', result: { filesRemoved: 24 } })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(await vacuum('full')).toMatchObject({ status: 'changed', result: { filesRemoved: 1, bytesRemoved: 3 } })
    expect(await keys('projects/acme/otel/metrics')).toEqual(before)
    expect(await tblctl.verify(outer, { data: true })).toMatchObject({
      ok: true,
      checked: { files: 12, rows: 24, unnamedFiles: 0 },
    })
    expect(await contentOf(tblctl, outer)).toMatchObject({ rows: 24 })
  }, 120_000)
})
