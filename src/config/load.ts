/** tblctl.yaml as the rest of the program sees it: found, checked, with the chosen context over it and its variables applied. */
import { dirname, resolve } from 'node:path'
import type { DriverModule } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import { type CheckedBackend, checkBackends, type DriverSource } from './backends.ts'
import { type ChosenContext, chooseContext } from './context.ts'
import { displayPath, type Environment, findConfig } from './find.ts'
import { isHarperConfig, readHarper } from './harper.ts'
import { type Issue, problemsOf } from './issues.ts'
import { isMap, type Layered, layered, nameOf } from './layers.ts'
import type { KeyPath } from './places.ts'
import { configError, type Problem, placeOf } from './problems.ts'
import { catalogProblem, configShape, defaultCatalog, driverPackage } from './schema.ts'
import { resolveSecrets } from './secrets.ts'
import { readSource } from './source.ts'
import { checkSyncs, type SyncConfig } from './sync.ts'
import { type FileIdentity, isTrusted } from './trust.ts'
import { parseYaml, type YamlDocument } from './yaml.ts'

export interface LoadOptions {
  /** As given on the command line; the variables TBLCTL_CONFIG, TBLCTL_CONTEXT and TBLCTL_CATALOG are read here. */
  readonly flags: { readonly config?: string | undefined; readonly context?: string | undefined }
  readonly cwd: string
  readonly env: Environment
  /** The user's home directory. */
  readonly home: string
  readonly drivers: DriverSource
  warn(message: string): void
}

export interface BackendConfig extends CheckedBackend {
  readonly name: string
  /** Its place in the file, with the context that it comes from. */
  readonly origin: string
  /** What the driver is opened with: the config with its secrets. Throws config `secret-missing`, naming every one. */
  resolve(): Promise<object>
}

export interface Config {
  /** Absolute. */
  readonly file: string
  /** What relative paths in the file count from. */
  readonly directory: string
  readonly identity: FileIdentity
  /** Absolute. */
  readonly catalog: string
  /** Absolute; beside the schemas that ship. */
  readonly schemaFolders: readonly string[]
  readonly backends: ReadonlyMap<string, BackendConfig>
  /** By id. */
  readonly syncs: ReadonlyMap<string, SyncConfig>
  /** `sync:` as it is written. */
  readonly syncSection: Layered
  /** The chosen context. */
  readonly context: ChosenContext
  /** Every context of the file. */
  readonly contexts: readonly string[]
  /** The context asks that destructive verbs are refused. */
  readonly protect: boolean
  /** Whatever may be a `cmd:` secret anywhere in the file: what `tblctl config trust` accepts. */
  readonly commands: readonly { readonly place: string; readonly command: string }[]
  readonly origins: {
    readonly config: string
    readonly catalog: string
    readonly schemas: string
    readonly protect: string
  }
}

/** All that is wrong with the file is one config error; contexts that are not chosen are checked too. */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  const { env, cwd, flags } = options
  const found = await findConfig({ flag: flags.config, env, cwd })
  const { file } = found
  const { source, identity } = await readSource(file, displayPath(file, cwd))
  const document = parseYaml(source)
  const directory = dirname(file)
  const harper = isHarperConfig(document) ? await readHarper(document, { ...options, directory }) : null
  const shape = harper ? [] : checkShape(document)
  const contexts = harper ? [] : contextNames(document, shape)
  const context = await chooseContext({ flag: flags.context, env, directory, known: contexts })
  const { backends: checked, syncs } =
    harper ?? (await checkContexts(document, shape, contexts, context.name, options.drivers))
  const sources = {
    env,
    directory,
    home: options.home,
    warn: options.warn,
    trusted: () => isTrusted(identity, options),
  }
  const backends = [...checked].map(([name, backend]): [string, BackendConfig] => {
    const resolveBackend = async (): Promise<object> => {
      const outcome = await resolveSecrets(backend.config, sources)
      if ('config' in outcome) return outcome.config
      const problems = outcome.missing.map(({ path, message }) => {
        return { message: `${backend.layers.name(path)}: ${message}`, at: backend.layers.offset(path, 'value') }
      })
      throw configError(source, problems, { code: 'secret-missing', hint: outcome.missing[0]!.hint })
    }
    return [name, { ...backend, name, origin: backend.layers.origin([]) ?? '', resolve: resolveBackend }]
  })
  const catalog = catalogOf(document, context.name, options)
  const schemas = layered(document, ['schemas'], context.name)
  const protect = context.name === null ? null : layered(document, ['contexts', context.name, 'protect'], null)
  const folders = (schemas.value ?? []) as readonly string[]
  return {
    file,
    directory,
    identity,
    catalog: resolve(catalog.from === 'env' ? cwd : directory, catalog.path),
    schemaFolders: folders.map((folder) => resolve(directory, folder)),
    backends: new Map(backends),
    syncs,
    syncSection: layered(document, ['sync'], null),
    context,
    contexts,
    protect: protect?.value === true,
    commands: commandsIn(document),
    origins: {
      config: found.origin,
      catalog: catalog.origin,
      schemas: schemas.origin([]) ?? 'default',
      protect: protect?.origin([]) ?? 'default',
    },
  }
}

/** What is wrong with everything but the drivers' parts. */
function checkShape(document: YamlDocument): readonly Problem[] {
  const { version } = document.value
  if (typeof version === 'number' && version > 1) {
    const message = `version: the file has version ${version}, this tblctl reads version 1`
    throw configError(document.source, [{ message, at: document.offset(['version'], 'value') }])
  }
  const checked = configShape.safeParse(document.value)
  if (checked.success) return []
  const places = { ...document, name: nameOf }
  return problemsOf(checked.error.issues as Issue[], document.value, configShape, places)
}

/** Without them nothing more can be said about the file. */
function contextNames(document: YamlDocument, shape: readonly Problem[]): readonly string[] {
  const { contexts } = document.value
  if (contexts === undefined) return []
  if (!isMap(contexts)) throw configError(document.source, shape)
  return Object.keys(contexts)
}

/**
 * The backends of the chosen context and the syncs; the other contexts are checked too. Throws all problems of the file; but a package that only
 * another context needs does not have to be installed here.
 */
async function checkContexts(
  document: YamlDocument,
  shape: readonly Problem[],
  contexts: readonly string[],
  chosen: string | null,
  drivers: DriverSource,
) {
  const loaded = new Map<string, Promise<DriverModule>>()
  const load = (kind: string): Promise<DriverModule> => {
    const module = loaded.get(kind) ?? drivers.load(kind)
    loaded.set(kind, module)
    return module
  }
  const byContext = new Map<string | null, ReadonlyMap<string, CheckedBackend>>()
  const problems: Problem[] = [...shape]
  for (const context of [null, ...contexts]) {
    const wanted = (driver: string): boolean => context === chosen || !driverPackage.test(driver)
    const checked = await checkBackends(document, context, { kinds: drivers.kinds, load, wanted })
    byContext.set(context, checked.backends)
    problems.push(...checked.problems)
  }
  const backends = byContext.get(chosen)!
  const { syncs, problems: more } = await checkSyncs(document, { backends, load })
  problems.push(...more)
  if (problems.length > 0) throw configError(document.source, problems)
  return { backends, syncs }
}

/** Trust is given to the whole file, so fields and contexts that this run does not open are listed too. */
function commandsIn(document: YamlDocument): Config['commands'] {
  const commands = new Map<string, string>()
  const walk = (value: unknown, path: KeyPath): void => {
    if (typeof value === 'string' && value.trimStart().startsWith('cmd:'))
      commands.set(placeOf(document.source, document.offset(path, 'value')), value.trim().slice(4).trim())
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index])
    else if (isMap(value)) for (const [key, item] of Object.entries(value)) walk(item, [...path, key])
  }
  walk(document.value, [])
  return [...commands].map(([place, command]) => ({ place, command }))
}

/** TBLCTL_CATALOG counts from the working directory, what is in the file from the file. */
function catalogOf(document: YamlDocument, context: string | null, options: LoadOptions) {
  const variable = options.env.TBLCTL_CATALOG
  if (variable !== undefined && variable !== '') {
    const problem = catalogProblem(variable)
    if (problem !== null) throw fail('config', 'bad-catalog', `TBLCTL_CATALOG: ${problem}`, { where: 'TBLCTL_CATALOG' })
    return { path: variable, from: 'env' as const, origin: 'env TBLCTL_CATALOG' }
  }
  const { value, origin } = layered(document, ['catalog'], context)
  const path = typeof value === 'string' ? value : defaultCatalog
  return { path, from: 'file' as const, origin: origin([]) ?? 'default' }
}
