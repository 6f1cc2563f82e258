import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultCatalog } from '../../../src/cli/names/config.ts'
import { localNames } from '../../../src/cli/names/names.ts'
import { defaultCatalog as configured } from '../../../src/config/schema.ts'
import { config, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld(
    `${config}schemas: [./mine]\ncontexts:\n  prod:\n    catalog: prod.db\n    backends: { cold: { driver: memory } }\n`,
  )
  await mkdir(join(world.folder, 'mine'))
  await world.write('mine/orders.yaml', 'not looked into')
  await world.write('mine/notes.txt', '')
  await world.ok('create', 'mem:acme/m', 'mem:globex/m', 'lake:acme/m', '--schema', 'metrics')
})
afterAll(() => world[Symbol.asyncDispose]())

const names = (
  what: Parameters<typeof localNames>[0],
  env: Record<string, string> = {},
  config: string | null = null,
) => localNames(what, { config, env, directory: world.folder })

describe('names for completion', () => {
  it('come from the catalog, the config and the schema folders', async () => {
    expect(await names('table')).toEqual(['lake:acme/m', 'mem:acme/m', 'mem:globex/m'])
    expect(await names('project')).toEqual(['acme', 'globex'])
    expect(await names('backend')).toEqual(['lake', 'mem'])
    expect(await names('context')).toEqual(['prod'])
    const schemas = await names('schema')
    expect(schemas).toEqual(expect.arrayContaining(['metrics', 'otel_logs_and_spans', 'orders']))
    expect(schemas).not.toContain('notes')
  })

  it('follow the context and the variables', async () => {
    expect(await names('backend', { TBLCTL_CONTEXT: 'prod' })).toEqual(['cold', 'lake', 'mem'])
    expect(await names('table', { TBLCTL_CONTEXT: 'prod' })).toEqual([])
    await mkdir(join(world.folder, '.tblctl'), { recursive: true })
    expect(await names('table', { TBLCTL_CONTEXT: 'prod', TBLCTL_CATALOG: '.tblctl/catalog.db' })).toHaveLength(3)
    expect(await names('table', {}, 'tblctl.yaml')).toHaveLength(3)
    expect(await names('table', { TBLCTL_CONFIG: join(world.folder, 'tblctl.yaml') })).toHaveLength(3)
  })

  it('are none, and nothing is made, where something is missing or broken', async () => {
    await using other = await openWorld(config)
    const there = { config: null, env: {}, directory: other.folder }
    expect(await localNames('table', there)).toEqual([])
    expect(existsSync(join(other.folder, '.tblctl'))).toBe(false)
    await mkdir(join(other.folder, '.tblctl'))
    await writeFile(join(other.folder, defaultCatalog), 'no database at all, only text')
    expect(await localNames('table', there)).toEqual([])
    for (const text of ['{', '', 'just text', 'catalog: [1]\nbackends: 7\ncontexts: [a]\nschemas: x']) {
      await other.write('tblctl.yaml', text)
      for (const what of ['table', 'project', 'backend', 'context'] as const)
        expect(await localNames(what, there)).toEqual([])
      expect(await localNames('schema', there)).toContain('metrics')
    }
    expect(await localNames('table', { ...there, config: 'nowhere.yaml' })).toEqual([])
  })

  it('are what TAB offers', async () => {
    const offered = async (...words: string[]) =>
      (await world.ok('complete', '--', ...words)).stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])
    expect(await offered('describe', 'mem:')).toEqual(['mem:acme/m', 'mem:globex/m', ':4'])
    expect(await offered('create', 'x', '--schema', 'otel_l')).toEqual(['otel_logs', 'otel_logs_and_spans', ':4'])
    expect(await offered('reshard', 'switch', 'lake:')).toEqual(['lake:acme/m', ':4'])
  })

  it('knows where the catalog is by default', () => expect(defaultCatalog).toBe(configured))
})
