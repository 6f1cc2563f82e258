import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tblctl-startup-'))
  await writeFile(
    join(folder, 'hook.mjs'),
    `import { appendFileSync } from 'node:fs'
     import { registerHooks } from 'node:module'
     registerHooks({ load(url, context, next) { appendFileSync('${folder}/loaded', url + '\\n'); return next(url, context) } })`,
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Names of the packages that a command line loads. */
async function packages(...argv: string[]): Promise<string[]> {
  await rm(join(folder, 'loaded'), { force: true })
  const start = fileURLToPath(new URL('../../../src/cli/start.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', join(folder, 'hook.mjs'), start, ...argv], { stdio: 'ignore' })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code).toBe(0)
  const urls = (await readFile(join(folder, 'loaded'), 'utf8')).split('\n')
  const names = urls
    .map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(names)].sort()
}

describe('what is loaded', () => {
  it.each([
    [['--help'], ['picocolors']],
    [
      ['version', '--help'],
      ['commander', 'picocolors'],
    ],
    [
      ['completion', 'bash'],
      ['commander', 'picocolors'],
    ],
    [
      ['completion', 'zsh'],
      ['@bomb.sh/tab', 'commander', 'picocolors'],
    ],
    [
      ['complete', '--', 'ver'],
      ['@bomb.sh/tab', 'commander', 'picocolors'],
    ],
    [
      ['version', '-o', 'yaml'],
      ['commander', 'js-yaml', 'picocolors'],
    ],
  ])('%j', async (argv, expected) => expect(await packages(...argv)).toEqual(expected))
})
