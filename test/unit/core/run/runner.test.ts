import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Catalog } from '../../../../src/core/catalog.ts'
import { Fenced, fail } from '../../../../src/core/errors.ts'
import { mapBounded } from '../../../../src/core/run/pool.ts'
import { runOperations } from '../../../../src/core/run/runner.ts'
import { allJobs, hostOver, memoryCatalog, operation, outcomes, path, plan, runOne, subject } from './host.ts'

let catalog: Catalog
beforeEach(() => {
  catalog = memoryCatalog()
})
afterEach(() => catalog[Symbol.asyncDispose]())

describe('mapBounded', () => {
  test('so many at a time, results in the order of the items', async () => {
    let running = 0
    let most = 0
    const results = await mapBounded([5, 1, 4, 2, 3], 2, async (turns) => {
      most = Math.max(most, ++running)
      for (let i = 0; i < turns; i++) await Promise.resolve()
      running--
      return turns * 10
    })
    expect(results).toEqual([50, 10, 40, 20, 30])
    expect(most).toBe(2)
  })
  test('nothing to do, and more lanes than items', async () => {
    expect(await mapBounded([], 4, async () => 1)).toEqual([])
    expect(await mapBounded([1], 4, async (n) => n)).toEqual([1])
  })
})

describe('approval', () => {
  test('asked once for all; declined, nothing is begun', async () => {
    const approve = vi.fn(async () => false)
    const work = ['lake/a/t', 'lake/b/t'].map((at) => ({
      verb: 'optimize',
      operation: operation(),
      options: {},
      subject: subject(at),
    }))
    const items = await runOperations(hostOver(catalog, { approver: { approve } }), { work })
    expect(approve).toHaveBeenCalledTimes(1)
    expect(items).toMatchObject([
      { ref: 'lake:a/t', status: 'skipped', error: { code: 'declined' } },
      { ref: 'lake:b/t', status: 'skipped', error: { code: 'declined' } },
    ])
    expect(await allJobs(catalog)).toEqual([])
  })

  test('nobody is asked when there is nothing to do, or for a dry run', async () => {
    const approve = vi.fn(async () => true)
    const host = hostOver(catalog, { approver: { approve } })
    const nothing = operation({ plan: async () => plan({ changes: 0 }) })
    expect(await runOne(host, nothing)).toMatchObject({ status: 'unchanged' })
    expect(await runOne(host, operation(), { dryRun: true })).toMatchObject({ status: 'skipped', plan: { changes: 1 } })
    expect(approve).not.toHaveBeenCalled()
    expect(await outcomes(catalog)).toEqual(['unchanged'])
  })

  test('a new plan is asked for again only when it risks more', async () => {
    const approve = vi.fn(async () => approve.mock.calls.length === 1)
    const host = hostOver(catalog, { approver: { approve } })
    let plans = 0
    const riskier = (risk: 'routine' | 'severe') =>
      operation({
        plan: async () => plan(plans++ === 0 ? { risk: 'moderate' } : { risk }),
        execute: async () => (plans === 1 ? { is: 'stale', why: 'it moved' } : { is: 'changed', result: {} }),
      })
    expect(await runOne(host, riskier('routine'))).toMatchObject({ status: 'changed' })
    expect(approve).toHaveBeenCalledTimes(1)
    plans = 0
    approve.mockClear()
    expect(await runOne(host, riskier('severe'))).toMatchObject({ status: 'skipped', plan: { risk: 'severe' } })
    expect(approve).toHaveBeenCalledTimes(2)
  })
})

describe('a stale plan', () => {
  const stale = (planned: () => void) =>
    operation({
      plan: async () => {
        planned()
        return plan()
      },
      execute: async () => ({ is: 'stale', why: 'its version moved' }),
    })

  test('is planned again three times, then it is said', async () => {
    const planned = vi.fn()
    const item = await runOne(hostOver(catalog), stale(planned))
    expect(planned).toHaveBeenCalledTimes(4)
    expect(item).toMatchObject({
      status: 'failed',
      error: { code: 'plan-stale', message: expect.stringContaining('its version moved') },
    })
    expect((await allJobs(catalog)).map((job) => job.state)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'cancelled',
    ])
    expect(item.job).toBe((await allJobs(catalog))[0]!.id)
  })

  test('that was saved is refused, and not planned again', async () => {
    const planned = vi.fn()
    const item = await runOne(hostOver(catalog), stale(planned), { saved: new Map([[path, plan()]]) })
    expect(planned).not.toHaveBeenCalled()
    expect(item).toMatchObject({ status: 'failed', error: { code: 'plan-stale', kind: 'refused', hint: 'plan again' } })
  })

  test('with nothing left to do after it: unchanged', async () => {
    let moved = false
    const item = await runOne(
      hostOver(catalog),
      operation({
        plan: async () => plan({ changes: moved ? 0 : 1 }),
        execute: async () => {
          moved = true
          return { is: 'stale', why: 'another did it' }
        },
      }),
    )
    expect(item).toMatchObject({ status: 'unchanged' })
  })

  test('the subject is what the catalog says when the lease is ours, not when it was planned', async () => {
    const spec = { schema: 'metrics', location: null, labels: { tier: 'hot' }, options: {} }
    const seen: unknown[] = []
    const look = operation({
      execute: async (_plan, ctx) => {
        seen.push(ctx.subject.spec)
        return { is: 'changed', result: {}, tables: [{ put: path, spec, state: 'active' }] }
      },
    })
    const host = hostOver(catalog, {
      approver: {
        approve: async () => {
          if (seen.length === 0) await runOne(hostOver(catalog, { owner: 'host/3/0/b' }), look)
          return true
        },
      },
    })
    await runOne(host, look)
    expect(seen).toEqual([null, spec])
  })
})

describe('what goes wrong', () => {
  const broken = fail('failed', 'broken', 'it broke')

  test('is undone, and the job says why it failed', async () => {
    const undo = vi.fn(async () => {})
    const item = await runOne(hostOver(catalog), operation({ execute: async () => Promise.reject(broken), undo }))
    expect(undo).toHaveBeenCalledTimes(1)
    expect(item).toMatchObject({ status: 'failed', error: { code: 'broken' } })
    expect(await catalog.job(item.job!)).toMatchObject({ state: 'failed', error: { code: 'broken' } })
    expect(await outcomes(catalog)).toEqual(['failed'])
  })

  test('undo that fails too: both are told, and the job stays to be resumed or cancelled', async () => {
    const item = await runOne(
      hostOver(catalog),
      operation({
        execute: async () => Promise.reject(broken),
        undo: async () => Promise.reject(new Error('disk full')),
      }),
    )
    expect(item.error).toMatchObject({ message: 'it broke could not be undone: disk full', retry: 'resume' })
    expect(await catalog.job(item.job!)).toMatchObject({ state: 'open', live: false })
    const again = await runOne(hostOver(catalog), operation())
    expect(again).toMatchObject({ status: 'changed', resumed: true, job: item.job })
  })

  test('a job that claims its subject is not undone by a failure, and keeps its claim', async () => {
    const undo = vi.fn(async () => {})
    const of = operation({ hold: 'job', execute: async () => Promise.reject(broken), undo })
    const item = await runOne(hostOver(catalog), of)
    expect(undo).not.toHaveBeenCalled()
    expect(await catalog.job(item.job!)).toMatchObject({ state: 'failed' })
    expect(await runOne(hostOver(catalog), operation({ key: () => 'another' }))).toMatchObject({
      status: 'failed',
      error: { kind: 'busy', code: 'unfinished-job', message: expect.stringContaining(item.job!) },
    })
  })

  test('a conflict is busy, for now', async () => {
    const item = await runOne(
      hostOver(catalog),
      operation({ execute: async () => ({ is: 'conflict', why: 'lost to another writer' }) }),
    )
    expect(item.error).toMatchObject({ code: 'conflict', kind: 'busy', retry: 'later' })
    expect(await catalog.job(item.job!)).toMatchObject({ state: 'failed' })
  })

  test('a plan that cannot be made: no job', async () => {
    const of = operation({ plan: async () => Promise.reject(fail('missing', 'table-not-found', 'gone')) })
    const item = await runOne(hostOver(catalog), of)
    expect(item).toEqual({
      ref: 'lake:acme/metrics',
      status: 'failed',
      error: expect.objectContaining({ code: 'table-not-found' }),
    })
    expect(await allJobs(catalog)).toEqual([])
  })

  test('fenced: nothing more is written, nothing is undone, the one who took over goes on', async () => {
    const undo = vi.fn(async () => {})
    const item = await runOne(
      hostOver(catalog),
      operation({
        undo,
        execute: async (_plan, ctx) => {
          await catalog.reap('host/1/0/a')
          const job = (await catalog.job(ctx.job.id))!
          await catalog.begin(job, 'host/9/0/other', 30_000)
          await ctx.commit({ phase: 'too late', state: {} })
          return { is: 'changed', result: {} }
        },
      }),
    )
    expect(item).toMatchObject({ status: 'failed', error: { code: 'fenced', kind: 'busy' } })
    expect(undo).not.toHaveBeenCalled()
    expect(await catalog.job(item.job!)).toMatchObject({
      state: 'open',
      phase: null,
      owner: 'host/9/0/other',
      live: true,
    })
  })

  test('fenced at the very end: it does not say that it is done', async () => {
    const item = await runOne(
      hostOver(catalog),
      operation({
        execute: async () => {
          await catalog.reap('host/1/0/a')
          return { is: 'changed', result: {} }
        },
      }),
    )
    expect(item.error).toMatchObject({ code: 'fenced' })
    expect(new Fenced('x').message).toContain('took job x over')
  })

  test('a record that another process changed: told, and to be resumed', async () => {
    const item = await runOne(
      hostOver(catalog),
      operation({
        execute: async (_plan, ctx) => {
          await ctx.commit({ phase: 'p', state: {}, records: [{ key: 'topology', value: 1, ifRev: 7 }] })
          return { is: 'changed', result: {} }
        },
      }),
    )
    expect(item.error).toMatchObject({ code: 'record-moved', retry: 'resume' })
  })
})
