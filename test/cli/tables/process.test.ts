/** What only a real process shows: pipes that close, standard input, what is loaded. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnCli } from '../../support/run-cli.ts'
import { metric, openWorld, type World } from './world.ts'

const start = fileURLToPath(new URL('../../../src/cli/start.ts', import.meta.url))
const manyRows = 'select r, value, timestamp from t, range(300000) as numbers(r)'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:a/t', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1))
  await world.ok('load', 'mem:a/t', 'a.ndjson')
})
afterAll(() => world[Symbol.asyncDispose]())

const shell = (script: string): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn('bash', ['-c', script], {
      cwd: world.folder,
      env: { ...process.env, NODE: process.execPath, START: start },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (piece) => (stdout += piece))
    child.stderr.on('data', (piece) => (stderr += piece))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })

describe('a pipe', () => {
  it.each(['table', 'ndjson', 'csv', 'json'])(
    'whose reader has enough ends a query quietly (-o %s)',
    async (format) => {
      const script = `"$NODE" "$START" query mem:a/t "${manyRows}" -o ${format} | head -n 1 > /dev/null; echo "\${PIPESTATUS[0]}"`
      expect(await shell(script)).toEqual({ code: 0, stdout: '0\n', stderr: '' })
    },
  )

  it('gets every row when it is read to its end', async () => {
    const { stdout } = await shell(`"$NODE" "$START" query mem:a/t "${manyRows}" -o csv --no-headers | wc -l`)
    expect(stdout.trim()).toBe('300000')
  })

  it('feeds a load', async () => {
    await world.ok('create', 'mem:a/piped', '--schema', 'metrics')
    const { result } = spawnCli(['load', 'mem:a/piped', '-', '-o', 'json'], {
      cwd: world.folder,
      stdin: metric(1) + metric(2),
    })
    const { code, stdout } = await result
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      report: { items: [{ result: { rows: 2 } }] },
    })
  })

  it('does not hold up a command that refuses before it reads', async () => {
    const { child, result } = spawnCli(['load', 'mem:a/nope', '-'], { cwd: world.folder })
    child.stdin.destroy()
    expect(await result).toMatchObject({ code: 66 })
  })
})

describe('the process', () => {
  it('names the origin of a config that a variable names', async () => {
    const env = { HOME: world.folder, TBLCTL_CONFIG: 'tblctl.yaml', TBLCTL_CONTEXT: 'nowhere' }
    expect(await world.cli(['list'], { env })).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('at TBLCTL_CONTEXT'),
    })
    expect(await world.cli(['list'], { env: { HOME: world.folder, TBLCTL_CONFIG: 'no.yaml' } })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('at TBLCTL_CONFIG'),
    })
    expect(await world.cli(['list', '-c', 'no.yaml'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('at --config'),
    })
  })

  it('opens no engine to list, and no config reader to complete', async () => {
    const trace = `import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
    await world.write('trace.mjs', trace)
    const loaded = async (...argv: string[]) => {
      const { stderr } = await shell(`"$NODE" --import ./trace.mjs "$START" ${argv.join(' ')} > /dev/null`)
      const names = stderr.split('\n').map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
      return [...new Set(names.filter((name) => name !== undefined))].sort()
    }
    expect(await loaded('list')).toEqual(['commander', 'js-yaml', 'picocolors', 'zod'])
    expect(await loaded('complete', '--', 'describe', 'mem:')).toEqual([
      '@bomb.sh/tab',
      'commander',
      'js-yaml',
      'picocolors',
    ])
    expect(await loaded('list', '--help')).toEqual(['commander', 'picocolors'])
  })
})
