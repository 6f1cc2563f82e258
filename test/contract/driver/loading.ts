/** load: three formats, once per batch, all or nothing, rejects, derived columns. */
import { existsSync, readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { create, load } from './calls.ts'
import { allInputs, allRows, thing } from './inputs.ts'
import { failure, only, thrown } from './reports.ts'
import { ref, type Suite } from './suite.ts'
import { contentOf, countOf, rowsOf } from './world.ts'

export function loading({ can, world, tblctl }: Suite): void {
  describe.runIf(can.has('load') && can.has('query'))('load', () => {
    beforeEach(async () => void (await create(tblctl(), [ref])))
    const into = (inputs: readonly string[], more = {}) => load(tblctl(), world().folder, ref, inputs, more)

    test('NDJSON, CSV and Parquet in one command, with what follows from the row and the ref', async () => {
      const item = only(await into(allInputs), 'changed')
      expect(item.result).toMatchObject({ rows: allRows, rejected: 0 })
      const found = await rowsOf(tblctl(), ref, 'select id, name, value, project_id, date, "at" from t order by id')
      expect(found.map((row) => row.slice(0, 4))).toEqual([
        [1n, 'thing 1', 0.25, 'acme'],
        [2n, null, 0.5, 'acme'],
        [3n, 'ü😀"\\', 0.75, 'acme'],
        [4n, 'a, "quoted" one', 1.5, 'acme'],
        [5n, null, null, 'acme'],
        [6n, 'parquet 6', 1.5, 'acme'],
        [7n, 'parquet 7', 1.75, 'acme'],
      ])
      const midnight = (at: unknown) => Number((at as bigint) / 86_400_000_000n)
      for (const row of found) expect(row[4]).toBe(midnight(row[5]))
      const [stats] = await tblctl().stats({ refs: [ref] }, true)
      expect(stats!.status.rows).toBe(allRows)
    })

    test('the same batch again: unchanged, no row twice; --again loads it again', async () => {
      await into(allInputs)
      const once = await contentOf(tblctl(), ref, world())
      only(await into(allInputs), 'unchanged')
      expect(await contentOf(tblctl(), ref, world())).toEqual(once)
      only(await into(allInputs, { commitRows: 1 }), 'unchanged')
      only(await into(allInputs, { again: true }), 'changed')
      expect(await countOf(tblctl(), ref)).toBe(2 * allRows)
    })

    test('a batch is the same by its bytes, not by the names of its files', async () => {
      world().write('one.ndjson', thing(1))
      world().write('two.ndjson', thing(1))
      world().write('three.ndjson', thing(2))
      only(await into(['one.ndjson']), 'changed')
      only(await into(['two.ndjson']), 'unchanged')
      only(await into(['three.ndjson']), 'changed')
      only(await into(['three.ndjson'], { batchId: 'mine' }), 'changed')
      only(await into(['one.ndjson'], { batchId: 'mine' }), 'unchanged')
      expect(await countOf(tblctl(), ref)).toBe(3)
    })

    test('a row that does not fit: file, line and column are told, nothing is changed', async () => {
      await into(['a.ndjson'])
      const before = await contentOf(tblctl(), ref, world())
      world().write('bad.ndjson', thing(10) + thing(11, { value: 'much' }))
      const error = failure(await into(['bad.ndjson']))
      expect(error).toMatchObject({ kind: 'data', where: expect.stringMatching(/bad\.ndjson:2$/) })
      expect(error.message).toContain('"value"')
      expect(await contentOf(tblctl(), ref, world())).toEqual(before)
      world().write('bad.ndjson', thing(10) + thing(11))
      only(await into(['bad.ndjson']), 'changed')
      expect(await countOf(tblctl(), ref)).toBe(5)
    })

    test('with a reject file the rest is loaded, and the file says why', async () => {
      world().write('bad.ndjson', thing(10) + thing(11, { value: 'much' }) + thing(12, { nmae: 'x' }) + thing(13))
      const item = only(await into(['bad.ndjson'], { rejectTo: 'rejects.ndjson' }), 'changed')
      expect(item.result).toMatchObject({ rows: 2, rejected: 2 })
      const rejects = readFileSync(world().file('rejects.ndjson'), 'utf8')
      expect(
        rejects
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        { line: 2, column: 'value', row: { id: 11 } },
        { line: 3, column: 'nmae', reason: expect.stringContaining('"name"') },
      ])
      only(await into(['bad.ndjson'], { rejectTo: 'rejects.ndjson' }), 'unchanged')
      expect(readFileSync(world().file('rejects.ndjson'), 'utf8')).toBe(rejects)
      expect(await countOf(tblctl(), ref)).toBe(2)
    })

    test('a row of another project, and a row without a column that it needs, do not fit', async () => {
      world().write('theirs.ndjson', thing(1, { project_id: 'globex' }))
      const error = failure(await into(['theirs.ndjson']))
      expect(error).toMatchObject({ kind: 'data', where: expect.stringContaining('theirs.ndjson:1') })
      expect(error.message).toContain('"project_id"')
      world().write('less.csv', 'id,name\n1,x\n')
      expect(failure(await into(['less.csv'])).kind).toBe('data')
      world().write('ours.ndjson', thing(1, { project_id: 'acme' }))
      only(await into(['ours.ndjson']), 'changed')
      expect(await countOf(tblctl(), ref)).toBe(1)
    })

    test('what is no input: missing, unknown, or damaged, and nothing is changed', async () => {
      expect(await thrown(into(['gone.ndjson']))).toMatchObject({ kind: 'missing' })
      expect(await thrown(into(['tblctl.yaml']))).toMatchObject({ kind: 'usage', code: 'unknown-format' })
      expect(await thrown(into([]))).toMatchObject({ kind: 'usage' })
      world().write('cut.parquet', readFileSync(world().file('c.parquet'), 'latin1').slice(0, 200))
      expect(failure(await into(['a.ndjson', 'cut.parquet']))).toMatchObject({
        kind: 'data',
        where: expect.stringContaining('cut.parquet'),
      })
      expect(await countOf(tblctl(), ref)).toBe(0)
    })

    test('an input without rows changes nothing', async () => {
      world().write('empty.ndjson', '\n\n')
      only(await into(['empty.ndjson']), 'unchanged')
      expect(await countOf(tblctl(), ref)).toBe(0)
    })

    test('a reject file that would have nothing is not made', async () => {
      await into(['a.ndjson'], { rejectTo: 'rejects.ndjson' })
      expect(existsSync(world().file('rejects.ndjson'))).toBe(false)
    })
  })
}
