/** Puts the verbs of the Delta driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { unregister } from '../../verbs/unregister.ts'
import type { DeltaConfig } from './config.ts'
import { create } from './create.ts'
import { describe, stats } from './describe.ts'
import { exportTable } from './export.ts'
import { load } from './load.ts'
import { openLocations } from './location.ts'
import { optimize } from './optimize.ts'
import { ping } from './ping.ts'
import { query } from './query.ts'
import { register } from './register.ts'
import { scan } from './scan.ts'
import { openStores } from './stores.ts'
import { syncTarget } from './sync.ts'
import type { Lake } from './table.ts'

/** `wrap`: for tests that have their hands in every store. */
export function openDeltaDriver(
  backend: string,
  config: DeltaConfig,
  environment: DriverEnvironment,
  wrap: (store: ObjectStore) => ObjectStore = (store) => store,
): Driver {
  const stores = openStores(environment)
  const lake: Lake = {
    locations: openLocations(config, environment.directory, (root, place) => wrap(stores.open(root, place))),
    environment,
    snapshots: new Map(),
  }
  return {
    kind: 'delta',
    can: {
      register: register(lake),
      unregister: unregister(),
      create: create(lake),
      load: load(lake),
      optimize: optimize(lake),
      query: { query: query(lake) },
      export: { export: exportTable(lake) },
      'sync.target': syncTarget(lake),
    },
    projectTable: { table: 'otel_logs_and_spans', schema: 'otel_logs_and_spans' },
    ping: () => ping(lake.locations),
    scan: (filter) => scan(lake.locations, backend, filter.project),
    describe: (table, ctx) => describe(lake, table, ctx),
    stats: (table, options, ctx) => stats(lake, table, options, ctx),
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  }
}
