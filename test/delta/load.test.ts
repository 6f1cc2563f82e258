/** load: every row once, whatever is killed, raced with, or changed underneath. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { Stopped } from '../../src/core/errors.ts'
import { killEverywhere } from '../faults/harness.ts'
import { stopSwitch } from '../support/open.ts'
import { itemOf, run } from './program.ts'
import { commitAs, create, Lake, liveOf, loadInto, logOf, orphansOf, rowsOf } from './world.ts'

const column = (name: string, type: string, nullable = true): string =>
  `  - { name: ${name}, data_type: '${type}', nullable: ${nullable} }\n`
const schemas = {
  plain: `table_name: plain\nfields:\n${column('id', 'Int64', false)}${column('v', 'Utf8')}`,
  parted: `table_name: parted\npartitions: [p]\nfields:\n${column('id', 'Int64')}${column('p', 'Utf8')}`,
  timed: `table_name: timed\npartitions: [date]\ntime_column: at\nfields:\n${column('at', 'Timestamp(Microsecond, Some("UTC"))', false)}${column('project_id', 'Utf8', false)}${column('date', 'Date32', false)}`,
}
const ref = 'lake:acme/t'
const numbered = (count: number, from = 0): { id: number; v: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: from + i, v: `v${from + i}` }))

async function world(schema: keyof typeof schemas = 'plain') {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, schema)
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const ids = async (tblctl: Tblctl): Promise<number[]> =>
  (await rowsOf(tblctl, ref, 'select id from t order by id')).map(([id]) => Number(id))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Another writer's change of the columns. */
function changeSchema(table: string, change: (fields: { name: string; type: unknown }[]) => object[]): void {
  const metaData = logOf(table)
    .flat()
    .findLast((action) => action.metaData)!.metaData
  const schema = JSON.parse(metaData.schemaString)
  const schemaString = JSON.stringify({ ...schema, fields: change(schema.fields) })
  commitAs(table, [{ metaData: { ...metaData, schemaString } }])
}
const withExtra = (fields: object[]): object[] => [
  ...fields,
  { name: 'extra', type: 'string', nullable: true, metadata: {} },
]
async function* text(pieces: readonly (readonly object[] | (() => void))[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces)
    if (typeof piece === 'function') piece()
    else yield Buffer.from(piece.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

describe('a load that is killed', () => {
  it('leaves every row once, and a true count of them, with a commit every few rows', async () => {
    const points = await killEverywhere(
      {
        setUp: async () => {
          const made = await world('parted')
          const rows = upTo(7).map((id) => (id === 3 ? { id: 'bad' } : { id, p: id % 2 ? 'odd' : 'even' }))
          made.lake.rows('a.ndjson', rows)
          return Object.assign(made, {
            [Symbol.dispose]: () => rmSync(made.lake.folder, { recursive: true, force: true }),
          })
        },
        command: ({ lake }, env) => {
          const more = { commitRows: 3, rejectTo: lake.path('rejects.ndjson') }
          return run(lake.folder, { verb: 'load', ref, inputs: ['a.ndjson'], more }, env)
        },
        oracle: async ({ lake, tblctl }) => {
          // Killed after its end, the command is given once more and finds nothing to do.
          const job = (await tblctl.jobs.list({ verb: 'load' })).find(({ result }) => result !== null)
          const rejects = readFileSync(lake.path('rejects.ndjson'), 'utf8').trim().split('\n')
          const { rows, rejected, commits } = job!.result as Record<string, number>
          return { ids: await ids(tblctl), result: { rows, rejected, commits }, rejects: new Set(rejects).size }
        },
        every: 3,
      },
      7,
    )
    expect(points).toBeGreaterThanOrEqual(7)
  }, 120_000)
})

describe('a load that is stopped', () => {
  it.each(['soft', 'hard'] as const)('%s: the same command goes on behind it and counts all rows', async (how) => {
    await using made = await world()
    const { lake, tblctl } = made
    lake.rows('a.ndjson', numbered(7))
    const hard = new AbortController()
    const stop = { ...stopSwitch(), why: null as 'interrupt' | null, hard: hard.signal }
    const stopped = await lake.open({
      stop,
      reporter: {
        // The chunk is in the log by now, and not yet in the catalog: that is what a hard stop leaves.
        progress: () => {
          stop.why = 'interrupt'
          if (how === 'hard') hard.abort(new Stopped('interrupt'))
        },
      },
    })
    const load = (by: Tblctl) => loadInto(by, lake.folder, ref, ['a.ndjson'], { commitRows: 3 })
    expect((await load(stopped)).error).toMatchObject({ kind: 'stopped', retry: 'resume' })
    expect(await ids(tblctl)).toEqual(upTo(3))
    expect(await load(tblctl)).toMatchObject({ resumed: true, result: { rows: 7, commits: 3, files: 3, version: 3 } })
    expect(await ids(tblctl)).toEqual(upTo(7))
  })
})

describe('two loads of one batch at once', () => {
  it.each([
    [1, 1],
    [1, 3],
    [4, 7],
  ])('give every row once, committing every %i and %i rows', async (a, b) => {
    await using made = await world()
    const { lake, tblctl, table } = made
    lake.rows('a.ndjson', numbered(20))
    const other = await lake.open()
    const items = await Promise.all([
      loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { commitRows: a }),
      loadInto(other, lake.folder, ref, ['a.ndjson'], { commitRows: b }),
    ])
    expect(await ids(tblctl)).toEqual(upTo(20))
    for (const { error, status } of items)
      expect([error, status]).toEqual([undefined, expect.stringMatching(/changed/)])
    const counted = items.reduce(
      (sum, { result }) => sum + Number((result as { rows?: number } | undefined)?.rows ?? 0),
      0,
    )
    expect(counted).toBe(20)
    expect(orphansOf(table)).toEqual([])
  })

  it.each(['append', 'merge'] as const)(
    '%s: when the other one takes the first row of the next chunk',
    async (mode) => {
      await using made = await world()
      const { lake, tblctl, table } = made
      await create(tblctl, 'lake:acme/u', 'plain')
      await loadInto(tblctl, lake.folder, 'lake:acme/u', [lake.rows('b.ndjson', numbered(1, 3))])
      const [theirs] = liveOf(lake.table('u'))
      copyFileSync(join(lake.table('u'), theirs!.path), join(table, theirs!.path))
      lake.rows('a.ndjson', numbered(7))
      let times = 0
      const slower = await lake.open({
        reporter: {
          // Its first chunk is in the log, and it has not looked what is behind it.
          progress: () => {
            const appId = mode === 'append' ? 'tblctl-load:batch' : 'tblctl-merge:["id"]:batch'
            if (++times === 1) commitAs(table, [{ add: theirs }, { txn: { appId, version: 4 } }])
          },
        },
      })
      const how = { batchId: 'batch', commitRows: 3, ...(mode === 'merge' ? { mode, key: ['id'] } : {}) }
      const item = await loadInto(slower, lake.folder, ref, ['a.ndjson'], how)
      expect(times).toBeGreaterThan(0)
      expect(item).toMatchObject({ status: 'changed', result: { rows: 6 } })
      expect(await ids(tblctl)).toEqual(upTo(7))
      expect(orphansOf(table)).toEqual([])
    },
  )

  it('also from two processes', async () => {
    await using made = await world()
    const { lake, tblctl } = made
    lake.rows('a.ndjson', numbered(12))
    const load = (commitRows: number) =>
      run(
        lake.folder,
        { verb: 'load', ref, inputs: ['a.ndjson'], more: { commitRows } },
        { FAULT_SLOW: 'object-link:before=20' },
      )
    const ended = await Promise.all([load(2), load(3)])
    expect(
      ended.map(({ code }) => code),
      ended.map(({ stdout }) => stdout).join(),
    ).toEqual([0, 0])
    expect(await ids(tblctl)).toEqual(upTo(12))
    expect(ended.map((each) => Number(itemOf(each).result?.rows ?? 0)).reduce((a, b) => a + b)).toBe(12)
  })

  it('standard input cannot be read again: the slower one is told, and nothing is doubled', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    const input = text([
      numbered(2),
      () => commitAs(table, [{ txn: { appId: 'tblctl-load:b', version: 3 } }]),
      numbered(2, 2),
    ])
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { input, batchId: 'b', commitRows: 2 })
    expect(item.error).toMatchObject({ kind: 'busy', code: 'conflict' })
    expect(await ids(tblctl)).toEqual([0, 1])
    expect(orphansOf(table)).toEqual([])
  })
})

describe('a table that changes while it is loaded', () => {
  it('gets the rows of the file that already have its new column', async () => {
    await using made = await world()
    const { lake, table } = made
    const rows = numbered(6).map((row) => (row.id < 3 ? row : { ...row, extra: `e${row.id}` }))
    lake.rows('a.ndjson', rows)
    let changed = false
    const tblctl = await lake.open({
      reporter: {
        progress: () => {
          if (!changed) changeSchema(table, withExtra)
          changed = true
        },
      },
    })
    const item = await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { commitRows: 3 })
    expect(item).toMatchObject({ status: 'changed', result: { rows: 6, commits: 2 } })
    expect(await rowsOf(tblctl, ref, 'select extra from t order by id')).toEqual(
      [null, null, null, 'e3', 'e4', 'e5'].map((extra) => [extra]),
    )
  })

  it('gets the rest of standard input when the change is an addition', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    // Seen only when the second chunk is committed, and a third follows.
    const input = text([numbered(2), () => changeSchema(table, withExtra), numbered(2, 2), numbered(2, 4)])
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { input, commitRows: 2 })
    expect(item).toMatchObject({ status: 'changed', result: { rows: 6, commits: 3 } })
    expect(await ids(tblctl)).toEqual(upTo(6))
    expect(orphansOf(table)).toEqual([])
  })

  it('refuses the rest of standard input when the columns no longer fit, and says how to go on', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    const dropped = () => changeSchema(table, (fields) => fields.slice(0, 1))
    const more = { batchId: 'b', commitRows: 2 }
    const input = text([numbered(2), dropped, numbered(2, 2)])
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { ...more, input })
    expect(item.error).toMatchObject({
      kind: 'data',
      code: 'schema-changed',
      hint: expect.stringContaining('--batch-id b'),
    })
    expect(await ids(tblctl)).toEqual([0, 1])
    expect(orphansOf(table)).toEqual([])
    const again = text([upTo(4).map((id) => ({ id }))])
    expect(await loadInto(tblctl, lake.folder, ref, ['-'], { ...more, input: again })).toMatchObject({
      result: { rows: 2 },
    })
    expect(await ids(tblctl)).toEqual(upTo(4))
  })

  it('a file whose rows no longer fit is refused at the first of them', async () => {
    await using made = await world()
    const { lake, table } = made
    lake.rows('a.ndjson', numbered(4))
    const tblctl = await lake.open({
      reporter: { progress: () => changeSchema(table, (fields) => fields.slice(0, 1)) },
    })
    const item = await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { commitRows: 2 })
    expect(item.error).toMatchObject({
      kind: 'data',
      code: 'row-rejected',
      where: expect.stringContaining('a.ndjson:3'),
    })
    expect(await ids(tblctl)).toEqual([0, 1])
  })

  it.each([
    ['removed', () => undefined],
    [
      'replaced',
      (table: string, away: string) => {
        mkdirSync(`${table}/_delta_log`, { recursive: true })
        const [first] = logOf(away)
        commitAs(
          table,
          first!.map((action) => (action.metaData ? { metaData: { ...action.metaData, id: 'other' } } : action)),
        )
        commitAs(table, [{ commitInfo: {} }])
      },
    ],
  ])('is left alone when it is %s', async (_what, then) => {
    await using made = await world()
    const { lake, tblctl, table } = made
    const away = lake.path('away')
    const input = text([
      numbered(2),
      () => {
        renameSync(table, away)
        then(table, away)
      },
      numbered(2, 2),
    ])
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { input, commitRows: 2 })
    expect(item.error).toMatchObject({ kind: 'missing', code: 'no-delta-table' })
    expect(orphansOf(away)).toEqual([])
    if (_what === 'replaced') {
      expect(logOf(table)).toHaveLength(2)
      expect(orphansOf(table)).toEqual([])
    }
  })
})

describe('what a load takes', () => {
  it('standard input, with a commit after some time', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    async function* input() {
      yield* text([numbered(2)])
      while (logOf(table).length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      yield* text([numbered(1, 2)])
    }
    const item = await loadInto(tblctl, lake.folder, ref, ['-'], { input: input(), commitMs: 20 })
    expect(item).toMatchObject({ status: 'changed', result: { rows: 3 } })
    expect(await ids(tblctl)).toEqual(upTo(3))
  })

  it('several files of every kind, once', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    lake.rows('a.ndjson', numbered(3))
    lake.write('b.csv', 'id,v\n3,"a,b"\n4,\n')
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])
    await tblctl.export(ref, { format: 'parquet', out: lake.path('c.parquet') })
    const load = (again = false) => loadInto(tblctl, lake.folder, ref, ['b.csv', 'c.parquet'], { again })
    expect(await load()).toMatchObject({ result: { rows: 5, commits: 1 } })
    expect(await load()).toMatchObject({ status: 'unchanged' })
    expect(await load(true)).toMatchObject({ result: { rows: 5 } })
    expect(
      await rowsOf(tblctl, ref, 'select id, v, count(*)::int from t where id >= 3 group by all order by 1'),
    ).toEqual([
      [3n, 'a,b', 2],
      [4n, null, 2],
    ])
    expect((await tblctl.list({ refs: [ref] })).items).toHaveLength(1)
    expect(orphansOf(table)).toEqual([])
  })

  it('derives date and project, and refuses another project, a null and a bad row by place', async () => {
    await using made = await world('timed')
    const { lake, tblctl, table } = made
    const good = { at: '2024-05-01T23:59:59.999999Z' }
    lake.rows('good.ndjson', [good, { at: '2024-05-02T00:00:00Z', project_id: 'acme' }])
    expect(await loadInto(tblctl, lake.folder, ref, ['good.ndjson'])).toMatchObject({ result: { rows: 2, files: 2 } })
    expect(await rowsOf(tblctl, ref, 'select "date"::varchar, project_id from t order by 1')).toEqual([
      ['2024-05-01', 'acme'],
      ['2024-05-02', 'acme'],
    ])
    for (const bad of [
      { ...good, project_id: 'globex' },
      { at: null },
      {},
      { ...good, nope: 1 },
      { at: 'yesterday' },
    ]) {
      lake.rows('bad.ndjson', [good, bad])
      const item = await loadInto(tblctl, lake.folder, ref, ['bad.ndjson'])
      expect(item.error).toMatchObject({ kind: 'data', where: expect.stringMatching(/bad\.ndjson:2$/) })
    }
    expect(logOf(table)).toHaveLength(2)
    expect(orphansOf(table)).toEqual([])
  })

  it('a dry run beside a load, and nothing of it is left', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    lake.rows('a.ndjson', numbered(3))
    const busy = await lake.open()
    const { promise: held, resolve: holds } = Promise.withResolvers<void>()
    const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>()
    async function* input() {
      yield* text([numbered(1)])
      holds()
      await goOn
    }
    const loading = loadInto(busy, lake.folder, ref, ['-'], { input: input() })
    await held
    const before = logOf(table)
    const dry = async (verb: 'optimize' | 'unregister') =>
      (await tblctl.operate(verb, { refs: [ref] }, {}, true)).items[0]!.error
    expect(await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { dryRun: true })).toMatchObject({
      status: 'skipped',
    })
    expect([await dry('optimize'), await dry('unregister')]).toEqual([undefined, undefined])
    for (const [verb, options] of [
      ['register', {}],
      ['create', { schema: 'plain' }],
    ] as const) {
      const { items } = await tblctl.provision(verb, [ref], options, true)
      expect(items[0]).toMatchObject({ status: 'unchanged' })
    }
    expect(logOf(table)).toEqual(before)
    letGo()
    expect(await loading).toMatchObject({ status: 'changed', result: { rows: 1 } })
  })
})
