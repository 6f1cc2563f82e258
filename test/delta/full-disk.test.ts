/** A full disk at every write of the store, and once for real: a clear error, nothing half done, and the same command goes on. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadRows } from '../../src/api/data.ts'
import type { Session } from '../../src/api/session.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { type FaultyStore, faultyStore } from '../support/faulty-store.ts'
import type { Call } from './program.ts'
import { createWith, optimizeWith, sessionWith } from './with-store.ts'
import { create, Lake, liveOf, loadInto, logOf, optimize, orphansOf, rowsOf } from './world.ts'

const schemas = {
  parted:
    "table_name: parted\npartitions: [p]\nfields:\n  - { name: id, data_type: 'Int64', nullable: true }\n  - { name: p, data_type: 'Utf8', nullable: true }\n",
  wide: "table_name: wide\nfields:\n  - { name: id, data_type: 'Int64', nullable: true }\n  - { name: v, data_type: 'Utf8', nullable: true }\n",
}
const ref = 'lake:acme/t'
const path = 'lake/acme/t'
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function load(session: Session, folder: string): Promise<ReportItem> {
  const none = { format: null, batchId: null, again: false, commitBytes: null, commitMs: null, rejectTo: null }
  const request = {
    ref,
    inputs: ['a.ndjson'],
    directory: folder,
    commitRows: 3,
    input: (async function* () {})(),
    dryRun: false,
  }
  return (await loadRows(session, { ...none, ...request })).items[0]!
}
const ids = async (lake: Lake): Promise<number[]> =>
  (await rowsOf(await lake.open(), ref, 'select id from t order by id')).map(([id]) => Number(id))

describe('a disk that is full at the n-th write', () => {
  const verbs = {
    create: { writes: 1, run: (session: Session) => createWith(session, 'lake:acme/new', 'parted') },
    // Two chunks of two partitions and a commit each.
    load: { writes: 6, run: load },
    // Two bins and a commit each.
    optimize: { writes: 4, run: (session: Session) => optimizeWith(session, path, null) },
  }
  const cases = (Object.keys(verbs) as (keyof typeof verbs)[]).flatMap((verb) =>
    (['before', 'half', 'after'] as const).map((when) => [verb, when] as const),
  )

  it.each(cases)('%s, %s', async (verb, when) => {
    const { writes, run } = verbs[verb]
    for (let n = 1; n <= writes + 1; n++) {
      await using lake = new Lake(schemas)
      lake.rows(
        'a.ndjson',
        upTo(6).map((id) => ({ id, p: id % 2 ? 'odd' : 'even' })),
      )
      const tblctl = await lake.open()
      await create(tblctl, ref, 'parted')
      if (verb === 'optimize')
        for (const again of [false, true]) await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again })
      const table = lake.table(verb === 'create' ? 'new' : 't')
      const stores: FaultyStore[] = []
      await using session = await sessionWith(lake.folder, (inner) => {
        const store = faultyStore(inner, n, when)
        stores.push(store)
        return store
      })
      const item = await run(session, lake.folder)
      const told = `${verb}, write ${n} ${when}: ${JSON.stringify(item)}`
      if (item.error) {
        expect(item.error, told).toMatchObject({ kind: 'failed', code: 'disk-full', where: expect.any(String) })
        expect(
          orphansOf(table).filter((name) => !name.includes('.tblctl-half-written')),
          told,
        ).toEqual([])
        expect((await run(session, lake.folder)).error, told).toBeUndefined()
      } else {
        // Told that it failed, the commit looked, and found itself.
        expect(n > writes || when === 'after', told).toBe(true)
      }
      expect(stores.reduce((sum, store) => sum + store.writes, 0)).toBeGreaterThanOrEqual(Math.min(n, writes))
      if (verb === 'create') expect(logOf(table), told).toHaveLength(1)
      else {
        const wanted = verb === 'load' ? upTo(6) : upTo(12).map((i) => i >> 1)
        expect(await ids(lake), told).toEqual(wanted)
      }
      if (verb === 'optimize') expect(liveOf(table), told).toHaveLength(2)
    }
  })
})

describe('a real limit', () => {
  const program = fileURLToPath(new URL('./program.ts', import.meta.url))
  /** Files of this process cannot become larger; `kib` counts in 1024 bytes. */
  function limited(folder: string, kib: number, call: Call): Promise<{ code: number | null; item: ReportItem }> {
    const script = `ulimit -f ${kib}; exec "$0" --no-warnings "$1" "$2"`
    const child = spawn('bash', ['-c', script, process.execPath, program, JSON.stringify(call)], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let stdout = ''
    child.stdout.on('data', (bytes) => (stdout += bytes))
    return new Promise((resolve, reject) =>
      child.on('close', (code) => {
        try {
          resolve({ code, item: JSON.parse(stdout) as ReportItem })
        } catch (error) {
          reject(error as Error)
        }
      }),
    )
  }

  it('on the size of files: load and optimize say so, leave the table as it was, and work without it', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'wide')
    // Text that does not compress.
    const rows = (from: number) =>
      upTo(20_000).map((i) => ({
        id: from + i,
        v: Array.from({ length: 8 }, () => Math.random().toString(36).slice(2)).join(''),
      }))
    lake.rows('a.ndjson', rows(0))
    lake.rows('b.ndjson', rows(20_000))
    const table = lake.table('t')

    const call: Call = { verb: 'load', ref, inputs: ['a.ndjson'] }
    const load = await limited(lake.folder, 1024, call)
    expect(load.item.error).toMatchObject({ kind: 'failed', code: 'disk-full', hint: expect.any(String) })
    expect(load.code).toBe(1)
    expect(logOf(table)).toHaveLength(1)
    expect(orphansOf(table)).toEqual([])
    for (const name of ['a.ndjson', 'b.ndjson'])
      expect(await loadInto(tblctl, lake.folder, ref, [name])).toMatchObject({ result: { rows: 20_000 } })

    const limit = Math.ceil(Math.max(...liveOf(table).map(({ size }) => Number(size))) / 1024) + 100
    const shrunk = await limited(lake.folder, limit, { verb: 'optimize', ref })
    expect(shrunk.item.error).toMatchObject({ kind: 'failed', code: 'disk-full' })
    expect(logOf(table)).toHaveLength(3)
    expect(orphansOf(table)).toEqual([])
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 2, filesAdded: 1, rows: 40_000 } })
  })
})
