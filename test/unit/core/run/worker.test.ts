import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Session } from '../../../../src/api/session.ts'
import { work } from '../../../../src/api/worker.ts'
import type { Catalog } from '../../../../src/core/catalog.ts'
import { fail } from '../../../../src/core/errors.ts'
import type { AnyOperation } from '../../../../src/core/operation.ts'
import { stopSwitch } from '../../../support/open.ts'
import { hostOver, memoryCatalog, operation, plan } from './host.ts'

let catalog: Catalog
const stop = stopSwitch()
beforeEach(() => {
  catalog = memoryCatalog()
})
afterEach(() => catalog[Symbol.asyncDispose]())

const enqueue = (id: string, path: string, version = 1) =>
  catalog.enqueue({
    id,
    run: 'r',
    verb: 'optimize',
    subject: 'table',
    path,
    key: id,
    version,
    hold: 'run',
    options: {},
    plan: plan({ leases: [{ path, mode: 'maintain' }] }),
    actor: 'me',
  })
/** Just what the worker reads of a session. */
const sessionWith = (optimize: AnyOperation): Session => {
  const host = hostOver(catalog, { stop })
  return {
    host: () => host,
    catalog: () => catalog,
    driver: async (backend: string) => {
      if (backend === 'down') throw fail('unreachable', 'no-answer', 'the backend does not answer')
      return { kind: 'tiny', can: { optimize } }
    },
  } as unknown as Session
}

test('once: everything that is due, the oldest first, then it ends', async () => {
  const order: string[] = []
  const of = operation({
    execute: async (_plan, ctx) => {
      order.push(ctx.subject.path)
      return { is: 'changed', result: {} }
    },
  })
  for (const name of ['c', 'a', 'b']) await enqueue(`job-${name}`, `lake/p/${name}`)
  const items = await Array.fromAsync(work(sessionWith(of), { once: true }))
  expect(items).toMatchObject([
    { status: 'changed', verb: 'optimize', job: 'job-c' },
    { job: 'job-a' },
    { job: 'job-b' },
  ])
  expect(order).toEqual(['lake/p/c', 'lake/p/a', 'lake/p/b'])
  expect(await Array.fromAsync(work(sessionWith(of), { once: true }))).toEqual([])
})

test('once ends although a job cannot be run: busy, unreachable, of another version', async () => {
  await enqueue('busy', 'lake/p/busy')
  await enqueue('down', 'down/p/t')
  await enqueue('old', 'lake/p/old', 9)
  await enqueue('fine', 'lake/p/fine')
  const holder = { id: 'holder', path: 'lake/p/busy' }
  await catalog.begin(
    {
      ...holder,
      run: 'r',
      verb: 'vacuum',
      subject: 'table',
      key: 'v',
      version: 1,
      hold: 'run',
      options: {},
      plan: plan({ leases: [{ path: holder.path, mode: 'exclusive' }] }),
      actor: 'me',
    },
    'host/8/0/h',
    30_000,
  )
  const items = await Array.fromAsync(work(sessionWith(operation()), { once: true }))
  expect(items.map((item) => item.error?.kind ?? item.status)).toEqual(['busy', 'unreachable', 'refused', 'changed'])
  expect((await catalog.job('busy'))?.state).toBe('queued')
})

test('a job whose time has come is woken once, and one that waits for an order is not', async () => {
  const past = new Date(Date.now() - 60_000).toISOString()
  let woken = 0
  const of = operation({
    hold: 'job',
    execute: async () => {
      woken++
      return { is: 'waiting', for: ['complete'], ...(woken === 1 ? { until: past } : {}), result: { woken } }
    },
  })
  await enqueue('job', 'lake/p/t')
  const items = await Array.fromAsync(work(sessionWith(of), { once: true }))
  expect(items.length).toBe(1)
  await Array.fromAsync(work(sessionWith(of), { once: true }))
  await Array.fromAsync(work(sessionWith(of), { once: true }))
  expect(woken).toBe(2)
  expect(await catalog.job('job')).toMatchObject({ state: 'waiting', wakeAt: null })
})

test('told to stop, it ends, and what is due stays', async () => {
  await enqueue('one', 'lake/p/one')
  stop.stop('terminate')
  expect(await Array.fromAsync(work(sessionWith(operation()), { once: false }))).toEqual([])
  expect((await catalog.job('one'))?.state).toBe('queued')
})
