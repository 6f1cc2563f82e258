/** Puts the verbs of the user-tables driver together. */
import { dirname, join, resolve } from 'node:path'
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { unregister } from '../../verbs/unregister.ts'
import type { UserTablesConfig } from './config.ts'
import { create } from './create.ts'
import { describe, stats } from './describe.ts'
import { drop } from './drop.ts'
import { exportTable } from './export.ts'
import { flush } from './flush.ts'
import { load } from './load.ts'
import { openLocations } from './location.ts'
import { mutate } from './mutate.ts'
import { optimize } from './optimize.ts'
import { ping } from './ping.ts'
import { query } from './query.ts'
import { register } from './register.ts'
import { scan } from './scan.ts'
import { openSchemaFiles } from './schema-files.ts'
import { HotStore } from './store.ts'
import type { Home } from './table.ts'

export function openUserTablesDriver(
  backend: string,
  config: UserTablesConfig,
  environment: DriverEnvironment,
): Driver {
  const hot = resolve(environment.directory, config.hot)
  const conf = config.conf === undefined ? join(dirname(hot), 'conf') : resolve(environment.directory, config.conf)
  const store = new HotStore(hot)
  const home: Home = {
    store,
    locations: openLocations(config.location, environment.directory),
    schemaFiles: openSchemaFiles(conf, store),
    environment,
  }
  return {
    kind: 'user-tables',
    can: {
      register: register(home),
      unregister: unregister(),
      create: create(home),
      drop: drop(home),
      load: load(home),
      mutate: mutate(home),
      flush: flush(home),
      optimize: optimize(home),
      query: { query: query(home) },
      export: { export: exportTable(home) },
    },
    ping: () => ping(home, hot),
    scan: (filter) => scan(home, backend, filter.project),
    describe: (table, ctx) => describe(home, table, ctx),
    stats: (table, options, ctx) => stats(home, table, options, ctx),
    [Symbol.asyncDispose]: async () => home.store.close(),
  }
}
