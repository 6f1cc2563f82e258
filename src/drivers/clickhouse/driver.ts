/** Puts the verbs of the ClickHouse driver together. */
import type { Driver, DriverEnvironment } from '../../core/driver.ts'
import { unregister } from '../../verbs/unregister.ts'
import { alter } from './alter.ts'
import type { ClickhouseConfig } from './config.ts'
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
import { tenantCreate } from './tenant/create.ts'
import { tenantDelete } from './tenant/delete.ts'
import { describeTenant, listTenants } from './tenant/list.ts'
import { tenantRetention } from './tenant/retention.ts'
import { vacuum } from './vacuum.ts'
import { openWarehouse } from './warehouse.ts'

export function openClickhouseDriver(
  backend: string,
  config: ClickhouseConfig,
  environment: DriverEnvironment,
): Driver {
  const warehouse = openWarehouse(backend, config, environment)
  return {
    kind: 'clickhouse',
    can: {
      register: register(warehouse),
      unregister: unregister(),
      create: create(warehouse),
      load: load(warehouse),
      alter: alter(warehouse),
      drop: drop(warehouse),
      optimize: optimize(warehouse),
      vacuum: vacuum(warehouse),
      'tenant.create': tenantCreate(warehouse),
      'tenant.delete': tenantDelete(warehouse),
      'tenant.retention': tenantRetention(warehouse),
      'tenant.list': { list: (ctx) => listTenants(warehouse, ctx) },
      'tenant.describe': { describe: (tenant, ctx) => describeTenant(warehouse, tenant, ctx) },
      query: { query: query(warehouse) },
      export: { export: exportTable(warehouse) },
    },
    ping: (ctx) => ping(warehouse, ctx),
    scan: (filter, ctx) => scan(warehouse, filter.project, ctx),
    describe: (table, ctx) => describe(warehouse, table, ctx),
    stats: (table, _options, ctx) => stats(warehouse, table, ctx),
    [Symbol.asyncDispose]: async () => {},
  }
}
