/** drop, undrop and what vacuum makes of dropped tables, on disk (one rename) and on S3 (copied object by object). */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { OperationReport } from '../../src/api/operate.ts'
import { errorView } from '../../src/core/errors.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { openS3Store } from '../../src/storage/s3.ts'
import { killEverywhere } from '../faults/harness.ts'
import { radosgwBucket } from '../servers/radosgw.ts'
import { startTblctl } from '../support/child.ts'
import { contentOf, create, Lake, loadInto, logOf, rowsOf } from './world.ts'

const small = 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n'
const ref = 'lake:acme/t'
const only = (report: OperationReport) => report.items[0]!
const drop = async (tblctl: Tblctl, dryRun = false) => only(await tblctl.operate('drop', { refs: [ref] }, {}, dryRun))
const undrop = async (tblctl: Tblctl) => only(await tblctl.undrop([ref]))

/** A table of three versions with a label. */
async function filled(lake: Lake): Promise<Tblctl> {
  const tblctl = await lake.open()
  await create(tblctl, ref, 'small')
  for (const id of [1, 2]) await loadInto(tblctl, lake.folder, ref, [lake.rows(`${id}.ndjson`, [{ id }])])
  await tblctl.label({ refs: [ref] }, ['tier=hot'])
  return tblctl
}
/** As if it had been dropped so many days ago. */
function age(lake: Lake, days: number): void {
  const trash = lake.path('lake/_tblctl_trash')
  for (const name of readdirSync(trash, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('dropped.json')) continue
    const note = JSON.parse(readFileSync(join(trash, name), 'utf8'))
    writeFileSync(join(trash, name), JSON.stringify({ ...note, droppedAt: new Date(Date.now() - days * 86_400_000) }))
  }
}
const parquetIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.parquet'))

describe('a dropped table', () => {
  it('is gone for everybody, its files are there, and undrop brings back all of it', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    const before = { content: await contentOf(tblctl, ref), log: logOf(lake.table('t')) }
    const times = before.log.map((_, version) => commitTime(lake, version))
    const planned = await drop(tblctl, true)
    expect(planned.plan).toMatchObject({ changes: 1, risk: 'severe', files: 2, rows: 2 })
    expect(existsSync(lake.table('t/_delta_log'))).toBe(true)

    const dropped = await drop(tblctl)
    expect(dropped, JSON.stringify(dropped.error)).toMatchObject({
      status: 'changed',
      result: { answer: 'dropped', version: 2, files: 2, rows: 2, undropUntil: expect.any(String) },
    })
    expect(existsSync(lake.table('t/_delta_log'))).toBe(false)
    expect(parquetIn(lake.table('t'))).toHaveLength(2)
    expect((await tblctl.list({ refs: [] })).items).toEqual([])
    expect((await tblctl.list({ refs: [] }, true)).items).toEqual([])
    expect((await tblctl.list({ refs: [], dropped: true })).items).toMatchObject([{ ref, labels: { tier: 'hot' } }])
    await expect(tblctl.describe(ref)).rejects.toMatchObject({
      view: { code: 'table-dropped', hint: `tblctl undrop ${ref}` },
    })

    expect(await undrop(tblctl)).toMatchObject({
      status: 'changed',
      result: { answer: 'undropped', version: 2, files: 2, rows: 2 },
    })
    expect(await contentOf(tblctl, ref)).toEqual(before.content)
    expect(logOf(lake.table('t'))).toEqual(before.log)
    // Time travel goes by them.
    expect(before.log.map((_, version) => commitTime(lake, version))).toEqual(times)
    expect((await tblctl.list({ refs: [] })).items).toMatchObject([{ ref, schema: 'small', labels: { tier: 'hot' } }])
    expect((await tblctl.list({ refs: [], dropped: true })).items).toEqual([])
    expect(readdirSync(lake.path('lake'))).not.toContain('_tblctl_trash/acme/t')
    expect(await undrop(tblctl)).toMatchObject({ status: 'unchanged', result: { answer: 'exists' } })
  })

  it('leaves its place to a new one, and comes back only when that one has gone', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    await drop(tblctl)
    expect(await create(tblctl, ref, 'small')).toMatchObject({ status: 'changed', result: { answer: 'created' } })
    expect((await rowsOf(tblctl, ref, 'select count(*) from t'))[0]).toEqual([0n])
    expect(await undrop(tblctl)).toMatchObject({ status: 'unchanged' })
    await tblctl.operate('unregister', { refs: [ref] }, {})
    // The catalog has forgotten it, the trash has not; but its place is taken.
    await expect(tblctl.undrop([ref])).rejects.toMatchObject({ view: { kind: 'missing' } })
  })

  it('whose place is taken is not brought back', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    await drop(tblctl)
    cpSync(
      join(lake.path('lake/_tblctl_trash/acme/t'), readdirSync(lake.path('lake/_tblctl_trash/acme/t'))[0]!),
      lake.table('t'),
      {
        recursive: true,
      },
    )
    expect(await undrop(tblctl)).toMatchObject({ status: 'failed', error: { code: 'place-taken' } })
  })

  it('whose log is damaged goes, and comes back, too', async () => {
    await using lake = new Lake({ small })
    await (await filled(lake))[Symbol.asyncDispose]()
    writeFileSync(lake.table('t/_delta_log/00000000000000000001.json'), '{"add"')
    const tblctl = await lake.open()
    const planned = await drop(tblctl, true)
    expect(planned.plan!.summary[0]).toContain('cannot be read')
    expect(await drop(tblctl)).toMatchObject({ status: 'changed', result: { version: null, rows: null } })
    expect(await undrop(tblctl)).toMatchObject({ status: 'changed' })
    expect(readFileSync(lake.table('t/_delta_log/00000000000000000001.json'), 'utf8')).toBe('{"add"')
  })

  it('that is not there any more is only forgotten', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    rmSync(lake.table('t'), { recursive: true })
    expect(await drop(tblctl)).toMatchObject({ status: 'changed', result: { answer: 'forgotten' } })
    expect((await tblctl.list({ refs: [] })).items).toEqual([])
  })

  it('at a place of its own, on another disk where there is one, is copied to the trash and back', async () => {
    await using lake = new Lake({ small })
    const elsewhere = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tblctl-elsewhere-'))
    try {
      const tblctl = await lake.open()
      expect(await create(tblctl, ref, 'small', `file:${elsewhere}/t`)).toMatchObject({ status: 'changed' })
      await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', [{ id: 1 }])])
      expect(await drop(tblctl)).toMatchObject({ status: 'changed' })
      expect(existsSync(`${elsewhere}/t/_delta_log/00000000000000000000.json`)).toBe(false)
      expect(await undrop(tblctl)).toMatchObject({ status: 'changed', result: { version: 1, rows: 1 } })
      expect((await tblctl.list({ refs: [] })).items).toMatchObject([{ location: `file://${elsewhere}/t` }])
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })
})

function commitTime(lake: Lake, version: number): number {
  return statSync(lake.table(`t/_delta_log/${String(version).padStart(20, '0')}.json`)).mtimeMs
}

describe('vacuum --trash', () => {
  it('leaves what was dropped inside the grace, and then removes its files and nothing else', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    await create(tblctl, 'lake:acme/other', 'small')
    await loadInto(tblctl, lake.folder, 'lake:acme/other', [lake.rows('o.ndjson', [{ id: 9 }])])
    await drop(tblctl)
    expect(only(await tblctl.emptyTrash('lake'))).toMatchObject({ status: 'unchanged' })
    age(lake, 6.9)
    expect(only(await tblctl.emptyTrash('lake'))).toMatchObject({ status: 'unchanged' })
    age(lake, 7.1)
    expect(only(await tblctl.emptyTrash('lake', true)).plan).toMatchObject({ changes: 1, files: 2, risk: 'moderate' })
    expect(parquetIn(lake.table('t'))).toHaveLength(2)
    expect(only(await tblctl.emptyTrash('lake'))).toMatchObject({
      status: 'changed',
      result: { tables: 1, filesRemoved: 2, bytesRemoved: expect.any(Number) },
    })
    expect(existsSync(lake.table('t')) ? parquetIn(lake.table('t')) : []).toEqual([])
    expect(await rowsOf(tblctl, 'lake:acme/other', 'select id from t')).toEqual([[9n]])
    expect(only(await tblctl.undrop([ref]))).toMatchObject({ status: 'failed', error: { code: 'not-in-trash' } })
    expect(only(await tblctl.emptyTrash('lake'))).toMatchObject({ status: 'unchanged' })
  })

  it('keeps the files of the table that is there now', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    await drop(tblctl)
    await create(tblctl, ref, 'small')
    await loadInto(tblctl, lake.folder, ref, [lake.rows('new.ndjson', [{ id: 7 }])])
    age(lake, 30)
    expect(only(await tblctl.emptyTrash('lake'))).toMatchObject({ result: { filesRemoved: 2 } })
    expect(await rowsOf(tblctl, ref, 'select id from t')).toEqual([[7n]])
    expect(parquetIn(lake.table('t'))).toHaveLength(1)
  })
})

/** The command line over a lake. */
class Killed implements AsyncDisposable {
  readonly lake: Lake
  constructor(lake: Lake) {
    this.lake = lake
  }
  run(args: readonly string[], env: Record<string, string>) {
    return startTblctl([...args, '-o', 'json'], { cwd: this.lake.folder, env }).ended
  }
  async look() {
    const tblctl = await this.lake.open()
    const { items } = await tblctl.list({ refs: [] }, true)
    const dropped = (await tblctl.list({ refs: [], dropped: true })).items.map((item) => item.ref)
    const rows = items.length === 0 ? null : await rowsOf(tblctl, ref, 'select id from t order by id')
    return { live: items.map((item) => [item.ref, item.live, item.labels]), dropped, rows }
  }
  [Symbol.asyncDispose]() {
    return this.lake[Symbol.asyncDispose]()
  }
}
async function world(first: 'filled' | 'dropped'): Promise<Killed> {
  const lake = new Lake({ small })
  await using tblctl = await filled(lake)
  if (first === 'dropped') await drop(tblctl)
  return new Killed(lake)
}

describe('killed at every durable step', () => {
  it('drop', { timeout: 180_000 }, async () => {
    await killEverywhere(
      {
        setUp: () => world('filled'),
        // Killed after its last step, it is done, and the next one is told that the table was dropped.
        command: async (at, env) => {
          const ended = await at.run(['drop', ref, '--confirm', 't'], env)
          return ended.stderr.includes('"code": "table-dropped"') ? { ...ended, code: 0 } : ended
        },
        oracle: (at) => at.look(),
      },
      8,
    )
  })
  it('undrop', { timeout: 180_000 }, async () => {
    await killEverywhere(
      {
        setUp: () => world('dropped'),
        command: (at, env) => at.run(['undrop', ref, '-y'], env),
        oracle: (at) => at.look(),
      },
      8,
    )
  })
})

describe('on S3', () => {
  let server: Awaited<ReturnType<typeof radosgwBucket>>
  let lakes = 0
  beforeAll(async () => {
    server = await radosgwBucket()
    process.env.AWS_ACCESS_KEY_ID = server.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey
  }, 100_000)
  afterAll(() => server.connection[Symbol.asyncDispose]())

  async function lakeThere(): Promise<{ lake: Lake; store: ObjectStore; tblctl: Tblctl }> {
    const lake = new Lake({ small })
    const url = `s3://${server.bucket}/trash-${lakes++}`
    const place = `url: "${url}", endpoint: "${server.endpoint}", forcePathStyle: true`
    lake.write('tblctl.yaml', `version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, ${place} }\n`)
    return { lake, store: openS3Store(url, server.connection), tblctl: await filled(lake) }
  }
  const keysOf = async (store: ObjectStore) => (await Array.fromAsync(store.list(''))).map(({ key }) => key)
  const env = () => ({ AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey })

  it('its log is copied into the trash and back, object by object', async () => {
    const { lake, store, tblctl } = await lakeThere()
    await using _ = lake
    const before = { content: await contentOf(tblctl, ref), keys: await keysOf(store) }
    expect(await drop(tblctl)).toMatchObject({ status: 'changed', result: { files: 2 } })
    const keys = await keysOf(store)
    expect(keys.filter((key) => key.startsWith('projects/'))).toEqual(
      before.keys.filter((key) => key.endsWith('.parquet')),
    )
    expect(keys.filter((key) => /^_tblctl_trash\/acme\/t\/[^/]+\/_delta_log\//.test(key))).toHaveLength(3)
    expect(await undrop(tblctl)).toMatchObject({ status: 'changed', result: { version: 2, rows: 2 } })
    expect(await contentOf(tblctl, ref)).toEqual(before.content)
    expect(await keysOf(store)).toEqual(before.keys)
  })

  it('killed while it is copied, the same command goes on; no reader ever sees a part of the table', {
    timeout: 180_000,
  }, async () => {
    const killAt = async (
      words: readonly string[],
      point: number,
      look: (at: Awaited<ReturnType<typeof lakeThere>>) => Promise<void>,
    ) => {
      const at = await lakeThere()
      await using lake = at.lake
      if (words[0] === 'undrop') await drop(at.tblctl)
      await at.tblctl[Symbol.asyncDispose]()
      const run = (more: Record<string, string>) =>
        startTblctl(words, { cwd: lake.folder, env: { ...env(), ...more } }).ended
      const killed = await run({ FAULT_KILL: String(point) })
      const between = await lake.open()
      const shown = await rowsOf(between, ref, 'select count(*) from t').catch((error) => errorView(error).code)
      expect([[[2n]], 'no-delta-table', 'log-gap', 'no-such-version', 'table-dropped']).toContainEqual(shown)
      if (killed.signal === 'SIGKILL') expect((await run({})).code).toBe(0)
      await look({ ...at, tblctl: await lake.open() })
    }
    for (const point of [7, 10, 14])
      await killAt(['drop', ref, '--confirm', 't'], point, async ({ tblctl, store }) => {
        expect(
          (await keysOf(store)).filter((key) => key.startsWith('projects/') && key.includes('_delta_log')),
        ).toEqual([])
        expect((await tblctl.list({ refs: [], dropped: true })).items).toHaveLength(1)
      })
    for (const point of [6, 11])
      await killAt(['undrop', ref, '-y'], point, async ({ tblctl, store }) => {
        expect(await rowsOf(tblctl, ref, 'select id from t order by id')).toEqual([[1n], [2n]])
        expect((await keysOf(store)).filter((key) => key.startsWith('_tblctl_trash'))).toEqual([])
      })
  })
})
