/** drop, undrop and what vacuum makes of dropped tables, on disk (one rename) and on S3 (copied object by object). */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
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
import { contentOf, create, Lake, loadInto, logOf, register, rowsOf } from './world.ts'

const small = 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n'
const ref = 'lake:acme/t'
const only = (report: OperationReport) => report.items[0]!
const drop = async (tblctl: Tblctl, dryRun = false) => only(await tblctl.operate('drop', { refs: [ref] }, {}, dryRun))
const undrop = async (tblctl: Tblctl, id: string | null = null) => only(await tblctl.undrop([ref], id))

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
    expect((await tblctl.dropped({ refs: [] })).items).toMatchObject([{ ref, labels: { tier: 'hot' } }])
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
    expect((await tblctl.dropped({ refs: [] })).items).toEqual([])
    expect(readdirSync(lake.path('lake'))).not.toContain('_tblctl_trash/acme/t')
    expect(await undrop(tblctl)).toMatchObject({ status: 'unchanged', result: { answer: 'exists' } })
  })

  it('leaves its place to a new one, and each of the two can be brought back', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    await drop(tblctl)
    expect(await create(tblctl, ref, 'small')).toMatchObject({ status: 'changed', result: { answer: 'created' } })
    expect((await rowsOf(tblctl, ref, 'select count(*) from t'))[0]).toEqual([0n])
    expect((await tblctl.dropped({ refs: [] })).items).toMatchObject([{ ref, rows: 2, version: 2, schema: 'small' }])
    expect(await undrop(tblctl)).toMatchObject({ status: 'failed', error: { code: 'place-taken' } })
    await drop(tblctl)
    const { items } = await tblctl.dropped({ refs: ['lake:*/t'], projects: ['acme'], backends: ['lake'] })
    expect(items.map(({ rows }) => rows).sort()).toEqual([0, 2])
    expect((await tblctl.dropped({ refs: ['lake:other/*'] })).items).toEqual([])
    const first = items.find(({ rows }) => rows === 2)!
    expect(await undrop(tblctl, 'no such id')).toMatchObject({ status: 'failed', error: { code: 'not-in-trash' } })
    expect(await undrop(tblctl, first.id)).toMatchObject({ status: 'changed', result: { version: 2, rows: 2 } })
    expect((await tblctl.dropped({ refs: [] })).items).toMatchObject([{ rows: 0 }])
  })

  it('is found without its catalog, and where another machine dropped it', async () => {
    await using lake = new Lake({ small })
    await (await filled(lake))[Symbol.asyncDispose]()
    cpSync(lake.path('.tblctl'), lake.path('before'), { recursive: true })
    await drop(await lake.open())
    rmSync(lake.path('.tblctl'), { recursive: true })
    cpSync(lake.path('before'), lake.path('.tblctl'), { recursive: true })
    {
      await using other = await lake.open()
      expect((await other.list({ refs: [] })).items).toMatchObject([{ ref }])
      expect(await undrop(other)).toMatchObject({ status: 'changed', result: { rows: 2 } })
      await drop(other)
    }
    rmSync(lake.path('.tblctl'), { recursive: true })
    const fresh = await lake.open()
    expect(await undrop(fresh)).toMatchObject({ status: 'changed', result: { rows: 2 } })
    expect((await fresh.list({ refs: [] })).items).toMatchObject([{ ref, labels: { tier: 'hot' } }])
  })

  it('whose note is lost or damaged is looked after all the same', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    await drop(tblctl)
    const [id] = readdirSync(lake.path('lake/_tblctl_trash/acme/t'))
    const note = lake.path(`lake/_tblctl_trash/acme/t/${id}/dropped.json`)
    for (const damage of [() => writeFileSync(note, 'garbage'), () => rmSync(note)]) {
      damage()
      expect((await tblctl.dropped({ refs: [] })).items).toMatchObject([{ ref, id }])
      await create(tblctl, ref, 'small')
      const old = new Date(Date.now() - 40 * 86_400_000)
      for (const name of parquetIn(lake.table('t'))) utimesSync(lake.table(`t/${name}`), old, old)
      expect(only(await tblctl.operate('vacuum', { refs: [ref] }, {}, true))).toMatchObject({ status: 'unchanged' })
      rmSync(lake.table('t/_delta_log'), { recursive: true })
      await tblctl.operate('unregister', { refs: [ref] }, {})
    }
    expect(await undrop(tblctl)).toMatchObject({ status: 'changed', result: { version: 2, rows: 2 } })
  })

  it('of another backend of the same config is left by vacuum, too', async () => {
    await using lake = new Lake({ small })
    lake.write(
      'tblctl.yaml',
      'version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, url: "file:./lake" }\n  sub: { driver: delta, url: "file:./lake/projects/acme" }\n',
    )
    const tblctl = await filled(lake)
    await create(tblctl, 'sub:p/inner', 'small')
    await loadInto(tblctl, lake.folder, 'sub:p/inner', [lake.rows('i.ndjson', [{ id: 5 }])])
    cpSync(lake.table('t'), lake.path('lake/projects/acme'), { recursive: true })
    expect(await register(tblctl, 'lake:acme/outer', `file:${lake.path('lake/projects/acme')}`)).toMatchObject({
      status: 'changed',
    })
    await tblctl.operate('drop', { refs: ['sub:p/inner'] }, {})
    const options = { retainMs: 0, belowFloor: true }
    await tblctl.operate('vacuum', { refs: ['lake:acme/outer'] }, options)
    expect(only(await tblctl.undrop(['sub:p/inner'], null))).toMatchObject({ status: 'changed', result: { rows: 1 } })
    expect(await rowsOf(tblctl, 'sub:p/inner', 'select id from t')).toEqual([[5n]])
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

  it('that is out of reach is not dropped: its disk may only not be mounted', async () => {
    await using lake = new Lake({ small })
    const tblctl = await filled(lake)
    rmSync(lake.table('t'), { recursive: true })
    expect(await drop(tblctl)).toMatchObject({
      status: 'failed',
      error: { code: 'no-delta-table', hint: expect.stringContaining('unregister') },
    })
    expect((await tblctl.list({ refs: [] })).items).toMatchObject([{ ref }])
  })

  it('at a place of its own, on another disk where there is one, is copied to the trash and back', async () => {
    await using lake = new Lake({ small })
    const elsewhere = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tblctl-elsewhere-'))
    try {
      const tblctl = await lake.open()
      expect(await create(tblctl, ref, 'small', `file:${elsewhere}/t`)).toMatchObject({ status: 'changed' })
      await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', [{ id: 1 }])])
      const first = `${elsewhere}/t/_delta_log/00000000000000000000.json`
      const time = Date.now() - 3 * 86_400_000
      utimesSync(first, time / 1000, time / 1000)
      expect(await drop(tblctl)).toMatchObject({ status: 'changed' })
      expect(existsSync(first)).toBe(false)
      expect(await undrop(tblctl)).toMatchObject({ status: 'changed', result: { version: 1, rows: 1 } })
      expect((await tblctl.list({ refs: [] })).items).toMatchObject([{ location: `file://${elsewhere}/t` }])
      expect(statSync(first).mtimeMs).toBeCloseTo(time, -1)
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
    expect(await undrop(tblctl)).toMatchObject({ status: 'failed', error: { code: 'not-in-trash' } })
    expect(only(await tblctl.emptyTrash('lake'))).toMatchObject({ status: 'unchanged' })
    expect((await tblctl.dropped({ refs: [] })).items).toEqual([])
    expect(existsSync(lake.path('lake/_tblctl_trash'))).toBe(false)
    // The catalog has forgotten it as well: it is not there and was not dropped.
    await expect(tblctl.describe(ref)).rejects.toMatchObject({ view: { code: 'table-not-found' } })
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
    const dropped = (await tblctl.dropped({ refs: [] })).items.map((item) => item.ref)
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
        expect((await tblctl.dropped({ refs: [] })).items).toHaveLength(1)
      })
    for (const point of [6, 11])
      await killAt(['undrop', ref, '-y'], point, async ({ tblctl, store }) => {
        expect(await rowsOf(tblctl, ref, 'select id from t order by id')).toEqual([[1n], [2n]])
        expect((await keysOf(store)).filter((key) => key.startsWith('_tblctl_trash'))).toEqual([])
      })
  })
})
