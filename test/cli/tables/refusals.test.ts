/** What is refused before anything is done, and what is said when nothing was done. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verbs } from '../../../src/cli/verbs.ts'
import { spawnCli } from '../../support/run-cli.ts'
import { Project } from '../setup/project.ts'
import { metric, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1))
  await world.ok('load', 'lake:a/t', 'a.ndjson')
})
afterAll(() => world[Symbol.asyncDispose]())

describe('-o csv of what has no rows', () => {
  it('leaves no file behind', async () => {
    expect(await world.cli(['export', 'lake:a/t', '--out', 'x.csv', '-o', 'csv'])).toMatchObject({ code: 64 })
    expect(existsSync(join(world.folder, 'x.csv'))).toBe(false)
    mkdirSync(join(world.folder, 'new'))
    expect(await world.cli(['init', '-y', '--directory', 'new', '-o', 'csv'])).toMatchObject({ code: 64 })
    expect(existsSync(join(world.folder, 'new/tblctl.yaml'))).toBe(false)
    expect(await world.cli(['version', '--columns', 'x'])).toMatchObject({ code: 64 })
  })
  it('is declared by every command that prints such a thing', async () => {
    const declared: string[] = []
    for (const verb of verbs) {
      const { command } = await verb.load()
      for (const one of [command, ...(command.children ?? [])])
        if (one.prints) declared.push(`${verb.name}/${one.name}`)
    }
    expect(declared).toEqual(expect.arrayContaining(['init/init', 'export/export', 'jobs/prune', 'context/use']))
  })
})

describe('words for a bad value', () => {
  it.each([
    [['optimize', 'lake:a/t', '--target-size', '0B'], '--target-size must be more than 0'],
    [['completion', 'tcsh'], '"tcsh" is no shell; choose bash, zsh, fish'],
    [['export', 'lake:a/t', '--format', 'foo'], '--format: "foo" is no format; choose ndjson, csv, parquet'],
    [['list', '--watch=0s'], '"0s" is no pause'],
    [['label', 'lake:a/t', 'protect=maybe'], 'protect is true or false, not "maybe"'],
    [['label', 'lake:a/t', 'x=1', 'x-'], '"x" is set and removed'],
  ])('%j', async (argv, text) => {
    expect(await world.cli(argv)).toMatchObject({ code: 64, stderr: expect.stringContaining(text) })
  })
})

describe('load', () => {
  it('says that there were no rows', async () => {
    expect(await world.cli(['load', 'lake:a/t', '-'], { stdin: '' })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('there were no rows for lake:a/t in the input'),
    })
    const again = await world.ok('load', 'lake:a/t', 'a.ndjson')
    expect(again.stderr).toContain('they were loaded before; --again loads them anew')
    await world.write('empty.ndjson', '')
    expect((await world.ok('load', 'lake:a/t', 'empty.ndjson')).stderr).toContain('no new rows for lake:a/t')
  })
  it('takes regular files only', async () => {
    spawnSync('sh', ['-c', 'mkfifo f.ndjson'], { cwd: world.folder })
    expect(await world.cli(['load', 'lake:a/t', 'f.ndjson'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('use - and a pipe'),
    })
  })
})

it('create again says that the table is there', async () => {
  expect((await world.ok('create', 'lake:a/t', '--schema', 'metrics')).stdout).toContain('exists, location')
})

it('a tblctl.yaml that is no file is called what it is', async () => {
  using project = new Project(null)
  mkdirSync(join(project.folder, 'q/tblctl.yaml'), { recursive: true })
  mkdirSync(join(project.folder, 'l'))
  symlinkSync('tblctl.yaml', join(project.folder, 'l/tblctl.yaml'))
  for (const [cwd, text] of [
    ['q', 'tblctl.yaml is a folder'],
    ['l', 'leads to itself'],
  ] as const)
    expect(await project.run(['list'], { cwd: join(project.folder, cwd) })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(text),
    })
})

it('doctor goes on without a catalog', async () => {
  await using broken = await openWorld()
  mkdirSync(join(broken.folder, '.tblctl'))
  writeFileSync(join(broken.folder, '.tblctl/catalog.db'), 'no database at all')
  const { code, stdout, stderr } = await broken.cli(['doctor'])
  expect({ code, failed: stdout.match(/✗/g) }).toEqual({ code: 1, failed: ['✗'] })
  expect(stdout).toContain('✗ catalog')
  expect(stdout).toContain('✓ store')
  expect(stderr).toContain('1 of')
})

it('a call that the engine does not interrupt ends with the process', { timeout: 30_000 }, async () => {
  const sql = "select length(repeat('x', 4000000000)) from t"
  const timed = spawnCli(['query', 'lake:a/t', sql, '--timeout', '1s'], { cwd: world.folder })
  expect(await timed.result).toMatchObject({ code: 124, stderr: expect.stringContaining('stopped by --timeout') })
})
