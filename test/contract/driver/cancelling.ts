/** jobs cancel: a job whose process died, wherever it died, is taken back; a finished one stays. */
import { describe, expect, test } from 'vitest'
import { sampled } from '../../faults/harness.ts'
import { create, load, register, unregister } from './calls.ts'
import { allInputs, allRows } from './inputs.ts'
import { thrown } from './reports.ts'
import { path, ref, type Suite } from './suite.ts'
import { contentOf, countOf, type World } from './world.ts'

export function cancelling({ under, can, world, tblctl, provide }: Suite): void {
  const { killEvery = 1 } = under
  /** Kills the call at its n-th durable step for every n, cancels what is left over, and looks. Returns how many were cancelled. */
  async function cancelEverywhere(call: readonly unknown[], usual: number, look: (at: World) => Promise<void>) {
    const every = sampled(Math.max(usual, killEvery))
    await tblctl()[Symbol.asyncDispose]()
    await using saved = await world().save()
    let cancelled = 0
    // Before its first steps have ended there is no job yet: a sample begins behind them.
    for (let n = 1; ; n += cancelled === 0 ? 1 : every) {
      await using at = await saved.restore()
      const killed = await at.run(call, { FAULT_KILL: String(n) })
      if (killed.signal !== 'SIGKILL') return cancelled
      const dead = (await at.jobs()).find((job) => job.state === 'open')
      if (!dead) continue
      {
        await using other = await at.open()
        const { job } = await other.jobs.cancel(dead.id)
        expect(job, `killed at durable step ${n}`).toMatchObject({ id: dead.id, state: 'cancelled' })
      }
      expect(await at.leases()).toEqual([])
      await look(at)
      cancelled++
    }
  }

  describe('cancel', () => {
    test.runIf(can.has('create'))(
      'create, killed at every durable step: it is not registered, and can be made',
      async () => {
        const cancelled = await cancelEverywhere(['create', ref, 'things'], 1, async (at) => {
          await using other = await at.open()
          expect((await other.list({ refs: [] })).items).toEqual([])
          const left = (await other.list({ refs: [] }, true)).items
          if (under.cancelledCreate === 'gone') expect(left).toEqual([])
          expect((await create(other, [ref], left.length === 0 ? 'other' : 'things')).summary.changed).toBe(1)
          expect((await other.describe(ref)).status.rows).toBe(0)
        })
        expect(cancelled).toBeGreaterThanOrEqual(Math.ceil(4 / killEvery))
      },
      120_000,
    )

    test.runIf(can.has('register') && can.has('unregister'))(
      'register: what was only begun is not done',
      async () => {
        await provide([ref])
        await unregister(tblctl(), [ref])
        const cancelled = await cancelEverywhere(['register', ref], 1, async (at) => {
          await using other = await at.open()
          expect((await other.list({ refs: [] }, true)).items).toMatchObject([{ ref, live: 'unregistered' }])
          expect((await register(other, [ref])).summary.changed).toBe(1)
        })
        expect(cancelled).toBeGreaterThanOrEqual(1)
      },
      120_000,
    )

    test.runIf(can.has('load') && can.has('query'))(
      'load: afterwards the same command loads each row once',
      async () => {
        await create(tblctl(), [ref])
        const cancelled = await cancelEverywhere(['load', ref, allInputs, { commitRows: 3 }], 5, async (at) => {
          await using other = await at.open()
          expect((await load(other, at.folder, ref, allInputs)).summary.failed).toBe(0)
          expect(await countOf(other, ref)).toBe(allRows)
        })
        expect(cancelled).toBeGreaterThanOrEqual(Math.ceil(2 / killEvery))
      },
      120_000,
    )

    test.runIf(can.has('load') && can.has('optimize'))(
      'optimize: the rows are the same',
      async () => {
        await create(tblctl(), [ref])
        for (const input of allInputs) await load(tblctl(), world().folder, ref, [input])
        const before = await contentOf(tblctl(), ref, world())
        const cancelled = await cancelEverywhere(['optimize', ref], 3, async (at) => {
          await using other = await at.open()
          expect(await contentOf(other, ref, at)).toEqual(before)
        })
        expect(cancelled).toBeGreaterThanOrEqual(1)
      },
      120_000,
    )

    test.runIf(can.has('create'))('a finished job is not cancelled, and says so', async () => {
      const [item] = (await create(tblctl(), [ref])).items
      expect(await thrown(tblctl().jobs.cancel(item!.job!))).toMatchObject({ kind: 'refused', code: 'job-finished' })
      expect(await thrown(tblctl().jobs.resume(item!.job!))).toMatchObject({ kind: 'refused', code: 'job-finished' })
      expect(await thrown(tblctl().jobs.cancel('nosuchjob'))).toMatchObject({ kind: 'missing' })
      expect((await tblctl().list({ refs: [] })).items.map((row) => row.ref)).toEqual([ref])
      expect(await world().jobs(path)).toHaveLength(1)
    })
  })
}
