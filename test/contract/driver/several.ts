/** Many tables in one command: so many at a time, and one that fails neither stops nor hides the others. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { create, load, optimize } from './calls.ts'
import { thing } from './inputs.ts'
import type { Suite } from './suite.ts'
import { countOf } from './world.ts'

export function several({ can, world, tblctl }: Suite): void {
  describe.runIf(can.has('create') && can.has('load') && can.has('optimize'))('several tables', () => {
    const refs = ['lake:p1/t', 'lake:p2/t', 'lake:p3/t', 'lake:p4/t', 'lake:p5/t']
    const fill = async () => {
      expect((await create(tblctl(), refs)).summary.changed).toBe(refs.length)
      for (const table of refs)
        for (const n of [1, 3]) {
          world().write('row.ndjson', thing(n))
          await load(tblctl(), world().folder, table, ['row.ndjson'])
        }
    }

    test('the one that is busy fails, the others are done, in the order that was asked for', async () => {
      await fill()
      await using _held = await world().hold('lake/p2/t', 'exclusive')
      const report = await optimize(tblctl(), ['lake:*/t'])
      expect(report.items.map((item) => [item.ref, item.status])).toEqual(
        refs.map((table) => [table, table === 'lake:p2/t' ? 'failed' : 'changed']),
      )
      expect(report.items[1]!.error).toMatchObject({ kind: 'busy', message: expect.stringContaining('lake:p2/t') })
      expect(report.summary).toEqual({ changed: 4, unchanged: 0, failed: 1, skipped: 0 })
      for (const table of refs) expect(await countOf(tblctl(), table)).toBe(2)
    })

    test('a table that the backend lost fails by its name, the others are made', async () => {
      const report = await create(tblctl(), [...refs, 'lake:p1/t2'])
      expect(report.summary.changed).toBe(6)
      const mixed = await tblctl().provision(
        'register',
        ['lake:p1/t', 'lake:p9/gone', 'lake:p2/t'],
        { location: null, labels: {} },
        false,
      )
      expect(mixed.items.map((item) => [item.ref, item.status])).toEqual([
        ['lake:p1/t', 'unchanged'],
        ['lake:p9/gone', 'failed'],
        ['lake:p2/t', 'unchanged'],
      ])
    })

    test('a backend that the config no longer names fails for its own tables only', async () => {
      const config = readFileSync(world().file('tblctl.yaml'), 'utf8')
      world().write('tblctl.yaml', `${config}  gone: ${world().backend}\n`)
      {
        await using two = await world().open()
        await create(two, ['lake:p1/t', 'gone:p2/t'])
        for (const n of [1, 3]) {
          world().write('row.ndjson', thing(n))
          await load(two, world().folder, 'lake:p1/t', ['row.ndjson'])
        }
      }
      world().write('tblctl.yaml', config)
      await using one = await world().open()
      const report = await one.operate('optimize', { refs: [], all: true }, { targetSize: null })
      expect(report.items.map((item) => [item.ref, item.status])).toEqual([
        ['gone:p2/t', 'failed'],
        ['lake:p1/t', 'changed'],
      ])
      expect(report.items[0]!.error).toMatchObject({ code: 'unknown-backend' })
      expect(report.summary).toEqual({ changed: 1, unchanged: 0, failed: 1, skipped: 0 })
    })

    test('at most --parallelism at a time', async () => {
      await fill()
      let running = 0
      let most = 0
      await using two = await world().open({
        parallelism: 2,
        reporter: {
          log: (_level, message) => {
            if (message.startsWith('begin ')) most = Math.max(most, ++running)
          },
          finished: () => void running--,
        },
      })
      expect((await optimize(two, ['lake:*/t'])).summary.changed).toBe(refs.length)
      expect(most).toBe(2)
      expect(running).toBe(0)
    })
  })
}
