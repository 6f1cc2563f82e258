/** The engine of syncs over the memory driver's two ports: every row once, whatever its time, and whenever it is killed or paused. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { killEverywhere } from '../faults/harness.ts'
import { awkward, keyed, keyless, linesOf, type Row, rowsOf, SyncWorld } from './world.ts'

const minutes = 60_000

async function worldWith(syncs: readonly string[]): Promise<{ world: SyncWorld; tblctl: Tblctl }> {
  const world = new SyncWorld(syncs)
  const tblctl = await world.open()
  onTestFinished(async () => {
    await tblctl[Symbol.asyncDispose]()
    world[Symbol.dispose]()
  })
  return { world, tblctl }
}
async function templateWith(sync: string, table: string, rows: readonly Row[]): Promise<SyncWorld> {
  const world = new SyncWorld([sync])
  await using tblctl = await world.open()
  await world.table(tblctl, table, rows)
  return world
}
const run = (tblctl: Tblctl, ids: readonly string[] = [], target: string | null = null) =>
  tblctl.syncs.run({ ids, target, dryRun: false })
/** Append-only, by a DATE. */
const byDay = keyless('orders').replace('timestampColumn: at', 'timestampColumn: day')
const only = async (tblctl: Tblctl, id: string) => (await tblctl.syncs.status([id]))[0]!

describe('rows', () => {
  test('ties larger than a page, times before 1970 and rows without a time arrive once', async () => {
    const { world, tblctl } = await worldWith([keyed('orders'), keyless('log')])
    await world.table(tblctl, 'orders', awkward)
    await world.table(tblctl, 'log', [...awkward, ...awkward.slice(0, 2), awkward[15]!])
    const report = await run(tblctl)
    expect(report.items.map((item) => [item.ref, item.status, item.error])).toEqual([
      ['sync/orders', 'changed', undefined],
      ['sync/log', 'changed', undefined],
    ])
    expect(report.items[0]!.result).toMatchObject({ rows: 17, recordsIngested: 17, phase: 'steady', lagSeconds: 0 })
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf(awkward))
    // Without a key equal rows are rows of their own.
    expect(await rowsOf(tblctl, 'dst:log')).toEqual(linesOf([...awkward, ...awkward.slice(0, 2), awkward[15]!]))
  })

  test('a source that is as it was is not read; new rows, updates and late rows come with the next run', async () => {
    const { world, tblctl } = await worldWith([keyed('orders', ', lookback: 1h')])
    await world.table(tblctl, 'orders', awkward)
    await run(tblctl)
    const again = await run(tblctl)
    expect(again.items[0]).toMatchObject({ status: 'unchanged' })
    expect(again.items[0]!.job).toBeUndefined()
    const now = Date.now()
    const ago = (ms: number) => new Date(now - ms).toISOString().replace('Z', '000Z')
    const fresh = { id: 31, at: ago(1), note: 'fresh' }
    const newer = { id: 3, at: ago(2), note: 'updated' }
    const older = { id: 4, at: '1999-01-01T00:00:00Z', note: 'an older version, outside of the lookback' }
    const timed = { id: 14, at: ago(3), note: 'has a time now' }
    await world.add(tblctl, 'orders', [fresh, newer, older, timed])
    expect((await run(tblctl)).items[0]).toMatchObject({
      status: 'changed',
      result: { recordsIngested: 20, columnsAdded: 0 },
    })
    const expected = [...awkward.filter(({ id }) => id !== 3 && id !== 14), newer, timed, fresh]
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf(expected))

    const late = { id: 30, at: ago(30 * minutes), note: 'late' }
    const tooLate = { id: 32, at: ago(90 * minutes), note: 'later than the lookback' }
    await world.add(tblctl, 'orders', [late, tooLate])
    expect((await run(tblctl)).items[0]).toMatchObject({ status: 'changed' })
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf([...expected, late]))
  })

  test('rows above the high water wait, and are not forgotten', async () => {
    const { world, tblctl } = await worldWith([keyless('log', ', lag: 2s')])
    const young = { id: 1, at: new Date().toISOString().replace('Z', '000Z') }
    await world.table(tblctl, 'log', [{ id: 0, at: '2020-01-01T00:00:00Z' }, young])
    expect((await run(tblctl)).items[0]!.result).toMatchObject({ rows: 1 })
    await sleep(2100)
    expect((await run(tblctl)).items[0]!.result).toMatchObject({ rows: 1, recordsIngested: 2 })
    expect(await rowsOf(tblctl, 'dst:log')).toEqual(linesOf([{ id: 0, at: '2020-01-01T00:00:00Z' }, young]))
  })

  test('rows without a time that come later: with a key they are synced, without one that is an error', async () => {
    const { world, tblctl } = await worldWith([
      keyed('orders'),
      keyless('log'),
      keyless('strict', ', nullTimestamps: fail'),
    ])
    for (const name of ['orders', 'log']) await world.table(tblctl, name, awkward)
    await world.table(tblctl, 'strict', awkward.slice(0, 3))
    await run(tblctl)
    const late = { id: 40, at: null, note: 'late' }
    for (const name of ['orders', 'log', 'strict']) await world.add(tblctl, name, [late])
    const warned: string[] = []
    await using watched = await world.open({ reporter: { log: (_level, message) => warned.push(message) } })
    const { items } = await run(watched)
    expect(items[0]!.result).toMatchObject({ nullRows: 4 })
    expect(warned.filter((line) => line.includes('1 more rows without a time'))).toHaveLength(1)
    expect(items.map((item) => item.error?.code)).toEqual([undefined, 'late-null-timestamps', 'null-timestamp'])
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf([...awkward, late]))
    world.configure([keyless('log', ', nullTimestamps: skip')])
    await using now = await world.open()
    await world.add(now, 'log', [{ id: 41, at: '2021-01-01T00:00:00Z' }])
    expect((await run(now)).items[0]).toMatchObject({ status: 'changed', result: { rows: 1 } })
  })

  test('rows read once: an instant that is still open waits, and one that is over is never lost in silence', async () => {
    const { world, tblctl } = await worldWith([keyless('log'), byDay])
    const young = { id: 1, at: new Date().toISOString().replace('Z', '000Z') }
    const old = { id: 0, at: '2020-01-01T00:00:00Z' }
    const [day, today] = ['2020-01-01', new Date().toISOString().slice(0, 10)]
    await world.table(tblctl, 'log', [old, young])
    await world.table(tblctl, 'orders', [
      { id: 0, at: null, day },
      { id: 1, at: null, day: today },
    ])
    const first = await run(tblctl)
    expect(first.items.map((item) => item.result?.nextTimestamp)).toEqual([young.at, `${today}T00:00:00.000000Z`])
    expect(await rowsOf(tblctl, 'dst:log')).toEqual(linesOf([old]))
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf([{ id: 0, at: null }]))
    expect(await only(tblctl, 'log')).toMatchObject({ nextTimestamp: young.at, state: 'idle' })
    // What waits is not read again while its time has not come.
    expect((await run(tblctl)).items.map((item) => item.status)).toEqual(['unchanged', 'unchanged'])

    // Of equal times: rows behind the last one are read, those before it never would be.
    await world.add(tblctl, 'orders', [
      { id: -1, at: null, day },
      { id: -2, at: null, day },
      { id: 7, at: null, day },
    ])
    const late = (await run(tblctl, ['orders'])).items[0]!
    expect(late).toMatchObject({ status: 'failed', error: { code: 'late-rows', kind: 'data' } })
    expect(late.error!.message).toMatch(/^sync orders: \d rows? of 2020-01-01T00:00:00.000000Z came after/)
    const lost = Number(/(\d) rows?/.exec(late.error!.message)![1])
    expect((await rowsOf(tblctl, 'dst:orders')).length + lost).toBe(4)
    expect(lost).toBeGreaterThan(0)
    expect(await only(tblctl, 'orders')).toMatchObject({ state: 'failed', lastError: late.error!.message })
    // It is told until there are newer rows, which are synced all the same.
    expect((await run(tblctl, ['orders'])).items[0]!.error!.code).toBe('late-rows')
    await world.add(tblctl, 'orders', [{ id: 8, at: null, day: '2020-01-02' }])
    expect((await run(tblctl, ['orders'])).items[0]!.error!.code).toBe('late-rows')
    expect((await rowsOf(tblctl, 'dst:orders')).at(-1)).toContain('8 null')
    expect((await run(tblctl, ['orders'])).items[0]).not.toHaveProperty('error')
  })

  test('rows of the source that are newer than its clock are told, and not looked for again before their time', async () => {
    const { world, tblctl } = await worldWith([keyed('orders')])
    await world.table(tblctl, 'orders', [
      { id: 0, at: '2020-01-01T00:00:00Z' },
      { id: 1, at: '2999-01-01T00:00:00Z' },
    ])
    expect((await run(tblctl)).items[0]!.result).toMatchObject({
      rows: 1,
      nextTimestamp: '2999-01-01T00:00:00.000000Z',
    })
    expect((await run(tblctl)).items[0]).toMatchObject({ status: 'unchanged' })
  })

  test('of rows that share the newest time, those that come later are counted, and no row is counted twice', async () => {
    const { world, tblctl } = await worldWith([byDay.replace('appendOnly: true', 'key: [id]')])
    const day = '2020-01-01'
    const rows = [0, 1, 2, 3].map((id) => ({ id, at: null, day }))
    await world.table(tblctl, 'orders', rows.slice(0, 2))
    expect((await run(tblctl)).items[0]!.result).toMatchObject({ recordsIngested: 2 })
    await world.add(tblctl, 'orders', rows.slice(2))
    const killed = await world.run(['sync', 'run', '-y'], { FAULT_KILL_AT: 'memory.sync-page:after#1' })
    expect(killed.signal).toBe('SIGKILL')
    expect((await run(tblctl)).items[0]!.result).toMatchObject({ recordsIngested: 4 })
  })

  test('a key that is NULL in a row: named with the time of the row, and nothing of its page is written', async () => {
    const { world, tblctl } = await worldWith([
      keyed('orders').replace('key: [id]', 'key: [note]').replaceAll(': 4', ': 3'),
    ])
    await world.table(tblctl, 'orders', [
      { id: 0, at: '2020-01-01T00:00:00Z', note: 'a' },
      { id: 1, at: '2020-01-01T00:00:01Z' },
      { id: 2, at: '2020-01-01T00:00:02Z', note: 'c' },
    ])
    const { error } = (await run(tblctl)).items[0]!
    expect(error).toMatchObject({
      ...{ code: 'null-key', where: 'src:shop/orders -> dst:default/orders' },
      message: 'column note of the key is NULL in a row of 2020-01-01T00:00:01.000000Z',
    })
    // It was made by then: the catalog knows it.
    expect((await tblctl.list({ refs: ['dst:default/*'] })).items.map((item) => item.ref)).toEqual([
      'dst:default/orders',
    ])
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual([])
  })

  test('phases follow the lag: far behind, behind, at the end', async () => {
    const { world, tblctl } = await worldWith([
      'orders: { source: src, dataset: shop, table: orders, timestampColumn: at, key: [id], target: dst:default/orders, batchRows: { initial: 3, catchup: 2, steady: 1 } }',
    ])
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString().replace('Z', '000Z')
    const times = [3, 2, 0.9, 0.5, 0.4, 0.03].map((hours) => ago(hours * 60 * minutes))
    await world.table(
      tblctl,
      'orders',
      times.map((at, id) => ({ id, at })),
    )
    const phases: unknown[] = []
    await using watched = await world.open({
      reporter: { progress: ({ progress }) => phases.push([progress.done, progress.detail?.phase]) },
    })
    await run(watched)
    expect(phases).toEqual([
      [0, 'initial'],
      [0, 'initial'],
      [3, 'catchup'],
      [5, 'catchup'],
      [6, 'steady'],
      [6, 'steady'],
    ])
    expect(await only(tblctl, 'orders')).toMatchObject({ phase: 'steady', batchSize: 1, lagSeconds: 0 })
  })
})

describe('what does not fit is refused by name', () => {
  test('a source that may change without a key; another time column; a table made anew; another sync in the target', async () => {
    const plain =
      'orders: { source: src, dataset: shop, table: orders, timestampColumn: at, target: dst:default/orders }'
    const { world, tblctl } = await worldWith([plain])
    await world.table(tblctl, 'orders', awkward.slice(0, 5))
    expect((await run(tblctl)).items[0]!.error).toMatchObject({ code: 'no-key', kind: 'refused' })
    expect(await only(tblctl, 'orders')).toMatchObject({
      state: 'failed',
      lastError: expect.stringContaining('no key'),
    })

    const codeOf = async (syncs: readonly string[]) => {
      world.configure(syncs)
      await using opened = await world.open()
      return (await run(opened)).items[0]!.error?.code
    }
    expect(await codeOf([keyed('orders')])).toBeUndefined()
    expect(await codeOf([keyed('orders').replace('timestampColumn: at', 'timestampColumn: day')])).toBe('sync-changed')
    expect(await codeOf([keyed('orders').replace('orders:', 'other:')])).toBe('other-sync')
    expect(await codeOf([keyed('orders').replace('timestampColumn: at', 'timestampColumn: note')])).toBe('no-time')
    expect(await codeOf([keyed('orders').replace('key: [id]', 'key: [nix]')])).toBe('unknown-column')
    expect(await codeOf([keyless('orders', ', lookback: 1m')])).toBe('no-lookback')
    world.sql('src.db', "update tables set job = 'another'")
    expect(await codeOf([keyed('orders')])).toBe('source-recreated')
  })

  test('a column that came is followed, also between two pages; one that changed its type ends this sync alone', async () => {
    const { world, tblctl } = await worldWith([keyed('orders'), keyed('users')])
    await world.table(tblctl, 'orders', awkward)
    await world.table(tblctl, 'users', awkward.slice(0, 3))
    const widen = (table: string, change: (fields: any[]) => void) => {
      const [row] = world.sql('src.db', `select schema from tables where path = 'src/shop/${table}'`)
      const schema = JSON.parse(row!.schema)
      change(schema.fields)
      world.sql('src.db', `update tables set schema = ? where path = 'src/shop/${table}'`, JSON.stringify(schema))
    }
    let widened = false
    await using watched = await world.open({
      reporter: {
        progress: ({ ref, progress }) => {
          if (ref !== 'sync/orders' || progress.done === 0 || widened) return
          widened = true
          widen('orders', (fields) => fields.push({ name: 'extra', type: { kind: 'Utf8' }, nullable: true }))
        },
      },
    })
    expect((await run(watched)).items[0]).toMatchObject({ status: 'changed', result: { columnsAdded: 1 } })
    expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf(awkward))
    expect((await tblctl.describe('dst:orders')).schema.fields.map((field) => field.name)).toContain('extra')

    widen('users', (fields) => {
      fields[2].type = { kind: 'Int64' }
    })
    await world.add(tblctl, 'orders', [{ id: 50, at: '2022-01-01T00:00:00Z' }])
    world.sql(
      'src.db',
      "insert into segments select null, path, generation, shard, origin, hot, 0, 0, data from segments where path = 'src/shop/users'",
    )
    const { items } = await run(tblctl)
    expect(items.map((item) => [item.status, item.error?.code])).toEqual([
      ['changed', undefined],
      ['failed', 'schema-conflict'],
    ])
    expect(await only(tblctl, 'users')).toMatchObject({ state: 'failed' })
    expect(await only(tblctl, 'orders')).toMatchObject({ state: 'idle', lastError: null })
  })
})

describe('several processes', () => {
  test(
    'killed at its durable steps, the same command ends as if nothing had happened',
    async () => {
      using template = await templateWith(keyed('orders'), 'orders', awkward.slice(9))
      await killEverywhere(
        {
          setUp: () => template.copy(),
          command: (world, env) => world.run(['sync', 'run', '-y', '-q'], env),
          oracle: async (world) => {
            await using tblctl = await world.open()
            const { lastTimestamp, recordsIngested, state } = await only(tblctl, 'orders')
            const registered = (await tblctl.list({ refs: ['dst:default/*'] })).items.map((item) => item.ref)
            return { rows: await rowsOf(tblctl, 'dst:orders'), lastTimestamp, recordsIngested, state, registered }
          },
          every: 4,
        },
        5,
      )
    },
    4 * minutes,
  )

  test(
    'without a key no row is doubled either',
    async () => {
      using template = await templateWith(keyless('log'), 'log', awkward.slice(8))
      await killEverywhere(
        {
          setUp: () => template.copy(),
          command: (world, env) => world.run(['sync', 'run', '-y', '-q'], env),
          oracle: async (world) => {
            await using tblctl = await world.open()
            return { rows: await rowsOf(tblctl, 'dst:log'), records: (await only(tblctl, 'log')).recordsIngested }
          },
          every: 6,
        },
        4,
      )
    },
    3 * minutes,
  )

  test(
    'a pause from another process is obeyed at the next page, stays, and is taken back',
    async () => {
      const { world, tblctl } = await worldWith([keyed('orders')])
      await world.table(tblctl, 'orders', awkward)
      const started = world.start(['sync', 'run', '-y', '-o', 'json'], { FAULT_SLOW: 'memory.sync-page:after=700' })
      while ((await only(tblctl, 'orders')).recordsIngested === null) await sleep(50)
      expect(await only(tblctl, 'orders')).toMatchObject({ state: 'running' })
      await tblctl.syncs.pause(['orders'], true)
      const ended = await started.ended
      expect(ended.code, ended.stdout + ended.stderr).toBe(0)
      const stopped = JSON.parse(ended.stdout).items[0].result
      expect(stopped).toMatchObject({ paused: true })
      expect(stopped.recordsIngested).toBeLessThan(awkward.length)
      expect(await only(tblctl, 'orders')).toMatchObject({ state: 'paused', recordsIngested: stopped.recordsIngested })
      expect((await run(tblctl)).items[0]).toMatchObject({ status: 'skipped', result: { answer: 'paused' } })
      expect((await tblctl.syncs.pause(['orders'], true)).summary.unchanged).toBe(1)
      await tblctl.syncs.pause(['orders'], false)
      // Half read: the next run goes on.
      expect(await only(tblctl, 'orders')).toMatchObject({ state: 'interrupted', lastError: null })
      expect((await run(tblctl)).items[0]).toMatchObject({ status: 'changed', result: { recordsIngested: 17 } })
      expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf(awkward))
    },
    minutes,
  )

  test(
    'two runs of one sync at once: one works, the other is told who does',
    async () => {
      const { world, tblctl } = await worldWith([keyed('orders')])
      await world.table(tblctl, 'orders', awkward)
      const first = world.start(['sync', 'run', '-y', '-q'], { FAULT_SLOW: 'memory.sync-page:after=400' })
      while ((await only(tblctl, 'orders')).state !== 'running') await sleep(50)
      const second = await world.run(['sync', 'run', '-y', '-o', 'json'])
      expect(second.code).toBe(75)
      expect(JSON.parse(second.stdout).items[0].error.message).toContain('sync/orders is busy: sync.run')
      const waited = await world.run(['sync', 'run', '-y', '-q', '--lock-timeout', '30s'])
      expect([(await first.ended).code, waited.code]).toEqual([0, 0])
      expect(await rowsOf(tblctl, 'dst:orders')).toEqual(linesOf(awkward))
      // To be busy is no failure of the sync.
      expect(await only(tblctl, 'orders')).toMatchObject({ state: 'idle', lastError: null })
    },
    minutes,
  )

  test(
    'an interrupted job is gone on with by jobs resume, and a lost catalog loses nothing',
    async () => {
      const { world, tblctl } = await worldWith([keyed('orders')])
      await world.table(tblctl, 'orders', awkward)
      const killed = await world.run(['sync', 'run', '-y'], { FAULT_KILL_AT: 'memory.sync-page:after#2' })
      expect(killed.signal).toBe('SIGKILL')
      expect(await only(tblctl, 'orders')).toMatchObject({ state: 'interrupted' })
      const [job] = await tblctl.jobs.list({ verb: 'sync.run' })
      expect((await tblctl.jobs.resume(job!.id)).items[0]).toMatchObject({ status: 'changed', resumed: true })
      const { renameSync } = await import('node:fs')
      renameSync(`${world.folder}/.tblctl`, `${world.folder}/lost`)
      await using anew = await world.open()
      await world.add(tblctl, 'orders', [{ id: 60, at: '2023-01-01T00:00:00Z' }])
      expect((await run(anew)).items[0]).toMatchObject({ status: 'changed', result: { recordsIngested: 18 } })
      expect(await rowsOf(anew, 'dst:orders')).toEqual(linesOf([...awkward, { id: 60, at: '2023-01-01T00:00:00Z' }]))
    },
    minutes,
  )

  test('one that fails leaves the others alone, and is named', async () => {
    const { world, tblctl } = await worldWith([keyed('orders'), keyed('missing'), keyed('users')])
    for (const name of ['orders', 'users']) await world.table(tblctl, name, awkward)
    const { items, summary } = await run(tblctl)
    expect(summary).toMatchObject({ changed: 2, failed: 1 })
    expect(items[1]!.error).toMatchObject({ kind: 'missing' })
    expect((await tblctl.syncs.status([])).map(({ id, state }) => [id, state])).toEqual([
      ['orders', 'idle'],
      ['missing', 'failed'],
      ['users', 'idle'],
    ])
  })
})
