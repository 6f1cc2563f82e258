/** A backend that is named by its URL alone, as `sync run --target URL` does: the scheme says which driver it is. */
import { resolve } from 'node:path'
import type { DriverModule } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import type { CheckedBackend } from './backends.ts'
import { issuesOf } from './issues.ts'
import { nameOf } from './layers.ts'
import type { BackendConfig } from './load.ts'
import { maskUserInfo } from './mask.ts'
import { resolveSecrets, type SecretSources } from './secrets.ts'

export interface UrlBackendOptions {
  readonly env: SecretSources['env']
  /** Relative paths count from here. */
  readonly directory: string
  readonly drivers: { load(kind: string): Promise<DriverModule> }
}

/** Throws usage `bad-target` for a scheme that no driver has. */
function parseUrl(
  url: string,
  directory: string,
  env: SecretSources['env'],
): { readonly driver: string; readonly config: object } {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9]*):(.*)$/s.exec(url) ?? []
  const absolute = rest.startsWith('/') ? url : `${scheme}:${resolve(directory, rest)}`
  if (scheme === 'http' || scheme === 'https') return { driver: 'harper', config: { url, ...harperLogin(env) } }
  if (scheme === 'file') return { driver: 'delta', config: { url: absolute } }
  if (scheme === 's3') return { driver: 'delta', config: { url } }
  if (scheme === 'sqlite') return { driver: 'sharded-sql', config: { nodes: { n1: absolute } } }
  if (scheme === 'postgres' || scheme === 'postgresql') return { driver: 'sharded-sql', config: { nodes: { n1: url } } }
  throw fail(
    'usage',
    'bad-target',
    `"${printable(maskUserInfo(url))}" is neither a backend of the config nor a URL of one`,
    {
      hint: 'URLs are http(s):// (Harper), file: and s3:// (Delta tables), sqlite: and postgres:// (sharded SQL)',
    },
  )
}

/** Who asks Harper: tblctl's own variables, or those with which Harper itself is installed. A URL holds no password. */
function harperLogin(env: SecretSources['env']): { readonly username: string; readonly password: string } {
  const own = env.HARPER_PASSWORD || !env.HDB_ADMIN_PASSWORD
  return {
    username: env.HARPER_USERNAME || env.HDB_ADMIN_USERNAME || 'admin',
    password: own ? 'env:HARPER_PASSWORD' : 'env:HDB_ADMIN_PASSWORD',
  }
}

/** `origin` is what is shown as its place: it is written nowhere. Throws usage `bad-target`. */
export async function urlBackend(
  url: string,
  origin: string,
  { env, directory, drivers }: UrlBackendOptions,
): Promise<CheckedBackend> {
  const { driver, config } = parseUrl(url, directory, env)
  const module = await drivers.load(driver)
  const layers = { value: config, name: nameOf, offset: () => 0, rangeOf: () => [0, 0] as const, origin: () => origin }
  try {
    return { driver, config: module.config.parse(config), layers }
  } catch (thrown) {
    const said = issuesOf(thrown)?.map((issue) => `${nameOf(issue.path as string[])}: ${issue.message}`)
    if (said === undefined) throw thrown
    throw fail('usage', 'bad-target', `${printable(maskUserInfo(url))}: ${said.join('; ')}`, { where: origin })
  }
}

/** The same with a name, ready to be opened. */
export async function namedUrlBackend(
  name: string,
  url: string,
  origin: string,
  options: UrlBackendOptions & Omit<SecretSources, 'trusted'>,
): Promise<BackendConfig> {
  const backend = await urlBackend(url, origin, options)
  const resolveBackend = async (): Promise<object> => {
    const outcome = await resolveSecrets(backend.config, { ...options, trusted: async () => false })
    if ('config' in outcome) return outcome.config
    const { message, hint } = outcome.missing[0]!
    throw fail('config', 'secret-missing', message, { where: origin, hint })
  }
  return { ...backend, name, origin, resolve: resolveBackend }
}
