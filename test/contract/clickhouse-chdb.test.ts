/** The embedded engine is one per process, and keeps every other process out: what needs a second one runs over HTTP (clickhouse.test.ts). */
import { join } from 'node:path'
import { Session } from 'chdb'
import { formatIdentity } from '../../src/drivers/clickhouse/identity.ts'
import { physicalName, quoteName, quoteString } from '../../src/drivers/clickhouse/names.ts'
import { driverContract } from './driver.ts'

await driverContract({
  kind: 'clickhouse',
  name: 'clickhouse, embedded',
  verbs: [
    'register',
    'unregister',
    'create',
    'load',
    'alter',
    'drop',
    'optimize',
    'vacuum',
    'tenant.create',
    'tenant.delete',
    'tenant.retention',
    'tenant.list',
    'tenant.describe',
    'query',
    'export',
  ],
  plannedElsewhere: [
    'alter',
    'vacuum',
    'tenant.create',
    'tenant.delete',
    'tenant.retention',
    'tenant.list',
    'tenant.describe',
  ],
  backend: '{ driver: clickhouse, url: "chdb:clickhouse", database: otel }',
  dates: { min: -25_567, max: 120_530 },
  survives: false,
  cancelledCreate: 'empty',
  makeOutside: async (folder, project, table) => {
    const identity = { tblctl: 1, project, table, schema: null, kind: 'table', hash: '' } as const
    using session = new Session(join(folder, 'clickhouse'))
    await session.queryAsync('CREATE DATABASE IF NOT EXISTS otel ENGINE = Atomic')
    await session.queryAsync(
      `CREATE TABLE ${quoteName('otel', physicalName(table, project))} (id Int64, note Nullable(String)) ENGINE = MergeTree
        ORDER BY id COMMENT ${quoteString(formatIdentity(identity))}`,
    )
  },
})
