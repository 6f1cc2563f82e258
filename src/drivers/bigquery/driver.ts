/** Puts the verbs of the BigQuery driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { parseSize } from '../../core/units.ts'
import { unregister } from '../../verbs/unregister.ts'
import { connect } from './client.ts'
import type { BigQueryConfig } from './config.ts'
import { describe, stats } from './describe.ts'
import { ping } from './ping.ts'
import { register } from './register.ts'
import { Requests } from './requests.ts'
import type { Backoff } from './retry.ts'
import { scan } from './scan.ts'
import { syncSource } from './sync.ts'
import type { Warehouse } from './table.ts'

export function openBigQueryDriver(
  backend: string,
  config: BigQueryConfig,
  environment: DriverEnvironment,
  backoff?: Backoff,
): Driver {
  const warehouse: Warehouse = {
    projectId: config.projectId,
    requests: new Requests(() => connect(config, environment.env), {
      location: config.location ?? null,
      maximumBytesBilled: config.maximumBytesBilled === undefined ? null : parseSize(config.maximumBytesBilled),
      ...(backoff ? { backoff } : {}),
    }),
  }
  return {
    kind: 'bigquery',
    can: { register: register(warehouse), unregister: unregister(), 'sync.source': syncSource(warehouse) },
    ping: (ctx) => ping(warehouse, ctx),
    scan: (filter, ctx) => scan(warehouse, backend, filter.project, ctx),
    describe: (table, ctx) => describe(warehouse, table, ctx),
    stats: (table, options, ctx) => stats(warehouse, table, options, ctx),
    [Symbol.asyncDispose]: async () => {},
  }
}
