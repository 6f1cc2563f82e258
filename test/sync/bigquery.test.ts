/** Syncs from BigQuery (its API over Google's own evaluator) into sharded SQL and Delta tables, by the command line in processes of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { makeTable, type Row } from '../bigquery/world.ts'
import { killEverywhere } from '../faults/harness.ts'
import type { Field } from '../servers/bigquery/values.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import { cliEntry, type Ended, runChild } from '../support/child.ts'
import { openIn } from '../support/open.ts'

const minutes = 60_000
let front: BigQueryFront
beforeAll(async () => {
  front = await BigQueryFront.start()
})
afterAll(() => front[Symbol.asyncDispose]())

const fields: Field[] = [
  { name: 'id', type: 'INT64', mode: 'REQUIRED' },
  { name: 'ts', type: 'TIMESTAMP' },
  { name: 'amount', type: 'NUMERIC' },
  { name: 'note', type: 'STRING' },
]
const primaryKey = { tableConstraints: { primaryKey: { columns: ['id'] } } }

/** Ties larger than a page, times before 1970 within one millisecond, two rows without a time, a 64-bit integer, an exact decimal. */
const rows: readonly Row[] = [
  ...Array.from({ length: 5 }, (_, i) => ({ id: String(i), ts: '2024-01-01T00:00:00.000001Z', note: `tie ${i}` })),
  { id: '9007199254740993', ts: '1969-12-31T23:59:59.999999Z', amount: '0.000000001', note: 'old' },
  { id: '11', ts: '1969-12-31T23:59:59.999998Z', note: 'older' },
  { id: '12', note: 'no time' },
  { id: '13', note: 'no time' },
]

async function linesOf(tblctl: Tblctl, ref: string): Promise<string[]> {
  await using found = await tblctl.query(ref, 'select id, epoch_us(ts) as micros, amount, note from t order by id')
  const lines: string[] = []
  for await (const { columns, rows: count } of found.batches)
    for (let r = 0; r < count; r++) lines.push(columns.map((cells) => String(cells[r])).join(' '))
  return lines
}

class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tblctl-warehouse-'))
  write(name: string, text: string): this {
    writeFileSync(join(this.folder, name), text)
    return this
  }
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return runChild(cliEntry, args, { cwd: this.folder, env })
  }
  async json(...args: string[]): Promise<any> {
    const ended = await this.run([...args, '-o', 'json'])
    if (ended.code !== 0) throw new Error(`${args.join(' ')} exits ${ended.code}\n${ended.stdout}${ended.stderr}`)
    return JSON.parse(ended.stdout)
  }
  async rows(ref: string): Promise<object[]> {
    const { rows: found } = await this.json(
      'query',
      ref,
      'select id, epoch_us(ts) as ts, amount, note from t order by id',
    )
    return found
  }
}

const sync = (table: string, target: string, more = ''): string =>
  `  ${table}: { source: warehouse, dataset: d, table: ${table}, timestampColumn: ts, target: ${target}, batchRows: { initial: 4, catchup: 4, steady: 4 }${more} }`
const config = (): string => `version: 1
backends:
  warehouse: { driver: bigquery, projectId: p, apiEndpoint: "${front.endpoint}" }
  shop: { driver: sharded-sql, nodes: { n1: "sqlite:n1", n2: "sqlite:n2" }, shards: 2 }
  lake: { driver: delta, url: "file:./lake" }
sync:
${sync('orders', 'shop:orders')}
${sync('users', 'shop:users')}
${sync('events', 'lake:events', ', appendOnly: true')}
`
const expected = (all: readonly Row[]): object[] =>
  [...all]
    .map(({ id, ts, amount, note }) => ({
      id: Number.isSafeInteger(Number(id)) ? Number(id) : id,
      ts: ts === undefined ? null : micros(String(ts)),
      amount: amount ?? null,
      note,
    }))
    .sort((a, b) => (BigInt(a.id as string) < BigInt(b.id as string) ? -1 : 1))
const micros = (text: string): number =>
  Math.floor(Date.parse(`${text.slice(0, 19)}Z`)) * 1000 + Number(text.slice(20, 26))

test(
  'three tables into two kinds of backend, killed on the way: every row once, of every table',
  async () => {
    for (const table of ['orders', 'users']) makeTable(front, table, fields, rows, primaryKey)
    makeTable(front, 'events', fields, rows)
    await killEverywhere(
      {
        setUp: () => new World().write('tblctl.yaml', config()),
        command: (world, env) => world.run(['sync', 'run', '-y', '-o', 'json'], env),
        oracle: async ({ folder }) => {
          await using tblctl = await openIn(folder)
          const status = await tblctl.syncs.status([])
          return {
            rows: await Promise.all(['shop:orders', 'shop:users', 'lake:events'].map((ref) => linesOf(tblctl, ref))),
            status: status.map((item) => [item.id, item.state, item.phase, item.recordsIngested, item.lastTimestamp]),
          }
        },
        every: 24,
      },
      5,
    )
    using world = new World().write('tblctl.yaml', config())
    await world.json('sync', 'run', '-y')
    for (const ref of ['shop:orders', 'shop:users', 'lake:events'])
      expect(await world.rows(ref)).toEqual(expected(rows))
  },
  5 * minutes,
)

test(
  'a table that is gone fails alone; the next run brings what is new to the others, and reads nothing where nothing is',
  async () => {
    for (const table of ['orders', 'users']) makeTable(front, table, fields, rows, primaryKey)
    makeTable(front, 'events', fields, rows)
    using world = new World().write('tblctl.yaml', config())
    await world.json('sync', 'run', '-y')
    front.store.deleteTable('p', 'd', 'users')
    const newer = { id: '3', ts: '2024-01-02T00:00:00Z', note: 'updated' }
    const fresh = { id: '14', ts: '2024-01-03T00:00:00.000005Z', note: 'new' }
    front.store
      .dataset('p', 'd')
      .tables.get('orders')!
      .append([{ json: fresh }, { json: newer }])
    const ended = await world.run(['sync', 'run', '-y', '-o', 'json'])
    expect(ended.code).toBe(66)
    expect(JSON.parse(ended.stdout).items.map((item: any) => [item.ref, item.status])).toEqual([
      ['sync/orders', 'changed'],
      ['sync/users', 'failed'],
      ['sync/events', 'unchanged'],
    ])
    expect(await world.rows('shop:orders')).toEqual(
      expected([...rows.filter(({ id }) => id !== '3'), { ...newer, ts: '2024-01-02T00:00:00.000000Z' }, fresh]),
    )
    const { items } = await world.json('sync', 'status')
    expect(items[1]).toMatchObject({ id: 'users', state: 'failed', lastError: expect.stringContaining('p.d.users') })
    const queries = front.seen.length
    await world.run(['sync', 'run', 'orders', '-y'])
    expect(front.seen.slice(queries).some(({ body }) => /SELECT (?!UNIX_MICROS)/.test(body?.query ?? ''))).toBe(false)
  },
  2 * minutes,
)

test(
  'a Harper configuration, into whatever --target says',
  async () => {
    for (const table of ['positions', 'events']) makeTable(front, table, fields, rows, primaryKey)
    using world = new World().write(
      'config.yaml',
      `rest: true
bigquery:
  projectId: p
  credentials: service-account-key.json
  location: EU
  tables:
    - { dataset: d, table: positions, timestampColumn: ts, columns: [ts, id, note], targetTable: Positions }
    - { dataset: d, table: events, timestampColumn: ts, columns: "*", targetTable: Events, sync: { initialBatchSize: 3 } }
sync: { steadyBatchSize: 50 }
`,
    )
    const env = { BIGQUERY_EMULATOR_HOST: `${front.endpoint}/bigquery/v2` }
    const before = JSON.parse((await world.run(['sync', 'status', '--config', 'config.yaml', '-o', 'json'])).stdout)
    expect(before).toMatchObject({ kind: 'SyncStatusList' })
    expect(before.items[0]).toEqual({
      ...{ id: 'positions', tableId: 'positions', source: 'bigquery:d/positions', target: 'harper:default/Positions' },
      ...{ state: 'never run', phase: null, lastTimestamp: null, lagSeconds: null, recordsIngested: null },
      ...{ nextTimestamp: null, batchSize: 10_000, lastError: null },
    })
    const args = ['sync', 'run', '--config', 'config.yaml', '--target', 'sqlite:node', '-y', '-o', 'json']
    const ended = await world.run(args, env)
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    world.write(
      'look.yaml',
      'version: 1\ncatalog: look.db\nbackends: { target: { driver: sharded-sql, nodes: { n1: "sqlite:node" } } }\n',
    )
    await world.json('register', 'target:Positions', 'target:Events', '--config', 'look.yaml')
    const count = async (ref: string) =>
      (await world.json('query', ref, 'select count(*) as n from t', '--config', 'look.yaml')).rows[0].n
    expect([await count('target:Positions'), await count('target:Events')]).toEqual([rows.length, rows.length])
    const after = await world.json('sync', 'status', '-c', 'config.yaml')
    expect(after.items[1]).toMatchObject({
      ...{ id: 'events', target: 'target:default/Events', state: 'idle', phase: 'steady', batchSize: 50 },
      ...{ recordsIngested: rows.length, lastTimestamp: '2024-01-01T00:00:00.000001Z', lagSeconds: 0 },
    })
  },
  2 * minutes,
)
