import { describe, expect, it } from 'vitest'
import type { CommandModule } from '../../../src/cli/command.ts'
import { runCli } from '../../support/run-cli.ts'
import { echoCommand, listCommand, withVerbs } from './fake-verbs.ts'

const jobs: CommandModule = {
  name: 'jobs',
  summary: 'Work with jobs',
  examples: [],
  children: [
    { ...echoCommand, name: 'list', summary: 'List jobs' },
    { ...echoCommand, name: 'show', summary: 'Show a job' },
  ],
}
const reshard: CommandModule = { ...echoCommand, name: 'reshard', children: [{ ...echoCommand, name: 'status' }] }
const verbs = withVerbs([echoCommand, listCommand, jobs, reshard])
const echo = async (...argv: string[]) => JSON.parse((await runCli([...argv, '-o', 'json'], { verbs })).stdout)

describe('shared flags', () => {
  it('stand before and after the command', async () => {
    const before = await runCli(['-o', 'json', '--parallelism=7', '-y', 'echo', 'a'], { verbs })
    const after = await runCli(['echo', 'a', '--parallelism', '7', '-yo', 'json'], { verbs })
    const [a, b] = [before, after].map(({ stdout }) => JSON.parse(stdout))
    expect(a.global).toMatchObject({ output: 'json', parallelism: 7, yes: true })
    expect(b.global).toEqual(a.global)
    expect(b.args).toEqual({ words: ['a'] })
  })

  it('take their value from the environment, and a flag wins', async () => {
    const env = {
      TBLCTL_OUTPUT: 'json',
      TBLCTL_PARALLELISM: '3',
      TBLCTL_NO_INPUT: '1',
      TBLCTL_TIMEOUT: '',
      TBLCTL_YES: 'no',
    }
    const { stdout } = await runCli(['echo', '--parallelism', '5'], { verbs, env })
    expect(JSON.parse(stdout).global).toMatchObject({ parallelism: 5, input: false, timeoutMs: null, yes: false })
  })

  it('say which variable holds nonsense', async () => {
    const bad = await runCli(['echo'], { verbs, env: { TBLCTL_PARALLELISM: 'many' } })
    expect(bad).toMatchObject({ code: 64, stdout: '' })
    expect(bad.stderr).toContain('TBLCTL_PARALLELISM: "many" is no whole number from 1 to 1000')
    const truth = await runCli(['echo'], { verbs, env: { TBLCTL_YES: 'perhaps' } })
    expect(truth.stderr).toContain('TBLCTL_YES: "perhaps" is neither 1 nor 0')
  })

  it('are read with their units', async () => {
    const { global } = await echo(
      'echo',
      '--timeout',
      '2m',
      '--lock-timeout',
      '30s',
      '-l',
      'tier=hot',
      '-l',
      'a=b=c',
      '--all',
    )
    expect(global).toMatchObject({
      timeoutMs: 120_000,
      lockTimeoutMs: 30_000,
      labels: [
        ['tier', 'hot'],
        ['a', 'b=c'],
      ],
      all: true,
    })
  })

  it.each([
    [['list', '--dry-run'], 'list does not take --dry-run'],
    [['--dry-run', 'list'], 'list does not take --dry-run'],
    [['version', '--columns', 'a'], 'version does not take --columns'],
    [['echo', '--timeout', '30'], '--timeout: "30" is no duration'],
    [['echo', '-l', 'tier'], '--selector: "tier" is no label'],
    [['echo', '--run-id', 'a b'], '--run-id: "a b" is no run id'],
    [['echo', '--project', '../x'], '--project: "../x" is no name'],
    [['echo', '-o', 'jsn'], 'did you mean json?'],
    [['echo', '--size', 'huge'], 'choose small, large'],
    [['echo', '--parallelism'], "option '--parallelism <n>' argument missing"],
    [['list', '--columns', 'rfe'], 'did you mean ref?'],
    [['list', '--columns', ','], '--columns names no column'],
    [['list', '--sort-by', 'size:desc'], 'there is no column "size"'],
    [['list', '-o', 'json', '--columns', 'ref'], '--columns has no effect on -o json'],
    [['list', '-o', 'name', '--no-headers'], '--no-headers has no effect on -o name'],
    [['--shards', '5', 'echo'], '--shards does not stand before the command'],
  ])('%j is refused', async (argv, message) => {
    const { code, stdout, stderr } = await runCli(argv, { verbs })
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(message)
  })
})

describe('commands', () => {
  it('loads the chosen one only', async () => {
    const loaded: string[] = []
    await runCli(['ls'], { verbs: withVerbs([listCommand, echoCommand], loaded) })
    expect(loaded).toEqual(['list'])
    await runCli(['--help'], { verbs: withVerbs([listCommand, echoCommand], loaded) })
    expect(loaded).toEqual(['list'])
  })

  it('finds sub-commands, with flags anywhere', async () => {
    expect((await echo('jobs', 'list')).args).toEqual({ words: [] })
    expect((await echo('--parallelism', '2', 'jobs', '--lock-timeout', '1s', 'show', 'x')).global).toMatchObject({
      parallelism: 2,
      lockTimeoutMs: 1000,
    })
    expect((await echo('reshard', 'users', '--size', 'small')).args).toEqual({ words: ['users'] })
    expect((await echo('reshard', '--size', 'small', 'status', 'users')).args).toEqual({ words: ['users'] })
  })

  it('keeps repeated and absent options apart', async () => {
    expect((await echo('echo', '--set', 'a', '--set', 'b')).options).toEqual({ set: ['a', 'b'] })
  })

  it('ends flags at --', async () => {
    const { stdout } = await runCli(['-o', 'json', 'echo', '--', '--dry-run', '-x'], { verbs })
    expect(JSON.parse(stdout)).toMatchObject({ args: { words: ['--dry-run', '-x'] }, global: { dryRun: false } })
  })

  it.each([
    [['versoin'], '"versoin" is no command of tblctl\n  did you mean version?'],
    [['\u001b[31mx'], '"\\u001b[31mx" is no command'],
    [['complet'], 'try: tblctl --help'],
    [['jobs'], 'jobs needs one of: list, show'],
    [['jobs', 'lst'], 'did you mean jobs list?'],
    [['jobs', 'zzzzzzzz'], 'try: tblctl jobs --help'],
    [['-q'], 'a command is missing'],
    [['version', 'x'], 'version: too many arguments'],
    [['completion'], "completion: missing required argument 'shell'"],
    [['version', '--outptu', 'json'], 'version has no flag --outptu\n  did you mean --output?'],
    [['version', '--zzzzzzzzzz'], 'try: tblctl version --help'],
  ])('%j is refused', async (argv, message) => {
    const { code, stderr, stdout } = await runCli(argv, { verbs })
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(message)
  })

  it.each([[['version', '-o', 'json', '--zzz']], [['-ojson', 'vresion']], [['--output=json', 'version', 'x']]])(
    'answers %j with an error object',
    async (argv) => {
      const { code, stderr } = await runCli(argv, { verbs })
      expect(code).toBe(64)
      expect(JSON.parse(stderr)).toMatchObject({
        apiVersion: 'tblctl/v1',
        kind: 'Error',
        error: { kind: 'usage', retry: 'no' },
      })
    },
  )
})

describe('version', () => {
  it('prints for people and for scripts', async () => {
    const { stdout } = await runCli(['version', '-o', 'json'])
    expect(JSON.parse(stdout)).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'Version',
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    })
    expect((await runCli(['--version'])).stdout).toMatch(/^tblctl \d+\.\d+\.\d+\n$/)
    expect((await runCli(['version'])).stdout).toMatch(/^version +\d/)
  })
})
