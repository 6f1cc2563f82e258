/** What completion needs of tblctl.yaml, read without checking it: a TAB must be quick, and a broken config must still complete. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readStoredContext } from '../../config/context.ts'
import { findConfig } from '../../config/find.ts'
import type { Environment } from '../environment.ts'

/** As in config/schema.ts, which would load zod; a test compares them. */
export const defaultCatalog = '.tblctl/catalog.db'

export interface Outline {
  /** Absolute. */
  readonly catalog: string
  /** Absolute. */
  readonly schemaFolders: readonly string[]
  readonly backends: readonly string[]
  readonly contexts: readonly string[]
}

interface From {
  readonly config: string | null
  readonly env: Environment
  readonly directory: string
}

/** Throws when there is no config, or it is no YAML. What has an unexpected shape counts as not written. */
export async function readOutline({ config, env, directory: cwd }: From): Promise<Outline> {
  const { file } = await findConfig({ flag: config ?? undefined, env, cwd })
  const { load } = await import('js-yaml')
  const root = load(await readFile(file, 'utf8'))
  const directory = dirname(file)
  const context = env.TBLCTL_CONTEXT || (await readStoredContext(directory).catch(() => null))
  const over = context === null ? undefined : member(member(root, 'contexts'), context)
  const catalog = textOf(member(over, 'catalog')) ?? textOf(member(root, 'catalog')) ?? defaultCatalog
  const folders = member(over, 'schemas') ?? member(root, 'schemas')
  return {
    catalog: env.TBLCTL_CATALOG ? resolve(cwd, env.TBLCTL_CATALOG) : resolve(directory, catalog),
    schemaFolders: (Array.isArray(folders) ? folders : [])
      .filter((folder) => typeof folder === 'string')
      .map((folder) => resolve(directory, folder)),
    backends: [...new Set([...keysOf(member(root, 'backends')), ...keysOf(member(over, 'backends'))])],
    contexts: keysOf(member(root, 'contexts')),
  }
}

function member(value: unknown, key: string): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const keysOf = (value: unknown): string[] =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value) : []
