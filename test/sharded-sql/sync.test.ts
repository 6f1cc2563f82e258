/** The target of a sync over both engines: newest wins, a checkpoint with the rows, and a page that reached one node only. */
import pg from 'pg'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Cell } from '../../src/core/batch.ts'
import type { ReadContext, Subject } from '../../src/core/operation.ts'
import type { Checkpoint, SyncTarget } from '../../src/core/sync.ts'
import { type Field, parseType } from '../../src/core/types.ts'
import { openShardedSqlDriver } from '../../src/drivers/sharded-sql/driver.ts'
import { openSqliteNode } from '../../src/drivers/sharded-sql/node/sqlite.ts'
import { topologyJson } from '../../src/drivers/sharded-sql/topology.ts'
import { startPostgres } from '../servers/postgres.ts'
import { makeWorld, type ShopWorld } from './world.ts'

const server = await startPostgres()
const admin = new pg.Client({ connectionString: server.url('postgres') })
await admin.connect()
afterAll(async () => {
  await admin.end()
  await server[Symbol.asyncDispose]()
})

const field = (name: string, type: string, nullable = true): Field => ({ name, type: parseType(type), nullable })
const fields = [field('id', 'Int64', false), field('at', 'Timestamp(Microsecond, Some("UTC"))'), field('name', 'Utf8')]
const table: Subject = { kind: 'table', path: 'shop/default/orders', spec: null }
const ctx: ReadContext = {
  signal: new AbortController().signal,
  run: 'run',
  records: { get: async () => undefined, list: async function* () {} },
  now: () => new Date(),
  report: () => {},
  log: () => {},
}
const checkpoint = (sequence: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  sync: 'orders',
  cursor: { lane: 'time', time: String(sequence), key: [] },
  watermark: null,
  fence: 5,
  sequence,
  recordsIngested: 0,
  ...more,
})
const page = (rows: readonly (readonly Cell[])[], of: readonly Field[] = fields) => ({
  batch: { fields: of, columns: of.map((_, c) => rows.map((row) => row[c]!)), rows: rows.length },
  key: ['id'],
  newest: 'at',
})

describe('sync.target', () => {
  let world: ShopWorld
  let database = 0
  const config = () => ({
    shards: 4,
    nodes: { n1: 'sqlite:n1', n2: server.url(`sync_${database}`) },
  })
  const open = () =>
    openShardedSqlDriver('shop', config(), {
      directory: world.folder,
      env: {},
      registered: async () => [],
      scratch: async () => `${world.folder}/scratch`,
      schema: async () => {
        throw new Error('no schema')
      },
    })
  const withTarget = async (work: (target: SyncTarget, all: () => Promise<Cell[][]>) => Promise<void>) => {
    world = makeWorld('n1: "sqlite:n1"')
    await using driver = open()
    const all = async (): Promise<Cell[][]> => {
      await using rows = await driver.can.query!.query(
        [{ name: 't', table }],
        'select * from t order by id',
        { as: null, at: null },
        ctx,
      )
      const found: Cell[][] = []
      for await (const batch of rows.batches)
        for (let r = 0; r < batch.rows; r++) found.push(batch.columns.map((column) => column[r]!))
      return found
    }
    try {
      await work(driver.can['sync.target']!, all)
    } finally {
      world[Symbol.dispose]()
    }
  }
  beforeEach(async () => void (await admin.query(`CREATE DATABASE sync_${++database}`)))

  test('rows and checkpoint; newer rows replace, older ones do not, the later of two in a page counts', () =>
    withTarget(async (target, all) => {
      expect(await target.checkpoint(table, 'orders', ctx)).toBeNull()
      expect(await target.ensure(table, { fields, key: ['id'] }, ctx)).toEqual({ created: true, added: [] })
      expect(await target.ensure(table, { fields, key: ['id'] }, ctx)).toEqual({ created: false, added: [] })
      expect(await target.checkpoint(table, 'orders', ctx)).toBeNull()
      const first = Array.from({ length: 20 }, (_, i): Cell[] => [BigInt(i), 100n, `first ${i}`])
      expect(await target.write(table, page(first), null, checkpoint(1), ctx)).toBe('committed')
      expect(await target.checkpoint(table, 'orders', ctx)).toEqual(checkpoint(1))
      const second: Cell[][] = Array.from({ length: 20 }, (_, i): Cell[] => [
        BigInt(i),
        i % 2 ? 99n : 101n,
        `second ${i}`,
      ])
      const twice: Cell[][] = [...second, ...second.map(([id, at]): Cell[] => [id!, at!, `again ${id}`])]
      expect(await target.write(table, page(twice), checkpoint(1), checkpoint(2), ctx)).toBe('committed')
      expect(await all()).toEqual(first.map(([id, at, name], i) => (i % 2 ? [id, at, name] : [id, 101n, `again ${i}`])))
      expect(await target.write(table, page([[0n, null, 'no time']]), checkpoint(2), checkpoint(3), ctx)).toBe(
        'committed',
      )
      expect((await all())[0]).toEqual([0n, 101n, 'again 0'])
    }))

  test('another sequence is moved, a lower fence is fenced, and neither writes', () =>
    withTarget(async (target, all) => {
      await target.ensure(table, { fields, key: ['id'] }, ctx)
      await target.write(table, page([[1n, 1n, 'one']]), null, checkpoint(1), ctx)
      const rows = page([[2n, 2n, 'two']])
      expect(await target.write(table, rows, null, checkpoint(1), ctx)).toBe('moved')
      expect(await target.write(table, rows, checkpoint(4), checkpoint(5), ctx)).toBe('moved')
      expect(await target.write(table, rows, checkpoint(1), checkpoint(2, { fence: 4 }), ctx)).toBe('fenced')
      expect(await all()).toEqual([[1n, 1n, 'one']])
    }))

  test('a page that reached one node only comes again: the least checkpoint counts, no row twice', () =>
    withTarget(async (target, all) => {
      await target.ensure(table, { fields, key: ['id'] }, ctx)
      const rows = Array.from({ length: 30 }, (_, i): Cell[] => [BigInt(i), 7n, `n${i}`])
      await target.write(table, page(rows), null, checkpoint(1), ctx)
      const more = Array.from({ length: 30 }, (_, i): Cell[] => [BigInt(i + 30), 8n, `n${i + 30}`])
      const client = new pg.Client({ connectionString: server.url(`sync_${database}`) })
      await client.connect()
      await target.write(table, page(more), checkpoint(1), checkpoint(2), ctx)
      // As if the process had died between the commits of the two nodes.
      await client.query(`UPDATE tblctl.tblctl_marks SET value = $1 WHERE name = 'sync orders'`, [
        JSON.stringify(checkpoint(1)),
      ])
      for (const { tablename } of (await client.query(`SELECT tablename FROM pg_tables WHERE tablename LIKE 't\\_%'`))
        .rows)
        await client.query(`DELETE FROM tblctl."${tablename}" WHERE id >= 30`)
      await client.end()
      expect(await target.checkpoint(table, 'orders', ctx)).toEqual(checkpoint(1))
      expect(await target.write(table, page(more), checkpoint(1), checkpoint(2), ctx)).toBe('committed')
      expect(await all()).toEqual([...rows, ...more])
      expect(await target.checkpoint(table, 'orders', ctx)).toEqual(checkpoint(2))
    }))

  test('a registered table gets columns too: the record follows by the higher epoch', () =>
    withTarget(async (target) => {
      await target.ensure(table, { fields, key: ['id'] }, ctx)
      const copied = openSqliteNode('n1', `${world.folder}/n1`)
      const [copy] = await copied.copies()
      const record = { key: 'topology/shop/default/orders', value: topologyJson(copy!), rev: 1 }
      const registered: ReadContext = { ...ctx, records: { ...ctx.records, get: async () => record } }
      const wider = [...fields, field('extra', 'Utf8')]
      const added = { created: false, added: ['extra'] }
      expect(await target.ensure(table, { fields: wider, key: ['id'] }, registered)).toEqual(added)
      expect(await target.ensure(table, { fields: wider, key: ['id'] }, registered)).toEqual({ ...added, added: [] })
      const rows = page([[1n, 1n, 'one', 'more']], wider)
      expect(await target.write(table, rows, null, checkpoint(1), registered)).toBe('committed')
      await using driver = open()
      expect((await driver.describe(table, registered)).schema.fields.map(({ name }) => name)).toContain('extra')
    }))

  test('columns that are missing are added; what would need a rewrite is refused by name', () =>
    withTarget(async (target, all) => {
      await target.ensure(table, { fields, key: ['id'] }, ctx)
      await target.write(table, page([[1n, 1n, 'one']]), null, checkpoint(1), ctx)
      const wider = [field('extra', 'Decimal128(10, 2)'), ...fields]
      expect(await target.ensure(table, { fields: wider, key: ['id'] }, ctx)).toEqual({
        created: false,
        added: ['extra'],
      })
      await target.write(table, page([['1.5', 2n, 2n, 'two']], wider), checkpoint(1), checkpoint(2), ctx)
      expect(await all()).toEqual([
        [1n, 1n, 'one', null],
        [2n, 2n, 'two', '1.50'],
      ])
      const refused = async (shape: { fields: Field[]; key: string[] }) =>
        expect(target.ensure(table, shape, ctx)).rejects.toMatchObject({ view: { kind: 'refused' } })
      await refused({ fields: wider.map((f) => (f.name === 'name' ? field('name', 'Int64') : f)), key: ['id'] })
      await refused({ fields: wider, key: ['name'] })
      await refused({ fields: wider, key: [] })
      await refused({ fields: wider.slice(0, 1), key: ['id'] })
      const ordered = { ...page([[3n, 3n, 'three']]), newest: 'name' }
      await expect(target.write(table, ordered, checkpoint(2), checkpoint(3), ctx)).rejects.toMatchObject({
        view: { code: 'bad-time-column' },
      })
    }))
})
