/** Secrets are resolved when their backend is opened, and only then: `list` never fails on a missing one. */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { printable } from '../core/ref.ts'
import { Secret } from '../settings/secret.ts'
import { readAtMost } from './files.ts'
import type { Environment } from './find.ts'
import type { KeyPath } from './places.ts'

export interface SecretSources {
  readonly env: Environment
  /** Relative paths count from here. */
  readonly directory: string
  /** For `file:~/…`. */
  readonly home: string
  /** Whether the user has accepted the file with this content. */
  trusted(): Promise<boolean>
  warn(message: string): void
}

export interface MissingSecret {
  readonly path: KeyPath
  readonly message: string
  readonly hint: string
}

const mostBytes = 64 * 1024
const commandMs = 10_000

function secretsIn(config: unknown): { readonly path: KeyPath; readonly secret: Secret }[] {
  const found: { path: KeyPath; secret: Secret }[] = []
  const walk = (value: unknown, path: KeyPath): void => {
    if (value instanceof Secret) found.push({ path, secret: value })
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index])
    else if (isPlain(value)) for (const [key, item] of Object.entries(value)) walk(item, [...path, key])
  }
  walk(config, [])
  return found
}

/** The config with every secret resolved, or all that are missing. One reference is resolved once. */
export async function resolveSecrets<C>(
  config: C,
  sources: SecretSources,
): Promise<{ readonly config: C } | { readonly missing: readonly MissingSecret[] }> {
  const resolved = new Map<string, Secret>()
  const failed = new Map<string, Failure>()
  const missing: MissingSecret[] = []
  for (const { path, secret } of secretsIn(config)) {
    const { reference } = secret
    if (!resolved.has(reference) && !failed.has(reference)) {
      const value = await read(reference, sources)
      if (typeof value === 'string') resolved.set(reference, new Secret(reference, value))
      else failed.set(reference, value)
    }
    const failure = failed.get(reference)
    if (failure !== undefined) missing.push({ path, ...failure })
  }
  return missing.length > 0 ? { missing } : { config: replace(config, resolved) as C }
}

function replace(value: unknown, resolved: ReadonlyMap<string, Secret>): unknown {
  if (value instanceof Secret) return resolved.get(value.reference) ?? value
  if (Array.isArray(value)) return value.map((item) => replace(item, resolved))
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item, resolved)]))
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object') return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

interface Failure {
  readonly message: string
  readonly hint: string
}

async function read(reference: string, sources: SecretSources): Promise<string | Failure> {
  const rest = reference.slice(reference.indexOf(':') + 1)
  if (reference.startsWith('env:')) return fromVariable(rest, sources)
  return reference.startsWith('file:') ? fromFile(rest.trim(), sources) : fromCommand(rest.trim(), sources)
}

function fromVariable(name: string, sources: SecretSources): string | Failure {
  const value = sources.env[name]
  if (value !== undefined && value !== '') return value
  return { message: `env:${name} is ${value === undefined ? 'not set' : 'empty'}`, hint: `set ${name} and try again` }
}

async function fromFile(path: string, sources: SecretSources): Promise<string | Failure> {
  const file = path.startsWith('~/') ? join(sources.home, path.slice(2)) : resolve(sources.directory, path)
  const shown = `file:${printable(path)}`
  const hint = `put the secret into ${printable(file)}`
  try {
    await using handle = await open(file, 'r')
    const bytes = await readAtMost(handle, mostBytes)
    if (bytes === null) return { message: `${shown} is larger than 64 KiB`, hint }
    if (((await handle.stat()).mode & 0o077) !== 0)
      sources.warn(`${printable(file)} holds a secret and others may read it; try: chmod 600 ${printable(file)}`)
    const text = bytes.toString('utf8').replace(/\r?\n$/, '')
    return text === '' ? { message: `${shown} is empty`, hint } : text
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    return { message: `${shown} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}`, hint }
  }
}

/** What the command prints on stderr is dropped: it may hold the secret. */
async function fromCommand(command: string, sources: SecretSources): Promise<string | Failure> {
  const shown = `cmd:${printable(command)}`
  if (!(await sources.trusted()))
    return {
      message: `${shown} is not run: this file, as it is now, was not accepted`,
      hint: 'read the commands in it, then: tblctl config trust',
    }
  const hint = 'run the command by hand to see why'
  return new Promise((done) => {
    const child = execFile(
      'sh',
      ['-c', command],
      { cwd: sources.directory, env: { ...sources.env }, maxBuffer: mostBytes },
      (error, stdout) => {
        clearTimeout(timer)
        const text = stdout.trim()
        if (error !== null) done({ message: `${shown} failed (${reasonOf(error)})`, hint })
        else done(text === '' ? { message: `${shown} printed nothing`, hint } : text)
      },
    )
    child.stdin?.end()
    const timer = setTimeout(() => {
      // What the shell started may hold the pipes open for as long as it likes: nobody waits for it.
      child.kill('SIGKILL')
      child.stdout?.destroy()
      child.stderr?.destroy()
      done({ message: `${shown} did not end within 10 s`, hint })
    }, commandMs)
  })
}

function reasonOf(error: Error & { code?: unknown; signal?: unknown }): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'more than 64 KiB of output'
  if (typeof error.code === 'number') return `exit code ${error.code}`
  return typeof error.signal === 'string' ? error.signal : String(error.code)
}
