import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog } from '../../../../src/core/catalog.ts'
import type { ControlRule, RunContext } from '../../../../src/core/operation.ts'
import { Heartbeat } from '../../../../src/core/run/heartbeat.ts'
import { runSteps } from '../../../../src/core/run/steps.ts'
import { stopSwitch } from '../../../support/open.ts'
import { hostOver, memoryCatalog, operation, path, plan, runOne } from './host.ts'

let catalog: Catalog
beforeEach(() => {
  catalog = memoryCatalog()
})
afterEach(() => catalog[Symbol.asyncDispose]())

const rule = (phases: ControlRule['phases']): ControlRule => ({ help: 'do it', risk: 'routine', phases })
/** Runs this as the work of one job. */
const inJob = (
  execute: (ctx: RunContext<any, any>) => Promise<any>,
  more: Parameters<typeof operation>[0] = {},
  host = hostOver(catalog),
) =>
  runOne(
    host,
    operation({ ...more, execute: async (_plan, ctx) => (await execute(ctx)) ?? { is: 'changed', result: {} } }),
  )

describe('controls', () => {
  test('an order from elsewhere reaches the job at its next commit, wakes it from idling, and is answered once', async () => {
    const item = await inJob(async (ctx) => {
      expect(ctx.control('switch')).toBeUndefined()
      const order = await catalog.setControl(`job/${ctx.job.id}`, 'switch', { now: true }, 'other')
      await ctx.idle(10_000)
      const seen = ctx.control('switch')!
      expect(seen).toMatchObject({ value: { now: true }, rev: order.rev })
      await ctx.answer(seen, { switched: true })
      expect(ctx.control('switch')).toBeUndefined()
    })
    expect(item).toMatchObject({ status: 'changed' })
    expect((await catalog.controls(`job/${item.job}`))[0]).toMatchObject({ answer: { switched: true } })
  })

  test('what is desired of the subject is seen, too, and outlives the job', async () => {
    await catalog.setControl(path, 'paused', true, 'other')
    const item = await inJob(async (ctx) => ({ is: 'unchanged', result: { paused: ctx.control('paused')?.value } }))
    expect(item).toMatchObject({ status: 'unchanged', result: { paused: true } })
    expect(await catalog.controls(path)).toHaveLength(1)
  })

  test('an order of the last moment is not lost: it does not go to wait, but works again', async () => {
    let times = 0
    const item = await inJob(
      async (ctx) => {
        if (++times === 1) await catalog.setControl(`job/${ctx.job.id}`, 'go', true, 'other')
        const order = ctx.control('go')
        if (!order) return { is: 'waiting', for: ['go'], result: {} }
        await ctx.answer(order, { gone: true })
        return { is: 'changed', result: { times } }
      },
      { hold: 'job', controls: { go: rule('any') } },
    )
    expect(item).toMatchObject({ status: 'changed', result: { times: 2 } })
  })

  test('an order that the phase does not allow is answered so, and the job waits', async () => {
    const item = await inJob(
      async (ctx) => {
        await ctx.commit({ phase: 'ready', state: {} })
        await catalog.setControl(`job/${ctx.job.id}`, 'reverse', true, 'other')
        return { is: 'waiting', for: ['go'], until: '2999-01-01T00:00:00.000Z', result: {} }
      },
      { hold: 'job', controls: { go: rule(['ready']), reverse: rule(['complete']) } },
    )
    expect(item).toMatchObject({ status: 'changed', waitsFor: ['go'], wakeAt: '2999-01-01T00:00:00.000Z' })
    expect((await catalog.controls(`job/${item.job}`))[0]!.answer).toEqual({ refused: 'not possible in phase ready' })
  })

  test('woken with nothing to do, it goes on waiting, unchanged', async () => {
    const waits = operation({ hold: 'job', execute: async () => ({ is: 'waiting', for: ['go'], result: { rows: 1 } }) })
    expect(await runOne(hostOver(catalog), waits)).toMatchObject({ status: 'changed' })
    expect(await runOne(hostOver(catalog), waits)).toMatchObject({ status: 'unchanged', resumed: true })
  })

  test('cancel: nothing of the step is written, and what was made is taken back', async () => {
    let undone = false
    const item = await inJob(
      async (ctx) => {
        await ctx.commit({ phase: 'one', state: { n: 1 } })
        await catalog.setControl(`job/${ctx.job.id}`, 'cancel', true, 'other')
        await ctx.idle(1000)
        await ctx.commit({ phase: 'two', state: { n: 2 } })
      },
      {
        undo: async (_plan, ctx) => {
          await ctx.commit({ phase: 'undoing', state: { was: ctx.state } })
          undone = true
        },
      },
    )
    expect(item).toMatchObject({ status: 'skipped', error: { code: 'stopped-cancel' } })
    expect(undone).toBe(true)
    expect(await catalog.job(item.job!)).toMatchObject({ state: 'cancelled', data: { was: { n: 1 } } })
  })

  test('a cancel that comes too late is no stop', async () => {
    const item = await inJob(
      async (ctx) => {
        await ctx.commit({ phase: 'switching', state: {} })
        await catalog.setControl(`job/${ctx.job.id}`, 'cancel', true, 'other')
        await ctx.idle(1000)
        await ctx.commit({ phase: 'complete', state: {} })
      },
      { controls: { cancel: rule(['copying']) } },
    )
    expect(item).toMatchObject({ status: 'changed' })
  })
})

describe('parts', () => {
  test('of one subject are given to one process each, and are free again when disposed', async () => {
    await inJob(async (ctx) => {
      const mine = await ctx.part('shard-1', 'maintain')
      expect(mine!.fence).toBeGreaterThan(ctx.fence)
      expect(await ctx.part('shard-1', 'maintain')).toBeUndefined()
      expect(await ctx.part('shard-2', 'maintain')).toBeDefined()
      await mine![Symbol.asyncDispose]()
      expect(await ctx.part('shard-1', 'maintain')).toBeDefined()
    })
    expect(await catalog.leases()).toEqual([])
  })
})

describe('the heart-beat', () => {
  const until = async (what: () => boolean) => {
    for (let i = 0; i < 400 && !what(); i++) await sleep(10)
  }

  test('keeps a lease alive for much longer than its life time', async () => {
    const item = await inJob(
      async (ctx) => {
        await sleep(400)
        await ctx.commit({ phase: 'late', state: {} })
      },
      {},
      hostOver(catalog, { leaseMs: 150 }),
    )
    expect(item).toMatchObject({ status: 'changed' })
  })

  test('a lease that was taken away aborts the work in flight', async () => {
    const item = await inJob(
      async (ctx) => {
        await catalog.reap('host/1/0/a')
        await until(() => ctx.signal.aborted)
        ctx.signal.throwIfAborted()
      },
      {},
      hostOver(catalog, { leaseMs: 60 }),
    )
    expect(item.error).toMatchObject({ code: 'fenced' })
  })

  test('a renewal that fails is told, and is no loss yet', async () => {
    const told: string[] = []
    let lost = false
    const heartbeat = new Heartbeat(
      hostOver(
        { ...catalog, renew: () => Promise.reject(new Error('disk full')) },
        {
          leaseMs: 30,
          reporter: { progress: () => {}, finished: () => {}, log: (_level, message) => void told.push(message) },
        },
      ),
    )
    const unwatch = heartbeat.watch(1, () => {
      lost = true
    })
    await until(() => told.length > 0)
    unwatch()
    expect(told[0]).toContain('disk full')
    expect(lost).toBe(false)
  })
})

describe('named steps', () => {
  const named = (ran: string[], stopAt?: string) => ({
    execute: async (ctx: RunContext<any, any>) => {
      const run = (id: string) => async () => {
        ran.push(id)
        if (id === stopAt) throw new Error('no')
      }
      await runSteps(
        ctx,
        'objects',
        ['a', 'b', 'c'].map((id) => ({ id, run: run(id) })),
      )
    },
  })

  test('what was done before is not done again', async () => {
    const ran: string[] = []
    const stop = stopSwitch()
    const first = await inJob(
      async (ctx) => {
        await runSteps(ctx, 'objects', [
          { id: 'a', run: async () => void ran.push('a') },
          { id: 'b', run: async () => stop.stop('interrupt') },
          { id: 'c', run: async () => void ran.push('never') },
        ])
      },
      {},
      hostOver(catalog, { stop }),
    )
    expect(first.error).toMatchObject({ code: 'stopped-interrupt' })
    const second = await inJob(named(ran).execute)
    expect(second).toMatchObject({ status: 'changed', job: first.job, resumed: true })
    expect(ran).toEqual(['a', 'c'])
    expect(await catalog.job(first.job!)).toMatchObject({ progress: { done: 3, total: 3, unit: 'objects' } })
  })

  test('one that fails ends it there', async () => {
    const ran: string[] = []
    expect(await inJob(named(ran, 'b').execute)).toMatchObject({ status: 'failed' })
    expect(ran).toEqual(['a', 'b'])
  })
})

test('a plan reads with the same records, and says things without a job', async () => {
  const told: string[] = []
  const host = hostOver(catalog, {
    reporter: { progress: () => {}, finished: () => {}, log: (_level, message) => void told.push(message) },
  })
  const of = operation({
    plan: async (_subject, _options, ctx) => {
      expect(await ctx.records.get('topology')).toBeUndefined()
      expect(ctx.now()).toBeInstanceOf(Date)
      ctx.report({ done: 1, total: null, unit: 'files' })
      ctx.log('info', 'looking')
      return plan({ changes: 0 })
    },
  })
  await runOne(host, of)
  expect(told).toEqual(['looking'])
})
