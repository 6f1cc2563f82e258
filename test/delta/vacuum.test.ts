/** vacuum of files: what no version needs goes when it is old enough, and nothing else. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { operate } from '../../src/api/operate.ts'
import type { ReportItem } from '../../src/core/host.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { run } from './program.ts'
import { sessionWith } from './with-store.ts'
import { commitAs, contentOf, create, Lake, type LogAction, liveOf, loadInto, logOf, optimize } from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const schemas = {
  plain: `table_name: plain\nfields:\n${column('id', 'Int64')}`,
  parted: `table_name: parted\npartitions: [_p]\nfields:\n${column('id', 'Int64')}${column('_p', 'Utf8')}`,
}
const ref = 'lake:acme/t'
const path = 'lake/acme/t'
const hour = 3_600_000
const day = 24 * hour

/** Three loads and a compaction: three files that no version names any more, and one that is live. */
async function compacted(schema: 'plain' | 'parted' = 'plain') {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, schema)
  for (let i = 0; i < 3; i++) {
    lake.rows('a.ndjson', [{ id: i, ...(schema === 'parted' ? { _p: 'a' } : {}) }])
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])
  }
  await optimize(tblctl, ref)
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}

/** Everything in the folder was written, and every tombstone made, so long ago. */
function age(table: string, ms: number, only: (name: string) => boolean = () => true): void {
  const then = new Date(Date.now() - ms)
  for (const name of filesOf(table)) {
    if (!only(name)) continue
    const file = join(table, name)
    if (/_delta_log\/\d{20}\.json$/.test(name))
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(/"deletionTimestamp":\d+/g, `"deletionTimestamp":${then.getTime()}`),
      )
    utimesSync(file, then, then)
  }
}
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
const dataOf = (folder: string): string[] => filesOf(folder).filter((name) => !name.startsWith('_delta_log/'))
const livePaths = (table: string): string[] =>
  liveOf(table)
    .map((add) => decodeURIComponent(add.path))
    .sort()

function put(table: string, name: string, ageMs: number, text = 'x'): void {
  mkdirSync(dirname(join(table, name)), { recursive: true })
  writeFileSync(join(table, name), text)
  const then = new Date(Date.now() - ageMs)
  utimesSync(join(table, name), then, then)
}

async function vacuum(tblctl: Tblctl, options: object = {}, dryRun = false): Promise<ReportItem> {
  return (await tblctl.operate('vacuum', { refs: [ref] }, options, dryRun)).items[0]!
}
function setProperty(table: string, name: string, value: string): void {
  const { metaData } = logOf(table)
    .flat()
    .findLast((action) => action.metaData)!
  commitAs(table, [{ metaData: { ...metaData, configuration: { ...metaData.configuration, [name]: value } } }])
}
const below = { retainMs: 0, belowFloor: true }

describe('vacuum removes', () => {
  it('nothing inside the retention, and says so', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    const before = filesOf(table)
    const item = await vacuum(tblctl)
    expect(item).toMatchObject({
      status: 'unchanged',
      result: { filesRemoved: 0, bytesRemoved: 0 },
      plan: { files: 0, bytes: 0, mode: 'full', retainMs: 7 * day },
    })
    expect(filesOf(table)).toEqual(before)
  })

  it('files that were removed from the table longer ago than the retention, and what nobody ever named', async () => {
    await using made = await compacted()
    await using chdb = startChdb(made.lake.folder)
    const { tblctl, table } = made
    const content = await contentOf(tblctl, ref)
    const kernel = await chdb.content(table)
    put(table, 'orphan.parquet', 0, 'four')
    age(table, 8 * day)
    put(table, 'uncommitted.parquet', hour)
    const dry = await vacuum(tblctl, {}, true)
    expect(dry).toMatchObject({ plan: { files: 4, risk: 'moderate' } })
    const { bytes, sample } = dry.plan as unknown as { bytes: number; sample: string[] }
    expect(sample).toContain('orphan.parquet')
    expect(dataOf(table)).toHaveLength(6)
    expect(await vacuum(tblctl)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 4, bytesRemoved: bytes, verified: ['log', 'age'] },
    })
    expect(dataOf(table)).toEqual([...livePaths(table), 'uncommitted.parquet'].sort())
    expect(await contentOf(tblctl, ref)).toEqual(content)
    expect(await chdb.content(table)).toEqual(kernel)
    expect(await vacuum(tblctl)).toMatchObject({ status: 'unchanged', plan: { files: 0 } })
  })

  it('nothing that was written lately, also when the log says that it was removed long ago', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    age(table, 8 * day, (name) => name.startsWith('_delta_log/'))
    const item = await vacuum(tblctl, {}, true)
    expect(item.plan).toMatchObject({ files: 0 })
    expect(item.plan!.summary.join('\n')).toContain('3 more that nothing names are too young')
  })

  it('nothing that was removed from the table lately, however old the file is', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    age(table, 8 * day, (name) => !name.startsWith('_delta_log/'))
    expect((await vacuum(tblctl, {}, true)).plan).toMatchObject({ files: 0 })
  })

  it('more files than one request holds, with a plan that stays small', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    for (let i = 0; i < 2100; i++) writeFileSync(join(table, `orphan-${i}.parquet`), '')
    const { plan } = await vacuum(tblctl, below, true)
    expect(plan).toMatchObject({ files: 2103 })
    expect(JSON.stringify(plan).length).toBeLessThan(5000)
    expect(await vacuum(tblctl, below)).toMatchObject({ result: { filesRemoved: 2103 } })
    expect(dataOf(table)).toEqual(livePaths(table))
  })

  it('what a new plan says, when another table was put in its place after the plan was made', async () => {
    await using made = await compacted()
    const { lake, table } = made
    age(table, 8 * day)
    const other = await lake.open({
      approve: () => {
        const log = join(table, '_delta_log/00000000000000000000.json')
        writeFileSync(log, readFileSync(log, 'utf8').replace(/"metaData":\{"id":"[^"]+"/, '"metaData":{"id":"another"'))
        return true
      },
    })
    const { plan } = await vacuum(other, { retainMs: 7.5 * day })
    expect(plan!.basis).toMatchObject({ id: 'another' })
  })

  it('no hidden names, but folders of partition columns and of the change feed, and emptied folders', async () => {
    await using made = await compacted('parted')
    const { tblctl, table } = made
    const stays = [
      '_hidden/a.parquet',
      '_b.parquet',
      '.c.parquet',
      'd/.e/f.parquet',
      'metadata/g.avro',
      '_delta_index/h.parquet',
      '_q=1/i.parquet',
      '_delta_log/_other/j.parquet',
    ]
    const goes = [
      '_change_data/k.parquet',
      '_p=b/l.parquet',
      'm/n/o.parquet',
      'deletion_vector_0a4e0dcd-6de2-4b36-8a4e-1f0a3a3a8d5b.bin',
      '_p=a/.tblctl-0a4e0dcd.tmp',
      '_delta_log/.tblctl-0a4e0dcd.tmp',
    ]
    for (const name of [...stays, ...goes]) put(table, name, 8 * day)
    put(table, '.tblctl-young.tmp', hour)
    expect(await vacuum(tblctl)).toMatchObject({ result: { filesRemoved: goes.length } })
    const left = filesOf(table)
    for (const name of [...stays, '.tblctl-young.tmp']) expect(left).toContain(name)
    for (const name of goes) expect(left).not.toContain(name)
    expect(existsSync(join(table, 'm'))).toBe(false)
    expect(existsSync(join(table, '_p=b'))).toBe(false)
    expect(existsSync(join(table, '_p=a'))).toBe(true)
  })

  it('nothing behind a symbolic link, neither elsewhere nor a live file under another name', async () => {
    await using made = await compacted('parted')
    const { lake, tblctl, table } = made
    lake.write('lake/elsewhere/precious.parquet', 'x')
    symlinkSync(lake.path('lake/elsewhere'), join(table, 'out'))
    symlinkSync(join(table, '_p=a'), join(table, 'alias'))
    age(lake.path('lake/elsewhere'), 8 * day)
    age(table, 8 * day)
    const content = await contentOf(tblctl, ref)
    expect(await vacuum(tblctl)).toMatchObject({ result: { filesRemoved: 3 } })
    expect(existsSync(lake.path('lake/elsewhere/precious.parquet'))).toBe(true)
    expect(await contentOf(tblctl, ref)).toEqual(content)
  })

  it('no file of the table that an absolute path names, and none elsewhere that one names', async () => {
    await using made = await compacted()
    const { lake, tblctl, table } = made
    const outside = lake.path('outside.parquet')
    writeFileSync(outside, 'x')
    put(table, 'inside.parquet', 30 * day)
    put(table, 'old.parquet', 30 * day)
    const tombstone = (name: string, deletionTimestamp: number) => ({
      remove: { path: name, deletionTimestamp, dataChange: true, extendedFileMetadata: false },
    })
    commitAs(table, [
      tombstone(`file://${outside}`, 1),
      tombstone(`file://${join(table, 'inside.parquet')}`, Date.now()),
      tombstone(`file:${join(table, 'old.parquet')}`, 1),
    ])
    expect(await vacuum(tblctl, { mode: 'lite' })).toMatchObject({ result: { filesRemoved: 1 } })
    expect(await vacuum(tblctl)).toMatchObject({ status: 'unchanged' })
    expect(existsSync(outside)).toBe(true)
    expect(existsSync(join(table, 'inside.parquet'))).toBe(true)
    expect(existsSync(join(table, 'old.parquet'))).toBe(false)
  })
})

describe('the retention', () => {
  it('of the table is the floor, and less is refused unless it is asked for by name', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    expect((await vacuum(tblctl, { retainMs: hour })).error).toMatchObject({
      kind: 'refused',
      code: 'retention-below-floor',
      message: expect.stringContaining('7d'),
      hint: expect.stringContaining('--below-floor'),
    })
    expect(dataOf(table)).toHaveLength(4)
    const dry = await vacuum(tblctl, below, true)
    expect(dry.plan).toMatchObject({ risk: 'severe', files: 3 })
    expect(await vacuum(tblctl, below)).toMatchObject({ result: { filesRemoved: 3 } })
    expect(dataOf(table)).toEqual(livePaths(table))
    await expect(contentOf(tblctl, ref)).resolves.toMatchObject({ rows: 3 })
  })

  it('may be longer, and is what the property says', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    age(table, 8 * day)
    expect((await vacuum(tblctl, { retainMs: 9 * day }, true)).plan).toMatchObject({ files: 0, risk: 'moderate' })
    setProperty(table, 'delta.deletedFileRetentionDuration', 'interval 2 weeks')
    expect((await vacuum(tblctl, {}, true)).plan).toMatchObject({ files: 0, retainMs: 14 * day })
    expect((await vacuum(tblctl, { retainMs: 8 * day })).error).toMatchObject({ code: 'retention-below-floor' })
    setProperty(table, 'delta.deletedFileRetentionDuration', 'interval 1 hour')
    expect(await vacuum(tblctl, { retainMs: 2 * hour })).toMatchObject({ result: { filesRemoved: 3 } })
  })

  it('that changed after the plan was made makes it stale, and it is planned again', async () => {
    await using made = await compacted()
    const { lake, tblctl, table } = made
    age(table, 8 * day)
    const other = await lake.open({
      approve: () => {
        setProperty(table, 'delta.deletedFileRetentionDuration', 'interval 30 days')
        return true
      },
    })
    expect(await vacuum(other)).not.toMatchObject({ result: { filesRemoved: 3 } })
    expect(dataOf(table)).toHaveLength(4)
    expect((await vacuum(tblctl, {}, true)).plan).toMatchObject({ files: 0 })
  })
})

describe('vacuum is refused', () => {
  const protocol = (features: readonly string[]) => ({
    protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: features },
  })
  it.each([
    ['someNewFeature', { kind: 'refused', code: 'delta-feature', message: expect.stringContaining('someNewFeature') }],
    ['catalogManaged', { kind: 'denied', code: 'catalog-managed' }],
  ])('on a table with the writer feature %s, also without vacuumProtocolCheck', async (feature, error) => {
    await using made = await compacted()
    const { tblctl, table } = made
    age(table, 8 * day)
    commitAs(table, [protocol([feature])])
    for (const mode of ['full', 'lite']) expect((await vacuum(tblctl, { mode })).error).toMatchObject(error)
    expect(dataOf(table)).toHaveLength(4)
  })

  it('but not for rules that bind only who writes rows', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    age(table, 8 * day)
    const { metaData } = logOf(table)[0]!.find((action) => action.metaData)!
    const configuration = { 'delta.enableChangeDataFeed': 'true', 'delta.constraints.c': 'id > 0' }
    commitAs(table, [protocol(['changeDataFeed', 'checkConstraints']), { metaData: { ...metaData, configuration } }])
    expect(await vacuum(tblctl)).toMatchObject({ result: { filesRemoved: 3 } })
  })

  it('when nothing is there', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    rmSync(table, { recursive: true })
    expect((await vacuum(tblctl)).error).toMatchObject({ kind: 'missing', code: 'no-delta-table' })
  })
})

describe('beside others', () => {
  it('a file that comes back while it runs stays', async () => {
    await using made = await compacted()
    const { lake, table } = made
    age(table, 8 * day)
    const [old] = logOf(table).flatMap((actions) => actions.flatMap(({ add }) => (add ? [add as LogAction] : [])))
    // Between the listing and the first removal another writer restores it.
    const wrap = (store: ObjectStore): ObjectStore => ({
      ...store,
      async *list(folder, options) {
        yield* store.list(folder, options)
        if (options?.forRemoval && !liveOf(table).some((add) => add.path === old!.path)) commitAs(table, [{ add: old }])
      },
    })
    await using session = await sessionWith(lake.folder, wrap)
    const spec = (await session.catalog().table(path))!.spec
    const report = await operate(session, 'vacuum', [{ kind: 'table', path, spec }], {})
    expect(report.items[0]).toMatchObject({ status: 'changed', result: { filesRemoved: 2 } })
    expect(dataOf(table)).toEqual(livePaths(table))
    expect(livePaths(table)).toHaveLength(2)
  })

  it('killed at any step, the same command goes on, and counts as if nobody had killed it', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const made = await compacted('parted')
          put(made.table, '_p=z/orphan.parquet', 0, 'four')
          age(made.table, 8 * day)
          await made.tblctl[Symbol.asyncDispose]()
          return made
        },
        command: ({ lake }, env) => run(lake.folder, { verb: 'operate', ref, name: 'vacuum', options: {} }, env),
        oracle: async ({ lake, table }) => {
          const tblctl = await lake.open()
          const jobs = (await tblctl.jobs.list({})).filter(({ verb }) => verb === 'vacuum')
          const sum = jobs.reduce((n, job) => n + Number((job.result as any)?.filesRemoved ?? 0), 0)
          return {
            files: dataOf(table).length,
            live: livePaths(table).length,
            sum,
            states: jobs.map((job) => job.state),
          }
        },
      },
      5,
    )
  }, 180_000)
})

describe('lite', () => {
  it('removes what the log says, finds no orphans, and says how far it came', async () => {
    await using made = await compacted()
    const { tblctl, table } = made
    put(table, 'orphan.parquet', 0)
    age(table, 8 * day)
    expect((await vacuum(tblctl, { mode: 'lite' }, true)).plan).toMatchObject({ files: 3, mode: 'lite' })
    expect(await vacuum(tblctl, { mode: 'lite' })).toMatchObject({ result: { filesRemoved: 3 } })
    expect(dataOf(table)).toEqual([...livePaths(table), 'orphan.parquet'].sort())
    const info = readFileSync(join(table, '_delta_log/_last_vacuum_info'), 'utf8')
    expect(info).toBe('{"latestCommitVersionOutsideOfRetentionWindow":4}\n')
    expect(await vacuum(tblctl, { mode: 'lite' })).toMatchObject({ status: 'unchanged' })
    expect(await vacuum(tblctl)).toMatchObject({ result: { filesRemoved: 1 } })
  })

  it('is refused when commits are gone that no vacuum has seen; one of the whole folder makes it work again', async () => {
    await using made = await compacted()
    const { lake, tblctl, table } = made
    // A checkpoint that forgets what was removed so long ago, and the commits before it gone.
    age(table, 8 * day)
    setProperty(table, 'delta.checkpointInterval', '1')
    lake.rows('b.ndjson', [{ id: 3 }])
    await loadInto(tblctl, lake.folder, ref, ['b.ndjson'])
    expect(existsSync(join(table, '_delta_log/00000000000000000006.checkpoint.parquet'))).toBe(true)
    for (const version of [0, 1, 2, 3, 4]) rmSync(join(table, `_delta_log/0000000000000000000${version}.json`))
    age(table, 8 * day)
    expect((await vacuum(tblctl, { mode: 'lite' })).error).toMatchObject({
      kind: 'refused',
      code: 'vacuum-lite-impossible',
      hint: expect.stringContaining('--mode full'),
    })
    expect(await vacuum(tblctl)).toMatchObject({ result: { filesRemoved: 3 } })
    expect(await vacuum(tblctl, { mode: 'lite' })).toMatchObject({ status: 'unchanged' })
    rmSync(join(table, '_delta_log/_last_vacuum_info'))
    // Nothing to remove, and yet something to say.
    expect((await vacuum(tblctl, {}, true)).plan).toMatchObject({ files: 0, changes: 1 })
    expect(await vacuum(tblctl)).toMatchObject({ status: 'changed', result: { filesRemoved: 0 } })
    expect(await vacuum(tblctl)).toMatchObject({ status: 'unchanged' })
    expect(await vacuum(tblctl, { mode: 'lite' })).toMatchObject({ status: 'unchanged' })
    writeFileSync(join(table, '_delta_log/_last_vacuum_info'), '{ damaged')
    expect((await vacuum(tblctl, { mode: 'lite' })).error).toMatchObject({ code: 'vacuum-lite-impossible' })
  })
})
