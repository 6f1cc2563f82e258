/** A target that has rows and lacks a column of the sync's key, or its time column: nothing is doubled, the sync stops and says why. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { keyed, rowsOf, SyncWorld } from './world.ts'

class LakeWorld extends SyncWorld {
  override configure(syncs: readonly string[]): void {
    const backends = '  src: { driver: memory, file: src.db }\n  dst: { driver: delta, url: "file:./lake" }'
    const lines = ['version: 1', 'schemas: [./schemas]', 'backends:', backends, 'sync:', ...syncs.map((s) => `  ${s}`)]
    writeFileSync(join(this.folder, 'tblctl.yaml'), `${lines.join('\n')}\n`)
  }
}
const first = [1, 2].map((id) => ({ id, at: `2020-01-01T00:00:0${id}Z`, note: 'a' }))
const run = async (tblctl: Tblctl) => (await tblctl.syncs.run({ ids: [], target: null, dryRun: false })).items[0]!
const alter = async (tblctl: Tblctl, options: object, dryRun = false) =>
  (await tblctl.operate('alter', { refs: ['dst:orders'] }, options, dryRun)).items[0]!

describe('in a Delta table', () => {
  test.each(['id', 'at'])(
    '%s, renamed: refused by name, and gone on with once it is there again',
    async (name) => {
      using world = new LakeWorld([keyed('orders', ', lookback: 100000h')])
      await using tblctl = await world.open()
      await world.table(tblctl, 'orders', first)
      expect(await run(tblctl)).toMatchObject({ status: 'changed', result: { recordsIngested: 2 } })
      const away = { renameColumns: [{ from: name, to: 'was' }] }
      expect((await alter(tblctl, away, true)).plan?.summary).toContainEqual(
        expect.stringMatching(/^sync orders fills this table: it stops when a column of its key/),
      )
      expect(await alter(tblctl, away)).toMatchObject({ status: 'changed' })
      await world.add(tblctl, 'orders', [{ id: 2, at: '2021-01-01T00:00:00Z', note: 'b' }])
      expect((await run(tblctl)).error).toMatchObject({
        ...{ kind: 'refused', code: 'sync-column-lost', where: 'dst:default/orders' },
        message: expect.stringContaining(`column ${name}, which the sync needs`),
      })
      await alter(tblctl, { renameColumns: [{ from: 'was', to: name }] })
      expect(await run(tblctl)).toMatchObject({ status: 'changed' })
      expect((await rowsOf(tblctl, 'dst:orders')).map((line) => line.split(' ').toSpliced(1, 1).join(' '))).toEqual([
        '1 a null',
        '2 b null',
      ])
    },
    60_000,
  )

  test('any other column comes back, null in the rows that are there; without a sync nothing is said of one', async () => {
    using world = new LakeWorld([keyed('orders')])
    await using tblctl = await world.open()
    await world.table(tblctl, 'orders', first)
    await tblctl.provision('create', ['dst:plain'], { schema: 'orders', location: null, labels: {} })
    const drop = { dropColumns: ['amount'] }
    const plain = await tblctl.operate('alter', { refs: ['dst:plain'] }, drop, true)
    expect(plain.items[0]!.plan?.summary.join()).not.toContain('sync')
    await run(tblctl)
    await alter(tblctl, drop)
    await world.add(tblctl, 'orders', [{ id: 3, at: '2021-01-01T00:00:00Z', note: 'c', amount: '1.50' }])
    expect(await run(tblctl)).toMatchObject({ status: 'changed', result: { columnsAdded: 1 } })
    expect((await rowsOf(tblctl, 'dst:orders')).at(-1)).toMatch(/^3 .* c 1\.50$/)
  }, 60_000)
})

test('in a table of the memory driver that is adopted with rows; without rows the column is added', async () => {
  using world = new SyncWorld([keyed('orders')])
  writeFileSync(
    join(world.folder, 'schemas', 'bare.yaml'),
    'table_name: bare\nfields:\n  - { name: note, data_type: Utf8, nullable: true }\n',
  )
  await using tblctl = await world.open()
  await world.table(tblctl, 'orders', first)
  const target = { schema: 'bare', location: null, labels: {} }
  await tblctl.provision('create', ['dst:default/orders'], target)
  writeFileSync(join(world.folder, 'bare.ndjson'), '{"note":"x"}\n')
  const load = (ref: string) =>
    tblctl.load({
      ...{ ref, inputs: ['bare.ndjson'], directory: world.folder, format: null, batchId: null, again: false },
      ...{ commitRows: null, commitBytes: null, commitMs: null, rejectTo: null, dryRun: false },
      input: (async function* () {})(),
    })
  await load('dst:default/orders')
  expect((await run(tblctl)).error).toMatchObject({ kind: 'refused', code: 'sync-column-lost' })
  world.configure([keyed('orders').replace('dst:default/orders', 'dst:default/empty')])
  await using fresh = await world.open()
  await fresh.provision('create', ['dst:default/empty'], target)
  expect(await run(fresh)).toMatchObject({ status: 'changed', result: { recordsIngested: 2 } })
})
