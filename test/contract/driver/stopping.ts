/** SIGINT, SIGTERM, --timeout: the work stops at a safe point, and the same command goes on from there. */
import { describe, expect, test } from 'vitest'
import { stopSwitch } from '../../support/open.ts'
import { create, load, optimize } from './calls.ts'
import { allInputs, allRows } from './inputs.ts'
import { failure, only } from './reports.ts'
import { path, ref, type Suite } from './suite.ts'
import { contentOf, countOf } from './world.ts'

export function stopping({ can, world, tblctl }: Suite): void {
  describe.runIf(can.has('create'))('stopped', () => {
    test('before it began: nothing is done, no job is named, the same command does it', async () => {
      const stop = stopSwitch()
      stop.stop('interrupt')
      {
        await using stopped = await world().open({ stop })
        const report = await create(stopped, [ref])
        expect(failure(report)).toMatchObject({ kind: 'stopped', code: 'stopped-interrupt', retry: 'resume' })
        expect(report.items[0]!.job).toBeUndefined()
      }
      expect((await tblctl().list({ refs: [] }, true)).items).toEqual([])
      expect(await world().jobs()).toEqual([])
      only(await create(tblctl(), [ref]), 'changed')
    })

    /** Stops as soon as the first job has begun. */
    const begun = (why: 'interrupt' | 'timeout') => {
      const stop = stopSwitch()
      return world().open({
        stop,
        reporter: { log: (_level, message) => message.startsWith('begin ') && stop.stop(why) },
      })
    }

    test('create while it runs: interrupted or done, and then done', async () => {
      {
        await using stopped = await begun('interrupt')
        const [item] = (await create(stopped, [ref])).items
        if (item!.status === 'failed') {
          expect(item!.error).toMatchObject({ kind: 'stopped', retry: 'resume' })
          expect(await tblctl().jobs.show(item!.job!)).toMatchObject({ state: 'interrupted', verb: 'create' })
        }
      }
      expect((await create(tblctl(), [ref])).summary.failed).toBe(0)
      expect((await tblctl().describe(ref)).spec.schema).toBe('things')
      expect((await world().jobs(path)).map((job) => [job.verb, job.state])).toEqual([['create', 'done']])
    })

    test.runIf(can.has('load') && can.has('query'))(
      'load by --timeout: what was committed is there, the rest comes with the same command, or by jobs resume',
      async () => {
        await create(tblctl(), [ref])
        const stop = stopSwitch()
        {
          await using stopped = await world().open({ stop, reporter: { progress: () => stop.stop('timeout') } })
          const report = await load(stopped, world().folder, ref, allInputs, { commitRows: 2 })
          expect(failure(report)).toMatchObject({ kind: 'timeout', retry: 'resume' })
        }
        expect(await countOf(tblctl(), ref)).toBe(2)
        const [job] = await tblctl().jobs.list({ ref, verb: 'load' })
        expect(job).toMatchObject({ state: 'interrupted' })
        const again = stopSwitch()
        {
          await using stopped = await world().open({
            stop: again,
            reporter: { progress: () => again.stop('interrupt') },
          })
          const report = await load(stopped, world().folder, ref, allInputs, { commitRows: 3 })
          expect(report.items[0]).toMatchObject({ status: 'failed', job: job!.id })
        }
        expect(await countOf(tblctl(), ref)).toBe(5)
        const item = only(await tblctl().jobs.resume(job!.id), 'changed')
        expect(item).toMatchObject({ job: job!.id, resumed: true, result: { rows: allRows } })
        expect(await countOf(tblctl(), ref)).toBe(allRows)
        expect(await tblctl().jobs.show(job!.id)).toMatchObject({ state: 'done', attempts: 3 })
        only(await load(tblctl(), world().folder, ref, allInputs), 'unchanged')
      },
    )

    test.runIf(can.has('load') && can.has('optimize'))(
      'optimize while it runs: the rows are the same all the time',
      async () => {
        await create(tblctl(), [ref])
        for (const input of allInputs) await load(tblctl(), world().folder, ref, [input])
        const before = await contentOf(tblctl(), ref, world())
        {
          await using stopped = await begun('interrupt')
          await optimize(stopped, [ref])
        }
        expect(await contentOf(tblctl(), ref, world())).toEqual(before)
        expect((await optimize(tblctl(), [ref])).summary.failed).toBe(0)
        expect(await contentOf(tblctl(), ref, world())).toEqual(before)
        only(await optimize(tblctl(), [ref]), 'unchanged')
        expect((await tblctl().jobs.list({ ref, verb: 'optimize' })).map((job) => job.state)).toEqual(['done'])
      },
    )
  })
}
