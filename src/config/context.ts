/** Which context counts: `--context`, then TBLCTL_CONTEXT, then the one that `tblctl context use` stored beside the config. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { durable } from '../core/durable.ts'
import { fail } from '../core/errors.ts'
import { isSegment, printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import { writeWhole } from './files.ts'
import type { Environment } from './find.ts'

export interface ChosenContext {
  readonly name: string | null
  /** `flag --context`, `env TBLCTL_CONTEXT`, the path of the stored one, or `default`. */
  readonly origin: string
}

const contextFile = (directory: string): string => join(directory, '.tblctl', 'context')

/** `directory` is the config's. Throws when the name is none of `known`: usage for a flag or variable, config for a stored one. */
export async function chooseContext(options: {
  readonly flag?: string | undefined
  readonly env: Environment
  readonly directory: string
  readonly known: readonly string[]
}): Promise<ChosenContext> {
  const { flag, env, directory, known } = options
  const variable = env.TBLCTL_CONTEXT
  if (flag !== undefined) return { name: checked(flag, known, 'usage', '--context'), origin: 'flag --context' }
  if (variable !== undefined && variable !== '')
    return { name: checked(variable, known, 'usage', 'TBLCTL_CONTEXT'), origin: 'env TBLCTL_CONTEXT' }
  const stored = await readStoredContext(directory)
  if (stored === null) return { name: null, origin: 'default' }
  const origin = printable(contextFile(directory))
  return { name: checked(stored, known, 'config', origin), origin }
}

/** What `tblctl context use` stored; null when nothing is. */
export async function readStoredContext(directory: string): Promise<string | null> {
  let text: string
  try {
    text = await readFile(contextFile(directory), 'utf8')
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return null
    throw unreadable(directory, `it cannot be read: ${(thrown as Error).message}`)
  }
  const name = text.trim()
  if (name === '') return null
  if (!isSegment(name)) throw unreadable(directory, 'it holds no context name')
  return name
}

/** Null forgets it. The name must be one of `known`, the contexts of the config in that directory. */
export async function storeContext(directory: string, name: string | null, known: readonly string[]): Promise<void> {
  if (name !== null) {
    checked(name, known, 'usage', 'context use')
    return writeWhole(contextFile(directory), `${name}\n`, { mode: 0o644, step: 'config.context' })
  }
  durable('config.context:before')
  await rm(contextFile(directory), { force: true })
  durable('config.context:after')
}

function checked(name: string, known: readonly string[], kind: 'usage' | 'config', where: string): string {
  if (known.includes(name)) return name
  const near = didYouMean(name, known)
  const there = known.length === 0 ? 'the config has no contexts' : `contexts are ${known.join(', ')}`
  throw fail(kind, 'unknown-context', `unknown context "${printable(name)}"; ${there}`, {
    where,
    hint: near !== undefined ? `did you mean ${near}?` : 'tblctl context list',
  })
}

function unreadable(directory: string, why: string): Error {
  const where = printable(contextFile(directory))
  return fail('config', 'bad-stored-context', `the stored context cannot be used: ${why}`, {
    where,
    hint: 'tblctl context use NAME',
  })
}
