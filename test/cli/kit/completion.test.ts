import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete } from '../../../src/cli/completion/candidates.ts'
import { completionScript } from '../../../src/cli/completion/script.ts'
import { fail } from '../../../src/core/errors.ts'
import { runCli } from '../../support/run-cli.ts'
import { echoCommand, listCommand, withVerbs } from './fake-verbs.ts'

const tree = {
  ...echoCommand,
  name: 'jobs',
  children: [
    { ...echoCommand, name: 'list' },
    { ...echoCommand, name: 'show' },
  ],
}
const verbs = withVerbs([listCommand, echoCommand, tree])
const local: Record<string, string[]> = {
  table: ['lake:acme/metrics', 'lake:acme/events', 'shop:default/users'],
  schema: ['metrics', 'otel_logs_and_spans'],
  backend: ['lake'],
  project: ['acme'],
  context: ['prod'],
}
async function offered(words: string[]) {
  const asked: [string, string | null][] = []
  const text = await complete(words, verbs, async (what, config) => {
    asked.push([what, config])
    return local[what] ?? []
  })
  const lines = text.trimEnd().split('\n')
  return { values: lines.slice(0, -1).map((line) => line.split('\t')[0]), directive: lines.at(-1), asked }
}

describe('candidates', () => {
  it.each<[string[], string[]]>([
    [['li'], ['list']],
    [['ls', '--li'], ['--live']],
    [['list', '--ou'], ['--output']],
    [
      ['list', '-o', ''],
      ['table', 'wide', 'json', 'yaml', 'name', 'ndjson', 'csv'],
    ],
    [['list', '--output=c'], ['csv']],
    [['-o', 'json', 'list', '--schema', 'o'], ['otel_logs_and_spans']],
    [['--output=json', 'list', '--backend', ''], ['lake']],
    [['list', '--context=p'], ['prod']],
    [['list', '--project', ''], ['acme']],
    [['list', 'lake:acme/e'], ['lake:acme/events']],
    [['list', 'lake:acme/events', 's'], ['shop:default/users']],
    [['echo', '--size', 'l'], ['large']],
    [['jobs', 'l'], ['list']],
    [['jobs', 'list', '--siz'], ['--size']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'ex'], ['exit-codes']],
    [['help', 'li'], ['list']],
    [['--verb'], ['--verbose']],
    [['list', '--dry'], []],
    [['compl'], ['completion']],
  ])('%j → %j', async (words, expected) => {
    expect((await offered(words)).values).toEqual(expected)
  })

  it('are commands for an empty line', async () => {
    expect((await offered([''])).values).toEqual(['list', 'ls', 'echo', 'jobs', 'completion', 'version', 'help'])
    expect((await offered([])).values).toContain('list')
  })

  it('leave files to the shell, and nothing else', async () => {
    expect((await offered(['echo', '--from', ''])).directive).toBe(':0')
    expect((await offered(['list', '--metrics-file', 'x'])).directive).toBe(':0')
    expect((await offered(['list', ''])).directive).toBe(':4')
  })

  it('ask for names with the config of the line, and not while a flag is typed', async () => {
    expect((await offered(['list', '-c', 'x.yaml', ''])).asked).toContainEqual(['table', 'x.yaml'])
    expect((await offered(['list', '--config=y.yaml', ''])).asked).toContainEqual(['table', 'y.yaml'])
    expect((await offered(['list', '--'])).asked).toEqual([])
    expect((await offered(['version', ''])).asked).toEqual([])
  })
})

describe('tblctl complete', () => {
  it('prints candidates, also when the config is broken or nobody knows names', async () => {
    const names = async () => {
      throw fail('config', 'bad', 'broken')
    }
    const open = async (): Promise<never> => {
      throw new Error('completion opens nothing')
    }
    expect(await runCli(['complete', '--', 'list', ''], { verbs, services: { open, names } })).toMatchObject({
      code: 0,
      stdout: ':4\n',
      stderr: '',
    })
    expect(await runCli(['complete', '--', 'list', ''], { verbs })).toMatchObject({ code: 0, stdout: ':4\n' })
    const given = { open, names: async () => ['a/b'] }
    expect((await runCli(['complete', '--', 'list', ''], { verbs, services: given })).stdout).toBe('a/b\t\n:4\n')
  })
})

describe('scripts', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('%s calls tblctl complete', async (shell) => {
    const { code, stdout } = await runCli(['completion', shell])
    expect(code).toBe(0)
    expect(stdout).toContain('complete -- ')
    expect(stdout).toContain('tblctl')
  })
  it('there is none for another shell', async () => {
    expect(await runCli(['completion', 'tcsh'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('choose bash, zsh, fish'),
    })
  })
})

describe('in bash', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tblctl-completion-'))
    await writeFile(join(folder, 'script'), await completionScript('bash'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** What readline would get for this line, with `answer` as what tblctl says. */
  async function reply(line: string, answer: string, breaks = `"'@><=;|&(:`): Promise<string[]> {
    const program = join(folder, 'tblctl')
    await writeFile(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/asked\nprintf '%b' ${JSON.stringify(answer)}\n`,
    )
    await chmod(program, 0o755)
    const script = `
      set -u
      source ${folder}/script
      source ${folder}/script
      complete -p tblctl > /dev/null || exit 9
      COMP_WORDBREAKS=$' \\t\\n'"$2"
      COMP_LINE="$1" COMP_POINT=\${#1}
      read -r -a COMP_WORDS <<< "$1"
      _tblctl
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', line, breaks], {
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
    })
    return stdout.split('\n').filter((word) => word !== '')
  }
  const asked = async () => (await promisify(execFile)('cat', [join(folder, 'asked')])).stdout

  it('offers what tblctl says', async () => {
    expect(await reply('tblctl li', 'list\tList tables\n:4\n')).toEqual(['list'])
    expect(await asked()).toBe('complete\n--\nli\n')
    expect(await reply('tblctl list ', 'a/b\t\n:4\n')).toEqual(['a/b'])
    expect(await asked()).toBe('complete\n--\nlist\n\n')
    expect(await reply('tblctl list x', ':4\n')).toEqual([])
  })

  it('gives refs from their last break on', async () => {
    expect(await reply('tblctl list lake:ac', 'lake:acme/a\t\nlake:acme/b\t\n:4\n')).toEqual(['acme/a', 'acme/b'])
    expect(await reply('tblctl list lake:ac', 'lake:acme/a\t\n:4\n', '')).toEqual(['lake:acme/a'])
    expect(await reply('tblctl list --output=j', 'json\t\n:4\n')).toEqual(['json'])
    expect(await reply('tblctl list --output=j', 'json\t\n:4\n', '')).toEqual(['--output=json'])
  })

  it('evaluates nothing that was typed', async () => {
    await reply(`tblctl list $(touch ${folder}/evil) \`touch ${folder}/evil\` ;touch ${folder}/evil`, ':4\n')
    await expect(promisify(execFile)('ls', [join(folder, 'evil')])).rejects.toThrow()
  })
})
