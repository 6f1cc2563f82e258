/** A folder with a tblctl.yaml, and the whole command line over it in this process. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../../../src/cli/wiring.ts'
import { type CliResult, type RunCliOptions, runCli } from '../../support/run-cli.ts'

export const config = `version: 1
backends:
  mem: { driver: memory, file: mem.db }
  lake: { driver: delta, url: "file:./lake" }
`

export interface World extends AsyncDisposable {
  readonly folder: string
  cli(argv: readonly string[], options?: RunCliOptions): Promise<CliResult>
  /** Fails the test when the command does not succeed. */
  ok(...argv: string[]): Promise<CliResult>
  json(...argv: string[]): Promise<any>
  write(name: string, text: string): Promise<void>
}

export async function openWorld(yaml = config): Promise<World> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tblctl-tables-')))
  await writeFile(join(folder, 'tblctl.yaml'), yaml)
  const now = () => new Date(1_800_000_000_000)
  const world: World = {
    folder,
    cli: (argv, options = {}) =>
      runCli(argv, { cwd: folder, services, now, ...options, env: { HOME: folder, ...options.env } }),
    async ok(...argv) {
      const result = await world.cli(argv)
      if (result.code !== 0) throw new Error(`${argv.join(' ')} exits ${result.code}\n${result.stdout}${result.stderr}`)
      return result
    },
    json: async (...argv) => JSON.parse((await world.ok(...argv, '-o', 'json')).stdout),
    write: (name, text) => writeFile(join(folder, name), text),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
  return world
}

/** One row of the shipped schema `metrics`. */
export const metric = (n: number): string =>
  `${JSON.stringify({ timestamp: `2026-01-0${n}T00:00:00.000001Z`, metric_name: 'cpu', metric_type: 'gauge', value: n })}\n`

/** What differs from run to run, by a word. */
export const stable = (text: string, { folder }: World): string =>
  text
    .replaceAll(folder, '/FOLDER')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
    .replace(/\b\d+(\.\d+)? (B|KB|MB)\b/g, 'SIZE')

/** Where widths depend on how many digits a size has. */
export const unaligned = (text: string): string => text.replace(/ {2,}/g, '  ')

/** The names of a JSON value, without its values: `items[].ref: string`. */
export function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value))
    return value.length === 0 ? [`${path}[]`] : [...new Set(value.flatMap((item) => shape(item, `${path}[]`)))]
  if (value === null || typeof value !== 'object') return [`${path}: ${value === null ? 'null' : typeof value}`]
  return Object.entries(value).flatMap(([key, member]) => shape(member, path === '' ? key : `${path}.${key}`))
}
