/**
 * `cmd:` secrets run commands, so a config that came with somebody's repository must not have its way unasked: the user accepts
 * one file with one content once. The store is a private file of the user, out of reach of what is checked out.
 */
import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { writeWhole } from './files.ts'
import type { Environment } from './find.ts'

/** A file as it was read: what was shown is what is accepted. */
export interface FileIdentity {
  readonly realPath: string
  readonly sha256: string
}
export interface UserPlace {
  readonly env: Environment
  /** The user's home directory. */
  readonly home: string
}

interface TrustStore {
  readonly version: 1
  /** realpath → sha256 of the accepted content, hexadecimal. */
  readonly files: Readonly<Record<string, string>>
}

/** XDG base directories: a relative XDG_STATE_HOME is ignored. */
export function trustFile(user: UserPlace): string {
  const state = user.env.XDG_STATE_HOME
  const base = state !== undefined && isAbsolute(state) ? state : join(user.home, '.local', 'state')
  return join(base, 'tblctl', 'trust.json')
}

/** False also after any change of the file. Throws config `bad-trust-store`. */
export async function isTrusted(file: FileIdentity, user: UserPlace): Promise<boolean> {
  const { files } = await readStore(user)
  return Object.hasOwn(files, file.realPath) && files[file.realPath] === file.sha256
}

/** Two at once may lose one entry, which is then asked for again. */
export async function trust(file: FileIdentity, user: UserPlace): Promise<void> {
  const { files } = await readStore(user)
  const store: TrustStore = { version: 1, files: { ...files, [file.realPath]: file.sha256 } }
  await writeWhole(trustFile(user), `${JSON.stringify(store, null, 2)}\n`, { mode: 0o600, step: 'config.trust' })
}

async function readStore(user: UserPlace): Promise<TrustStore> {
  const path = trustFile(user)
  try {
    const store: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (isStore(store)) return store
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return { version: 1, files: {} }
  }
  throw fail('config', 'bad-trust-store', 'the list of trusted config files cannot be read', {
    where: printable(path),
    hint: 'remove it and accept your files again: tblctl config trust',
  })
}

function isStore(value: unknown): value is TrustStore {
  if (value === null || typeof value !== 'object') return false
  const { version, files } = value as Partial<TrustStore>
  return version === 1 && files !== null && typeof files === 'object' && !Array.isArray(files)
}
