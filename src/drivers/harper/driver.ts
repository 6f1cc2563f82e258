/** Puts the verbs of the Harper driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { unregister } from '../../verbs/unregister.ts'
import type { HarperConfig } from './config.ts'
import { create } from './create.ts'
import { describe, stats } from './describe.ts'
import { Operations } from './operations.ts'
import { ping } from './ping.ts'
import { register } from './register.ts'
import { scan } from './scan.ts'
import { syncTarget } from './sync.ts'
import { Database } from './table.ts'

export function openHarperDriver(backend: string, config: HarperConfig, environment: DriverEnvironment): Driver {
  const operations = new Operations(config.url, config.username, config.password)
  const database = new Database(operations, config.database)
  return {
    kind: 'harper',
    can: {
      register: register(database),
      unregister: unregister(),
      create: create(database, environment),
      'sync.target': syncTarget(database),
    },
    ping: (ctx) => ping(operations, database, ctx),
    scan: (filter, ctx) => scan(database, backend, filter.project, ctx),
    describe: (table, ctx) => describe(database, table, ctx),
    stats: (table, options, ctx) => stats(database, table, options, ctx),
    [Symbol.asyncDispose]: async () => {},
  }
}
