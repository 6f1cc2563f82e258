/** create, register, doctor and the live listing, where Delta has more to say than the generic suite. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DoctorCheck, examine } from '../../src/api/doctor.ts'
import type { Tblctl } from '../../src/api/open.ts'
import { openLocalStore } from '../../src/storage/local.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { type Call, run } from './program.ts'
import { sessionWith } from './with-store.ts'
import { commitAs, create, Lake, loadInto, logOf, register } from './world.ts'

const column = (name: string, type = 'Int64'): string => `  - { name: ${name}, data_type: '${type}', nullable: true }\n`
const schemas = {
  one: `table_name: one\nfields:\n${column('id')}`,
  two: `table_name: two\nfields:\n${column('id')}${column('v')}`,
  nanos: `table_name: nanos\nfields:\n${column('at', 'Timestamp(Nanosecond, None)')}`,
}
const ref = 'lake:acme/t'

describe('create', () => {
  it('adopts what has the same columns, and refuses what has others', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'one')
    await tblctl.operate('unregister', { refs: [ref] }, {})
    const other = await create(tblctl, ref, 'two')
    expect(other.error).toMatchObject({
      kind: 'refused',
      code: 'table-exists',
      hint: expect.stringContaining('register'),
    })
    expect(await create(tblctl, ref, 'one')).toMatchObject({ status: 'changed', result: { answer: 'adopted' } })
    expect(await create(tblctl, ref, 'one')).toMatchObject({ status: 'unchanged' })
    expect((await create(tblctl, ref, 'two')).error).toMatchObject({ code: 'table-exists' })
    expect(logOf(lake.table('t'))).toHaveLength(1)
  })

  it('does not put a new table in the place of one that is lost, nor a registered one elsewhere', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'one')
    for (const item of [await create(tblctl, ref, 'one', 'file:./b'), await register(tblctl, ref, 'file:./b')])
      expect(item.error).toMatchObject({ kind: 'refused', code: 'registered-elsewhere' })
    renameSync(lake.table('t'), lake.path('away'))
    expect((await create(tblctl, ref, 'one')).error).toMatchObject({ kind: 'refused', code: 'table-lost' })
    expect((await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', [])])).error).toMatchObject({
      kind: 'missing',
      code: 'no-delta-table',
    })
  })

  it('refuses what Delta cannot hold, by column', async () => {
    await using lake = new Lake(schemas)
    const { error } = await create(await lake.open(), ref, 'nanos')
    expect(error).toMatchObject({ code: 'unsupported-type', message: expect.stringContaining('column at') })
  })

  it('killed after its commit, it goes on and knows its own table', async () => {
    await using lake = new Lake(schemas)
    const call: Call = { verb: 'create', ref, schema: 'one' }
    expect((await run(lake.folder, call, { FAULT_KILL_AT: 'object-link:after' })).signal).toBe('SIGKILL')
    expect(logOf(lake.table('t'))).toHaveLength(1)
    expect(await create(await lake.open(), ref, 'one')).toMatchObject({ resumed: true, result: { answer: 'created' } })
    expect(logOf(lake.table('t'))).toHaveLength(1)
  })

  it('of two at once makes one table', async () => {
    await using lake = new Lake(schemas)
    await using elsewhere = new Lake(schemas)
    const [a, b] = [await lake.open(), await elsewhere.open()]
    const place = `file:${lake.path('there')}`
    const items = await Promise.all([create(a, ref, 'two', place), create(b, ref, 'two', place)])
    expect(items.map(({ status }) => status)).toEqual(['changed', 'changed'])
    expect(items.map(({ result }) => result!.answer).sort()).toEqual(['adopted', 'created'])
    expect(logOf(lake.path('there'))).toHaveLength(1)
  })
})

describe('a ref that is registered elsewhere after the plan', () => {
  it.each([
    ['create', (tblctl: Tblctl) => create(tblctl, ref, 'one', 'file:./a')],
    ['register', (tblctl: Tblctl) => register(tblctl, ref, 'file:./a')],
  ])('%s is refused and told where', async (_verb, command) => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/first', 'one', 'file:./a')
    await tblctl.operate('unregister', { refs: ['lake:acme/first'] }, {})
    const late = await lake.open({
      approve: async () => {
        await create(tblctl, ref, 'one', 'file:./b')
        return true
      },
    })
    expect((await command(late)).error).toMatchObject({ kind: 'refused', code: 'registered-elsewhere' })
    expect((await tblctl.list({ refs: [] })).items).toHaveLength(1)
  })
})

describe('list --live', () => {
  it('finds tables below the root and below projects’ own roots, and says what is missing', async () => {
    await using lake = new Lake(schemas)
    lake.write(
      'tblctl.yaml',
      'version: 1\nschemas: [./schemas]\nbackends:\n  lake:\n    driver: delta\n    url: file:./lake\n    projects: { globex: { url: "file:./globex" } }\n',
    )
    const tblctl = await lake.open()
    for (const name of ['lake:acme/a', 'lake:globex/b', 'lake:acme/gone']) await create(tblctl, name, 'one')
    await create(tblctl, 'lake:acme/far', 'one', 'file:./elsewhere')
    renameSync(lake.table('gone'), lake.table('found'))
    // No tables: no log, hidden, a name that no ref can have, a file.
    mkdirSync(join(lake.table('empty'), '_delta_log'), { recursive: true })
    lake.write('lake/projects/acme/_hidden/_delta_log/00000000000000000000.json', '{}')
    lake.write('lake/projects/acme/bad name/_delta_log/00000000000000000000.json', '{}')
    lake.write('lake/projects/acme/file', 'x')
    const { items, errors } = await tblctl.list({ refs: [] }, true)
    expect(errors).toEqual([])
    expect(items.map(({ ref, live }) => [ref, live])).toEqual([
      ['lake:acme/a', 'present'],
      ['lake:acme/far', 'present'],
      ['lake:acme/found', 'unregistered'],
      ['lake:acme/gone', 'missing'],
      ['lake:globex/b', 'present'],
    ])
    expect(items.find(({ ref }) => ref === 'lake:globex/b')!.location).toBe(
      `file://${lake.path('globex/projects/globex/b')}`,
    )
  })

  it('has a marker that changes with every commit', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, ref, 'one')
    await using session = await sessionWith(lake.folder, (store) => store)
    const driver = await session.driver('lake')
    const marker = async (project?: string) =>
      (await Array.fromAsync(driver.scan(project === undefined ? {} : { project }, session.reading('lake')))).map(
        (seen) => seen.marker,
      )
    const [first] = await marker()
    commitAs(lake.table('t'), [{ commitInfo: {} }])
    const [second] = await marker('acme')
    expect(second).not.toBe(first)
    expect(await marker()).toEqual([second])
    expect(await marker('other')).toEqual([])
  })
})

describe('doctor', () => {
  const checks = async (
    lake: Lake,
    wrap: (store: ObjectStore) => ObjectStore,
  ): Promise<Record<string, DoctorCheck>> => {
    await using session = await sessionWith(lake.folder, wrap)
    const all = (await Array.fromAsync(examine(session, ['lake']))).filter(({ backend }) => backend === 'lake')
    return Object.fromEntries(all.map((check) => [check.check, check]))
  }

  it('probes the lake and leaves nothing in it', async () => {
    await using lake = new Lake(schemas)
    await create(await lake.open(), ref, 'one')
    const found = await checks(lake, (store) => store)
    expect(found.list).toMatchObject({ ok: true, detail: expect.stringContaining('1 projects') })
    expect(found.write).toMatchObject({ ok: true })
    expect(found.clock).toMatchObject({ ok: true })
    const left = await Array.fromAsync(openLocalStore(lake.path('lake')).list(''))
    expect(left.map(({ key }) => key)).toEqual(['projects/acme/t/_delta_log/00000000000000000000.json'])
  })

  it('says what to do about a root that is a file', async () => {
    await using lake = new Lake(schemas)
    rmSync(lake.path('lake'), { recursive: true, force: true })
    writeFileSync(lake.path('lake'), '')
    const found = await checks(lake, (store) => store)
    expect(found.write).toMatchObject({ ok: false, fix: expect.any(String), detail: expect.stringContaining('lake') })
  })

  it('notices a store that lets two writers win, and one whose clock is off', async () => {
    await using lake = new Lake(schemas)
    const found = await checks(lake, (inner) => ({
      ...inner,
      putIfAbsent: async (key, bytes) => {
        await inner.put(key, bytes)
        return 'written'
      },
      head: async (key) => {
        const info = await inner.head(key)
        return info && { ...info, modifiedAt: new Date(info.modifiedAt.getTime() - 3_600_000) }
      },
    }))
    expect(found.write).toMatchObject({ ok: false, detail: expect.stringContaining('two writers') })
    expect(found.clock).toMatchObject({ ok: false, detail: expect.stringContaining('3600 s') })
  })
})
