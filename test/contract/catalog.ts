/** The suite that every store of the catalog port passes. `open` gives a new handle on the same store each time: two handles are two processes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog, Finish, LeaseMode, NewJob } from '../../src/core/catalog.ts'
import { compatible, overlaps } from '../../src/core/catalog.ts'
import type { TableSpec } from '../../src/core/operation.ts'

export interface CatalogUnderTest {
  open(): Promise<Catalog>
  /** Called after each test, when every handle is closed. */
  drop(): Promise<void>
}

const ttl = 30_000
export const spec: TableSpec = { schema: 'metrics', location: null, labels: {}, options: {} }

export function newJob(id: string, path: string, more: Partial<NewJob> & { mode?: LeaseMode } = {}): NewJob {
  const { mode = 'maintain', ...rest } = more
  const plan = { changes: 1, risk: 'routine' as const, summary: [], basis: {}, leases: [{ path, mode }] }
  return {
    id,
    run: 'run-1',
    verb: 'optimize',
    subject: 'table',
    path,
    key: 'k',
    version: 1,
    hold: 'run',
    options: {},
    plan,
    actor: 'me',
    ...rest,
  }
}
export function finish(state: Finish['state'], more: Partial<Finish> = {}): Finish {
  return { state, outcome: state, result: null, error: null, tables: [], waitsFor: [], wakeAt: null, ...more }
}

export function catalogContract(name: string, setUp: () => Promise<CatalogUnderTest>): void {
  describe(`catalog contract: ${name}`, () => {
    let under: CatalogUnderTest
    let a: Catalog
    let b: Catalog
    beforeEach(async () => {
      under = await setUp()
      a = await under.open()
      b = await under.open()
    })
    afterEach(async () => {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
      await under.drop()
    })
    const held = async (catalog: Catalog, job: NewJob, owner = 'h/1/0/x', ttlMs = ttl): Promise<number> => {
      const lease = await catalog.begin(job, owner, ttlMs)
      if (lease.is !== 'held') throw new Error(`busy: ${JSON.stringify(lease)}`)
      return lease.fence
    }
    const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
      const all: T[] = []
      for await (const item of items) all.push(item)
      return all
    }

    test('table effects are applied by the commit that finishes the job, and seen by the other handle', async () => {
      const fence = await held(a, newJob('j1', 'lake/acme/metrics'))
      expect(await collect(b.tables())).toEqual([])
      expect(
        await a.commit('j1', fence, {
          finish: finish('done', { tables: [{ put: 'lake/acme/metrics', spec, state: 'active' }] }),
        }),
      ).toBe('written')
      expect(await b.table('lake/acme/metrics')).toMatchObject({ path: 'lake/acme/metrics', spec, state: 'active' })
      const again = await held(b, newJob('j2', 'lake/acme/metrics', { verb: 'unregister' }))
      await b.commit('j2', again, { finish: finish('done', { tables: [{ remove: 'lake/acme/metrics' }] }) })
      expect(await a.table('lake/acme/metrics')).toBeUndefined()
    })

    test('a table in the trash is seen by who asks for it, and a new one takes its place', async () => {
      const path = 'lake/acme/metrics'
      const put = async (id: string, state: 'active' | 'trash') => {
        const fence = await held(a, newJob(id, path))
        await a.commit(id, fence, { finish: finish('done', { tables: [{ put: path, spec, state }] }) })
      }
      await put('j1', 'active')
      expect(await b.table(path, 'trash')).toBeUndefined()
      expect(await collect(b.tables({ state: 'trash' }))).toEqual([])
      await put('j2', 'trash')
      expect(await b.table(path)).toBeUndefined()
      for (const filter of [
        {},
        { path },
        { backend: 'lake' },
        { backend: 'lake', project: 'acme' },
        { project: 'acme' },
      ]) {
        expect(await collect(b.tables(filter))).toEqual([])
        expect(await collect(b.tables({ ...filter, state: 'trash' }))).toMatchObject([{ path, state: 'trash', spec }])
      }
      expect(await b.table(path, 'trash')).toMatchObject({ path, spec, state: 'trash' })
      await put('j3', 'active')
      expect(await b.table(path)).toMatchObject({ path, state: 'active' })
      expect(await b.table(path, 'trash')).toBeUndefined()
      const forget = async (id: string) => {
        const fence = await held(a, newJob(id, path))
        await a.commit(id, fence, { finish: finish('done', { tables: [{ remove: path, dropped: true }] }) })
      }
      await forget('j4')
      expect(await b.table(path)).toMatchObject({ path })
      await put('j5', 'trash')
      await forget('j6')
      expect(await b.table(path, 'trash')).toBeUndefined()
    })

    test('tables are listed in path order, by backend, by project, and not by a name that only begins alike', async () => {
      const fence = await held(a, newJob('j', 'x'))
      const paths = [
        'lake/b/t',
        'lake/a/t2',
        'lake/a/t1',
        'lake2/a/t',
        'lake-x/a/t',
        'lake/ab/t',
        'lake/A/t9',
        'lake/B/t',
        'lake/a_b/t',
        'lake/a.b/t',
      ]
      await a.commit('j', fence, {
        finish: finish('done', { tables: paths.map((put) => ({ put, spec, state: 'active' as const })) }),
      })
      const listed = async (filter?: Parameters<Catalog['tables']>[0]) =>
        (await collect(b.tables(filter))).map((row) => row.path)
      expect(await listed()).toEqual([...paths].sort())
      expect(await listed({ backend: 'lake' })).toEqual([
        'lake/A/t9',
        'lake/B/t',
        'lake/a.b/t',
        'lake/a/t1',
        'lake/a/t2',
        'lake/a_b/t',
        'lake/ab/t',
        'lake/b/t',
      ])
      expect(await listed({ backend: 'lake', project: 'a' })).toEqual(['lake/a/t1', 'lake/a/t2'])
      expect(await listed({ project: 'a' })).toHaveLength(4)
    })

    test.each<[LeaseMode, LeaseMode, boolean]>([
      ['write', 'write', true],
      ['write', 'maintain', true],
      ['maintain', 'maintain', false],
      ['write', 'exclusive', false],
      ['exclusive', 'maintain', false],
      ['exclusive', 'exclusive', false],
    ])('%s beside %s: %s', async (one, two, together) => {
      expect(compatible(one, two)).toBe(together)
      expect(compatible(two, one)).toBe(together)
      await held(a, newJob('j1', 'ch/t1/logs', { mode: one }))
      const second = await b.begin(newJob('j2', 'ch/t1/logs', { mode: two }), 'h/2/0/y', ttl)
      expect(second.is).toBe(together ? 'held' : 'busy')
      if (second.is === 'busy')
        expect(second).toMatchObject({
          why: 'lease',
          path: 'ch/t1/logs',
          owner: 'h/1/0/x',
          verb: 'optimize',
          job: 'j1',
        })
    })

    test.each([
      ['ch/t1', 'ch/t1/logs', true],
      ['ch/t1/logs', 'ch/t1', true],
      ['ch/t1', 'ch/t11/logs', false],
      ['ch', 'ch/t1/logs', true],
      ['people/chat/messages/u1', 'people/chat/messages/u2', false],
      ['people/chat/messages/u1', 'people/chat/messages', true],
      ['ch/t1', 'ch/t1.x', false],
      ['ch/t1', 'ch/t1-x', false],
      ['ch/T1', 'ch/t1', false],
    ])('a lease on %s meets one on %s: %s', async (one, two, meet) => {
      expect(overlaps(one, two)).toBe(meet)
      await held(a, newJob('j1', one, { mode: 'exclusive' }))
      expect((await b.begin(newJob('j2', two, { mode: 'write' }), 'h/2/0/y', ttl)).is).toBe(meet ? 'busy' : 'held')
    })

    test('all leases of a plan are taken, or none', async () => {
      await held(a, newJob('j1', 'lake/a/t'))
      const leases = [
        { path: 'lake/b/t', mode: 'maintain' as const },
        { path: 'lake/a/t', mode: 'maintain' as const },
      ]
      const both = newJob('j2', 'lake/b/t')
      expect((await b.begin({ ...both, plan: { ...both.plan, leases } }, 'h/2/0/y', ttl)).is).toBe('busy')
      expect(await b.job('j2')).toBeUndefined()
      expect((await b.begin(newJob('j3', 'lake/b/t'), 'h/2/0/y', ttl)).is).toBe('held')
    })

    test('an expired lease is no lease: its job is taken over with a higher fence, and the old one is fenced off', async () => {
      const old = await held(a, newJob('j1', 'lake/a/t'), 'h/1/0/x', 40)
      expect(await a.commit('j1', old, { phase: 'one', data: { n: 1 } })).toBe('written')
      await sleep(60)
      expect((await b.job('j1'))?.live).toBe(false)
      expect(await a.commit('j1', old, { phase: 'two' })).toBe('fenced')
      const fence = await held(b, newJob('j1', 'lake/a/t'), 'h/2/0/y')
      expect(fence).toBeGreaterThan(old)
      expect(await b.job('j1')).toMatchObject({
        attempts: 2,
        phase: 'one',
        data: { n: 1 },
        owner: 'h/2/0/y',
        live: true,
      })
      expect(await a.commit('j1', old, { finish: finish('done') })).toBe('fenced')
      expect(await b.commit('j1', fence, { finish: finish('done') })).toBe('written')
    })

    test('a restart forgets phase and data; going on keeps them', async () => {
      const first = await held(a, newJob('j1', 'lake/a/t'))
      await a.commit('j1', first, { phase: 'p', data: { n: 1 }, progress: { done: 1, total: 2, unit: 'files' } })
      await a.release(first)
      await held(b, newJob('j1', 'lake/a/t', { restart: true }))
      expect(await b.job('j1')).toMatchObject({ phase: null, data: null, progress: null, attempts: 2 })
    })

    test('two resumers of one job: one wins, even when its plan takes no lease', async () => {
      const job = {
        ...newJob('j1', 'lake/a/t'),
        plan: { changes: 1, risk: 'routine' as const, summary: [], basis: {}, leases: [] },
      }
      const results = await Promise.all([
        a.begin(job, 'h/1/0/x', ttl),
        b.begin(job, 'h/2/0/y', ttl),
        a.begin(job, 'h/3/0/z', ttl),
      ])
      expect(results.filter((r) => r.is === 'held')).toHaveLength(1)
    })

    test('renew keeps all leases of a process and reports the fences that it still holds; release and reap free them', async () => {
      const one = await held(a, newJob('j1', 'lake/a/t1'), 'h/1/0/x', 5000)
      const two = await held(a, newJob('j2', 'lake/a/t2'), 'h/1/0/x', 5000)
      const other = await held(b, newJob('j3', 'lake/a/t3'), 'h/2/0/y', 5000)
      expect(await a.renew('h/1/0/x', ttl)).toEqual(new Set([one, two]))
      await a.release(one)
      expect(await a.renew('h/1/0/x', ttl)).toEqual(new Set([two]))
      expect(await b.reap('h/1/0/x')).toBeGreaterThan(0)
      expect(await a.renew('h/1/0/x', ttl)).toEqual(new Set())
      expect((await b.leases()).map((lease) => lease.fence)).toEqual([other, other])
    })

    test('parts: more leases for a running job; the same part is never given twice', async () => {
      const one = await held(a, newJob('j1', 'people/chat/m', { mode: 'write' }), 'h/1/0/x')
      const two = await held(b, newJob('j2', 'people/chat/m', { mode: 'write' }), 'h/2/0/y')
      const part = [{ path: 'people/chat/m/u1', mode: 'maintain' as const }]
      const mine = await a.acquire(part, 'h/1/0/x', ttl, 'j1', one)
      if (mine === 'fenced' || mine.is !== 'held') throw new Error('not held')
      expect(await b.acquire(part, 'h/2/0/y', ttl, 'j2', two)).toMatchObject({ is: 'busy', job: 'j1' })
      expect(await a.acquire(part, 'h/1/0/x', ttl, 'j1', one)).toMatchObject({ is: 'busy' })
      await a.release(mine.fence)
      expect(await b.acquire(part, 'h/2/0/y', ttl, 'j2', two)).toMatchObject({ is: 'held' })
      // Who was fenced off, or runs nothing, gets no part.
      expect(await a.acquire([{ path: 'people/chat/m/u9', mode: 'maintain' }], 'h/1/0/x', ttl, 'j1', one - 1)).toBe(
        'fenced',
      )
      expect(await a.acquire([{ path: 'people/chat/m/u9', mode: 'maintain' }], 'h/1/0/x', ttl, 'nobody', one)).toBe(
        'fenced',
      )
    })

    test('a claim outlives its process, lets compatible work pass, and ends with the job', async () => {
      const fence = await held(a, newJob('j1', 'shop/d/users', { verb: 'reshard', hold: 'job' }))
      await a.commit('j1', fence, {
        finish: finish('waiting', { waitsFor: ['reverse'], wakeAt: '2001-01-01T00:00:00.000Z' }),
      })
      expect(await b.job('j1')).toMatchObject({
        state: 'waiting',
        live: false,
        waitsFor: ['reverse'],
        wakeAt: '2001-01-01T00:00:00.000Z',
        finishedAt: null,
      })
      expect(
        await b.begin(newJob('j2', 'shop/d/users', { verb: 'alter', mode: 'exclusive' }), 'h/2/0/y', ttl),
      ).toMatchObject({ is: 'busy', why: 'claim', owner: null, verb: 'reshard', job: 'j1' })
      expect((await b.begin(newJob('j3', 'shop/d/users', { verb: 'load', mode: 'write' }), 'h/2/0/y', ttl)).is).toBe(
        'held',
      )
      await b.reap('h/2/0/y')
      const again = await held(b, newJob('j1', 'shop/d/users', { verb: 'reshard', hold: 'job' }), 'h/2/0/y')
      await b.commit('j1', again, { finish: finish('done') })
      expect(
        (await a.begin(newJob('j4', 'shop/d/users', { verb: 'alter', mode: 'exclusive' }), 'h/1/0/x', ttl)).is,
      ).toBe('held')
    })

    test('a failed job that claims its subject keeps the claim until it is closed', async () => {
      const fence = await held(a, newJob('j1', 'shop/d/users', { hold: 'job' }))
      await a.commit('j1', fence, {
        finish: finish('failed', { error: { code: 'x', kind: 'failed', message: 'no', retry: 'no' } }),
      })
      expect((await b.openJobs('shop/d/users')).map((job) => job.id)).toEqual(['j1'])
      expect((await b.begin(newJob('j2', 'shop/d/users'), 'h/2/0/y', ttl)).is).toBe('busy')
      expect(await b.close('j1', 'cancelled', null, 'me')).toBe(true)
      expect(await b.close('j1', 'cancelled', null, 'me')).toBe(false)
      expect((await b.begin(newJob('j2', 'shop/d/users'), 'h/2/0/y', ttl)).is).toBe('held')
    })

    test('a running job is not closed; a finished one is not begun again', async () => {
      const fence = await held(a, newJob('j1', 'lake/a/t'))
      expect(await b.close('j1', 'cancelled', null, 'me')).toBe(false)
      await a.commit('j1', fence, { finish: finish('done') })
      expect(await b.begin(newJob('j1', 'lake/a/t'), 'h/2/0/y', ttl)).toMatchObject({ is: 'busy', why: 'done-since' })
    })

    test('ifLast: work found due is not done twice', async () => {
      const first = await a.begin(newJob('j1', 'lake/a/t'), 'h/1/0/x', ttl, null)
      if (first.is === 'held') await a.commit('j1', first.fence, { finish: finish('done') })
      expect(await b.begin(newJob('j2', 'lake/a/t'), 'h/2/0/y', ttl, null)).toMatchObject({
        is: 'busy',
        why: 'done-since',
        job: 'j1',
      })
      expect((await b.begin(newJob('j3', 'lake/a/t'), 'h/2/0/y', ttl, 'j1')).is).toBe('held')
    })

    test('records: revisions rise for ever, a wrong one writes nothing of the commit, deleting and making again is not the same', async () => {
      const fence = await held(a, newJob('j1', 'shop/d/users'))
      const commit = (records: { key: string; value: any; ifRev?: number }[], phase = 'p') =>
        a.commit('j1', fence, { phase, namespace: 'shop', records })
      expect(await commit([{ key: 'topology/a', value: { epoch: 1 }, ifRev: 0 }])).toBe('written')
      expect(await commit([{ key: 'topology/a', value: { epoch: 9 }, ifRev: 0 }], 'never')).toBe('moved')
      expect(await b.job('j1')).toMatchObject({ phase: 'p' })
      const one = (await b.records('shop').get('topology/a'))!
      expect(one.value).toEqual({ epoch: 1 })
      await commit([{ key: 'topology/a', value: undefined, ifRev: one.rev }])
      expect(await b.records('shop').get('topology/a')).toBeUndefined()
      await commit([{ key: 'topology/a', value: { epoch: 2 }, ifRev: 0 }])
      expect(await commit([{ key: 'topology/a', value: { epoch: 3 }, ifRev: one.rev }])).toBe('moved')
      await commit([
        { key: 'topology/%', value: 1 },
        { key: 'other', value: null },
      ])
      expect((await collect(b.records('shop').list('topology/'))).map((r) => r.key)).toEqual([
        'topology/%',
        'topology/a',
      ])
      expect((await b.records('shop').get('other'))?.value).toBe(null)
      expect(await b.records('elsewhere').get('other')).toBeUndefined()
    })

    test('controls: the last value wins, an answer is for its revision, and a job does not go to wait while an order stands', async () => {
      const fence = await held(a, newJob('j1', 'shop/d/users', { hold: 'job' }))
      const one = await b.setControl('job/j1', 'switch', true, 'h/2/0/y')
      const two = await b.setControl('job/j1', 'switch', { now: true }, 'h/2/0/y')
      expect(two.rev).toBeGreaterThan(one.rev)
      await a.answer(one, { late: true })
      expect(await b.controls('job/j1')).toEqual([
        { path: 'job/j1', name: 'switch', value: { now: true }, rev: two.rev, by: 'h/2/0/y', answer: null },
      ])
      expect(await a.commit('j1', fence, { finish: finish('waiting') })).toBe('controls')
      expect((await b.job('j1'))?.state).toBe('open')
      await a.answer(two, { switched: true })
      expect(await a.commit('j1', fence, { finish: finish('waiting') })).toBe('written')
      expect((await b.controls('job/j1'))[0]?.answer).toEqual({ switched: true })
      await b.setControl('job/j1', 'reverse', true, 'me')
      await b.setControl('sync/orders', 'paused', true, 'me')
      expect(await b.close('j1', 'cancelled', null, 'me')).toBe(true)
      // Answers stay for those who asked, until the job is pruned; orders that nobody will obey do not.
      expect((await b.controls('job/j1')).map((control) => control.name)).toEqual(['switch'])
      await b.prune(new Date(Date.now() + 60_000), { audit: false })
      expect(await b.controls('job/j1')).toEqual([])
      expect(await b.controls('sync/orders')).toHaveLength(1)
    })

    test('the queue: due are queued jobs and waiting ones whose time has come', async () => {
      await a.enqueue(newJob('queued', 'lake/a/t1'))
      const soon = await held(a, newJob('late', 'lake/a/t2'))
      await a.commit('late', soon, { finish: finish('waiting', { wakeAt: '2001-01-01T00:00:00.000Z' }) })
      const later = await held(a, newJob('early', 'lake/a/t3'))
      await a.commit('early', later, { finish: finish('waiting', { wakeAt: '2999-01-01T00:00:00.000Z' }) })
      const never = await held(a, newJob('ordered', 'lake/a/t4'))
      await a.commit('ordered', never, { finish: finish('waiting') })
      expect((await collect(b.jobs({ due: true }))).map((job) => job.id).sort()).toEqual(['late', 'queued'])
      expect(await b.job('queued')).toMatchObject({ state: 'queued', attempts: 0, live: false })
      await held(b, newJob('queued', 'lake/a/t1'), 'h/2/0/y')
      expect(await b.job('queued')).toMatchObject({ state: 'open', attempts: 1 })
    })

    test('jobs are listed newest first, by verb, state, subject and what lies below it', async () => {
      for (const [id, path, verb] of [
        ['j1', 'lake/a/t', 'load'],
        ['j2', 'lake/a', 'tenant.create'],
        ['j3', 'lake/ab/t', 'load'],
        ['j4', 'lake/a/t', 'optimize'],
      ] as const) {
        const fence = await held(a, newJob(id, path, { verb }))
        await a.commit(id, fence, { finish: finish(id === 'j4' ? 'failed' : 'done') })
      }
      const ids = async (filter: Parameters<Catalog['jobs']>[0]) => (await collect(b.jobs(filter))).map((job) => job.id)
      expect(await ids({})).toEqual(['j4', 'j3', 'j2', 'j1'])
      expect(await ids({ path: 'lake/a' })).toEqual(['j4', 'j2', 'j1'])
      expect(await ids({ verb: 'load' })).toEqual(['j3', 'j1'])
      expect(await ids({ states: ['failed'] })).toEqual(['j4'])
      expect(await ids({ limit: 1 })).toEqual(['j4'])
    })

    test('log lines and the audit trail are kept, and pruned with what is finished', async () => {
      const fence = await held(a, newJob('j1', 'lake/a/t'))
      await a.commit('j1', fence, {
        log: [{ at: '2026-01-02T03:04:05.678Z', level: 'info', message: 'hello', fields: { n: 1 } }],
      })
      await a.commit('j1', fence, { finish: finish('done', { result: { files: 3 } }) })
      await a.audit({
        run: 'run-2',
        actor: 'me',
        verb: 'optimize',
        path: 'lake/b/t',
        job: null,
        outcome: 'unchanged',
        detail: null,
      })
      await held(a, newJob('open', 'lake/c/t'))
      expect(await collect(b.log('j1'))).toEqual([
        { at: '2026-01-02T03:04:05.678Z', level: 'info', message: 'hello', fields: { n: 1 } },
      ])
      expect((await collect(b.auditTrail())).map((row) => [row.path, row.outcome])).toEqual([
        ['lake/b/t', 'unchanged'],
        ['lake/a/t', 'done'],
      ])
      expect(await collect(b.auditTrail({ path: 'lake/a' }))).toMatchObject([
        { job: 'j1', detail: { files: 3 }, actor: 'me', run: 'run-1' },
      ])
      expect(await collect(b.auditTrail({ limit: 1 }))).toHaveLength(1)
      const later = new Date(Date.now() + 60_000)
      expect(await b.prune(new Date(0), { audit: true })).toEqual({ jobs: 0, audit: 0 })
      expect(await b.prune(later, { audit: false })).toEqual({ jobs: 1, audit: 0 })
      expect(await collect(b.auditTrail())).toHaveLength(2)
      expect(await b.prune(later, { audit: true })).toEqual({ jobs: 0, audit: 2 })
      expect((await collect(a.jobs())).map((job) => job.id)).toEqual(['open'])
      expect(await collect(a.log('j1'))).toEqual([])
    })

    test('a plan that names a path twice holds it once, in the stronger mode', async () => {
      const job = newJob('j1', 'lake/a/t')
      const leases = (['write', 'exclusive', 'write'] as const).map((mode) => ({ path: 'lake/a/t', mode }))
      expect((await a.begin({ ...job, plan: { ...job.plan, leases } }, 'h/1/0/x', ttl)).is).toBe('held')
      expect((await b.begin(newJob('j2', 'lake/a/t', { mode: 'write' }), 'h/2/0/y', ttl)).is).toBe('busy')
    })

    describe('races', () => {
      // Several handles at once, many rounds: what a store with real concurrency gets wrong, it gets wrong only sometimes.
      const rounds = 40
      let handles: Catalog[]
      beforeEach(async () => {
        handles = [a, b, await under.open(), await under.open()]
      })
      afterEach(async () => {
        for (const handle of handles.slice(2)) await handle[Symbol.asyncDispose]()
      })

      test('of overlapping begins one wins', async () => {
        for (let i = 0; i < rounds; i++) {
          const results = await Promise.all(
            handles.map((c, n) =>
              c.begin(
                newJob(`j${i}-${n}`, n % 2 ? `lake/a${i}` : `lake/a${i}/t`, { mode: 'exclusive' }),
                `h/${n}/0/x`,
                ttl,
              ),
            ),
          )
          expect(results.filter((r) => r.is === 'held')).toHaveLength(1)
        }
      })

      test('work found due is done once, whoever finishes in between', async () => {
        for (let i = 0; i < rounds; i++) {
          const done = await Promise.all(
            handles.map(async (c, n) => {
              const lease = await c.begin(newJob(`j${i}-${n}`, `lake/a/t${i}`), `h/${n}/0/x`, ttl, null)
              return (
                lease.is === 'held' &&
                (await c.commit(`j${i}-${n}`, lease.fence, { finish: finish('done') })) === 'written'
              )
            }),
          )
          expect(done.filter(Boolean)).toHaveLength(1)
        }
      })

      test('an order is never lost to a job that goes to wait', async () => {
        for (let i = 0; i < rounds; i++) {
          const fence = await held(a, newJob(`j${i}`, `shop/d/t${i}`, { hold: 'job' }))
          const [ended] = await Promise.all([
            a.commit(`j${i}`, fence, { finish: finish('waiting') }),
            b.setControl(`job/j${i}`, 'switch', true, 'me'),
          ])
          // Either the job saw it and stays open, or it waits and the order stands for whoever wakes it.
          const job = (await b.job(`j${i}`))!
          expect(job.state).toBe(ended === 'controls' ? 'open' : 'waiting')
          expect((await b.controls(`job/j${i}`))[0]?.answer).toBe(null)
        }
      })

      test('a lease is renewed or taken over, never both', async () => {
        for (let i = 0; i < rounds; i++) {
          const old = await held(a, newJob(`j${i}`, `lake/a/t${i}`), `h/old${i}/0/x`, 3)
          await sleep(2)
          const [renewed, taken] = await Promise.all([
            a.renew(`h/old${i}/0/x`, ttl),
            b.begin(newJob(`j${i}`, `lake/a/t${i}`), 'h/2/0/y', ttl),
          ])
          expect(renewed.has(old) && taken.is === 'held').toBe(false)
        }
      })

      test('of racing writes to one record one wins', async () => {
        const fences = await Promise.all(handles.map((c, n) => held(c, newJob(`j${n}`, `shop/d/t${n}`))))
        for (let i = 0; i < rounds; i++) {
          const rev = (await a.records('shop').get('topology'))?.rev ?? 0
          const written = await Promise.all(
            handles.map((c, n) =>
              c.commit(`j${n}`, fences[n]!, {
                namespace: 'shop',
                records: [{ key: 'topology', value: n, ifRev: rev }],
              }),
            ),
          )
          expect(written.filter((w) => w === 'written')).toHaveLength(1)
        }
      })
    })

    test('big plans, states and odd text come back as they went in', async () => {
      const name = 'ü😀"\'; drop table jobs; --'
      const text = `${name}\u0000\ud800`
      const job = newJob('j1', 'lake/a/t', { key: name, options: { text, big: 'x'.repeat(500_000) }, actor: name })
      const fence = await held(a, job)
      await a.commit('j1', fence, { phase: name, data: { text, list: [null, true, 1.5] } })
      expect(await b.job('j1')).toMatchObject({
        key: name,
        options: job.options,
        actor: name,
        phase: name,
        data: { text, list: [null, true, 1.5] },
      })
    })
  })
}
