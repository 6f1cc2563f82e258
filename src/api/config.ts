/** The config as commands show and accept it. Contexts are read without choosing one: a stored name that is gone must not lock them. */
import { dirname } from 'node:path'
import { chooseContext, storeContext } from '../config/context.ts'
import { effective, type Setting } from '../config/effective.ts'
import { displayPath, findConfig } from '../config/find.ts'
import { isMap } from '../config/layers.ts'
import type { Config } from '../config/load.ts'
import { maskUserInfo } from '../config/mask.ts'
import { readSource } from '../config/source.ts'
import { isTrusted, trust, type UserPlace } from '../config/trust.ts'
import { parseYaml } from '../config/yaml.ts'
import { type ErrorView, errorView, fail } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'

export interface ConfigRequest {
  readonly config: string | null
  readonly context: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  /** Working directory. */
  readonly directory: string
}

export interface ConfigView {
  /** The config as it counts, secrets as their references. */
  readonly effective: JsonObject
  /** The same, a line for each value, with where it comes from. */
  readonly settings: readonly Setting[]
}

export function viewConfig(config: Config): ConfigView {
  const backends = [...config.backends.values()].map(({ name, driver, config: own }) => [name, { driver, ...own }])
  return {
    effective: {
      file: config.file,
      context: config.context.name,
      protect: config.protect,
      catalog: config.catalog,
      schemas: config.schemaFolders,
      backends: masked(JSON.parse(JSON.stringify(Object.fromEntries(backends)))),
      ...(isMap(config.syncSection.value) ? { sync: masked(config.syncSection.value as JsonObject) } : {}),
    },
    settings: effective(config),
  }
}

function masked(value: Json): Json {
  if (typeof value === 'string') return maskUserInfo(value)
  if (Array.isArray(value)) return value.map((item) => masked(item as Json))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, masked(member as Json)]))
}

export interface Trust {
  readonly file: string
  /** Every `cmd:` secret of the file, with its place. */
  readonly commands: readonly { readonly place: string; readonly command: string }[]
  /** This file with this content was accepted before. */
  readonly trusted: boolean
  /** Accepts what was read, even when the file has changed since. */
  accept(): Promise<void>
}

export async function trustOf({ file, commands, identity }: Config, user: UserPlace): Promise<Trust> {
  return { file, commands, trusted: await isTrusted(identity, user), accept: () => trust(identity, user) }
}

export interface Contexts {
  /** The config that has them. */
  readonly file: string
  readonly items: readonly { readonly name: string; readonly current: boolean; readonly protect: boolean }[]
  /** `flag --context`, `env TBLCTL_CONTEXT`, the file of `context use`, or `default` (then no context counts). */
  readonly origin: string
  /** What is wrong with the stored name; every other command fails with it. */
  readonly problem: ErrorView | null
}

/** Throws config errors of a file that cannot be read, and a usage error for a `context` that is none. */
export async function listContexts(request: ConfigRequest): Promise<Contexts> {
  const { file, contexts } = await readContexts(request)
  const items = Object.entries(contexts).map(([name, context]) => {
    return { name, protect: isMap(context) && context.protect === true }
  })
  let chosen = { name: null as string | null, origin: 'default' }
  let problem: ErrorView | null = null
  try {
    chosen = await chooseContext({
      flag: request.context ?? undefined,
      env: request.env,
      directory: dirname(file),
      known: Object.keys(contexts),
    })
  } catch (thrown) {
    problem = errorView(thrown)
    if (problem.kind !== 'config') throw thrown
  }
  return {
    file,
    items: items.map((item) => ({ ...item, current: item.name === chosen.name })),
    origin: chosen.origin,
    problem,
  }
}

/** Stores the name beside the config; null forgets it. */
export async function useContext(request: ConfigRequest, name: string | null): Promise<{ file: string }> {
  const { file, contexts } = await readContexts(request)
  await storeContext(dirname(file), name, Object.keys(contexts))
  return { file }
}

async function readContexts({ config, env, directory }: ConfigRequest) {
  const { file } = await findConfig({ flag: config ?? undefined, env, cwd: directory })
  const shown = displayPath(file, directory)
  const { contexts = {} } = parseYaml((await readSource(file, shown)).source).value
  if (!isMap(contexts)) throw fail('config', 'config-invalid', 'contexts: expected a map', { where: shown })
  return { file, contexts }
}
