/** Where tblctl.yaml is: `--config`, then TBLCTL_CONFIG, then upward from the working directory. */
import { stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

const configFileName = 'tblctl.yaml'

export type Environment = Readonly<Record<string, string | undefined>>

export interface FoundConfig {
  /** Absolute. */
  readonly file: string
  /** `flag --config`, `env TBLCTL_CONFIG` or `working directory`. */
  readonly origin: string
}

/** Throws config errors: `config-not-found` when no file is named or found, `config-missing` when the named one is not there. */
export async function findConfig(options: {
  readonly flag?: string | undefined
  readonly env: Environment
  readonly cwd: string
}): Promise<FoundConfig> {
  if (options.flag !== undefined) return named(options.flag, '--config', 'flag --config', options.cwd)
  const variable = options.env.TBLCTL_CONFIG
  // An empty variable is how shells and CI systems unset one.
  if (variable !== undefined && variable !== '')
    return named(variable, 'TBLCTL_CONFIG', 'env TBLCTL_CONFIG', options.cwd)
  for (let directory = resolve(options.cwd); ; directory = dirname(directory)) {
    const file = join(directory, configFileName)
    if ((await kindOf(file)) === 'file') return { file, origin: 'working directory' }
    if (dirname(directory) === directory) break
  }
  throw fail('config', 'config-not-found', `there is no ${configFileName} here or in a folder above`, {
    where: printable(options.cwd),
    hint: 'tblctl init',
  })
}

async function named(path: string, where: string, origin: string, cwd: string): Promise<FoundConfig> {
  const file = resolve(cwd, path)
  const kind = path === '' ? null : await kindOf(file)
  if (kind === 'file') return { file, origin }
  const what = kind === null ? 'does not exist' : 'is a folder, not a file'
  throw fail('config', 'config-missing', `config file "${printable(path)}" ${what}`, { where, hint: 'tblctl init' })
}

async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch {
    return null
  }
}

/** Short when the file is below the working directory, else absolute. */
export function displayPath(file: string, cwd: string): string {
  const short = relative(cwd, file)
  return printable(short === '' || short.startsWith('..') || isAbsolute(short) ? file : short)
}
