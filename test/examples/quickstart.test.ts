import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandFailed, commandLine, createRunner } from '../../scripts/quickstart/command-runner.ts'
import { runProgram } from './run-program.ts'

const script = fileURLToPath(new URL('../../scripts/quickstart.ts', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tblctl-quickstart-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

const quickstart = (...argv: string[]) =>
  runProgram(process.execPath, ['--no-warnings', script, ...argv], {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: folder,
    // Somebody else's tables: not touched.
    TBLCTL_CONFIG: '/nowhere/tblctl.yaml',
  })

describe('the quickstart', () => {
  it('shows every step and what changed, and keeps its folder', { timeout: 120_000 }, async () => {
    const { status, stdout, stderr } = await quickstart('--only', 'delta', '--loads', '36')
    expect(status, stderr).toBe(0)
    const commands = [...stdout.matchAll(/^\$ tblctl (\S+)/gm)].map(([, verb]) => verb)
    expect(commands.join(' ')).toBe(
      'init create create create load load list describe stats query optimize stats query delete history restore vacuum',
    )
    expect(stdout).toContain('… and 34 more')
    expect(stdout).toMatch(/^lake:initech\/events +400 +\d+ → 3 /m)
    expect(stdout).toMatch(/^total +3600 +\d+ → 27 /m)
    expect(stdout).toContain('Rows and contents of all 9 tables are as before')
    // Colours are for terminals.
    expect(stdout + stderr).not.toContain('\x1b')
    const [kept] = await readdir(folder)
    expect(stdout).toContain(`rm -r ${join(folder, kept!)}`)
  })

  it('shows the embedded drivers, and checks what they say', { timeout: 120_000 }, async () => {
    const { status, stdout, stderr } = await quickstart('--only', 'clickhouse,sharded-sql,user-tables')
    expect(status, stderr).toBe(0)
    const commands = new Set([...stdout.matchAll(/^\$ tblctl (\S+)/gm)].map(([, verb]) => verb))
    expect([...commands].sort()).toEqual(['flush', 'load', 'optimize', 'query', 'sql', 'stats', 'tenant'])
    expect(stdout).toContain('nothing to do')
  })

  it('refuses a number of loads that it cannot show', async () => {
    expect(await quickstart('--loads', '8')).toMatchObject({ status: 64, stdout: '' })
    expect((await quickstart('--only', 'delta,bogus')).stderr).toContain('parts are delta, clickhouse')
    const unknown = await quickstart('--bogus')
    expect(unknown).toMatchObject({ status: 64, stdout: '' })
    expect(unknown.stderr).not.toContain('    at ')
  })
})

describe('a command of the quickstart', () => {
  it('that fails throws its output and its exit code', async () => {
    const runner = createRunner(folder, () => {})
    const failure = await runner.capture('list').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CommandFailed)
    expect(failure).toMatchObject({ code: 78, message: 'tblctl list failed (exit code 78)' })
    expect((failure as CommandFailed).output).toContain('tblctl init')
  })

  it.each([
    [['list', '--all'], 'tblctl list --all'],
    [['query', 'lake:a/b', "select 'x'"], `tblctl query lake:a/b "select 'x'"`],
    [['query', 'lake:a/b', "select '$'"], `tblctl query lake:a/b 'select '\\''$'\\'''`],
    [['list', 'lake:*/b'], 'tblctl list "lake:*/b"'],
  ])('is printed as one types it: %j', (argv, line) => expect(commandLine(argv)).toBe(line))
})
