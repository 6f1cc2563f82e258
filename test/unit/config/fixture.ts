/** A folder of its own for each test, and drivers that need nothing. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import type { DriverSource } from '../../../src/config/backends.ts'
import { type Config, type LoadOptions, loadConfig } from '../../../src/config/load.ts'
import type { DriverModule } from '../../../src/core/driver.ts'
import { type ErrorView, errorView } from '../../../src/core/errors.ts'
import { secret } from '../../../src/settings/secret-field.ts'

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tblctl-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function put(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

function fakeModule(kind: string, config: DriverModule['config']): DriverModule {
  const unused = (): never => {
    throw new Error('a config test opened a driver')
  }
  return {
    kind,
    config,
    example: {},
    traits: { embedded: true, verified: true, users: false, travel: false },
    can: [],
    open: unused,
    policy: unused,
  }
}

const memory = z.strictObject({
  file: z.string().optional().describe('Where the tables are kept'),
  delayMs: z.number().int().min(0).default(5).describe('Pause before each answer'),
  mode: z.enum(['fast', 'slow']).optional().describe('How'),
})
const lake = z.strictObject({
  url: z
    .string()
    .refine((text) => /^file:/.test(text), 'only file: URLs work')
    .describe('Where'),
  password: secret('Password').optional(),
  token: secret('Token').optional(),
  keys: z.array(secret('A key')).optional().describe('Keys'),
  limit: z
    .union([z.number(), z.strictObject({ bytes: z.number().describe('Bytes') })])
    .optional()
    .describe('Limit'),
  projects: z
    .record(z.string(), z.strictObject({ url: z.string().describe('Where'), secret: secret('Secret').optional() }))
    .optional()
    .describe('Projects'),
})
/** As of another copy of zod, or of no zod at all. */
const foreign = {
  parse(raw: unknown) {
    if ((raw as { ok?: boolean }).ok !== true) throw new Error('ok must be true')
    return raw as object
  },
}

const modules: Readonly<Record<string, DriverModule>> = {
  memory: fakeModule('memory', memory),
  lake: fakeModule('lake', lake),
  'tblctl-driver-foo': fakeModule('tblctl-driver-foo', foreign),
}
export const shippedModules = [modules.memory!, modules.lake!]

export const drivers: DriverSource = {
  kinds: ['memory', 'lake'],
  async load(kind) {
    const module = modules[kind]
    if (module === undefined) throw new Error(`no package ${kind}`)
    return module
  },
}

/** Loads `text` as the tblctl.yaml of a fresh folder (or of `cwd`). */
export async function load(text: string, more: Partial<LoadOptions> = {}): Promise<Config> {
  const cwd = more.cwd ?? (await temporaryFolder())
  await put(cwd, { 'tblctl.yaml': text })
  return loadConfig({ flags: {}, env: {}, home: join(cwd, 'home'), drivers, warn: () => {}, ...more, cwd })
}

export async function viewOf(action: () => unknown): Promise<ErrorView> {
  try {
    await action()
  } catch (thrown) {
    return errorView(thrown)
  }
  throw new Error('nothing was thrown')
}
export const loadError = (text: string, more: Partial<LoadOptions> = {}): Promise<ErrorView> =>
  viewOf(() => load(text, more))
