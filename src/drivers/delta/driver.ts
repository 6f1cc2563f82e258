/** Puts the verbs of the Delta driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { openLocalStore } from '../../storage/local.ts'
import { unregister } from '../../verbs/unregister.ts'
import type { DeltaConfig } from './config.ts'
import { create } from './create.ts'
import { describe, stats } from './describe.ts'
import { exportTable } from './export.ts'
import { load } from './load.ts'
import { type OpenStore, openLocations } from './location.ts'
import { optimize } from './optimize.ts'
import { ping } from './ping.ts'
import { query } from './query.ts'
import { register } from './register.ts'
import { scan } from './scan.ts'
import type { Lake } from './table.ts'

/** `openStore`: opens the object store at an absolute path. */
export function openDeltaDriver(
  backend: string,
  config: DeltaConfig,
  environment: DriverEnvironment,
  openStore: OpenStore = openLocalStore,
): Driver {
  const lake: Lake = {
    locations: openLocations(config, environment.directory, openStore),
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
    },
    ping: () => ping(lake.locations),
    scan: (filter) => scan(lake.locations, backend, filter.project),
    describe: (table, ctx) => describe(lake, table, ctx),
    stats: (table, options, ctx) => stats(lake, table, options, ctx),
    [Symbol.asyncDispose]: async () => {},
  }
}
