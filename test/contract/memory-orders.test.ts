/** The memory driver's own verbs, in one process: reshard with its orders, flush, a tenant's twelve. */
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { create, load } from './driver/calls.ts'
import { thing } from './driver/inputs.ts'
import { failure, only, thrown } from './driver/reports.ts'
import { contentOf, countOf, World } from './driver/world.ts'

const ref = 'lake:acme/things'
const backend = '{ driver: memory, file: memory.db }'
let world: World
let tblctl: Tblctl
beforeEach(async () => {
  world = await World.make({
    kind: 'memory',
    verbs: ['reshard', 'flush', 'tenant.create'],
    backend,
    makeOutside: null,
    survives: true,
    cancelledCreate: 'gone',
  })
  tblctl = await world.open()
})
afterEach(async () => {
  await tblctl[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})
const reshard = (shards: number, as = tblctl) => as.operate('reshard', { refs: [ref] }, { shards })
const fill = async (loads: number) => {
  await create(tblctl, [ref])
  for (let i = 0; i < loads; i++) {
    world.write('row.ndjson', thing(i))
    await load(tblctl, world.folder, ref, ['row.ndjson'])
  }
}
const status = async () => (await tblctl.stats({ refs: [ref] }))[0]!.status

describe('reshard', () => {
  test('waits for what is decided next, holds the table meanwhile; complete ends it', async () => {
    await fill(6)
    const before = await contentOf(tblctl, ref, world)
    const item = only(await reshard(3), 'changed')
    expect(item).toMatchObject({ waitsFor: ['reverse', 'complete'], result: { shards: 3, rows: 6 } })
    expect(await status()).toMatchObject({ shards: 3, rows: 6 })
    expect(await contentOf(tblctl, ref, world)).toEqual(before)
    expect(failure(await reshard(5))).toMatchObject({ kind: 'busy', code: 'unfinished-job' })
    only(await reshard(3), 'unchanged')
    expect(await thrown(tblctl.jobs.cancel(item.job!))).toMatchObject({ kind: 'usage', code: 'wrong-phase' })
    expect((await tblctl.jobs.control(item.job!, 'complete')).answer).toEqual({ dropped: true })
    expect(await tblctl.jobs.show(item.job!)).toMatchObject({ state: 'done' })
    expect(await contentOf(tblctl, ref, world)).toEqual(before)
    only(await reshard(3), 'unchanged')
  })

  test('reverse goes back, with the rows that were loaded since', async () => {
    await fill(5)
    const { job } = only(await reshard(4), 'changed')
    world.write('new.ndjson', thing(90))
    only(await load(tblctl, world.folder, ref, ['new.ndjson']), 'changed')
    expect((await tblctl.jobs.control(job!, 'reverse')).answer).toEqual({ reversed: true })
    expect(await status()).toMatchObject({ shards: 1, rows: 6 })
    expect(await countOf(tblctl, ref)).toBe(6)
    only(await reshard(2), 'changed')
  })

  test('an order that it does not know, and one to a job that is not there', async () => {
    await fill(1)
    const { job } = only(await reshard(2), 'changed')
    expect(await thrown(tblctl.jobs.control(job!, 'explode'))).toMatchObject({
      kind: 'unsupported',
      hint: expect.stringContaining('reverse'),
    })
    expect(await thrown(tblctl.jobs.control('nobody', 'switch'))).toMatchObject({ kind: 'missing' })
    expect(await thrown(tblctl.operate('reshard', { refs: [ref] }, { shards: 0 }))).toMatchObject({ kind: 'usage' })
  })

  test('switch is waited for while loads go on; cancel takes the copy away', async () => {
    await fill(3)
    await using other = await world.open()
    const phase = async (wanted: string) => {
      for (let i = 0; i < 500; i++) {
        const [job] = await tblctl.jobs.list({ ref, verb: 'reshard', limit: 1 })
        if (job?.phase === wanted && job.state === 'running') return job.id
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      throw new Error(`it never came to ${wanted}`)
    }
    const first = other.operate('reshard', { refs: [ref] }, { shards: 2, waitForSwitch: true })
    await tblctl.jobs.cancel(await phase('ready'))
    expect((await first).items[0]).toMatchObject({ status: 'skipped', error: { code: 'stopped-cancel' } })
    expect(await status()).toMatchObject({ shards: 1, rows: 3 })
    const second = other.operate('reshard', { refs: [ref] }, { shards: 2, waitForSwitch: true })
    const job = await phase('ready')
    world.write('new.ndjson', thing(90))
    await load(tblctl, world.folder, ref, ['new.ndjson'])
    expect((await tblctl.jobs.control(job, 'switch')).answer).toEqual({ switched: true })
    only(await second, 'changed')
    expect(await status()).toMatchObject({ shards: 2, rows: 4 })
  })
})

test('flush: hot segments become cold, once', async () => {
  await fill(3)
  expect(await status()).toMatchObject({ hotSegments: 3 })
  const flush = () => tblctl.operate('flush', { refs: [ref] }, {})
  expect(only(await flush(), 'changed').result).toMatchObject({ shards: 1, rows: 3, skipped: [] })
  only(await flush(), 'unchanged')
  expect(await status()).toMatchObject({ hotSegments: 0, rows: 3 })
})

describe('tenant create', () => {
  const tenant = (project: string, schemaSet = 'twelve') =>
    tblctl.provision('tenant.create', [`lake:${project}/`], { schemaSet })

  test('twelve objects, registered; again changes nothing', async () => {
    expect(only(await tenant('t1'), 'changed').result).toEqual({ created: 12 })
    expect((await tblctl.list({ refs: ['lake:t1/'] })).items).toHaveLength(12)
    only(await tenant('t1'), 'unchanged')
    expect(failure(await tenant('t1', 'dozen'))).toMatchObject({
      kind: 'missing',
      hint: expect.stringContaining('twelve'),
    })
  })

  test('one that fails takes back just what it made', async () => {
    await tenant('t2')
    const db = new DatabaseSync(world.file('memory.db'))
    db.exec(
      `create trigger no_july before insert on objects when new.name = 'lake/t1/july' begin select raise(abort, 'no july'); end`,
    )
    expect(failure(await tenant('t1')).message).toContain('no july')
    expect(db.prepare('select count(*) as n from objects').get()).toEqual({ n: 12 })
    db.close()
    expect((await tblctl.list({ refs: [], projects: ['t?'] })).items).toHaveLength(12)
  })
})
