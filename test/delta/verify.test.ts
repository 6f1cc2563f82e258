/** verify finds what differs between a table and its log; repair takes out what is gone for good, and nothing else. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { Verification } from '../../src/core/driver.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { quotePath } from '../../src/engine/sql-text.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { run } from './program.ts'
import {
  commitAs,
  contentOf,
  create,
  hasSharedData,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  register,
  rowsOf,
  sharedData,
} from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const schemas = {
  wide: `table_name: wide\nfields:\n${[
    ['id', 'Int64'],
    ['note', 'Utf8'],
    ['at', 'Timestamp(Microsecond, Some("UTC"))'],
    ['day', 'Date32'],
    ['f', 'Float32'],
    ['d', 'Decimal128(10, 2)'],
    ['list', 'List(Utf8)'],
  ]
    .map(([name, type]) => column(name!, type!))
    .join('')}`,
}
const ref = 'lake:acme/t'

/** Three files of one row each, with values at which bounds are hard to get right. */
async function world() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'wide')
  const rows = [
    {
      id: 1,
      note: 'a'.repeat(100),
      at: '2026-01-01T00:00:00.000001Z',
      day: '2026-01-01',
      f: 0.1,
      d: 1.25,
      list: ['x'],
    },
    { id: 9007199254740993n, note: '\u{10ffff}'.repeat(40), at: '1969-12-31T23:59:59.999999Z', f: -1e30, list: [] },
    { id: 3, note: null },
  ]
  for (const row of rows) {
    const text = JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
    lake.write('row.ndjson', text.replace('9007199254740992', '9007199254740993'))
    await loadInto(tblctl, lake.folder, ref, ['row.ndjson'])
  }
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const check = async (tblctl: Tblctl, data = false): Promise<Verification> => tblctl.verify(ref, { data })
const kinds = ({ problems }: Verification): string[] => problems.map(({ problem }) => problem)
const fileOf = (table: string, i: number): string => join(table, decodeURIComponent(liveOf(table)[i]!.path))
const repair = async (tblctl: Tblctl, dryRun = false) =>
  (await tblctl.operate('repair', { refs: [ref] }, {}, dryRun)).items[0]!

/** The log as it would be with another add in place of the i-th. */
function rewriteAdd(table: string, i: number, change: (add: LogAction, stats: any) => object): void {
  const live = liveOf(table)[i]!
  for (const name of readdirSync(join(table, '_delta_log'))) {
    const file = join(table, '_delta_log', name)
    if (!name.endsWith('.json')) continue
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    const changed = lines.map((line) => {
      const { add } = JSON.parse(line)
      if (add?.path !== live.path) return line
      return JSON.stringify({ add: { ...add, ...change(add, JSON.parse(add.stats)) } })
    })
    writeFileSync(file, `${changed.join('\n')}\n`)
  }
}

describe('verify', () => {
  it('finds nothing wrong with a sound table, and says what it looked at', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const bytes = liveOf(table).reduce((sum, { size }) => sum + size, 0)
    const expected = { files: 3, bytes, deletionVectors: 0, unnamedFiles: 0, unnamedBytes: 0, checkpoints: 0 }
    expect(await check(tblctl)).toMatchObject({ ok: true, problems: [], remarks: [], checked: expected })
    expect(await check(tblctl, true)).toMatchObject({ problems: [], checked: { ...expected, rows: 3 } })
  })

  it('finds files that are gone and files of another size, and tells files that nobody names beside', async () => {
    await using made = await world()
    const { tblctl, table } = made
    rmSync(fileOf(table, 0))
    truncateSync(fileOf(table, 1), 100)
    writeFileSync(join(table, 'orphan.parquet'), 'four')
    mkdirSync(join(table, 'inner/_delta_log'), { recursive: true })
    writeFileSync(join(table, 'inner/other.parquet'), 'x')
    const found = await check(tblctl)
    expect(found).toMatchObject({
      ok: false,
      checked: { files: 3, unnamedFiles: 1, unnamedBytes: 4 },
      problems: [
        { problem: 'missing-file', path: liveOf(table)[0]!.path, repairable: true },
        { problem: 'wrong-size', path: liveOf(table)[1]!.path, repairable: false },
      ],
    })
    expect(found.remarks.join()).toContain('1 files (4 B)')
  })

  it('follows a link inside the table and none out of it; what is removed and inside the retention is no news', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await optimize(tblctl, ref)
    // The compacted files are inside the retention: nothing to remark.
    expect(await check(tblctl)).toMatchObject({ problems: [], remarks: [], checked: { files: 1, unnamedFiles: 0 } })
    const live = fileOf(table, 0)
    renameSync(live, join(table, '.moved'))
    symlinkSync(join(table, '.moved'), live)
    expect(kinds(await check(tblctl, true))).toEqual([])
    lake.write('lake/elsewhere/file.parquet', readFileSync(live))
    rmSync(live)
    symlinkSync(lake.path('lake/elsewhere/file.parquet'), live)
    expect((await check(tblctl)).problems).toMatchObject([{ problem: 'outside-table', repairable: false }])
    expect(await repair(tblctl)).toMatchObject({ status: 'unchanged' })
  })

  it('reads the data: damage inside a file that has its size, and a file that is none', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const [first, second] = [fileOf(table, 0), fileOf(table, 1)]
    const bytes = readFileSync(first)
    // Behind the magic bytes lie the pages, at the end the footer: only who decodes the values sees it.
    writeFileSync(first, bytes.fill(0xff, 4, 80))
    writeFileSync(second, Buffer.alloc(readFileSync(second).length, 'x'))
    expect(kinds(await check(tblctl))).toEqual([])
    const found = await check(tblctl, true)
    expect(kinds(found)).toEqual(['corrupt-file', 'corrupt-file'])
    expect(found).toMatchObject({ checked: { rows: 1 }, problems: [{ repairable: false }, {}] })
  })

  it.each<[string, (stats: any) => object, string]>([
    ['rows', (stats) => ({ ...stats, numRecords: 7 }), '7 rows'],
    ['nulls', (stats) => ({ ...stats, nullCount: { ...stats.nullCount, note: 1 } }), 'nulls in note'],
    ['a least integer', (stats) => ({ ...stats, minValues: { id: 2 } }), 'least id'],
    ['a greatest integer', (stats) => ({ ...stats, maxValues: { id: 0 } }), 'greatest id'],
    ['a least text', (stats) => ({ ...stats, minValues: { note: 'b' } }), 'least note'],
    ['a greatest time', (stats) => ({ ...stats, maxValues: { at: '2025-12-31T23:59:59.998Z' } }), 'greatest at'],
    ['a least date', (stats) => ({ ...stats, minValues: { day: '2026-01-02' } }), 'least day'],
    ['a least float', (stats) => ({ ...stats, minValues: { f: 0.2 } }), 'least f'],
    ['a greatest decimal', (stats) => ({ ...stats, maxValues: { d: 1.24 } }), 'greatest d'],
  ])('finds statistics that lie about %s', async (_, change, told) => {
    await using made = await world()
    const { tblctl, table } = made
    rewriteAdd(table, 0, (_add, stats) => ({ stats: JSON.stringify(change(stats)) }))
    expect(kinds(await check(tblctl))).toEqual([])
    const { problems } = await check(tblctl, true)
    expect(problems).toMatchObject([{ problem: 'wrong-statistics', detail: expect.stringContaining(told) }])
  })

  it('takes wide bounds, cut texts and statistics of other writers as they are', async () => {
    await using made = await world()
    const { tblctl, table } = made
    rewriteAdd(table, 0, (_add, { numRecords }) => ({
      stats: JSON.stringify({ stats_json: JSON.stringify({ numRecords }) }),
    }))
    rewriteAdd(table, 1, (_add, stats) => ({
      stats: JSON.stringify({
        ...stats,
        tightBounds: false,
        nullCount: { note: 9 },
        minValues: { id: -5, note: '' },
        maxValues: { id: 2 ** 60 },
      }),
    }))
    rewriteAdd(table, 2, () => ({ stats: 'no JSON' }))
    expect(kinds(await check(tblctl, true))).toEqual([])
  })

  it('refuses a log that cannot be read, and says why', async () => {
    await using made = await world()
    const { tblctl, table } = made
    writeFileSync(join(table, '_delta_log/00000000000000000002.json'), '{ no')
    await expect(check(tblctl)).rejects.toMatchObject({ view: { kind: 'data', code: 'corrupt-commit' } })
  })
})

describe('verify of the log', () => {
  /** A checkpoint of version 3, made by a commit of ours. */
  async function checkpointed() {
    const made = await world()
    const { table, tblctl, lake } = made
    const { metaData } = logOf(table)[0]!.find((action) => action.metaData)!
    commitAs(table, [{ metaData: { ...metaData, configuration: { 'delta.checkpointInterval': '1' } } }])
    lake.write('row.ndjson', '{"id":4}')
    await loadInto(tblctl, lake.folder, ref, ['row.ndjson'])
    const checkpoint = join(table, '_delta_log/00000000000000000005.checkpoint.parquet')
    return { ...made, checkpoint }
  }

  it('compares the checkpoint with the commits before it, as long as those are there', async () => {
    await using made = await checkpointed()
    const { tblctl, table } = made
    expect(await check(tblctl)).toMatchObject({ problems: [], checked: { checkpoints: 1, commits: 6 } })
    rmSync(join(table, '_delta_log/00000000000000000000.json'))
    const found = await check(tblctl)
    expect(found).toMatchObject({ problems: [], checked: { checkpoints: 1, commits: 0 } })
    expect(found.remarks.join()).toContain('version 5')
  })

  it('finds one that is damaged, and one that lacks a file', async () => {
    await using made = await checkpointed()
    const { lake, tblctl, checkpoint } = made
    const whole = readFileSync(checkpoint)
    writeFileSync(checkpoint, whole.subarray(0, 200))
    const damaged = await check(tblctl)
    expect(kinds(damaged)).toEqual(['corrupt-checkpoint'])
    writeFileSync(checkpoint, whole)
    {
      await using engine = await openEngine({ scratch: lake.folder })
      const copy = lake.path('checkpoint.parquet')
      await engine.run(
        `COPY (SELECT * FROM ${`read_parquet(${quotePath(checkpoint)})`} WHERE add IS NULL OR add.path <> ${`'${liveOf(made.table)[0]!.path}'`}) TO ${quotePath(copy)} (FORMAT parquet)`,
      )
      writeFileSync(checkpoint, readFileSync(copy))
    }
    const wrong = await check(tblctl)
    expect(wrong.problems).toMatchObject([
      { problem: 'wrong-checkpoint', detail: expect.stringContaining('lacks 1 files'), repairable: false },
    ])
  })

  it('checks a version checksum where there is one', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const tableSizeBytes = liveOf(table).reduce((sum, { size }) => sum + size, 0)
    const crc = (value: unknown) =>
      writeFileSync(
        join(table, '_delta_log/00000000000000000003.crc'),
        typeof value === 'string' ? value : JSON.stringify(value),
      )
    crc({ numFiles: 3, tableSizeBytes })
    expect(await check(tblctl)).toMatchObject({ problems: [], checked: { checksums: 1 } })
    for (const wrong of [{ numFiles: 2 }, { numFiles: 3, tableSizeBytes: 1 }, [], '{']) {
      crc(wrong)
      expect(kinds(await check(tblctl))).toEqual(['wrong-checksum'])
    }
  })
})

describe('repair', () => {
  it('takes out the files that are gone, and no others: the other rows can be read again', async () => {
    await using made = await world()
    await using chdb = startChdb(made.lake.folder)
    const { tblctl, table } = made
    const [gone, short] = liveOf(table)
    rmSync(fileOf(table, 0))
    truncateSync(fileOf(table, 1), 100)
    const dry = await repair(tblctl, true)
    expect(dry.plan).toMatchObject({ risk: 'severe', changes: 1, files: 1, bytes: gone!.size, rows: 1 })
    expect(dry.plan!.summary.join('\n')).toContain(`cannot be mended: wrong-size ${short!.path}`)
    expect(logOf(table)).toHaveLength(4)
    expect(await repair(tblctl)).toMatchObject({
      status: 'changed',
      result: { version: 4, filesRemoved: 1, rowsLost: 1, bytesRemoved: gone!.size },
    })
    const [info, removed] = logOf(table)[4]!
    expect(info).toMatchObject({ commitInfo: { operation: 'FSCK', isBlindAppend: false } })
    expect(removed).toMatchObject({ remove: { path: gone!.path, dataChange: true } })
    expect(kinds(await check(tblctl))).toEqual(['wrong-size'])
    expect(await repair(tblctl)).toMatchObject({ status: 'unchanged', result: { filesRemoved: 0, unrepairable: 1 } })
    rmSync(fileOf(table, 0))
    await repair(tblctl)
    expect(await rowsOf(tblctl, ref, 'select id from t')).toEqual([[3n]])
    expect((await chdb.content(table)).rows).toBe(1)
  })

  it('is not done when other files are missing than were approved', async () => {
    await using made = await world()
    const { lake, table } = made
    rmSync(fileOf(table, 0))
    let asked = 0
    const tblctl = await lake.open({
      approve: (items) => {
        if (asked++ === 0) rmSync(fileOf(table, 1))
        return items[0]!.plan.changes === 1
      },
    })
    const item = await repair(tblctl)
    expect(item.status).not.toBe('changed')
    expect(logOf(table)).toHaveLength(4)
  })

  it('killed at any step ends as if nobody had killed it', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const made = await world()
          rmSync(fileOf(made.table, 0))
          await made.tblctl[Symbol.asyncDispose]()
          return made
        },
        command: ({ lake }, env) => run(lake.folder, { verb: 'operate', ref, name: 'repair', options: {} }, env),
        oracle: async ({ lake, table }) => {
          const tblctl = await lake.open()
          const jobs = (await tblctl.jobs.list({})).filter(({ verb }) => verb === 'repair')
          return {
            live: liveOf(table).length,
            versions: logOf(table).length,
            content: (await contentOf(tblctl, ref)).rows,
            results: jobs.map(({ state, result }) => [state, (result as any)?.filesRemoved]),
          }
        },
        every: 2,
      },
      2,
    )
  }, 180_000)
})

describe.runIf(hasSharedData)('tables that others wrote', () => {
  /** Its log names a file that the suite does not bring along. */
  const withoutData = 'log-replay-special-characters-b'

  it('are whole with all of their data, and stay so when everything goes that is not needed', async () => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    const found: Record<string, unknown> = {}
    for (const name of readdirSync(join(sharedData, 'delta'))) {
      const table = lake.copyIn(join(sharedData, 'delta', name, 'delta'), `others/${name}`)
      const golden = `lake:golden/${name}`
      if (name === withoutData || (await register(tblctl, golden, `file:${table}`)).status !== 'changed') continue
      const before = await contentOf(tblctl, golden)
      const whole = await tblctl.verify(golden, { data: true })
      const options = { retainMs: 0, belowFloor: true }
      const { error } = (await tblctl.operate('vacuum', { refs: [golden] }, options)).items[0]!
      const after = await tblctl.verify(golden, { data: true })
      const same = JSON.stringify(await contentOf(tblctl, golden)) === JSON.stringify(before)
      found[name] = [whole.problems, error?.code, after.problems, after.checked.unnamedFiles, same]
    }
    const sound = Object.fromEntries(Object.keys(found).map((name) => [name, [[], undefined, [], 0, true]]))
    expect(found).toEqual(sound)
    expect(Object.keys(found).length).toBeGreaterThan(30)
  }, 180_000)

  it('but for a deletion vector that is damaged, or gone', async () => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    const table = lake.copyIn(join(sharedData, 'delta/dv-with-columnmapping/delta'), 'dv')
    await register(tblctl, ref, `file:${table}`)
    const vectors = readdirSync(table).filter((name) => name.endsWith('.bin'))
    const named = async () => (await check(tblctl)).checked.deletionVectors
    expect(await named()).toBe(2)
    // Those that a version inside the log names; the other is of an earlier version.
    for (const name of vectors) writeFileSync(join(table, name), readFileSync(join(table, name)).fill(7, 6))
    expect(kinds(await check(tblctl))).toEqual([])
    expect(kinds(await check(tblctl, true))).toEqual(['corrupt-deletion-vector', 'corrupt-deletion-vector'])
    for (const name of vectors) rmSync(join(table, name))
    const { problems } = await check(tblctl, true)
    expect(problems).toMatchObject([
      { problem: 'missing-file', path: expect.stringMatching(/deletion_vector_.*bin$/), repairable: false },
      { problem: 'missing-file', repairable: false },
    ])
    expect(await repair(tblctl)).toMatchObject({ status: 'unchanged' })
  })

  it('of a million rows, too', async () => {
    await using lake = new Lake()
    const tblctl = await lake.open()
    lake.copyIn(join(sharedData, 'covid-nyt'), 'covid')
    await register(tblctl, ref, `file:${lake.path('covid')}`)
    expect(await check(tblctl, true)).toMatchObject({ ok: true, checked: { rows: 1_111_930 } })
  }, 60_000)
})
