/** load --mode merge: rows replace those of their key, each key once, whatever is killed or writes at the same time. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { itemOf, run } from './program.ts'
import {
  commitAs,
  contentOf,
  create,
  hasSharedData,
  Lake,
  type LoadWith,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  orphansOf,
  register,
  rowsOf,
  sharedData,
} from './world.ts'

const column = (name: string, type: string, nullable = true): string =>
  `  - { name: ${name}, data_type: '${type}', nullable: ${nullable} }\n`
const keyed = 'primary_key: [id]\n'
const schemas = {
  plain: `table_name: plain\n${keyed}fields:\n${column('id', 'Int64', false)}${column('v', 'Utf8')}`,
  parted: `table_name: parted\npartitions: [p]\nfields:\n${column('id', 'Int64')}${column('p', 'Utf8')}${column('v', 'Utf8')}`,
  wide: `table_name: wide\npartitions: [day]\nfields:\n${[
    column('id', 'Utf8'),
    column('at', 'Timestamp(Microsecond, Some("UTC"))'),
    column('day', 'Date32'),
    column('price', 'Decimal128(20, 4)'),
    column('small', 'UInt8'),
    column('raw', 'Binary'),
    column('f', 'Float64'),
    column('tags', 'List(Utf8)'),
  ].join('')}`,
}
const ref = 'lake:acme/t'

async function world(schema: keyof typeof schemas = 'plain') {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, schema)
  let files = 0
  return {
    lake,
    tblctl,
    table: lake.table('t'),
    load: (rows: readonly object[], more: LoadWith = {}) =>
      loadInto(tblctl, lake.folder, ref, [lake.rows(`rows-${files++}.ndjson`, rows)], more),
    [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose](),
  }
}
const merge: LoadWith = { mode: 'merge', key: ['id'] }
const all = async (tblctl: Tblctl, columns = 'id::varchar, v'): Promise<unknown[][]> =>
  rowsOf(tblctl, ref, `select ${columns} from t order by all`)
/** Another writer's change of the columns. */
const addColumn = (table: string, name: string): void =>
  changeColumns(table, (fields) => [...fields, { name, type: 'string', nullable: true, metadata: {} }])
const dropColumn = (table: string, name: string): void =>
  changeColumns(table, (fields) => fields.filter((field) => field.name !== name))

function changeColumns(table: string, change: (fields: LogAction[]) => LogAction[]): void {
  const { metaData } = logOf(table)
    .flat()
    .findLast((action) => action.metaData)!
  const schema = JSON.parse(metaData.schemaString)
  const schemaString = JSON.stringify({ ...schema, fields: change(schema.fields) })
  commitAs(table, [{ metaData: { ...metaData, schemaString } }])
}
const pathsOf = (table: string): string[] => liveOf(table).map(({ path }) => path)

describe('a merge', () => {
  it('inserts, replaces and reports; files without a key of it are not touched; the kernel agrees', async () => {
    await using made = await world()
    const { tblctl, table, load, lake } = made
    await load([1, 2, 3].map((id) => ({ id, v: 'a' })))
    await load([10, 11].map((id) => ({ id, v: 'a' })))
    const [first, second] = pathsOf(table)
    const item = await load(
      [
        { id: 2, v: 'lost' },
        { id: 4, v: 'new' },
        { id: 2, v: 'b' },
      ],
      merge,
    )
    expect(item).toMatchObject({
      status: 'changed',
      result: {
        ...{ rows: 3, rejected: 0, rowsSuperseded: 1, rowsInserted: 1, rowsUpdated: 1, duplicatesRemoved: 0 },
        ...{ filesRemoved: 1, filesAdded: 2, commits: 1, version: 3, verified: ['rows'] },
      },
    })
    const rows = [
      ['1', 'a'],
      ['10', 'a'],
      ['11', 'a'],
      ['2', 'b'],
      ['3', 'a'],
      ['4', 'new'],
    ]
    expect(await all(tblctl)).toEqual(rows)
    expect(pathsOf(table)).toContain(second)
    expect(pathsOf(table)).not.toContain(first)
    const info = logOf(table)
      .at(-1)!
      .find((action) => action.commitInfo)!.commitInfo
    expect(info).toMatchObject({ operation: 'MERGE', operationMetrics: { numTargetRowsCopied: '2' } })
    expect(orphansOf(table)).toEqual([])
    await using chdb = startChdb(lake.folder)
    expect((await chdb.content(table)).rows).toBe(6)
  })

  it('is done once for a batch and a key; another key or mode is another work', async () => {
    await using made = await world('parted')
    const { tblctl, lake } = made
    const file = lake.rows('a.ndjson', [
      { id: 1, p: 'x', v: 'a' },
      { id: 1, p: 'y', v: 'b' },
    ])
    const load = (more: LoadWith) => loadInto(tblctl, lake.folder, ref, [file], more)
    expect(await load({ mode: 'merge', key: ['id', 'p'] })).toMatchObject({ result: { rowsInserted: 2 } })
    expect(await load({ mode: 'merge', key: ['p', 'id'] })).toMatchObject({ status: 'unchanged' })
    expect(await load(merge)).toMatchObject({ result: { rowsUpdated: 1, duplicatesRemoved: 1, rowsSuperseded: 1 } })
    expect(await all(tblctl, 'id::varchar, p, v')).toEqual([['1', 'y', 'b']])
    expect(await load({})).toMatchObject({ result: { rows: 2 } })
    expect(await load({ ...merge, again: true })).toMatchObject({ result: { rowsUpdated: 1, duplicatesRemoved: 2 } })
  })

  it('a later row of the input wins, in whatever format it comes and however often is committed', async () => {
    for (const commitRows of [undefined, 1, 2]) {
      await using made = await world()
      const { lake, tblctl, load } = made
      await load([2, 3].map((id) => ({ id, v: 'parquet' })))
      await tblctl.export(ref, { format: 'parquet', out: lake.path('b.parquet') })
      lake.rows(
        'a.ndjson',
        [1, 2].map((id) => ({ id, v: 'first' })),
      )
      lake.write('c.csv', 'id,v\n3,csv\n4,csv\n')
      const more = { ...merge, ...(commitRows === undefined ? {} : { commitRows }) }
      await loadInto(tblctl, lake.folder, ref, ['a.ndjson', 'b.parquet', 'c.csv'], more)
      expect(await all(tblctl)).toEqual([
        ['1', 'first'],
        ['2', 'parquet'],
        ['3', 'csv'],
        ['4', 'csv'],
      ])
    }
  })

  it('moves a row to its new partition, and skips partitions and files by what the log says', async () => {
    await using made = await world('parted')
    const { table, load } = made
    await load([
      { id: 1, p: 'x', v: 'a' },
      { id: 2, p: 'x', v: 'a' },
      { id: 1, p: 'a/b%20=ü', v: 'a' },
      { id: 5, p: null, v: 'a' },
    ])
    // Where the log is believed nothing is opened: these files may as well be gone.
    for (const add of liveOf(table))
      if (add.partitionValues.p !== 'a/b%20=ü') rmSync(`${table}/${decodeURIComponent(add.path)}`)
    const byBoth = await load([{ id: 1, p: 'a/b%20=ü', v: 'b' }], { mode: 'merge', key: ['p', 'id'] })
    expect(byBoth).toMatchObject({ result: { rowsUpdated: 1, rowsInserted: 0, filesRemoved: 1, filesAdded: 1 } })
    const byStatistics = await load([{ id: 7, p: 'x', v: 'b' }], merge)
    expect(byStatistics).toMatchObject({ result: { rowsUpdated: 0, rowsInserted: 1, filesRemoved: 0, filesAdded: 1 } })
    await using other = await world('parted')
    await other.load([1, 2].map((id) => ({ id, p: 'x' })))
    await other.load([{ id: 2, p: 'y' }], merge)
    expect(await all(other.tblctl, 'id::varchar, p')).toEqual([
      ['1', 'x'],
      ['2', 'y'],
    ])
  })

  it('by keys of every type, whatever the log tells of them', async () => {
    await using made = await world('wide')
    const { tblctl, load, table } = made
    const row = (i: number, more: object = {}) => ({
      ...{ id: `${'long '.repeat(10)}${i}`, at: `1969-12-31T23:59:59.99999${i}Z`, day: `2024-02-2${i}`, f: i / 3 },
      ...{ price: `${i}.5000`, small: 250 + i, raw: Buffer.from([i]).toString('base64'), tags: [`${i}`], ...more },
    })
    const two = [row(1), row(2)]
    await load(two)
    const before = await contentOf(tblctl, ref)
    for (const key of ['id', 'at', 'day', 'price', 'small', 'raw', 'f']) {
      expect(await load(two, { mode: 'merge', key: [key] }), key).toMatchObject({
        result: { rowsInserted: 0, rowsUpdated: 2 },
      })
      expect(await contentOf(tblctl, ref), key).toEqual(before)
    }
    // Another writer's files without statistics are read.
    const bare = liveOf(table).map(({ stats: _, ...add }) => add)
    commitAs(table, [
      ...bare.map(({ path, partitionValues }) => ({ remove: { path, partitionValues, dataChange: false } })),
    ])
    commitAs(
      table,
      bare.map((add) => ({ add })),
    )
    const again = await load([row(1, { f: 9 })], { mode: 'merge', key: ['id', 'small', 'raw'] })
    expect(again).toMatchObject({ result: { rowsUpdated: 1 } })
    expect(await rowsOf(tblctl, ref, 'select count(*)::int, max(f) from t')).toEqual([[2, 9]])
  })

  it('a row without a key is refused by its place, or put aside', async () => {
    await using made = await world('parted')
    const { tblctl, load, lake, table } = made
    await load([{ id: null, p: 'x' }])
    const rows = [{ id: 1, p: 'x' }, { p: 'y' }, { id: 2, p: '' }]
    const more: LoadWith = { mode: 'merge', key: ['id', 'p'] }
    expect((await load(rows, more)).error).toMatchObject({ kind: 'data', where: expect.stringMatching(/ndjson:2$/) })
    expect(await load(rows, { ...more, rejectTo: lake.path('bad') })).toMatchObject({
      result: { rows: 1, rejected: 2 },
    })
    // A row that is there without a key is nobody's.
    expect(await all(tblctl, 'id::varchar, p')).toEqual([
      ['1', 'x'],
      [null, 'x'],
    ])
    const none = await load([{ p: 'y' }], { ...more, rejectTo: lake.path('bad') })
    expect(none).toMatchObject({ status: 'changed', result: { rows: 0, rejected: 1, filesAdded: 0 } })
    expect(orphansOf(table)).toEqual([])
  })

  it('says of a null in the key that it names no row, whatever the format, and where it is put aside', async () => {
    await using made = await world('parted')
    const { tblctl, load, lake, table } = made
    const why = 'the column is part of the key, where a null names no row'
    const how: LoadWith = { mode: 'merge', key: ['id', 'p'] }
    const message = async (file: string, more = how) =>
      (await loadInto(tblctl, lake.folder, ref, [file], more)).error?.message
    expect((await load([{ p: 'y' }], how)).error?.message).toContain(`is missing, and ${why}`)
    expect(await message(lake.write('a.csv', 'id,p\n,y\n'))).toContain(`is null, and ${why}`)
    expect(await message(lake.write('b.csv', 'id,p\n1,""\n'))).toContain(`would be kept as null, and ${why}`)
    expect(await message(lake.write('c.csv', 'p\ny\n'))).toContain(`lacks column "id", and ${why}`)
    await load([{ id: null, p: 'y' }])
    const [parquet] = pathsOf(table)
    lake.write('d.parquet', readFileSync(join(table, decodeURIComponent(parquet!))))
    expect(await message('d.parquet', { mode: 'merge', key: ['id'] })).toContain(`is null, and ${why}`)
    await load([{ id: null, p: 'z' }], { ...how, rejectTo: lake.path('aside') })
    expect(JSON.parse(readFileSync(lake.path('aside'), 'utf8'))).toMatchObject({
      column: 'id',
      reason: `is null, and ${why}`,
    })
  })

  it.each([
    ['no key at all', 'parted', { mode: 'merge' }, 'no-key'],
    ['no such column', 'plain', { mode: 'merge', key: ['nope'] }, 'no-such-column'],
    ['a column twice', 'plain', { mode: 'merge', key: ['id', 'id'] }, 'bad-key'],
    ['a list', 'wide', { mode: 'merge', key: ['tags'] }, 'bad-key'],
    ['a key without a merge', 'plain', { mode: 'overwrite', key: ['id'] }, 'bad-option'],
  ] as const)('refuses %s', async (_what, schema, more, code) => {
    await using made = await world(schema)
    const outcome = await made.load([{}], more).catch((error: { view: object }) => ({ error: error.view }))
    expect(outcome.error).toMatchObject({ kind: 'usage', code })
  })

  it('takes the key of the table schema, and refuses an append-only table', async () => {
    await using made = await world()
    const { load, table } = made
    await load([{ id: 1, v: 'a' }])
    expect(await load([{ id: 1, v: 'b' }], { mode: 'merge' })).toMatchObject({ result: { rowsUpdated: 1 } })
    const { metaData } = logOf(table)
      .flat()
      .findLast((action) => action.metaData)!
    commitAs(table, [{ metaData: { ...metaData, configuration: { 'delta.appendOnly': 'true' } } }])
    for (const mode of ['merge', 'overwrite'] as const)
      expect((await load([{ id: 1, v: 'c' }], { mode })).error).toMatchObject({ kind: 'refused', code: 'append-only' })
    expect(await load([{ id: 1, v: 'c' }])).toMatchObject({ status: 'changed' })
  })

  it('a million rows with a hundred thousand updates, at the usual budget', async () => {
    await using made = await world()
    const { lake, tblctl, load } = made
    await load([{ id: 0, v: 'seed' }])
    const make = async (name: string, select: string) => {
      await using engine = await (await import('../../src/engine/engine.ts')).openEngine({
        scratch: lake.path('scratch'),
      })
      await engine.run(`COPY (${select}) TO '${lake.path(name)}' (FORMAT parquet)`)
    }
    await make('all.parquet', "select i as id, 'value ' || (i * 7919 % 1000003) as v from range(1, 1000000) r(i)")
    await make('some.parquet', "select i * 10 as id, 'changed' as v from range(0, 105000) r(i)")
    await loadInto(tblctl, lake.folder, ref, ['all.parquet'], { commitRows: 300_000 })
    const item = await loadInto(tblctl, lake.folder, ref, ['some.parquet'], merge)
    expect(item.result).toMatchObject({ rowsUpdated: 100_000, rowsInserted: 5000, filesRemoved: 5 })
    expect(
      await rowsOf(
        tblctl,
        ref,
        "select count(*)::int, count(distinct id)::int, count(*) filter (v = 'changed')::int from t",
      ),
    ).toEqual([[1_005_000, 1_005_000, 105_000]])
  }, 120_000)
})

describe.runIf(hasSharedData)('a merge into a table with column mapping and deletion vectors', () => {
  it.each([
    ['of its key', ['col1'], { rowsInserted: 2, rowsUpdated: 1 }],
    ['of its partition and key', ['col1', 'part'], { rowsInserted: 2, rowsUpdated: 1 }],
  ])('replaces rows %s, and no deleted row comes back', async (_what, key, result) => {
    await using lake = new Lake()
    const table = lake.copyIn(`${sharedData}/delta/dv-with-columnmapping/delta`, 'mapped')
    const tblctl = await lake.open()
    await register(tblctl, ref, 'file:./mapped')
    const before = await all(tblctl, 'part::int, col1::int, col2')
    const gone = before.some(([, id]) => id === 28)
    expect([before.length, gone]).toEqual([35, false])
    const rows = [
      { part: 1, col1: 11, col2: 'merged' },
      { part: 8, col1: 28, col2: 'new again' },
      { part: 8, col1: 1000, col2: 'new' },
    ]
    const more: LoadWith = { mode: 'merge', key }
    expect(await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', rows)], more)).toMatchObject({
      status: 'changed',
      result: { ...result, filesRemoved: 1 },
    })
    const wanted = [...before.filter(([, id]) => id !== 11), ...rows.map((row) => [row.part, row.col1, row.col2])]
    const texts = (found: readonly unknown[]) => found.map((row) => JSON.stringify(row)).sort()
    expect(texts(await all(tblctl, 'part::int, col1::int, col2'))).toEqual(texts(wanted))
    await using chdb = startChdb(lake.folder)
    expect((await chdb.content(table)).rows).toBe(37)
  })
})

describe('a merge that is killed', () => {
  it('leaves each key once, and a true count', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const made = await world('parted')
          await made.load([1, 2, 3, 4].map((id) => ({ id, p: id % 2 ? 'odd' : 'even', v: 'a' })))
          made.lake.rows(
            'a.ndjson',
            [2, 5, 3, 2, 6].map((id, i) => ({ id, p: 'even', v: `b${i}` })),
          )
          return Object.assign(made, {
            [Symbol.dispose]: () => rmSync(made.lake.folder, { recursive: true, force: true }),
          })
        },
        command: ({ lake }, env) =>
          run(lake.folder, { verb: 'load', ref, inputs: ['a.ndjson'], more: { ...merge, commitRows: 3 } }, env),
        oracle: async ({ tblctl }) => {
          const job = (await tblctl.jobs.list({ verb: 'load' })).findLast(
            ({ result }) => result?.rowsUpdated !== undefined,
          )
          const { rows, rowsUpdated, rowsInserted, commits } = job!.result as Record<string, number>
          return { rows: await all(tblctl, 'id::varchar, p, v'), result: { rows, rowsUpdated, rowsInserted, commits } }
        },
        every: 4,
      },
      7,
    )
  }, 180_000)
})

describe('at the same time', () => {
  it('two merges of the same keys, appends and a compaction: each key once, and no file is left over', async () => {
    await using made = await world()
    const { lake, tblctl, table, load } = made
    await load(Array.from({ length: 20 }, (_, id) => ({ id, v: 'seed' })))
    const work = async (name: string, more: LoadWith, rows: (round: number) => object[]) => {
      const mine = await lake.open()
      for (let round = 0; round < 4; round++) {
        const file = lake.rows(`${name}-${round}.ndjson`, rows(round))
        const item = await loadInto(mine, lake.folder, ref, [file], { ...more, batchId: `${name}-${round}` })
        expect([name, item.status, item.error]).toEqual([name, 'changed', undefined])
      }
    }
    const ten = (from: number, v: string) => Array.from({ length: 10 }, (_, i) => ({ id: from + i, v }))
    await Promise.all([
      work('one', merge, (round) => ten(round * 5, `one ${round}`)),
      work('two', merge, (round) => ten(round * 5 + 15, `two ${round}`)),
      work('appends', {}, (round) => [{ id: 1000 + round, v: 'appended' }]),
      (async () => {
        const mine = await lake.open()
        for (let round = 0; round < 3; round++) await optimize(mine, ref)
      })(),
    ])
    const ids = Array.from({ length: 40 }, (_, id) => id)
    const found = await rowsOf(tblctl, ref, 'select id::int from t order by id')
    expect(found.map(([id]) => id)).toEqual([...ids, 1000, 1001, 1002, 1003])
    expect(orphansOf(table)).toEqual([])
    expect(logOf(table)).toHaveLength(
      readdirSync(`${table}/_delta_log`).filter((name) => name.endsWith('.json')).length,
    )
  }, 60_000)

  it.each([
    ['of the key is replaced all the same', 7, 1],
    ['of another key changes nothing', 8, 0],
  ])('a row that another writer appends between reading and committing %s', async (_what, id, rowsUpdated) => {
    await using made = await world()
    const { lake, tblctl, load, table } = made
    await load([{ id: 1, v: 'a' }])
    async function* input() {
      yield Buffer.from('{"id":7,"v":"merged"}\n')
      // The merge has opened the table by now: this commit is a winner that it has to look at.
      expect(await load([{ id, v: 'late' }])).toMatchObject({ status: 'changed' })
    }
    const other = await lake.open()
    const item = await loadInto(other, lake.folder, ref, ['-'], { ...merge, input: input() })
    expect(item).toMatchObject({ status: 'changed', result: { rowsUpdated, rowsInserted: 1 - rowsUpdated } })
    const late = id === 7 ? [] : [['8', 'late']]
    expect(await all(tblctl)).toEqual([['1', 'a'], ['7', 'merged'], ...late])
    expect(orphansOf(table)).toEqual([])
  })

  it('two processes that merge one batch share the work, and it is done once', async () => {
    await using made = await world()
    const { lake, tblctl, load, table } = made
    await load(Array.from({ length: 10 }, (_, id) => ({ id, v: 'seed' })))
    lake.rows(
      'a.ndjson',
      Array.from({ length: 12 }, (_, i) => ({ id: 5 + i, v: 'merged' })),
    )
    const call = (commitRows: number) =>
      run(
        lake.folder,
        { verb: 'load', ref, inputs: ['a.ndjson'], more: { ...merge, commitRows } },
        { FAULT_SLOW: 'object-link:before=20' },
      )
    const ended = await Promise.all([call(2), call(3)])
    expect(ended.map(({ code, stdout }) => [code, code === 0 ? '' : stdout])).toEqual([
      [0, ''],
      [0, ''],
    ])
    const results = ended.map((each) => (itemOf(each).result ?? {}) as Record<string, number>)
    const sum = (name: string): number => results.reduce((total, result) => total + (result[name] ?? 0), 0)
    expect([sum('rows'), sum('rowsUpdated'), sum('rowsInserted')]).toEqual([12, 5, 7])
    expect((await all(tblctl)).length).toBe(17)
    expect(orphansOf(table)).toEqual([])
  }, 60_000)

  it.each([
    ['its columns no longer fit', 'schema-changed', (table: string) => dropColumn(table, 'v')],
    ['it was removed', 'no-delta-table', (table: string) => rmSync(`${table}/_delta_log`, { recursive: true })],
  ])('a table is left alone when %s', async (_what, code, change) => {
    await using made = await world()
    const { lake, tblctl, load, table } = made
    await load([{ id: 2, v: 'a' }])
    async function* input() {
      yield Buffer.from('{"id":2,"v":"merged"}\n')
      change(table)
    }
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { ...merge, input: input() })
    expect(item.error).toMatchObject({ code })
    expect(readdirSync(table).filter((name) => name.endsWith('.parquet'))).toHaveLength(1)
  })

  it('a column that another writer adds is there in the rows that are written again', async () => {
    await using made = await world()
    const { lake, tblctl, load, table } = made
    await load([
      { id: 1, v: 'a' },
      { id: 2, v: 'a' },
    ])
    async function* input() {
      yield Buffer.from('{"id":2,"v":"merged"}\n')
      addColumn(table, 'extra')
      await load([{ id: 3, v: 'late', extra: 'x' }])
    }
    const other = await lake.open()
    const item = await loadInto(other, lake.folder, ref, ['-'], { ...merge, input: input() })
    expect(item).toMatchObject({ status: 'changed', result: { rowsUpdated: 1 } })
    expect(await all(tblctl, 'id::varchar, v, extra')).toEqual([
      ['1', 'a', null],
      ['2', 'merged', null],
      ['3', 'late', 'x'],
    ])
    expect(orphansOf(table)).toEqual([])
  })
})

describe('any sequence of loads', () => {
  const rows = fc.array(fc.record({ id: fc.integer({ min: 0, max: 12 }), p: fc.constantFrom('x', 'y', null) }), {
    minLength: 1,
    maxLength: 8,
  })
  const step = fc.oneof(
    fc.record({
      do: fc.constantFrom('append' as const, 'merge' as const, 'merge' as const, 'overwrite' as const),
      rows,
    }),
    fc.record({ do: fc.constant('optimize' as const), rows: fc.constant([]) }),
  )
  it('leaves what a model in memory says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 7 }),
        fc.option(fc.integer({ min: 1, max: 3 })),
        async (steps, cut) => {
          await using made = await world('parted')
          let model: { id: number; p: string | null; v: string }[] = []
          for (const [i, { do: what, rows: given }] of steps.entries()) {
            const batch = given.map((row, j) => ({ ...row, v: `${i}.${j}` }))
            if (what === 'optimize') {
              await optimize(made.tblctl, ref)
              continue
            }
            const more = { again: true, ...(cut === null ? {} : { commitRows: cut }) }
            const item = await made.load(batch, { ...more, ...(what === 'merge' ? merge : { mode: what }) })
            expect([item.status, item.error]).toEqual(['changed', undefined])
            const last = new Map(batch.map((row) => [row.id, row]))
            if (what === 'append') model = [...model, ...batch]
            if (what === 'overwrite') model = batch
            if (what === 'merge') model = [...model.filter(({ id }) => !last.has(id)), ...last.values()]
          }
          const wanted = model.map(({ id, p, v }) => JSON.stringify([id, p, v])).sort()
          const found = await rowsOf(made.tblctl, ref, 'select id::int, p, v from t')
          expect(found.map((row) => JSON.stringify(row)).sort()).toEqual(wanted)
          expect(orphansOf(made.table)).toEqual([])
        },
      ),
      { numRuns: 15 },
    )
  }, 120_000)
})
