/** verify and its --repair as they are typed: what is shown, and the exit codes. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

let world: World
let table: string
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', 'lake:a/u', '--schema', 'metrics')
  for (const n of [1, 2]) {
    await world.write('a.ndjson', metric(n))
    await world.ok('load', 'lake:a/t', 'a.ndjson')
  }
  table = join(world.folder, 'lake/projects/a/t')
})
afterEach(() => world[Symbol.asyncDispose]())
const dataFile = (): string =>
  readdirSync(table, { recursive: true, encoding: 'utf8' }).find((name) => /^[^_].*\.parquet$/.test(name))!

it('says what it looked at', async () => {
  const { stdout } = await world.ok('verify', 'lake:a/t')
  expect(stdout).toMatch(/^lake:a\/t +yes +0 +2 files, [\d.]+ KB$/m)
  expect(await world.json('verify', 'lake:a/t', '--data')).toMatchObject({
    kind: 'VerificationList',
    items: [{ ref: 'lake:a/t', ok: true, problems: [], checked: { files: 2, rows: 2, unnamedFiles: 0 } }],
  })
})

it('exits 1 and names the files when something is wrong, and repairs it by name', async () => {
  const gone = dataFile()
  rmSync(join(table, gone))
  writeFileSync(join(table, 'orphan.parquet'), 'four')
  const { code, stdout, stderr } = await world.cli(['verify', 'lake:a/*'])
  expect(code).toBe(1)
  expect(stdout).toMatch(/^lake:a\/t +no +1 /m)
  expect(stdout).toMatch(/^lake:a\/u +yes +0/m)
  expect(stderr).toContain(`lake:a/t: missing-file ${gone}`)
  expect(stderr).toContain('1 files (4 B)')
  expect(await world.cli(['verify', 'lake:a/t', '--repair', '-y'])).toMatchObject({ code: 64 })
  const dry = await world.ok('verify', 'lake:a/t', '--repair', '--dry-run')
  expect(dry.stdout).toContain('1 rows are lost')
  const { items } = await world.json('verify', 'lake:a/t', '--repair', '--confirm', 't')
  expect(items).toMatchObject([{ status: 'changed', result: { filesRemoved: 1, rowsLost: 1 } }])
  await world.ok('verify', 'lake:a/t', '--data')
  expect((await world.json('query', 'lake:a/t', 'select count(*) as n from t')).rows).toEqual([{ n: 1 }])
})

it('a log that cannot be read is an error, and hides no other answer', async () => {
  writeFileSync(join(table, '_delta_log/00000000000000000001.json'), '{ no')
  const { code, stdout, stderr } = await world.cli(['verify', 'lake:a/*', '-o', 'json'])
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    items: [{ ref: 'lake:a/u', ok: true }],
    errors: [{ ref: 'lake:a/t', error: { code: 'corrupt-commit' } }],
  })
  expect(stderr).toContain('lake:a/t')
})

it('is refused where a driver cannot, with those that can', async () => {
  await world.ok('create', 'mem:a/t', '--schema', 'metrics')
  expect(await world.cli(['verify', 'mem:a/t'])).toMatchObject({ code: 64, stderr: expect.stringContaining('memory') })
})

it('--repair exits 1 while something is left that it cannot mend, and names it', async () => {
  const damaged = dataFile()
  writeFileSync(join(table, damaged), '')
  const { code, stderr } = await world.cli(['verify', 'lake:a/t', '--repair', '--confirm', 't'])
  expect(code).toBe(1)
  expect(stderr).toContain(`lake:a/t: wrong-size ${damaged}`)
})
