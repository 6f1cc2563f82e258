/** restore: the table as it was, as a new version; nothing that vacuum took, nothing that others write meanwhile, nothing by halves. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { operate } from '../../src/api/operate.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { killEverywhere } from '../faults/harness.ts'
import { deltaTable, startChdb } from '../support/chdb.ts'
import { cliEntry, runChild } from '../support/child.ts'
import { beforeCommit, sessionWith } from './with-store.ts'
import {
  commitAs,
  create,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  orphansOf,
  rowsOf,
} from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const schemas = {
  parted: `table_name: parted\npartitions: [p]\nfields:\n${column('id', 'Int64')}${column('p', 'Utf8')}`,
}
const ref = 'lake:acme/t'
const path = 'lake/acme/t'

/** Versions: 0 made, 1 and 2 loaded (ids 0–1, 2–3), 3 without id 1, 4 compacted. */
async function world() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'parted')
  for (const [i, batchId] of ['first', 'second'].entries()) {
    const rows = [
      { id: 2 * i, p: 'a' },
      { id: 2 * i + 1, p: 'b' },
    ]
    await loadInto(tblctl, lake.folder, ref, [lake.rows('rows.ndjson', rows)], { batchId })
  }
  await tblctl.operate('delete', { refs: [ref] }, { where: 'id = 1' })
  await optimize(tblctl, ref)
  const table = lake.table('t')
  expect(logOf(table)).toHaveLength(5)
  return { lake, tblctl, table, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const back = async (
  tblctl: Tblctl,
  to: { version?: number; timestamp?: string },
  dryRun = false,
): Promise<ReportItem> =>
  (await tblctl.operate('restore', { refs: [ref] }, { version: null, timestamp: null, ...to }, dryRun)).items[0]!
const ids = async (tblctl: Tblctl): Promise<number[]> =>
  (await rowsOf(tblctl, ref, 'select id from t order by id')).map(([id]) => Number(id))
const metadataOf = (table: string): LogAction =>
  logOf(table)
    .flat()
    .findLast((action) => action.metaData)!.metaData

describe('restore', () => {
  it('makes the table what it was at any version, and back again', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await using chdb = startChdb(lake.folder)
    const states = [[], [0, 1], [0, 1, 2, 3], [0, 2, 3], [0, 2, 3]]
    for (const [version, expected] of [2, 0, 4, 1, 3].map((v) => [v, states[v]!] as const)) {
      const before = logOf(table).length
      const item = await back(tblctl, { version })
      expect(item).toMatchObject({
        status: 'changed',
        result: { version: before, restoredVersion: version, rowsAfter: expected.length, verified: ['files', 'log'] },
      })
      expect(item.plan).toMatchObject({ risk: 'moderate' })
      expect(await ids(tblctl)).toEqual(expected)
      expect(await chdb.query(`SELECT id FROM ${deltaTable(table)} ORDER BY id`)).toEqual(expected.map((id) => [id]))
      expect(await back(tblctl, { version })).toMatchObject({ status: 'unchanged' })
      expect(logOf(table)).toHaveLength(before + 1)
    }
    const [info] = logOf(table)[5]!
    expect(info!.commitInfo).toMatchObject({
      operation: 'RESTORE',
      operationParameters: { version: '2' },
      operationMetrics: { numRestoredFiles: '3', numRemovedFiles: '1', numOfFilesAfterRestore: '4' },
    })
    expect(orphansOf(table)).toEqual([])
  })

  it('by time: what was the newest version then', async () => {
    await using made = await world()
    const { tblctl } = made
    const entries = []
    for await (const entry of tblctl.history(ref)) entries.push(entry)
    const timestamp = entries.find(({ version }) => version === 2)!.timestamp!
    const dry = await back(tblctl, { timestamp }, true)
    expect(dry.plan).toMatchObject({
      restoredVersion: 2,
      filesRestored: 3,
      filesRemoved: 1,
      rowsBefore: 3,
      rowsAfter: 4,
    })
    expect(await back(tblctl, { timestamp })).toMatchObject({ status: 'changed', result: { restoredVersion: 2 } })
    expect(await ids(tblctl)).toEqual([0, 1, 2, 3])
  })

  it('brings columns and properties back, keeps what is of no version, and never lowers the protocol', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const before = metadataOf(table)
    const schema = JSON.parse(before.schemaString)
    const fields = [...schema.fields, { name: 'extra', type: 'string', nullable: true, metadata: {} }]
    const features = {
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ['appendOnly', 'invariants', 'domainMetadata'],
    }
    commitAs(table, [
      { protocol: features },
      {
        metaData: {
          ...before,
          schemaString: JSON.stringify({ ...schema, fields }),
          configuration: { ...before.configuration, 'delta.columnMapping.maxColumnId': '7', mine: 'x' },
        },
      },
    ])
    expect((await rowsOf(tblctl, ref, 'select extra from t limit 1'))[0]).toEqual([null])
    expect(await back(tblctl, { version: 4 })).toMatchObject({
      status: 'changed',
      result: { schemaRestored: true, filesRestored: 0, filesRemoved: 0 },
    })
    expect((await tblctl.describe(ref)).schema.fields.map(({ name }) => name)).toEqual(['id', 'p'])
    const now = metadataOf(table)
    expect(now).toEqual({
      ...before,
      configuration: { ...before.configuration, 'delta.columnMapping.maxColumnId': '7' },
    })
    expect(
      logOf(table)
        .flat()
        .findLast((action) => action.protocol)!.protocol,
    ).toEqual(features)
    expect(await back(tblctl, { version: 4 })).toMatchObject({ status: 'unchanged' })
    // And forward again: the column is there as it was.
    expect(await back(tblctl, { version: 5 })).toMatchObject({ result: { schemaRestored: true } })
    expect((await tblctl.describe(ref)).schema.fields.map(({ name }) => name)).toEqual(['id', 'p', 'extra'])
  })

  it('says which loads are undone; they are loaded anew only with --again', async () => {
    await using made = await world()
    const { lake, tblctl } = made
    const item = await back(tblctl, { version: 1 })
    expect(item).toMatchObject({ plan: { batches: ['second'] }, result: { batchesUndone: 1 } })
    expect(item.plan!.summary.join('\n')).toMatch(/1 loads are undone.*--again: second/)
    const again = (more: object) => loadInto(tblctl, lake.folder, ref, ['rows.ndjson'], { batchId: 'second', ...more })
    expect(await again({})).toMatchObject({ status: 'unchanged' })
    expect(await ids(tblctl)).toEqual([0, 1])
    expect(await loadInto(tblctl, lake.folder, ref, ['rows.ndjson'], { again: true })).toMatchObject({
      status: 'changed',
    })
    expect(await ids(tblctl)).toEqual([0, 1, 2, 3])
  })

  it('says that half a load cannot be loaded again', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'parted')
    const rows = lake.rows(
      'rows.ndjson',
      [1, 2, 3, 4].map((id) => ({ id })),
    )
    await loadInto(tblctl, lake.folder, ref, [rows], { batchId: 'halves', commitRows: 2 })
    const { plan } = await back(tblctl, { version: 1 }, true)
    expect(plan).toMatchObject({ batchesUndone: 1, batches: ['halves'] })
    expect(plan!.summary.join('\n')).toMatch(/1 loads are undone in part, and --again would double.*halves/)
  })

  it('refuses what it cannot bring back, and changes nothing', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const versions = logOf(table).length
    expect((await back(tblctl, { version: 99 })).error).toMatchObject({ code: 'no-such-version', kind: 'missing' })
    const gone = logOf(table)[1]!.find(({ add }) => add)!.add
    rmSync(join(table, decodeURIComponent(gone.path)))
    const { error } = await back(tblctl, { version: 2 })
    expect(error).toMatchObject({ code: 'version-vacuumed', kind: 'refused' })
    expect(error!.message).toContain('1 of its 3 files')
    expect(error!.message).toContain(decodeURIComponent(gone.path))
    commitAs(table, [{ metaData: { ...metadataOf(table), configuration: { 'delta.appendOnly': 'true' } } }])
    expect((await back(tblctl, { version: 0 })).error).toMatchObject({ code: 'append-only' })
    commitAs(table, [{ protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] } }])
    expect((await back(tblctl, { version: 0 })).error).toMatchObject({ code: 'delta-feature' })
    expect(logOf(table)).toHaveLength(versions + 2)
    await expect(
      tblctl.operate('restore', { refs: [ref] }, { version: 1, timestamp: '2026-01-01T00:00:00Z' }),
    ).rejects.toThrow('one of both')
  })

  it('plans again when somebody writes meanwhile: what came goes too, because it was not there then', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    const append = { add: { ...liveOf(table)[0]!, path: 'p=a/foreign.parquet', dataChange: true } }
    await using session = await sessionWith(lake.folder, (store) =>
      beforeCommit(store, 1, () => commitAs(table, [append])),
    )
    const spec = (await session.catalog().table(path))?.spec ?? null
    const options = { version: 4, timestamp: null }
    // At version 4 there is nothing to do; after the foreign commit there is.
    expect((await operate(session, 'restore', [{ kind: 'table', path, spec }], options)).items[0]).toMatchObject({
      status: 'unchanged',
    })
    const three = { version: 3, timestamp: null }
    const item = (await operate(session, 'restore', [{ kind: 'table', path, spec }], three)).items[0]!
    expect(item).toMatchObject({ status: 'changed', result: { version: 6, restoredVersion: 3 } })
    expect(liveOf(table).some((add) => add.path === append.add.path)).toBe(false)
    expect(await ids(tblctl)).toEqual([0, 2, 3])
  })
})

describe('restore, killed', () => {
  const args = ['restore', ref, '--version', '2', '-y', '-o', 'json']
  it('at every durable step: one new version, and the rows of the old one', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const made = await world()
          await made.tblctl[Symbol.asyncDispose]()
          return made
        },
        command: ({ lake }, env) => runChild(cliEntry, args, { cwd: lake.folder, env }),
        oracle: async ({ lake, table }) => {
          const tblctl = await lake.open()
          const unfinished = (await tblctl.jobs.list({})).filter(({ state }) => state !== 'done')
          return {
            ids: await ids(tblctl),
            versions: logOf(table).length,
            unfinished: unfinished.map(({ verb }) => verb),
          }
        },
      },
      4,
    )
  }, 180_000)

  it('killed after its commit, it says what it did', async () => {
    const closed = async () => {
      const made = await world()
      await made.tblctl[Symbol.asyncDispose]()
      return made
    }
    await using other = await closed()
    await using made = await closed()
    const counted = made.lake.path('steps')
    await runChild(cliEntry, args, { cwd: other.lake.folder, env: { FAULT_COUNT: counted } })
    const steps = readFileSync(counted, 'utf8').trim().split('\n')
    const committed = steps.findLastIndex((step) => /putIfAbsent.*after|link.*after/.test(step)) + 1
    const killed = await runChild(cliEntry, args, { cwd: made.lake.folder, env: { FAULT_KILL: String(committed) } })
    expect(killed.signal).toBe('SIGKILL')
    expect(await back(await made.lake.open(), { version: 2 })).toMatchObject({
      status: 'changed',
      resumed: true,
      result: { version: 5, restoredVersion: 2, filesRestored: 3, filesRemoved: 1 },
    })
  })

  it('two processes at once: one restores', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await tblctl[Symbol.asyncDispose]()
    const ended = await Promise.all([1, 2].map(() => runChild(cliEntry, args, { cwd: lake.folder })))
    for (const { code, stdout, stderr } of ended) expect([0, 75], stdout + stderr).toContain(code)
    expect(logOf(table)).toHaveLength(6)
    expect(await ids(await lake.open())).toEqual([0, 1, 2, 3])
  }, 60_000)
})
