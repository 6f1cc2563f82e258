/** Puts the verbs of the Delta driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { unregister } from '../../verbs/unregister.ts'
import { alter } from './alter.ts'
import type { DeltaConfig } from './config.ts'
import { create } from './create.ts'
import { deleteRows } from './delete.ts'
import { describe, stats } from './describe.ts'
import { drop } from './drop.ts'
import { exportTable } from './export.ts'
import { history } from './history.ts'
import { projectTable } from './legacy-layout.ts'
import { load } from './load.ts'
import { openLocations } from './location.ts'
import { optimize } from './optimize.ts'
import { ping } from './ping.ts'
import { query } from './query.ts'
import { register } from './register.ts'
import { repair } from './repair.ts'
import { restore } from './restore.ts'
import { scan } from './scan.ts'
import { openStores } from './stores.ts'
import { syncTarget } from './sync.ts'
import type { Lake } from './table.ts'
import { listTrash } from './trash/trash.ts'
import { undrop } from './undrop.ts'
import { vacuum } from './vacuum.ts'
import { verify } from './verify.ts'

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
      alter: alter(lake),
      drop: drop(lake),
      undrop: undrop(lake),
      trash: { list: () => listTrash(lake, backend) },
      load: load(lake),
      delete: deleteRows(lake),
      restore: restore(lake),
      optimize: optimize(lake),
      vacuum: vacuum(lake),
      repair: repair(lake),
      verify: { verify: (table, options, ctx) => verify(lake, table, options, ctx) },
      query: { query: query(lake) },
      export: { export: exportTable(lake) },
      history: { history: (table, options, ctx) => history(lake, table, options, ctx) },
      'sync.target': syncTarget(lake),
    },
    projectTable: { table: projectTable, schema: projectTable },
    ping: () => ping(lake.locations),
    scan: (filter) => scan(lake, backend, filter.project),
    describe: (table, ctx, at) => describe(lake, table, ctx, at),
    stats: (table, options, ctx) => stats(lake, table, options, ctx),
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  }
}
