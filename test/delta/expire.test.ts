/** vacuum --expired: rows that are older than the table keeps them, and no others. */
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { operate } from '../../src/api/operate.ts'
import type { ReportItem } from '../../src/core/host.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { cliEntry, runChild } from '../support/child.ts'
import { sessionWith } from './with-store.ts'
import {
  commitAs,
  contentOf,
  create,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  orphansOf,
  rowsOf,
} from './world.ts'

const column = (name: string, type: string): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const utc = 'Timestamp(Microsecond, Some("UTC"))'
const schema = (name: string, more: string, ...columns: string[]): string =>
  `table_name: ${name}\n${more}fields:\n${columns.join('')}`
const schemas = {
  dated: schema(
    'dated',
    'partitions: [date]\ntime_column: ts\nretention: 30d\n',
    column('id', 'Int64'),
    column('date', 'Date32'),
    column('ts', utc),
  ),
  plain: schema('plain', 'time_column: ts\nretention: 30d\n', column('id', 'Int64'), column('ts', utc)),
  wall: schema(
    'wall',
    'time_column: ts\nretention: 30d\n',
    column('id', 'Int64'),
    column('ts', 'Timestamp(Microsecond, None)'),
  ),
  days: schema(
    'days',
    'partitions: [day]\ntime_column: day\nretention: 30d\n',
    column('id', 'Int64'),
    column('day', 'Date32'),
  ),
  day: schema('day', 'time_column: day\nretention: 30d\n', column('id', 'Int64'), column('day', 'Date32')),
  bare: schema('bare', '', column('id', 'Int64')),
  wide: schema(
    'wide',
    'time_column: ts\nretention: 30d\n',
    column('id', 'Int64'),
    column('ts', utc),
    column('text', 'Utf8'),
  ),
  forever: schema('forever', 'time_column: ts\n', column('id', 'Int64'), column('ts', utc)),
}
const ref = 'lake:acme/t'
const hour = 3_600_000
/** On the same day as the cut-off, and before it. */
function justBefore(days: number): string {
  const cutoff = Date.now() - days * 24 * hour
  const midnight = Math.floor(cutoff / (24 * hour)) * 24 * hour
  return new Date((midnight + cutoff) / 2).toISOString()
}
/** So many days ago. */
const ago = (days: number): string => new Date(Date.now() - days * 24 * hour).toISOString()
const dayAgo = (days: number): string => ago(days).slice(0, 10)

async function world(name: keyof typeof schemas, loads: readonly (readonly object[])[]) {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, name)
  for (const rows of loads) await loadInto(tblctl, lake.folder, ref, [lake.rows('rows.ndjson', rows)])
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const expire = async (tblctl: Tblctl, byRows = false, dryRun = false): Promise<ReportItem> =>
  (await tblctl.operate('vacuum', { refs: [ref] }, { expired: true, byRows }, dryRun)).items[0]!
const ids = async (tblctl: Tblctl): Promise<number[]> =>
  (await rowsOf(tblctl, ref, 'select id from t order by id')).map(([id]) => Number(id))

/** The table's metadata, changed. */
function change(table: string, edit: (metaData: LogAction) => object): void {
  const { metaData } = logOf(table)
    .flat()
    .findLast((action) => action.metaData)!
  commitAs(table, [{ metaData: { ...metaData, ...edit(metaData) } }])
}
const withProperties = (table: string, properties: Record<string, string>) =>
  change(table, () => ({ configuration: properties }))

describe('vacuum --expired', () => {
  it('takes whole partitions, counted and asked about; by rows the boundary too', async () => {
    const loads = [
      [
        { id: 1, ts: ago(40) },
        { id: 2, ts: ago(40.01) },
        { id: 3, ts: ago(32) },
      ],
      [{ id: 4, ts: justBefore(30) }, { id: 5, ts: ago(29.99) }, { id: 6, ts: ago(0) }, { id: 7 }],
    ]
    await using made = await world('dated', loads)
    const { tblctl, table, lake } = made
    const dry = await expire(tblctl, false, true)
    expect(dry.plan).toMatchObject({ risk: 'severe', rows: 3, column: 'ts', byRows: false })
    expect(logOf(table)).toHaveLength(3)
    expect(await expire(tblctl)).toMatchObject({
      status: 'changed',
      result: { rowsRemoved: 3, filesAdded: 0, verified: ['rows'] },
    })
    expect(await ids(tblctl)).toEqual([4, 5, 6, 7])
    expect(logOf(table).at(-1)![0]!.commitInfo).toMatchObject({
      operation: 'DELETE',
      operationMetrics: { numDeletedRows: '3' },
    })
    expect(await expire(tblctl)).toMatchObject({ status: 'unchanged', result: { rows: 0 } })
    expect(await expire(tblctl, true)).toMatchObject({ status: 'changed', result: { rowsRemoved: 1 } })
    expect(await ids(tblctl)).toEqual([5, 6, 7])
    expect(await expire(tblctl, true)).toMatchObject({ status: 'unchanged' })
    expect(orphansOf(table)).toEqual([])
    await using chdb = startChdb(lake.folder)
    expect((await chdb.content(table)).rows).toBe(3)
  })

  it.each(['plain', 'wall'] as const)(
    '%s: of an unpartitioned table whole files; a row without a time stays',
    async (name) => {
      const at = (days: number): string => (name === 'wall' ? ago(days).slice(0, -1) : ago(days))
      await using made = await world(name, [
        [
          { id: 1, ts: at(50) },
          { id: 2, ts: at(31) },
        ],
        [
          { id: 3, ts: at(50) },
          { id: 4, ts: at(1) },
        ],
        [{ id: 5, ts: at(50) }, { id: 6 }],
        [{ id: 7, ts: at(2) }],
      ])
      const { tblctl } = made
      const whole = await expire(tblctl)
      expect(whole).toMatchObject({ status: 'changed', result: { rowsRemoved: 2, filesRemoved: 1, filesAdded: 0 } })
      expect(whole.plan!.summary.join()).toMatch(/1 files hold old rows beside younger ones; --by-rows/)
      expect(await ids(tblctl)).toEqual([3, 4, 5, 6, 7])
      expect(await expire(tblctl, true)).toMatchObject({ result: { rowsRemoved: 2, filesRemoved: 2, filesAdded: 2 } })
      expect(await ids(tblctl)).toEqual([4, 6, 7])
    },
  )

  it.each(['days', 'day'] as const)('%s: a day is too old when all of it is', async (name) => {
    const row = (id: number, days: number) => ({ id, day: dayAgo(days) })
    await using made = await world(name, [[row(1, 40)], [row(2, 31)], [row(3, 30)], [row(4, 29)], [{ id: 5 }]])
    const { tblctl } = made
    expect(await expire(tblctl)).toMatchObject({ result: { rowsRemoved: 2, filesRemoved: 2 } })
    expect(await ids(tblctl)).toEqual([3, 4, 5])
  })

  it('believes neither dates nor statistics that call young rows old', async () => {
    await using made = await world('dated', [
      [{ id: 1, date: dayAgo(40), ts: ago(1) }],
      [{ id: 2, date: dayAgo(40), ts: ago(40) }],
    ])
    const { tblctl, table } = made
    const young = liveOf(table).find(({ stats }) => JSON.parse(stats).maxValues.ts > ago(2))!
    const stats = JSON.stringify({ ...JSON.parse(young.stats), maxValues: { ts: ago(99) } })
    commitAs(table, [{ add: { ...young, stats } }])
    expect(await expire(tblctl, true)).toMatchObject({ result: { rowsRemoved: 1 } })
    expect(await ids(tblctl)).toEqual([1])
  })

  it('without statistics the files are asked', async () => {
    await using made = await world('plain', [[{ id: 1, ts: ago(40) }], [{ id: 2, ts: ago(1) }]])
    const { tblctl, table } = made
    for (const { stats: _stats, ...add } of liveOf(table)) commitAs(table, [{ add }])
    expect(await expire(tblctl)).toMatchObject({ result: { rowsRemoved: 1 } })
    expect(await ids(tblctl)).toEqual([2])
  })

  it('of columns that came later or got another name: who has no time stays', async () => {
    await using made = await world('bare', [[{ id: 1 }]])
    const { lake, tblctl, table } = made
    const alter = async (options: object) => (await tblctl.operate('alter', { refs: [ref] }, options)).items[0]!
    expect(await alter({ addColumns: [{ name: 'ts', type: utc }] })).toMatchObject({ status: 'changed' })
    expect(await alter({ set: { 'tblctl.timeColumn': 'ts', 'tblctl.retention': '30d' } })).toMatchObject({
      status: 'changed',
    })
    const load = (rows: readonly object[]) => loadInto(tblctl, lake.folder, ref, [lake.rows('rows.ndjson', rows)])
    await load([{ id: 2, ts: ago(40) }])
    expect(await alter({ renameColumns: [{ from: 'ts', to: 'at' }] })).toMatchObject({ status: 'changed' })
    await load([{ id: 3, at: ago(40) }])
    await load([{ id: 4, at: ago(4) }])
    expect(await expire(tblctl)).toMatchObject({ plan: { column: 'at' }, result: { rowsRemoved: 2, filesRemoved: 2 } })
    expect(await ids(tblctl)).toEqual([1, 4])
    expect(orphansOf(table)).toEqual([])
  })

  it('of files that are far away only their footers travel', async () => {
    const text = (): string => Array.from({ length: 40 }, () => Math.random().toString(36)).join('')
    const rows = (days: number) => Array.from({ length: 2000 }, (_, id) => ({ id, ts: ago(days), text: text() }))
    await using made = await world('wide', [rows(40), rows(41), rows(1)])
    const { lake, tblctl, table } = made
    const least = Math.min(...liveOf(table).map(({ size }) => size))
    let travelled = 0
    const farAway = (store: ObjectStore): ObjectStore => ({
      ...store,
      localPath: () => null,
      async read(key, range) {
        const bytes = await store.read(key, range)
        if (key.endsWith('.parquet')) travelled += bytes?.length ?? 0
        return bytes
      },
    })
    await using session = await sessionWith(lake.folder, farAway)
    const spec = (await session.catalog().table('lake/acme/t'))?.spec ?? null
    const subject = { kind: 'table' as const, path: 'lake/acme/t', spec }
    const item = (await operate(session, 'vacuum', [subject], { expired: true })).items[0]!
    expect(item).toMatchObject({ status: 'changed', result: { rowsRemoved: 4000, filesRemoved: 2 } })
    expect(travelled).toBeGreaterThan(0)
    expect(travelled).toBeLessThan(least)
    expect((await contentOf(tblctl, ref)).rows).toBe(2000)
  })

  it('a table without a retention keeps its rows, and says so', async () => {
    await using made = await world('forever', [[{ id: 1, ts: ago(4000) }]])
    const { tblctl, table } = made
    const kept = await expire(tblctl)
    expect(kept).toMatchObject({ status: 'unchanged', result: { retention: null } })
    expect(kept.plan!.summary[0]).toContain('no retention')
    expect(await ids(tblctl)).toEqual([1])
    expect(liveOf(table)).toHaveLength(1)
  })

  it('the property counts, then the table schema; what is none of either is refused', async () => {
    await using made = await world('plain', [[{ id: 1, ts: ago(40) }], [{ id: 2, ts: ago(5) }]])
    const { tblctl, table } = made
    withProperties(table, { 'tblctl.retention': 'none', 'tblctl.timeColumn': 'ts' })
    expect(await expire(tblctl)).toMatchObject({ status: 'unchanged', result: { retention: null } })
    withProperties(table, {})
    expect(await expire(tblctl, false, true)).toMatchObject({ plan: { rows: 1 } })
    withProperties(table, { 'tblctl.retention': '1d', 'tblctl.timeColumn': 'ts' })
    expect(await expire(tblctl, false, true)).toMatchObject({ plan: { rows: 2 } })
    for (const properties of [
      { 'tblctl.retention': 'soon', 'tblctl.timeColumn': 'ts' },
      { 'tblctl.retention': '1d', 'tblctl.timeColumn': 'id' },
      { 'tblctl.retention': '1d', 'tblctl.timeColumn': 'gone' },
      { 'tblctl.retention': '1d' },
    ] as Record<string, string>[]) {
      withProperties(table, properties)
      expect((await expire(tblctl)).error).toMatchObject({ code: 'bad-property', kind: 'data' })
    }
    withProperties(table, { 'tblctl.retention': '1d', 'tblctl.timeColumn': 'ts', 'delta.appendOnly': 'true' })
    expect((await expire(tblctl)).error).toMatchObject({ code: 'append-only', kind: 'refused' })
    expect(await ids(tblctl)).toEqual([1, 2])
  })

  it('rows that come while it is asked about stay until the next time', async () => {
    await using made = await world('plain', [[{ id: 1, ts: ago(40) }]])
    const { lake, tblctl } = made
    const other = await lake.open({
      approve: async () => {
        await loadInto(tblctl, lake.folder, ref, [lake.rows('late.ndjson', [{ id: 2, ts: ago(41) }])])
        return true
      },
    })
    expect(await expire(other)).toMatchObject({ result: { rowsRemoved: 1 } })
    expect(await ids(tblctl)).toEqual([2])
    expect((await contentOf(tblctl, ref)).rows).toBe(1)
  })

  it('killed at every durable step: the same rows are gone', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const made = await world('dated', [
            [
              { id: 1, ts: ago(40) },
              { id: 2, ts: ago(30.001) },
              { id: 3, ts: ago(29.9) },
            ],
          ])
          await made.tblctl[Symbol.asyncDispose]()
          return made
        },
        command: ({ lake }, env) =>
          runChild(cliEntry, ['vacuum', ref, '--expired', '--by-rows', '--confirm', 't'], { cwd: lake.folder, env }),
        oracle: async ({ lake, table }) => {
          const tblctl = await lake.open()
          return { ids: await ids(tblctl), versions: logOf(table).length }
        },
        every: 2,
      },
      3,
    )
  }, 180_000)
})
