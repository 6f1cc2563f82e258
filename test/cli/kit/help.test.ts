import { describe, expect, it } from 'vitest'
import { topics } from '../../../src/cli/help/topics.ts'
import { verbs } from '../../../src/cli/verbs.ts'
import { exitCodes } from '../../../src/core/errors.ts'
import { runCli } from '../../support/run-cli.ts'
import { listCommand, withVerbs } from './fake-verbs.ts'

const golden = (name: string) => new URL(`../../golden/${name}`, import.meta.url).pathname

describe('help', () => {
  it.each([
    ['help-version.txt', ['version', '--help']],
    ['help-completion.txt', ['completion', '-h']],
    ['help-exit-codes.txt', ['help', 'exit-codes']],
    ['help-environment.txt', ['help', 'environment']],
    ['help-refs.txt', ['help', 'refs']],
  ])('%s', async (file, argv) => {
    const { code, stdout, stderr } = await runCli(argv)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect(stdout).toMatchFileSnapshot(golden(file))
  })

  it('lists every command that works, and no other', async () => {
    const { stdout } = await runCli(['--help'])
    for (const verb of verbs) expect(stdout.includes(verb.summary)).toBe(verb.hidden !== true)
    expect((await runCli([])).stdout).toBe(stdout)
    expect((await runCli(['help'])).stdout).toBe(stdout)
    expect((await runCli(['-h'])).stdout).toBe(stdout)
  })

  it('says of a command the same in both ways, examples first and common flags before global ones', async () => {
    const table = withVerbs([listCommand])
    const { stdout } = await runCli(['list', '--help'], { verbs: table })
    expect((await runCli(['help', 'list'], { verbs: table })).stdout).toBe(stdout)
    const order = [
      'Examples',
      'Usage',
      'Aliases',
      'Arguments',
      'Flags',
      '--live',
      '--backend',
      'Global flags',
      '--output',
    ]
    expect(order.map((word) => stdout.indexOf(`${word}`))).toEqual(
      order.map((word) => stdout.indexOf(word)).sort((a, b) => a - b),
    )
    expect(stdout).not.toContain('--dry-run')
  })

  it('helps although arguments are missing or flags stand before', async () => {
    for (const argv of [
      ['--help', 'completion'],
      ['completion', '--help', 'extra'],
      ['-q', 'completion', '-h'],
    ])
      expect(await runCli(argv)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Print a completion script'),
      })
  })

  it('refuses to help with what does not exist', async () => {
    expect(await runCli(['help', 'vresion'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('did you mean version?'),
    })
  })

  it('fits a narrow terminal', async () => {
    const { stdout } = await runCli(['version', '--help'], { tty: true, columns: 60, env: { NO_COLOR: '1' } })
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  it('names every exit code', () => {
    const text = topics.find(({ name }) => name === 'exit-codes')!.text()
    for (const code of Object.values(exitCodes)) expect(text).toMatch(new RegExp(`^ +${code}  `, 'm'))
  })

  it('describes a command in the table as it describes itself', async () => {
    for (const verb of verbs)
      expect((await verb.load()).command).toMatchObject({ name: verb.name, summary: verb.summary })
  })

  it('has an example for every command', async () => {
    for (const verb of verbs) expect((await verb.load()).command.examples.length).toBeGreaterThan(0)
  })
})
