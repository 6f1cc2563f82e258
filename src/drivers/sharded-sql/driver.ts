/** Puts the verbs of the sharded-sql driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { unregister } from '../../verbs/unregister.ts'
import { openCluster } from './cluster.ts'
import type { ShardedSqlConfig } from './config.ts'
import { create } from './create.ts'
import { describe, stats } from './describe.ts'
import { drop } from './drop.ts'
import { exportTable } from './export.ts'
import { load } from './load.ts'
import { optimize } from './optimize.ts'
import { ping } from './ping.ts'
import { query } from './query.ts'
import { register } from './register.ts'
import { scan } from './scan.ts'
import { syncTarget } from './sync.ts'

export function openShardedSqlDriver(
  backend: string,
  config: ShardedSqlConfig,
  environment: DriverEnvironment,
): Driver {
  const cluster = openCluster(backend, config, environment)
  return {
    kind: 'sharded-sql',
    can: {
      register: register(cluster),
      unregister: unregister(),
      create: create(cluster),
      drop: drop(cluster),
      load: load(cluster),
      optimize: optimize(cluster),
      query: { query: query(cluster) },
      export: { export: exportTable(cluster) },
      'sync.target': syncTarget(cluster),
    },
    ping: (ctx) => ping(cluster, ctx),
    scan: (filter) => scan(cluster, filter.project),
    describe: (table, ctx) => describe(cluster, table, ctx),
    stats: (table, _options, ctx) => stats(cluster, table, ctx),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
