/** ClickHouse tables, per project or tenant: on a server over HTTP, or in the embedded engine. */
import type { DriverModule } from '../../core/driver.ts'
import { type ClickhouseConfig, clickhouseConfig } from './config.ts'

export const driver: DriverModule<ClickhouseConfig> = {
  kind: 'clickhouse',
  config: clickhouseConfig,
  locations: 'names',
  traits: { embedded: true, verified: true, users: false, travel: false },
  can: [
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
  example: { url: 'chdb:.tblctl/clickhouse', database: 'otel', username: 'default' },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openClickhouseDriver(backend, settings, environment),
  policy: ({ url, database, username }) =>
    url.startsWith('chdb:')
      ? `read and write access to ${url.slice('chdb:'.length)}, alone: one process at a time`
      : `GRANT SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER, OPTIMIZE, DROP TABLE ON ${database}.* TO ${username}; GRANT SELECT ON system.* TO ${username}`,
}
