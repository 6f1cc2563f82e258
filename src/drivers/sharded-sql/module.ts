/** Tables sharded over SQLite and PostgreSQL nodes. */
import type { DriverModule } from '../../core/driver.ts'
import { type ShardedSqlConfig, shardedSqlConfig } from './config.ts'

export const driver: DriverModule<ShardedSqlConfig> = {
  kind: 'sharded-sql',
  config: shardedSqlConfig,
  traits: { embedded: true, verified: true, users: false, travel: false },
  can: ['register', 'unregister', 'create', 'drop', 'load', 'optimize', 'query', 'export', 'sync.target'],
  example: { nodes: { n1: 'sqlite:.tblctl/n1', n2: 'sqlite:.tblctl/n2' } },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openShardedSqlDriver(backend, settings, environment),
  policy: ({ nodes }) =>
    Object.entries(nodes)
      .map(([name, node]) =>
        typeof node === 'string' && node.startsWith('sqlite:')
          ? `${name}: read and write access to the folder ${node.slice('sqlite:'.length)}`
          : `${name}: CONNECT, TEMPORARY and CREATE on the database, and ownership of the schema that tblctl makes`,
      )
      .join('\n'),
}
