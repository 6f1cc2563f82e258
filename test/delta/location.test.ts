/** Where tables lie: derived places stay below the root, named ones may be anywhere, and one place has one ref. */
import { cpSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openLocations } from '../../src/drivers/delta/location.ts'
import { openLocalStore } from '../../src/storage/local.ts'
import { contentOf, create, Lake, loadInto, logOf, register } from './world.ts'

const view = (part: object) => ({ view: expect.objectContaining(part) })
const locations = (config: object = {}) => {
  const opened: string[] = []
  const found = openLocations({ url: 'file:./lake', ...config }, '/config', (path) => {
    opened.push(path)
    return openLocalStore(path)
  })
  const at = (explicit: string) => found.of({ path: 'lake/acme/t', spec: null }, explicit)
  return { found, at, opened }
}

describe('the forms of a location', () => {
  it.each([
    ['file:./x', '/config/x'],
    ['file:x/y', '/config/x/y'],
    ['file:../x', '/x'],
    ['file:/abs/x', '/abs/x'],
    ['file:/abs/x/', '/abs/x'],
    ['FILE:/abs/x', '/abs/x'],
    ['file:///abs/x', '/abs/x'],
    ['file:///abs/x/', '/abs/x'],
    ['file://localhost/abs/x', '/abs/x'],
    ['x', '/config/x'],
    ['./x/', '/config/x'],
    ['/abs/x', '/abs/x'],
    ['file:/with space/%20/é', '/with space/%20/é'],
    ['file:///with%20space/%C3%A9', '/with space/é'],
    ['file:///with space', '/with space'],
    ['file:./a?b#c', '/config/a?b#c'],
    ['file:///a%3Fb%23c', '/a?b#c'],
    ["file:/it's/100%", "/it's/100%"],
  ])('%s', (text, path) => {
    const location = locations().at(text)
    expect(location).toMatchObject({ prefix: '', url: pathToFileURL(path).href })
    expect(location.store.localPath('a')).toBe(join(path, 'a'))
    // What the catalog keeps names the same place.
    expect(locations().at(location.url).url).toBe(location.url)
  })

  it.each([
    ['gs://bucket/x', 'no place'],
    ['http://host/x', 'no place'],
    ['file://host/share', 'no file URL'],
    ['file:///a%2Fb', 'no file URL'],
    ['file:///a?b', 'ends the path'],
    ['file:///a#b', 'ends the path'],
    ['file:', 'names no folder'],
    ['', 'names no folder'],
    ['file:/a\0b', 'cannot be a path'],
    ['file:///a%00b', 'cannot be a path'],
    ['file:/\ud800', 'cannot be a path'],
  ])('refuses %j', (text, says) => {
    const { at } = locations()
    expect(() => at(text)).toThrow(expect.objectContaining(view({ kind: 'usage', code: 'bad-location' })))
    expect(() => at(text)).toThrow(says)
  })

  it('derives the rest from the ref, below the root or the project’s own', () => {
    const { found, opened } = locations({ projects: { globex: { url: 'file:/globex' } } })
    expect(found.of({ path: 'lake/acme/metrics', spec: null }).url).toBe('file:///config/lake/projects/acme/metrics')
    expect(found.of({ path: 'lake/globex/metrics', spec: null }).url).toBe('file:///globex/projects/globex/metrics')
    expect(found.of({ path: 'lake/constructor/t', spec: null }).url).toBe('file:///config/lake/projects/constructor/t')
    expect(opened).toEqual(['/config/lake', '/globex'])
    for (const path of ['lake/_delta_log/t', 'lake/acme/_delta_log', 'lake/_x/t'])
      expect(() => found.of({ path, spec: null })).toThrow(expect.objectContaining(view({ code: 'bad-ref' })))
  })
})

const small = 'table_name: small\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n'

describe('where tables lie', () => {
  it('a derived place does not leave the root, not even through a link', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    for (const ref of ['lake:../t', 'lake:acme/..', 'lake:a/b/c', 'lake:acme/.hidden', 'lake:acme/a\0b'])
      await expect(create(tblctl, ref, 'small')).rejects.toMatchObject(view({ kind: 'usage', code: 'bad-ref' }))
    mkdirSync(lake.path('outside'))
    mkdirSync(lake.path('lake/projects'), { recursive: true })
    symlinkSync(lake.path('outside'), lake.path('lake/projects/linked'))
    const refused = await create(tblctl, 'lake:linked/t', 'small')
    expect(refused).toMatchObject({ status: 'failed', error: { kind: 'data', code: 'outside-root' } })
    expect(await register(tblctl, 'lake:linked/t')).toMatchObject({ error: { code: 'outside-root' } })
    // Named by its user, the same place is fine.
    expect(await create(tblctl, 'lake:linked/t', 'small', 'file:./outside/t')).toMatchObject({ status: 'changed' })
    expect(logOf(lake.path('outside/t'))).toHaveLength(1)
  })

  it('a named place may be anywhere, with any name, and works like any other', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    const input = lake.rows('a.ndjson', [{ id: 1 }])
    for (const [i, name] of ['with space', '100%', 'é日本🙂', 'a?b#c', "it's", '[x]*'].entries()) {
      const ref = `lake:acme/t${i}`
      expect(await create(tblctl, ref, 'small', `file:${lake.path(name)}`)).toMatchObject({ status: 'changed' })
      expect(await loadInto(tblctl, lake.folder, ref, [input])).toMatchObject({ result: { rows: 1 } })
      expect((await contentOf(tblctl, ref)).rows).toBe(1)
      expect((await tblctl.describe(ref)).spec.location).toBe(pathToFileURL(lake.path(name)).href)
    }
    expect((await tblctl.list({ refs: [] }, true)).items.map(({ live }) => live)).toEqual(Array(6).fill('present'))
  })
})

describe('one place, one ref', () => {
  it('a second ref for a table is refused and told the first, until that is unregistered', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/a', 'small', 'file:./there')
    for (const attempt of [
      () => register(tblctl, 'lake:acme/b', 'file:./there'),
      () => register(tblctl, 'lake:acme/b', lake.path('there/')),
      () => create(tblctl, 'lake:acme/b', 'small', `file:${lake.path('x/../there')}`),
    ])
      expect(await attempt()).toMatchObject({
        status: 'failed',
        error: { kind: 'refused', code: 'location-taken', message: expect.stringContaining('lake:acme/a') },
      })
    expect(await register(tblctl, 'lake:acme/a', 'file:./there')).toMatchObject({ status: 'unchanged' })
    await tblctl.operate('unregister', { refs: ['lake:acme/a'] }, {})
    expect(await register(tblctl, 'lake:acme/b', 'file:./there')).toMatchObject({ status: 'changed' })
  })

  it('no new table lies inside or around another one; one that is there is adopted all the same', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/a', 'small', 'file:./out/a')
    const nested = (place: string) => create(tblctl, 'lake:acme/b', 'small', `file:${lake.path(place)}`)
    for (const [place, says] of [
      ['out/a/sub/deep', 'inside'],
      ['out', 'around'],
    ] as const)
      expect((await nested(place)).error).toMatchObject({
        kind: 'refused',
        code: 'nested-table',
        message: expect.stringContaining(says),
      })
    // Its log is out of sight; the catalog knows it.
    renameSync(lake.path('out/a/_delta_log'), lake.path('aside'))
    for (const place of ['out/a/sub/deep', 'out'])
      expect((await nested(place)).error).toMatchObject({ kind: 'refused', code: 'location-taken' })
    expect(await nested('out/ab')).toMatchObject({ status: 'changed' })

    cpSync(lake.path('out/ab'), lake.path('lake/projects/acme'), { recursive: true })
    expect(await create(tblctl, 'lake:acme/inner', 'small')).toMatchObject({ status: 'changed' })
    expect(await register(tblctl, 'lake:acme/outer', 'file:./lake/projects/acme')).toMatchObject({ status: 'changed' })
    // Its place follows from its name, and whatever cleans up the outer table keeps out of it.
    expect(await create(tblctl, 'lake:acme/second', 'small')).toMatchObject({ status: 'changed' })
  })

  it('projects keep their own roots to themselves', async () => {
    await using lake = new Lake({ small })
    const projects = '{ globex: { url: "file:./globex" }, initech: { url: "file:./lake/initech" } }'
    lake.write(
      'tblctl.yaml',
      `version: 1\nschemas: [./schemas]\nbackends: { lake: { driver: delta, url: "file:./lake", projects: ${projects} } }\n`,
    )
    const tblctl = await lake.open()
    const refused = { kind: 'refused', code: 'place-of-others' }
    for (const [ref, place] of [
      ['lake:globex/t', 'lake/projects/acme/t'],
      ['lake:globex/t', 'lake/projects/globex/t'],
      ['lake:globex/t', 'lake/initech/projects/initech/t'],
      ['lake:globex/t', 'globex/projects/acme/t'],
      ['lake:globex/t', 'globex/projects'],
      ['lake:acme/t', 'globex/projects/globex/t'],
      ['lake:initech/t', 'lake/projects/initech/t'],
    ] as const) {
      expect((await create(tblctl, ref, 'small', `file:${lake.path(place)}`)).error, place).toMatchObject(refused)
      expect((await register(tblctl, ref, `file:${lake.path(place)}`)).error, place).toMatchObject(refused)
    }
    for (const [ref, place] of [
      ['lake:globex/a', 'globex/projects/globex/other'],
      ['lake:globex/b', 'globex/beside'],
      ['lake:globex/c', 'elsewhere/c'],
      ['lake:initech/a', 'lake/initech/projects/initech/a2'],
      ['lake:acme/a', 'lake/projects/shared/a'],
    ] as const)
      expect(await create(tblctl, ref, 'small', `file:${lake.path(place)}`), place).toMatchObject({ status: 'changed' })
  })

  it('of two refs in one command one gets it', async () => {
    await using lake = new Lake({ small })
    const tblctl = await lake.open()
    const options = { schema: 'small', location: 'file:./there', labels: {} }
    const { items } = await tblctl.provision('create', ['lake:acme/a', 'lake:acme/b'], options)
    expect(items.map(({ status }) => status).sort()).toEqual(['changed', 'failed'])
    expect(items.find(({ error }) => error)!.error!.code).toMatch(/busy|location-taken/)
    expect((await tblctl.list({ refs: [] })).items).toHaveLength(1)
  })
})
