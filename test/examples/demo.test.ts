import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from './run-program.ts'

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url))
const program = `${process.execPath} --no-warnings ${path('src/cli/start.ts')}`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tblctl-demo-'))
})
afterAll(() => rm(folder, { recursive: true }))

const demo = (directory: string, env: Readonly<Record<string, string>>) =>
  runProgram('bash', [path('examples/multi-table-demo.sh'), directory], {
    PATH: process.env.PATH,
    HOME: folder,
    ...env,
  })

interface Item {
  readonly ref: string
  readonly status: { readonly files: number; readonly rows: number; readonly version: number }
}
const items = async (file: string): Promise<Item[]> =>
  JSON.parse(await readFile(join(folder, 'run', file), 'utf8')).items

describe('multi-table-demo.sh', () => {
  it('leaves rows and answers as they were, and fewer files', { timeout: 120_000 }, async () => {
    // A config of the caller is not used.
    const env = { TBLCTL: program, PROJECTS: 'acme', COMMITS: '6', ROWS: '5', TBLCTL_CONFIG: '/nowhere/tblctl.yaml' }
    const { status, stdout, stderr } = await demo(join(folder, 'run'), env)
    expect(status, stderr).toBe(0)

    const [before, after] = [await items('before.json'), await items('after.json')]
    expect(before.map(({ ref }) => ref)).toEqual(['lake:acme/events', 'lake:acme/logs', 'lake:acme/metrics'])
    for (const [at, { ref, status: was }] of before.entries()) {
      const is = after.find((item) => item.ref === ref)!.status
      expect(was.rows, ref).toBe(30)
      // Version 0 is the creation.
      expect(was.version, ref).toBe(6)
      expect(was.files, ref).toBeGreaterThanOrEqual(6)
      expect(is.rows, ref).toBe(30)
      expect(is.files, ref).toBe(3)
      expect(stdout).toContain(`${before[at]!.ref.padEnd(22)} 30 rows  ${was.files} -> 3 files`)
    }

    const answers = await readFile(join(folder, 'run', 'answers-before'), 'utf8')
    expect(answers).toMatch(
      /^acme\/logs \{"n":30,"hash":"\d+"\}\nacme\/metrics \{"n":30,"hash":"\d+"\}\nacme\/events \{"n":30,"hash":"\d+"\}\n$/,
    )
    expect(await readFile(join(folder, 'run', 'answers-after'), 'utf8')).toBe(answers)
  })

  it('ends with the first command that fails', async () => {
    const { status, stdout } = await demo(join(folder, 'fails'), { TBLCTL: 'false' })
    expect(status).toBe(1)
    expect(stdout).toContain('$ tblctl init')
    expect(stdout).not.toContain('$ tblctl create')
  })
})
