/** Where tblctl.yaml is: `--config`, then TBLCTL_CONFIG, then upward from the working directory. */
import { lstat, stat } from 'node:fs/promises'
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

/** Throws config errors: `config-not-found` when no file is named or found, `config-not-a-file` when all that was found is none, `config-missing` when the named one is not there. */
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
  let other: { readonly file: string; readonly problem: string } | undefined
  for (let directory = resolve(options.cwd); ; directory = dirname(directory)) {
    const file = join(directory, configFileName)
    const problem = await problemOf(file)
    if (problem === null) return { file, origin: 'working directory' }
    if (problem !== absent) other ??= { file, problem }
    if (dirname(directory) === directory) break
  }
  if (other !== undefined)
    throw fail('config', 'config-not-a-file', `${configFileName} ${other.problem}`, {
      where: printable(other.file),
      hint: 'move it away and run tblctl init, or name another config with --config',
    })
  throw fail('config', 'config-not-found', `there is no ${configFileName} here or in a folder above`, {
    where: printable(options.cwd),
    hint: 'tblctl init',
  })
}

async function named(path: string, where: string, origin: string, cwd: string): Promise<FoundConfig> {
  const file = resolve(cwd, path)
  const problem = path === '' ? absent : await problemOf(file)
  if (problem === null) return { file, origin }
  throw fail('config', 'config-missing', `config file "${printable(path)}" ${problem}`, { where, hint: 'tblctl init' })
}

const absent = 'does not exist'

/** What is wrong with it as a file, to follow its name; null when nothing is. */
async function problemOf(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isDirectory() ? 'is a folder, not a file' : null
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ELOOP') return 'is a symbolic link that leads to itself'
    const link = await lstat(path).catch(() => null)
    return link?.isSymbolicLink() ? 'is a symbolic link to what is not there' : absent
  }
}

/** Short when the file is below the working directory, else absolute. */
export function displayPath(file: string, cwd: string): string {
  const short = relative(cwd, file)
  return printable(short === '' || short.startsWith('..') || isAbsolute(short) ? file : short)
}
