/** query and export. */
import { existsSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { create, load } from './calls.ts'
import { allInputs, allRows } from './inputs.ts'
import { only, thrown } from './reports.ts'
import { ref, type Suite } from './suite.ts'
import { contentOf, rowsOf } from './world.ts'

export function reading({ can, world, tblctl }: Suite): void {
  const filled = async () => {
    await create(tblctl(), [ref])
    await load(tblctl(), world().folder, ref, allInputs)
  }

  describe.runIf(can.has('query') && can.has('load'))('query', () => {
    beforeEach(filled)

    test('one SELECT over t', async () => {
      expect(await rowsOf(tblctl(), ref, 'select count(*) as n, sum(id)::bigint as s from t where id > 2')).toEqual([
        [5n, 25n],
      ])
      await using rows = await tblctl().query(ref, 'select id, date from t limit 0')
      expect(rows.fields.map((field) => [field.name, field.type.kind])).toEqual([
        ['id', 'Int64'],
        ['date', 'Date32'],
      ])
    })

    test.each([
      'drop table t',
      'select 1; select 2',
      "copy t to 'out.csv'",
      "select * from read_csv('a.csv')",
      "select * from 'b.csv'",
      "attach 'x.db' as x",
      'set threads = 1',
      'insert into t select * from t',
      "select * from glob('*')",
    ])('refused before it runs: %s', async (sql) => {
      const before = await world().fingerprint()
      const error = await thrown(rowsOf(tblctl(), ref, sql))
      expect(['refused', 'usage']).toContain(error.kind)
      expect(await world().fingerprint()).toEqual(before)
    })

    test('a column that is not there is told with the ones that are', async () => {
      expect(await thrown(rowsOf(tblctl(), ref, 'select nmae from t'))).toMatchObject({
        kind: 'usage',
        hint: expect.stringContaining('name'),
      })
    })
  })

  describe.runIf(can.has('export') && can.has('load'))('export', () => {
    beforeEach(filled)

    test.each(['ndjson', 'csv', 'parquet'] as const)('%s, loaded again, is the same table', async (format) => {
      const out = world().file(`out.${format}`)
      expect(await tblctl().export(ref, { format, out })).toMatchObject({ rows: allRows, bytes: expect.any(Number) })
      await create(tblctl(), ['lake:acme/copy'])
      only(await load(tblctl(), world().folder, 'lake:acme/copy', [`out.${format}`]), 'changed')
      expect(await contentOf(tblctl(), 'lake:acme/copy', world())).toEqual(await contentOf(tblctl(), ref, world()))
    })

    test('whole or not at all: no folder, no file', async () => {
      const out = world().file('nowhere/out.csv')
      expect(await thrown(tblctl().export(ref, { format: 'csv', out }))).toMatchObject({ kind: 'missing' })
      expect(existsSync(out)).toBe(false)
    })
  })
}
