/** A folder with a config on the memory driver, the command line in it, and a hand on its catalog. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteCatalog } from '../../../src/catalog/sqlite.ts'
import { services } from '../../../src/cli/wiring.ts'
import type { Catalog } from '../../../src/core/catalog.ts'
import { type CliResult, type RunCliOptions, runCli, type TestTerminal } from '../../support/run-cli.ts'

export const memoryConfig = 'version: 1\nbackends:\n  mem: { driver: memory, file: mem.db }\n'

export class Project implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'tblctl-setup-')))

  /** null: no tblctl.yaml. */
  constructor(config: string | null = memoryConfig) {
    if (config !== null) this.write('tblctl.yaml', config)
  }
  write(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text)
    return join(this.folder, name)
  }
  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }
  run(argv: readonly string[], options: RunCliOptions = {}): Promise<CliResult> {
    const env = { HOME: this.folder, ...options.env }
    return runCli(argv, { services, cwd: this.folder, ...options, env })
  }
  /** Words without spaces in them; fails the test with what was said when it fails. */
  async ok(line: string, options: RunCliOptions = {}): Promise<CliResult> {
    const result = await this.run(line.split(' '), options)
    if (result.code !== 0) throw new Error(`${line}: exit ${result.code}\n${result.stdout}${result.stderr}`)
    return result
  }
  async json(line: string): Promise<any> {
    return JSON.parse((await this.ok(`${line} -o json`)).stdout)
  }
  async withCatalog<T>(work: (catalog: Catalog) => Promise<T>): Promise<T> {
    await using catalog = openSqliteCatalog(join(this.folder, '.tblctl/catalog.db'))
    return await work(catalog)
  }
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const table = 'mem:acme/metrics'
export const tablePath = 'mem/acme/metrics'

/** A project with one table in it. */
export async function projectWithTable(): Promise<Project> {
  const project = new Project()
  await project.ok(`create ${table} --schema metrics`)
  return project
}

/** Types each answer when its question has been asked. */
export function answering(dialogue: readonly (readonly [question: string, answer: string])[]) {
  return (terminal: TestTerminal): void => {
    const left = [...dialogue]
    let from = 0
    const timer = setInterval(() => {
      const [next] = left
      if (next === undefined) return clearInterval(timer)
      const at = terminal.err.text.indexOf(next[0], from)
      if (at < 0) return
      // A question is painted again for every key: the next one is looked for behind all of that.
      from = terminal.err.text.length
      left.shift()
      ;(terminal.stdin as unknown as { write(text: string): void }).write(`${next[1]}\n`)
    }, 15).unref()
  }
}

/** Names of all members in their order, `[]` for what is in a list. */
export function names(value: unknown, path = ''): string[] {
  if (Array.isArray(value) && value.length === 0) return [`${path}[]`]
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => names(item, `${path}[]`)))]
  if (value === null || typeof value !== 'object') return [path]
  return Object.entries(value).flatMap(([key, member]) => names(member, path === '' ? key : `${path}.${key}`))
}
