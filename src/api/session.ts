/** What every method of the api works with: config, catalog, drivers and schemas, each opened on first use and closed at the end. */
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { openSqliteCatalog } from '../catalog/sqlite.ts'
import type { Config } from '../config/load.ts'
import type { Catalog } from '../core/catalog.ts'
import type { Driver, DriverModule } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import type { Approver, Host, Reporter, StopSource } from '../core/host.ts'
import type { ReadContext } from '../core/operation.ts'
import { readContext } from '../core/run/read-context.ts'
import { didYouMean } from '../core/suggest.ts'
import { isGone, thisOwner } from '../jobs/owner.ts'
import { openRegistry, type Registry } from '../schemas/registry.ts'
import { makeScratch } from './scratch.ts'

/** A dead process of another host is found out this late; on the same host at once. */
const defaultLeaseMs = 30_000

export interface SessionOptions {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly run: string
  readonly approver: Approver
  readonly reporter: Reporter
  readonly stop: StopSource
  readonly lockTimeoutMs: number
  readonly parallelism: number
  readonly leaseMs?: number
  loadDriver(kind: string): Promise<DriverModule>
}

export interface Session extends AsyncDisposable {
  readonly config: Config
  /** The working directory. */
  readonly directory: string
  catalog(): Catalog
  host(): Host
  schemas(): Registry
  /** The open driver of a backend; a usage error with a suggestion when the config has no such backend. */
  driver(backend: string): Promise<Driver>
  module(backend: string): Promise<DriverModule>
  reading(backend: string): ReadContext
}

export function openSession(options: SessionOptions): Session {
  const { config } = options
  let catalog: Catalog | undefined
  let host: Host | undefined
  let schemas: Registry | undefined
  let scratch: Promise<string> | undefined
  const drivers = new Map<string, Promise<Driver>>()

  const session: Session = {
    config,
    directory: options.directory,
    catalog: () => (catalog ??= openSqliteCatalog(config.catalog)),
    host: () =>
      (host ??= {
        // Late: doctor looks at backends also where the catalog cannot be opened.
        get catalog() {
          return session.catalog()
        },
        owner: thisOwner(),
        isGone,
        actor: actor(),
        run: options.run,
        leaseMs: options.leaseMs ?? defaultLeaseMs,
        lockTimeoutMs: options.lockTimeoutMs,
        parallelism: options.parallelism,
        approver: options.approver,
        reporter: options.reporter,
        stop: options.stop,
        newId: () => randomUUID().replaceAll('-', '').slice(0, 12),
        now: () => new Date(),
      }),
    schemas: () => (schemas ??= openRegistry(config.schemaFolders)),
    module: (backend) => options.loadDriver(requireBackend(config, backend).driver),
    driver: (backend) => {
      let driver = drivers.get(backend)
      if (!driver) {
        driver = open(backend)
        drivers.set(backend, driver)
      }
      return driver
    },
    reading: (backend) => readContext(session.host(), backend),
    [Symbol.asyncDispose]: async () => {
      for (const driver of drivers.values()) await (await driver.catch(() => undefined))?.[Symbol.asyncDispose]()
      await catalog?.[Symbol.asyncDispose]()
      const folder = await scratch?.catch(() => undefined)
      if (folder) rmSync(folder, { recursive: true, force: true })
    },
  }

  async function open(backend: string): Promise<Driver> {
    const module = await session.module(backend)
    const settings = await requireBackend(config, backend).resolve()
    return module.open(backend, settings, {
      directory: config.directory,
      env: options.env,
      signal: options.stop.hard,
      remark: (message) => options.reporter.log('warn', message),
      lockTimeoutMs: options.lockTimeoutMs,
      // Beside the catalog: on the disk of the embedded tables as a rule, where a finished file is moved, not copied.
      scratch: () => (scratch ??= makeScratch(join(dirname(config.catalog), 'scratch'), session.host().owner, isGone)),
      schema: (name) => session.schemas().get(name),
      async registered() {
        const places: { path: string; location: string }[] = []
        for (const state of ['active', 'trash'] as const)
          for await (const { path, spec } of session.catalog().tables({ state }))
            if (spec.location !== null) places.push({ path, location: spec.location })
        return places
      },
    })
  }
  return session
}

export function requireBackend(config: Config, name: string) {
  const backend = config.backends.get(name)
  if (backend) return backend
  const names = [...config.backends.keys()]
  const meant = didYouMean(name, names)
  throw fail('usage', 'unknown-backend', `there is no backend "${name}" in ${config.file}`, {
    hint: meant ? `did you mean ${meant}?` : names.length > 0 ? `backends are ${names.join(', ')}` : 'tblctl init',
  })
}

function actor(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown' // no entry for this uid: usual in containers
  }
}
