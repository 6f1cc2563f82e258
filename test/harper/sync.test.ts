/** A sync from BigQuery into a real Harper, by the command line in a process of its own, killed at its durable steps. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeTable, type Row } from '../bigquery/world.ts'
import { killEverywhere } from '../faults/harness.ts'
import type { Field } from '../servers/bigquery/values.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import { HarperServer, password, username } from '../servers/harper.ts'
import { cliEntry, type Ended, runChild } from '../support/child.ts'

let front: BigQueryFront
let harper: HarperServer
beforeAll(async () => {
  ;[front, harper] = await Promise.all([BigQueryFront.start(), HarperServer.start()])
})
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await harper[Symbol.asyncDispose]()
})

const fields: Field[] = [
  { name: 'id', type: 'INT64', mode: 'REQUIRED' },
  { name: 'ts', type: 'TIMESTAMP' },
  { name: 'amount', type: 'NUMERIC' },
]
/** Ties larger than a page, times before 1970, one row without a time, an integer that no double holds. */
const rows: readonly Row[] = [
  ...Array.from({ length: 7 }, (_, id) => ({ id, ts: '2024-05-01T00:00:00.000001Z', amount: `${id}.5` })),
  { id: '9007199254740993', ts: '1969-12-31T23:59:59.999999Z', amount: '0.000000001' },
  { id: 8, ts: null, amount: null },
]

let worlds = 0
class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tblctl-edge-'))
  readonly database = `w${++worlds}`
  constructor() {
    writeFileSync(join(this.folder, 'password'), password)
    const edge = `{ driver: harper, url: "${harper.url}", username: ${username}, password: "file:./password", database: ${this.database} }`
    const sync = (id: string, more: string) =>
      `  ${id}: { source: warehouse, dataset: d, table: ${id}, timestampColumn: ts, target: "edge:${id}", batchRows: { initial: 3, catchup: 3, steady: 3 }, ${more} }`
    const config = [
      'version: 1',
      'backends:',
      `  warehouse: { driver: bigquery, projectId: p, apiEndpoint: "${front.endpoint}" }`,
      `  edge: ${edge}`,
      'sync:',
      sync('orders', 'key: [id]'),
      sync('log', 'appendOnly: true'),
    ]
    writeFileSync(join(this.folder, 'tblctl.yaml'), `${config.join('\n')}\n`)
  }
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
  run(env: Record<string, string> = {}): Promise<Ended> {
    return runChild(cliEntry, ['sync', 'run', '-y', '-o', 'json'], { cwd: this.folder, env })
  }
  /** By id, without what makes rows of a keyless table one of a kind. */
  async rows(table: string): Promise<string[]> {
    const all = { search_attribute: table === 'log' ? 'tblctl_id' : 'id', search_value: '*', get_attributes: ['*'] }
    const found: any[] = await harper.call({ operation: 'search_by_value', database: this.database, table, ...all })
    return found.map(({ id, ts, amount }) => [String(id), ts, amount].join(' ')).sort()
  }
  async checkpoint(table: string): Promise<object> {
    const by = { hash_values: [table], get_attributes: ['sync', 'cursor', 'watermark', 'recordsIngested'] }
    const record = { operation: 'search_by_hash', database: this.database, table: 'tblctl_checkpoints', ...by }
    const { watermark, ...rest } = (await harper.call(record))[0]
    return { ...rest, whole: watermark !== null }
  }
}

test('killed on the way and run again: every row once, before 1970 and without a time too', async () => {
  makeTable(front, 'orders', fields, rows)
  makeTable(front, 'log', fields, [...rows.filter(({ id }) => id !== '9007199254740993'), rows[0]!])
  const oracle = async (world: World) => ({
    orders: await world.rows('orders'),
    log: await world.rows('log'),
    checkpoints: [await world.checkpoint('orders'), await world.checkpoint('log')],
  })
  await killEverywhere({ setUp: () => new World(), command: (world, env) => world.run(env), oracle, every: 14 }, 4)
  using world = new World()
  expect((await world.run()).code).toBe(0)
  expect(await world.rows('orders')).toEqual(
    [
      ...Array.from({ length: 7 }, (_, id) => `${id} 2024-05-01T00:00:00.000001Z ${id}.500000000`),
      '8  ',
      '9007199254740993 1969-12-31T23:59:59.999999Z 0.000000001',
    ].sort(),
  )
  expect(await world.rows('log')).toHaveLength(rows.length)
  const again = await world.run()
  expect(JSON.parse(again.stdout).items.map((item: any) => item.status)).toEqual(['unchanged', 'unchanged'])
}, 300_000)
