/** What the flags of init say. */
import { checkBackend, checkBackendName, checkCatalog, exampleOf, type NewBackend } from '../../../api/init.ts'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'

interface NamedDriver {
  readonly name: string
  readonly driver: string
}
export interface InitFlags {
  readonly backend?: readonly NamedDriver[]
  readonly url?: string
  readonly catalog?: string
  readonly directory?: string
}
/** null: nothing was said about it. */
export interface Said {
  readonly catalog: string | null
  readonly backends: readonly NewBackend[] | null
}

/** `lake=delta`. */
export function parseBackend(text: string): NamedDriver {
  const [, name, driver] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (name === undefined || driver === undefined)
    throw fail('usage', 'bad-backend', `"${printable(text)}" is no NAME=DRIVER`, { hint: 'such as lake=delta' })
  checkBackendName(name)
  return { name, driver }
}

export const usual: NamedDriver = { name: 'lake', driver: 'delta' }

export const usualBackend = async (): Promise<NewBackend> => ({ ...usual, config: await exampleOf(usual.driver) })

export async function fromFlags({ backend, url, catalog }: InitFlags): Promise<Said> {
  if (catalog !== undefined) checkCatalog(catalog)
  const named = backend ?? (url === undefined ? null : [usual])
  if (named === null) return { catalog: catalog ?? null, backends: null }
  const backends: NewBackend[] = []
  for (const { name, driver } of named) backends.push({ name, driver, config: await exampleOf(driver) })
  const located = url === undefined ? backends : [withUrl(backends, url)]
  for (const one of located) await checkBackend(one)
  return { catalog: catalog ?? null, backends: located }
}

function withUrl(backends: readonly NewBackend[], url: string): NewBackend {
  const [backend, ...more] = backends
  if (backend === undefined || more.length > 0)
    throw fail('usage', 'url-of-several', '--url is of one backend, and there are several', {
      hint: 'leave it out and write the URLs into tblctl.yaml',
    })
  if (!('url' in backend.config))
    throw fail('usage', 'no-url', `the driver ${backend.driver} has no URL; its settings are ${settingsOf(backend)}`, {
      hint: 'leave --url out and edit tblctl.yaml',
    })
  return { ...backend, config: { ...backend.config, url } }
}

const settingsOf = ({ config }: NewBackend): string => Object.keys(config).join(', ') || 'none'
