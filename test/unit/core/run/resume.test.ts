import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Catalog } from '../../../../src/core/catalog.ts'
import { runOperations } from '../../../../src/core/run/runner.ts'
import { stopSwitch } from '../../../support/open.ts'
import { allJobs, deadJob, hostOver, memoryCatalog, operation, path, plan, runOne, subject } from './host.ts'

let catalog: Catalog
beforeEach(() => {
  catalog = memoryCatalog()
})
afterEach(() => catalog[Symbol.asyncDispose]())

describe('leases', () => {
  const holder = () =>
    catalog.begin(
      {
        id: 'held',
        run: 'r',
        verb: 'vacuum',
        subject: 'table',
        path,
        key: 'v',
        version: 1,
        hold: 'run',
        options: {},
        plan: plan(),
        actor: 'me',
      },
      'host/7/0/h',
      30_000,
    )

  test('held by another: busy at once, by name; no job is left', async () => {
    await holder()
    const item = await runOne(hostOver(catalog), operation())
    expect(item.job).toBeUndefined()
    expect(item.error).toMatchObject({ kind: 'busy', code: 'busy', hint: expect.stringContaining('--lock-timeout') })
    expect(item.error!.message).toMatch(/vacuum by host\/7\/0\/h \(job held\)/)
    expect((await allJobs(catalog)).map((job) => job.id)).toEqual(['held'])
  })

  test('--lock-timeout: waits until it is free, or the time is over', async () => {
    const lease = await holder()
    expect((await runOne(hostOver(catalog, { lockTimeoutMs: 30 }), operation())).error).toMatchObject({ kind: 'busy' })
    const waiting = runOne(hostOver(catalog, { lockTimeoutMs: 20_000 }), operation())
    if (lease.is === 'held') await catalog.release(lease.fence)
    expect(await waiting).toMatchObject({ status: 'changed' })
  })

  test('a signal ends the waiting', async () => {
    await holder()
    const stop = stopSwitch()
    const waiting = runOne(hostOver(catalog, { lockTimeoutMs: 60_000, stop }), operation())
    stop.stop('interrupt')
    expect(await waiting).toMatchObject({ status: 'failed', error: { code: 'stopped-interrupt' } })
  })

  test('a dead process that had several subjects: each of its jobs is gone on with, and none is begun beside it', async () => {
    const paths = ['a', 'b', 'c', 'd'].map((table) => `lake/acme/${table}`)
    for (const [n, at] of paths.entries())
      await catalog.begin(
        {
          id: `held${n}`,
          run: 'r',
          verb: 'optimize',
          subject: 'table',
          path: at,
          key: 'k',
          version: 1,
          hold: 'run',
          options: {},
          plan: plan({ leases: [{ path: at, mode: 'maintain' }] }),
          actor: 'me',
        },
        'host/7/0/h',
        30_000,
      )
    const host = hostOver(catalog, { isGone: (owner) => owner === 'host/7/0/h' })
    const work = paths.map((at) => ({ verb: 'optimize', operation: operation(), options: {}, subject: subject(at) }))
    const items = await runOperations(host, { work })
    expect(items.map((item) => [item.status, item.job])).toEqual(paths.map((_, n) => ['changed', `held${n}`]))
    expect((await allJobs(catalog)).map((job) => job.state)).toEqual(['done', 'done', 'done', 'done'])
  })

  test('what a dead process of this host holds is free at once, and its job is gone on with', async () => {
    const held = await holder()
    expect(held.is).toBe('held')
    const of = operation({ key: () => 'v' })
    const host = hostOver(catalog, { isGone: (owner) => owner === 'host/7/0/h' })
    expect(
      (await runOperations(host, { work: [{ verb: 'vacuum', operation: of, options: {}, subject: subject() }] }))[0],
    ).toMatchObject({
      status: 'changed',
      job: 'held',
      resumed: true,
    })
  })

  test('found due, and done by another since then: unchanged, no second job', async () => {
    const due = new Map([[path, null]])
    expect(await runOne(hostOver(catalog), operation(), { ifLast: due })).toMatchObject({ status: 'changed' })
    expect(await runOne(hostOver(catalog), operation(), { ifLast: due })).toMatchObject({ status: 'unchanged' })
    expect(await allJobs(catalog)).toHaveLength(1)
  })
})

describe('a dead job', () => {
  test('continue: with what it committed and its own plan; replan: from nothing', async () => {
    await deadJob(catalog, 'dead1', { n: 7 })
    const states: unknown[] = []
    const planned = vi.fn(async () => plan())
    const look = (resume: 'continue' | 'replan') =>
      operation({
        resume,
        plan: planned,
        execute: async (_plan, ctx) => {
          states.push(ctx.state)
          return { is: 'changed', result: {} }
        },
      })
    expect(await runOne(hostOver(catalog), look('continue'))).toMatchObject({ job: 'dead1', resumed: true })
    expect(planned).not.toHaveBeenCalled()
    await deadJob(catalog, 'dead2', { n: 8 })
    expect(await runOne(hostOver(catalog), look('replan'))).toMatchObject({ job: 'dead2', resumed: true })
    expect(planned).toHaveBeenCalledTimes(1)
    expect(states).toEqual([{ n: 7 }, undefined])
  })

  test('of another key is not ours; of another version is refused, never misread', async () => {
    await deadJob(catalog, 'dead1', { n: 7 })
    expect(await runOne(hostOver(catalog), operation({ key: () => 'other' }))).toMatchObject({ status: 'changed' })
    expect(await runOne(hostOver(catalog), operation({ version: 2 }))).toMatchObject({
      status: 'failed',
      error: { kind: 'refused', code: 'job-of-other-version', hint: expect.stringContaining('jobs cancel dead1') },
    })
  })

  test('cancelled before anybody goes on with it: undone, not executed, even when it never commits', async () => {
    const job = await deadJob(catalog, 'dead1', { n: 7 })
    await catalog.setControl('job/dead1', 'cancel', true, 'me')
    const execute = vi.fn(async () => ({ is: 'changed', result: {} }) as const)
    const undo = vi.fn(async () => {})
    const item = await runOne(hostOver(catalog), operation({ execute, undo }), { force: { job: job.id } })
    expect(item).toMatchObject({ status: 'skipped', error: { code: 'stopped-cancel' } })
    expect(execute).not.toHaveBeenCalled()
    expect(undo).toHaveBeenCalledTimes(1)
    expect(await catalog.job('dead1')).toMatchObject({ state: 'cancelled' })
    expect((await catalog.controls('job/dead1'))[0]).toMatchObject({ answer: { cancelled: true } })
  })
})

describe('log lines', () => {
  const talkative = (end: () => Promise<any>) =>
    operation({
      execute: async (_plan, ctx) => {
        ctx.log('info', 'first', { n: 1 })
        await ctx.commit({ phase: 'one', state: {} })
        ctx.log('warn', 'second')
        return end()
      },
    })
  const told = async (job: string) =>
    (await Array.fromAsync(catalog.log(job))).map((line) => [line.level, line.message])

  test.each([
    ['done', async () => ({ is: 'changed', result: {} })],
    ['failed', async () => Promise.reject(new Error('no'))],
    ['waiting', async () => ({ is: 'waiting', for: ['go'], result: {} })],
  ] as const)('are kept when the job is %s', async (state, end) => {
    const item = await runOne(hostOver(catalog), talkative(end))
    expect(await told(item.job!)).toEqual([
      ['debug', 'begin optimize k'],
      ['info', 'first'],
      ['warn', 'second'],
    ])
    expect(await catalog.job(item.job!)).toMatchObject({ state })
  })

  test('are kept when it is stopped', async () => {
    const stop = stopSwitch()
    const of = operation({
      execute: async (_plan, ctx) => {
        ctx.log('info', 'stopping')
        stop.stop('terminate')
        await ctx.commit({ phase: 'one', state: { n: 1 } })
        return { is: 'changed', result: {} }
      },
    })
    const item = await runOne(hostOver(catalog, { stop }), of)
    expect(item.error).toMatchObject({ code: 'stopped-terminate', retry: 'resume' })
    expect(await told(item.job!)).toContainEqual(['info', 'stopping'])
    // The step was written before it stopped.
    expect(await catalog.job(item.job!)).toMatchObject({ state: 'open', live: false, phase: 'one', data: { n: 1 } })
  })
})
