/** delete and restore on tables that others wrote: deletion vectors, mapped columns, checkpoints, names that need care. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { quoteIdentifier } from '../../src/engine/sql-text.ts'
import { startChdb } from '../support/chdb.ts'
import {
  contentOf,
  create,
  hasSharedData,
  Lake,
  loadInto,
  logOf,
  orphansOf,
  register,
  rowsOf,
  sharedData,
} from './world.ts'

/** Written by Spark; `kernel`: chdb reads all of it rightly. */
const tables: Readonly<Record<string, { readonly kernel: boolean }>> = {
  'basic-with-inserts-deletes-checkpoint': { kernel: true },
  'dv-with-columnmapping': { kernel: true },
  'log-replay-dv-key-cases': { kernel: true },
  'parquet-all-types': { kernel: true },
  'table-with-columnmapping-mode-name': { kernel: false },
  'time-travel-partition-changes-b': { kernel: true },
  'v2-checkpoint-parquet': { kernel: true },
}

const change = async (tblctl: Tblctl, verb: 'delete' | 'restore' | 'alter', ref: string, options: object) =>
  (await tblctl.operate(verb, { refs: [ref] }, options)).items[0]!

/** A condition that is true of some rows, and how many others there are, with their hash. */
async function someRows(tblctl: Tblctl, ref: string, columns: readonly string[]) {
  for (const divisor of [2, 3, 5, 7, 11]) {
    const where = `hash(${columns.join(', ')}) % ${divisor} = 0`
    const [row] = await rowsOf(
      tblctl,
      ref,
      `select count(*) filter (not ${where}), (bit_xor(hash(t::varchar)) filter (not ${where}))::varchar, count(*) from t`,
    )
    if (row![0] !== 0n && row![0] !== row![2]) return [where, row!] as const
  }
  throw new Error('no condition divides the rows')
}

describe.runIf(hasSharedData)('of tables that others wrote', () => {
  it.each(Object.entries(tables))(
    '%s: half of the rows go, and come back',
    async (name, { kernel }) => {
      await using lake = new Lake()
      const table = lake.copyIn(join(sharedData, 'delta', name, 'delta'), 'others/table')
      const tblctl = await lake.open()
      const ref = 'lake:golden/table'
      expect(await register(tblctl, ref, `file:${table}`)).toMatchObject({ status: 'changed' })
      const before = await contentOf(tblctl, ref)
      const { status, schema } = await tblctl.describe(ref)
      const columns = schema.fields.map((field) => quoteIdentifier(field.name))
      const [where, counted] = await someRows(tblctl, ref, columns)
      const deleted = await change(tblctl, 'delete', ref, { where })
      expect(deleted.error).toBeUndefined()
      const after = await contentOf(tblctl, ref)
      expect(after.rows).toBe(Number(counted[0]))
      expect(after.rows).toBeLessThan(before.rows)
      expect(after.hash.split(' ')[0]).toBe(counted[1])
      expect(deleted).toMatchObject({ status: 'changed', result: { rowsRemoved: before.rows - after.rows } })
      expect((await tblctl.stats({ refs: [ref] }, true))[0]!.status.rows).toBe(after.rows)
      await using chdb = startChdb(lake.folder)
      if (kernel) expect((await chdb.content(table)).rows).toBe(after.rows)

      const version = Number(status.version)
      expect(await change(tblctl, 'restore', ref, { version, timestamp: null })).toMatchObject({ status: 'changed' })
      expect(await contentOf(tblctl, ref)).toEqual(before)
      if (kernel) expect((await chdb.content(table)).rows).toBe(before.rows)
      expect(existsSync(join(table, '_delta_log'))).toBe(true)
    },
    60_000,
  )
})

it('after a rename by column mapping: the new name counts, and the old one comes back with its version', async () => {
  const plain =
    'table_name: plain\npartitions: [p]\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: p, data_type: Utf8, nullable: true }\n'
  await using lake = new Lake({ plain })
  const tblctl = await lake.open()
  const ref = 'lake:acme/t'
  await create(tblctl, ref, 'plain')
  const rows = [1, 2, 3, 4].map((id) => ({ id, p: id < 3 ? 'a' : 'b' }))
  await loadInto(tblctl, lake.folder, ref, [lake.rows('rows.ndjson', rows)])
  const renameColumns = [
    { from: 'id', to: 'number' },
    { from: 'p', to: 'part' },
  ]
  expect(await change(tblctl, 'alter', ref, { renameColumns })).toMatchObject({ status: 'changed' })
  expect((await change(tblctl, 'delete', ref, { where: 'id = 1' })).error).toMatchObject({ code: 'no-such-column' })
  const altered = logOf(lake.table('t')).length - 1
  expect(await change(tblctl, 'delete', ref, { where: "part = 'a' and number = 1" })).toMatchObject({
    plan: { filesRewritten: 1 },
    result: { rowsRemoved: 1 },
  })
  const now = () => rowsOf(tblctl, ref, 'select * from t order by 1')
  expect(await now()).toEqual([
    [2n, 'a'],
    [3n, 'b'],
    [4n, 'b'],
  ])
  await using chdb = startChdb(lake.folder)
  expect((await chdb.content(lake.table('t'))).rows).toBe(3)
  expect(await change(tblctl, 'restore', ref, { version: 1, timestamp: null })).toMatchObject({
    result: { schemaRestored: true, rowsAfter: 4 },
  })
  expect((await tblctl.describe(ref)).schema.fields.map(({ name }) => name)).toEqual(['id', 'p'])
  expect(await now()).toHaveLength(4)
  expect((await chdb.content(lake.table('t'))).rows).toBe(4)
  expect(await change(tblctl, 'delete', ref, { where: 'id = 4' })).toMatchObject({ status: 'changed' })
  expect(await change(tblctl, 'restore', ref, { version: altered, timestamp: null })).toMatchObject({
    status: 'changed',
  })
  expect(await rowsOf(tblctl, ref, 'select sum(number) from t')).toEqual([['10']])
  expect((await chdb.content(lake.table('t'))).rows).toBe(4)
  expect(orphansOf(lake.table('t'))).toEqual([])
})
