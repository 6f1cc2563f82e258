/** init: a tblctl.yaml that loads, and nothing else. */
import { appendFile, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { catalogProblem, defaultCatalog } from '../config/schema.ts'
import { writeNewConfig } from '../config/write.ts'
import type { DriverModule } from '../core/driver.ts'
import { durable } from '../core/durable.ts'
import { errorView, fail } from '../core/errors.ts'
import { canonicalJson, type Json, type JsonObject } from '../core/json.ts'
import { isBackendName, printable } from '../core/ref.ts'
import { loadDriver } from '../drivers/registry.ts'

export interface NewBackend {
  readonly name: string
  readonly driver: string
  readonly config: JsonObject
}
export interface InitRequest {
  /** Absolute; made when it is not there. */
  readonly directory: string
  /** null: the usual place. */
  readonly catalog: string | null
  readonly backends: readonly NewBackend[]
}
export interface Initialized {
  readonly file: string
  readonly catalog: string
  readonly backends: readonly NewBackend[]
  /** `added`: .tblctl/ was appended to .gitignore; `missing`: a git checkout without a .gitignore. */
  readonly gitignore: 'added' | 'there' | 'missing' | 'none'
}

/** Throws `refused` `file-exists` before anything is asked or written. */
export async function requireNoConfig(directory: string): Promise<void> {
  const file = join(directory, 'tblctl.yaml')
  if (await exists(file)) throw taken(file)
}

const taken = (file: string): Error =>
  fail('refused', 'file-exists', `${printable(file)} is there already and stays as it is`, {
    hint: 'edit it, or name another folder with --directory',
  })

/** A config of this driver that works on one machine. Throws a usage error for a driver that there is none of. */
export async function exampleOf(driver: string): Promise<JsonObject> {
  return JSON.parse(JSON.stringify((await moduleOf(driver)).example)) as JsonObject
}

export function checkCatalog(text: string): void {
  const problem = catalogProblem(text)
  if (problem !== null) throw fail('usage', 'bad-catalog', `"${printable(text)}" is no catalog: ${problem}`)
}
export function checkBackendName(text: string): void {
  if (!isBackendName(text))
    throw fail(
      'usage',
      'bad-backend-name',
      `"${printable(text)}" is no backend name ([a-z][a-z0-9-]*, at most 32 characters)`,
    )
}
/** As the driver will check it whenever the file is loaded. */
export async function checkBackend({ name, driver, config }: NewBackend): Promise<void> {
  checkBackendName(name)
  try {
    ;(await moduleOf(driver)).config.parse(config)
  } catch (thrown) {
    const issues = (thrown as { issues?: readonly { path: readonly PropertyKey[]; message: string }[] }).issues
    if (!issues) throw thrown
    const told = issues.map(({ path, message }) => [...path.map(String), message].join(': '))
    throw fail('usage', 'bad-setting', `backend ${name} (${driver}): ${told.join('; ')}`)
  }
}

async function moduleOf(driver: string): Promise<DriverModule> {
  try {
    return await loadDriver(driver)
  } catch (thrown) {
    const view = errorView(thrown)
    if (view.code !== 'unknown-driver') throw thrown
    throw fail('usage', view.code, view.message, view.hint === undefined ? {} : { hint: view.hint })
  }
}

export async function initialize(request: InitRequest): Promise<Initialized> {
  const { directory, backends } = request
  const file = join(directory, 'tblctl.yaml')
  const catalog = request.catalog ?? defaultCatalog
  checkCatalog(catalog)
  for (const backend of backends) await checkBackend(backend)
  refuseShared(backends)
  try {
    await writeNewConfig(file, { jsonSchema: jsonSchemaFor(directory), catalog, backends })
  } catch (thrown) {
    if (errorView(thrown).code === 'file-exists') throw taken(file)
    throw notWritten(file, thrown)
  }
  return { file, catalog, backends, gitignore: await ignoreState(directory) }
}

/** Two backends at one place would take each other's tables for their own. */
function refuseShared(backends: readonly NewBackend[]): void {
  const places = new Map<string, string>()
  for (const { name, driver, config } of backends) {
    const place = `${driver} ${canonicalJson(config as Json)}`
    const other = places.get(place)
    if (other !== undefined && other !== name)
      throw fail('usage', 'same-place', `backends ${other} and ${name} would hold their tables in the same place`, {
        hint: `begin with one of them, and add ${name} to tblctl.yaml by hand`,
      })
    places.set(place, name)
  }
}

const schemaFile = fileURLToPath(new URL('../../tblctl.schema.json', import.meta.url))

/** Relative while the package lies below the folder (node_modules), so that the file can be shared. */
function jsonSchemaFor(directory: string): string {
  const short = relative(directory, schemaFile)
  return short.startsWith('..') ? pathToFileURL(schemaFile).href : `./${short}`
}

/** The catalog and what lies beside it belong to one machine: git must not take them. */
async function ignoreState(directory: string): Promise<Initialized['gitignore']> {
  const file = join(directory, '.gitignore')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    return (await exists(join(directory, '.git'))) ? 'missing' : 'none'
  }
  if (text.split(/\r?\n/).some((line) => /^\/?\.tblctl(\/\**)?$/.test(line.trim()))) return 'there'
  durable('init.gitignore:before')
  try {
    await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}.tblctl/\n`)
  } catch (thrown) {
    throw notWritten(file, thrown)
  }
  durable('init.gitignore:after')
  return 'added'
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function notWritten(file: string, thrown: unknown): unknown {
  const { code } = thrown as NodeJS.ErrnoException
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return thrown
  const kind = ['EACCES', 'EPERM', 'EROFS'].includes(code) ? 'denied' : 'failed'
  return fail(kind, 'file-not-written', `${printable(file)} cannot be written (${code})`, { cause: thrown })
}
