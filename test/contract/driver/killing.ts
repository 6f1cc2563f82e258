/** kill -9 at every durable step, then the same command: as if nothing had happened. */
import { describe, expect, test } from 'vitest'
import { killEverywhere, sampled } from '../../faults/harness.ts'
import { create, load, unregister } from './calls.ts'
import { allInputs, allRows } from './inputs.ts'
import { ref, type Suite } from './suite.ts'
import { contentOf, type World } from './world.ts'

const minutes = 60_000

export function killing({ under, can, world, tblctl, provide }: Suite): void {
  /** What must be the same however often it was killed. */
  const state = async (at: World) => {
    const jobs = (await at.jobs()).map((job) => [job.verb, job.state])
    await using other = await at.open()
    const { schema, spec } = await other.describe(ref)
    return {
      schema,
      spec: { ...spec, createdAt: null, updatedAt: null },
      live: (await other.list({ refs: [] }, true)).items.map((item) => [item.ref, item.live]),
      content: can.has('export') ? await contentOf(other, ref, at) : null,
      leases: await at.leases(),
      unfinished: jobs.filter(([, jobState]) => jobState !== 'done'),
    }
  }
  const every = sampled(under.killEvery ?? 1)
  const atLeast = (steps: number): number => Math.ceil(steps / every)
  /** What is there now is where each run begins. */
  const from = async (call: readonly unknown[], least: number) => {
    await tblctl()[Symbol.asyncDispose]()
    await using saved = await world().save()
    return await killEverywhere(
      { setUp: () => saved.restore(), command: (at, env) => at.run(call, env), oracle: state, every },
      atLeast(least),
    )
  }

  describe('killed at every durable step', () => {
    test.runIf(can.has('create'))('create', async () => void (await from(['create', ref, 'things'], 6)), 3 * minutes)

    test.runIf(can.has('register') && can.has('unregister'))(
      'register and unregister',
      async () => {
        await provide([ref])
        await unregister(tblctl(), [ref])
        await from(['register', ref], 4)
      },
      3 * minutes,
    )

    test.runIf(can.has('create') && can.has('load'))(
      'load: no row twice, none lost, and the job says how many',
      async () => {
        await create(tblctl(), [ref])
        await tblctl()[Symbol.asyncDispose]()
        await using saved = await world().save()
        const call = ['load', ref, allInputs, { commitRows: Math.ceil(allRows / 2) }]
        await killEverywhere(
          {
            setUp: () => saved.restore(),
            command: (at, env) => at.run(call, env),
            oracle: async (at) => {
              const loaded = (await at.jobs()).filter((job) => job.verb === 'load' && job.result !== null)
              const rows = loaded.reduce((n, job) => n + Number(job.result!.rows ?? 0), 0)
              return { ...(await state(at)), rows }
            },
            every,
          },
          atLeast(4),
        )
      },
      3 * minutes,
    )

    test.runIf(can.has('load') && can.has('optimize'))(
      'optimize: the same rows in the same number of files',
      async () => {
        await create(tblctl(), [ref])
        for (const input of allInputs) await load(tblctl(), world().folder, ref, [input])
        expect((await tblctl().stats({ refs: [ref] }, true))[0]!.status.rows).toBe(allRows)
        await from(['optimize', ref], 3)
      },
      3 * minutes,
    )
  })
}
