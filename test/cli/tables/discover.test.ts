/** discover as it is typed: what nobody registered, and its adoption. */
import { cpSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { config, metric, openWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', 'lake:a/u', 'lake:b/t', 'mem:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1))
  await world.ok('load', 'lake:a/t', 'a.ndjson')
  await world.ok('unregister', 'lake:a/t', 'lake:b/t', 'mem:a/t')
})
afterEach(() => world[Symbol.asyncDispose]())
const found = async (...flags: string[]): Promise<string[]> =>
  (await world.json('discover', ...flags)).items.map((item: { ref: string }) => item.ref)

it('lists what the backends hold and nobody registered', async () => {
  expect(await found()).toEqual(['lake:a/t', 'lake:b/t', 'mem:a/t'])
  expect(await found('--backend', 'lake')).toEqual(['lake:a/t', 'lake:b/t'])
  expect(await found('lake:*/t', '--project', 'b')).toEqual(['lake:b/t'])
  expect(await found('lake:a/')).toEqual(['lake:a/t'])
  const { stdout } = await world.ok('discover', '--backend', 'lake')
  expect(stdout).toContain('unregistered')
})

it('--register adopts it where it lies, --dry-run only says so', async () => {
  await world.ok('discover', '--backend', 'lake', '--register', '--dry-run')
  expect(await found('--backend', 'lake')).toHaveLength(2)
  const { items, summary } = await world.json('discover', '--backend', 'lake', '--register', '--label', 'tier=old')
  expect(summary).toMatchObject({ changed: 2 })
  expect(items).toMatchObject([{ ref: 'lake:a/t', result: { answer: 'adopted', rows: 1 } }, { ref: 'lake:b/t' }])
  expect(await found('--backend', 'lake')).toEqual([])
  expect((await world.json('list', '-l', 'tier=old')).items).toHaveLength(2)
  const { stderr } = await world.ok('discover', '--backend', 'lake')
  expect(stderr).toContain('every table that the backends hold is registered')
})

it('finds a table of the older layout, and one whose name is taken elsewhere', async () => {
  const projects = join(world.folder, 'lake/projects')
  mkdirSync(join(projects, 'c'))
  renameSync(join(projects, 'a/t/_delta_log'), join(projects, 'c/_delta_log'))
  cpSync(join(projects, 'b/t'), join(world.folder, 'elsewhere'), { recursive: true })
  await world.ok('register', 'lake:b/moved', '--location', './elsewhere')
  expect(await found('--backend', 'lake')).toEqual(['lake:b/t', 'lake:c/otel_logs_and_spans'])
})

it('tells a backend that cannot be listed, and lists the others', async () => {
  const keys = 'credentials: { accessKeyId: "file:./key", secretAccessKey: "file:./key" }'
  const away = `  away: { driver: delta, url: "s3://bucket/x", endpoint: "http://127.0.0.1:1", ${keys} }\n`
  await world.write('tblctl.yaml', config + away)
  await world.write('key', 'k')
  const { code, stdout, stderr } = await world.cli(['discover', '-o', 'json'])
  expect(JSON.parse(stdout).items.map((item: { ref: string }) => item.ref)).toEqual(['lake:a/t', 'lake:b/t', 'mem:a/t'])
  expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining('away') })
  const none = await world.cli(['discover', '--backend', 'away'])
  expect(none.stderr).not.toContain('every table that the backends hold is registered')
  expect(none.stderr).toContain('every table of the backends that could be listed is registered')
})
