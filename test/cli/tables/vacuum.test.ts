/** vacuum as it is typed: what is shown, asked for and refused. */
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

let world: World
let table: string
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', '--schema', 'metrics')
  for (const n of [1, 2]) {
    await world.write('a.ndjson', metric(1).repeat(n))
    await world.ok('load', 'lake:a/t', 'a.ndjson')
  }
  await world.ok('optimize', 'lake:a/t')
  table = join(world.folder, 'lake/projects/a/t')
})
afterEach(() => world[Symbol.asyncDispose]())
const dataFiles = (): string[] =>
  readdirSync(table, { recursive: true, encoding: 'utf8' }).filter((name) => /^[^_].*\.parquet$/.test(name))

it('shows how many files and bytes would go, and removes nothing', async () => {
  const old = new Date(Date.now() - 9 * 86_400_000)
  writeFileSync(join(table, 'orphan.parquet'), 'four')
  utimesSync(join(table, 'orphan.parquet'), old, old)
  const { items } = await world.json('vacuum', 'lake:a/t', '--dry-run')
  expect(items).toMatchObject([
    {
      ref: 'lake:a/t',
      plan: { files: 1, bytes: 4, mode: 'full', retainMs: 604_800_000, sample: ['orphan.parquet'], risk: 'moderate' },
    },
  ])
  expect(dataFiles()).toContain('orphan.parquet')
  expect((await world.json('vacuum', 'lake:a/t', '--retain', '10d', '--dry-run')).items[0].plan).toMatchObject({
    files: 0,
  })
  expect(await world.cli(['vacuum', 'lake:a/t'])).toMatchObject({ code: 64 })
  const { stdout } = await world.ok('vacuum', 'lake:a/t', '-y')
  expect(stdout).toMatch(/files removed 1, bytes removed 4 B/)
  expect((await world.json('vacuum', 'lake:a/t', '-y')).items).toMatchObject([
    { status: 'unchanged', result: { filesRemoved: 0, bytesRemoved: 0 } },
  ])
})

it('refuses a retention below the floor, and needs the name where it is asked for', async () => {
  const files = dataFiles()
  const refused = await world.cli(['vacuum', 'lake:a/t', '--retain', '1h', '-y'])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('7d') })
  expect(refused.stderr).toContain('--below-floor')
  expect(await world.cli(['vacuum', 'lake:a/t', '--retain', '0s', '--below-floor', '-y'])).toMatchObject({ code: 64 })
  expect(dataFiles()).toEqual(files)
  const { items } = await world.json('vacuum', 'lake:a/t', '--retain', '0s', '--below-floor', '--confirm', 't')
  expect(items).toMatchObject([{ status: 'changed', result: { filesRemoved: 2, verified: ['log', 'age'] } }])
  expect((await world.json('query', 'lake:a/t', 'select count(*) as n from t')).rows).toEqual([{ n: 3 }])
})

it('by the log alone', async () => {
  expect((await world.json('vacuum', 'lake:a/t', '--mode', 'lite', '-y')).items).toMatchObject([
    { status: 'unchanged' },
  ])
})

it.each([
  [['--retain', '7'], 'unit'],
  [['--retain', '-1h'], '--retain'],
  [['--mode', 'half'], 'full, lite'],
  [['--below-floor'], '--retain'],
  [['--by-rows'], '--expired'],
  [['--expired', '--mode', 'lite'], '--expired'],
  [['--trash'], '--backend'],
])('%j is a mistake, and the answer says which', async (flags, told) => {
  const { code, stderr } = await world.cli(['vacuum', 'lake:a/t', '-y', ...flags])
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining(told) })
})
