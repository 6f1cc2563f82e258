import { describe, expect, it } from 'vitest'
import { wantsColor } from '../../../src/cli/color.ts'
import { createIo } from '../../../src/cli/io.ts'
import { runCli, testTerminal } from '../../support/run-cli.ts'
import { listCommand, withVerbs } from './fake-verbs.ts'

describe('colour', () => {
  it.each([
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { TERM: 'dumb' }, true, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { FORCE_COLOR: '1' }, false, true],
    ['auto', { FORCE_COLOR: '0' }, true, false],
    ['auto', { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    ['auto', { CLICOLOR_FORCE: '1' }, false, true],
    ['always', { NO_COLOR: '1' }, false, true],
    ['never', { FORCE_COLOR: '1' }, true, false],
  ] as const)('%s %j, terminal %s → %s', (mode, env, isTTY, expected) =>
    expect(wantsColor(mode, env, isTTY)).toBe(expected),
  )

  it('is decided for each stream', () => {
    const io = createIo(testTerminal({ tty: { stdout: true } }), {}, { color: 'auto', input: true })
    expect([io.stdout.colors.isColorSupported, io.stderr.colors.isColorSupported]).toEqual([true, false])
  })
})

describe('asking', () => {
  const canPrompt = (tty: Parameters<typeof testTerminal>[0], env = {}, input = true) =>
    createIo(testTerminal(tty), env, { color: 'auto', input }).canPrompt
  it('needs a person: terminals, no CI, no --no-input', () => {
    expect(canPrompt({ tty: { stdin: true, stderr: true } })).toBe(true)
    expect(canPrompt({ tty: true }, { CI: 'false' })).toBe(true)
    expect(canPrompt({ tty: true }, { CI: 'true' })).toBe(false)
    expect(canPrompt({ tty: true }, {}, false)).toBe(false)
    expect(canPrompt({ tty: { stdin: true, stdout: true } })).toBe(false)
    expect(canPrompt({ tty: { stdout: true, stderr: true } })).toBe(false)
  })
})

describe('a reader that goes away', () => {
  it('ends quietly', async () => {
    const drive = (terminal: ReturnType<typeof testTerminal>) => terminal.breakPipe()
    expect(await runCli(['--help'], { drive })).toMatchObject({ code: 0, stderr: '' })
    expect(await runCli(['version', '--help'], { drive })).toMatchObject({ code: 0, stderr: '' })
    expect(await runCli(['list'], { drive, verbs: withVerbs([listCommand]) })).toMatchObject({ code: 0, stderr: '' })
  })

  it('is not confused with another failure to write', async () => {
    const drive = (terminal: ReturnType<typeof testTerminal>) => {
      terminal.stdout.write = ((_text: string, done: (error: Error) => void) =>
        done(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))) as never
    }
    expect(await runCli(['--help'], { drive })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no space left'),
    })
  })
})
