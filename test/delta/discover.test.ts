/** scan and discover: tables of both layouts that nobody registered, and their adoption. */
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { discover } from '../../src/api/discover.ts'
import type { Tblctl } from '../../src/api/open.ts'
import { fail } from '../../src/core/errors.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { sessionWith } from './with-store.ts'
import { contentOf, create, Lake, loadInto, register } from './world.ts'

const schemas = { small: 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n' }

/** A table of `acme` whose folder is moved to `place` below the lake, unregistered. */
async function tableAt(lake: Lake, tblctl: Tblctl, place: string, rows = 1): Promise<void> {
  const made = lake.path('made')
  await create(tblctl, 'lake:made/t', 'small', `file:${made}`)
  lake.rows(
    'rows.ndjson',
    Array.from({ length: rows }, (_, id) => ({ id })),
  )
  await loadInto(tblctl, lake.folder, 'lake:made/t', ['rows.ndjson'])
  await tblctl.operate('unregister', { refs: ['lake:made/t'] }, {})
  const target = lake.path(`lake/projects/${place}`)
  mkdirSync(target, { recursive: true })
  cpSync(made, target, { recursive: true })
  rmSync(made, { recursive: true })
}
const found = async (tblctl: Tblctl, refs: string[] = []) => {
  const { items, errors } = await tblctl.discover({ refs })
  return { refs: items.map(({ ref }) => ref), errors: errors.map(({ error }) => error.code) }
}
const own = 'lake:acme/otel_logs_and_spans'

describe('discover', () => {
  it('finds tables of both layouts, and adopts each where it lies', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await tableAt(lake, tblctl, 'acme', 3)
    await tableAt(lake, tblctl, 'acme/metrics')
    await tableAt(lake, tblctl, 'globex/events')
    await tableAt(lake, tblctl, 'acme/deep/er')
    lake.write('lake/projects/acme/p=1/part.parquet', 'x')
    lake.write('lake/projects/acme/no-table/part.parquet', 'x')
    expect(await found(tblctl)).toEqual({ refs: ['lake:acme/metrics', own, 'lake:globex/events'], errors: [] })
    expect((await found(tblctl, ['lake:acme/*'])).refs).toEqual(['lake:acme/metrics', own])
    const { items } = await tblctl.discover({ refs: [] })
    expect(items.map(({ location, facts }) => [location, facts])).toContainEqual([
      `file://${lake.path('lake/projects/acme')}`,
      { version: 1 },
    ])
    const report = await tblctl.adopt(items, { tier: 'old' }, false)
    expect(report.summary).toMatchObject({ changed: 3, failed: 0 })
    expect(await found(tblctl)).toEqual({ refs: [], errors: [] })
    expect(await contentOf(tblctl, own)).toMatchObject({ rows: 3 })
    expect((await tblctl.list({ refs: [] }, true)).items.map(({ live }) => live)).toEqual([
      'present',
      'present',
      'present',
    ])
  })

  it('calls a legacy table what no table below it is called', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await tableAt(lake, tblctl, 'acme')
    await tableAt(lake, tblctl, 'acme/otel_logs_and_spans')
    expect((await found(tblctl)).refs).toEqual(['lake:acme/legacy', own])
    await tableAt(lake, tblctl, 'acme/legacy')
    expect((await found(tblctl)).refs).toEqual(['lake:acme/_legacy', 'lake:acme/legacy', own])
    const { items } = await tblctl.discover({ refs: ['lake:acme/_legacy'] })
    expect((await tblctl.adopt(items, {}, false)).summary).toMatchObject({ changed: 1 })
    expect(await contentOf(tblctl, 'lake:acme/_legacy')).toMatchObject({ rows: 1 })
  })

  it('reports nothing that is registered under another name, or by another spelling of its place', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await tableAt(lake, tblctl, 'acme')
    await tableAt(lake, tblctl, 'acme/metrics')
    symlinkSync(lake.path('lake'), lake.path('link'))
    await register(tblctl, 'lake:acme/old', `file:${lake.path('lake/projects/acme')}`)
    await register(tblctl, 'lake:other/numbers', lake.path('link/projects/acme/metrics'))
    expect(await found(tblctl)).toEqual({ refs: [], errors: [] })
    const { items } = await tblctl.list({ refs: ['lake:acme/old'] }, true)
    expect(items).toMatchObject([{ ref: 'lake:acme/old', live: 'present', facts: { version: 1 } }])
  })

  it('loses no table because another is broken', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    for (const name of ['a', 'b', 'c']) await tableAt(lake, tblctl, `acme/${name}`)
    const log = lake.path('lake/projects/acme/b/_delta_log')
    writeFileSync(join(log, '00000000000000000001.json'), '{ no')
    // A hint that points too far is no news.
    writeFileSync(join(log, '_last_checkpoint'), '{"version":99}')
    // A log that is a file is no log, and one that leads out of the lake is not followed.
    lake.write('lake/projects/acme/d/_delta_log', 'x')
    renameSync(lake.path('lake/projects/acme/c/_delta_log'), lake.path('c-log'))
    symlinkSync(lake.path('c-log'), lake.path('lake/projects/acme/c/_delta_log'))
    const { refs } = await found(tblctl)
    expect(refs).toContain('lake:acme/a')
    expect(refs).toContain('lake:acme/b')
    const { items } = await tblctl.discover({ refs: ['lake:acme/a', 'lake:acme/b'] })
    const report = await tblctl.adopt(items, {}, false)
    expect(report.items.map(({ ref, status }) => [ref, status])).toEqual([
      ['lake:acme/a', 'changed'],
      ['lake:acme/b', 'failed'],
    ])
  })
})

describe('a table that cannot be looked at', () => {
  it('is told, and hides no other table, project or layout', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    for (const place of ['acme', 'acme/a', 'acme/b', 'acme/c', 'globex/d']) await tableAt(lake, tblctl, place)
    const denied = fail('denied', 'storage-denied', 'not for you')
    const wrap = (store: ObjectStore): ObjectStore => ({
      ...store,
      async *list(folder, options) {
        if (folder === 'projects/acme/b/_delta_log') throw denied
        yield* store.list(folder, options)
      },
    })
    await using session = await sessionWith(lake.folder, wrap)
    const { items, errors } = await discover(session, { refs: [] })
    expect(items.map(({ ref }) => ref)).toEqual(['lake:acme/a', 'lake:acme/c', own, 'lake:globex/d'])
    expect(errors).toMatchObject([{ backend: 'lake', error: { code: 'storage-denied' } }])
  })
})

describe('register PROJECT/', () => {
  it('adopts a table of the older layout where the usual place has none', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await tableAt(lake, tblctl, 'acme', 2)
    await tableAt(lake, tblctl, 'acme/metrics')
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({
      ref: own,
      status: 'changed',
      result: { answer: 'adopted', location: `file://${lake.path('lake/projects/acme')}` },
    })
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({ status: 'unchanged', result: { answer: 'exists' } })
    expect(await contentOf(tblctl, own)).toMatchObject({ rows: 2 })
  })

  it('prefers the usual place', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await tableAt(lake, tblctl, 'acme', 2)
    await tableAt(lake, tblctl, 'acme/otel_logs_and_spans', 1)
    expect(await register(tblctl, 'lake:acme/')).toMatchObject({ result: { answer: 'adopted' } })
    expect(await contentOf(tblctl, own)).toMatchObject({ rows: 1 })
  })
})
