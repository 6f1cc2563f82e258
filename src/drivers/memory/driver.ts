/** Puts the verbs of the memory driver together. */
import { isAbsolute, resolve } from 'node:path'
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { unregister } from '../../verbs/unregister.ts'
import { create } from './create.ts'
import { describe, stats } from './describe.ts'
import { exportTable } from './export.ts'
import { flush } from './flush.ts'
import { load } from './load.ts'
import { optimize } from './optimize.ts'
import { query } from './query.ts'
import { register } from './register.ts'
import { reshard } from './reshard.ts'
import { scan } from './scan.ts'
import { MemoryStore } from './store.ts'
import { syncSource } from './sync.ts'
import { syncTarget } from './sync-target.ts'
import { tenantCreate } from './tenant.ts'

export function openMemoryDriver(
  backend: string,
  config: { file?: string | undefined },
  environment: DriverEnvironment,
): Driver {
  const file =
    config.file === undefined
      ? null
      : isAbsolute(config.file)
        ? config.file
        : resolve(environment.directory, config.file)
  const store = new MemoryStore(file)
  return {
    kind: 'memory',
    can: {
      register: register(store),
      unregister: unregister(),
      create: create(store, environment),
      load: load(store, environment),
      optimize: optimize(store, environment),
      reshard: reshard(store),
      flush: flush(store),
      'tenant.create': tenantCreate(store),
      query: { query: query(store, environment) },
      export: { export: exportTable(store, environment) },
      'sync.source': syncSource(store, backend, environment),
      'sync.target': syncTarget(store, environment),
    },
    ping: async () => {
      store.all('select count(*) from tables')
      return [{ check: 'store', ok: true, detail: file ?? 'in memory, ends with the process' }]
    },
    scan: (filter) => scan(store, backend, filter.project),
    describe: (table, ctx) => describe(store, table, ctx),
    stats: (table, _options, ctx) => stats(store, table, ctx),
    [Symbol.asyncDispose]: async () => store.close(),
  }
}
