/** Tables whose rows belong to users: hot rows in SQLite, flushed to Parquet files of each user. */
import type { DriverModule } from '../../core/driver.ts'
import { type UserTablesConfig, userTablesConfig } from './config.ts'

export const driver: DriverModule<UserTablesConfig> = {
  kind: 'user-tables',
  config: userTablesConfig,
  traits: { embedded: true, verified: true, users: true, travel: false },
  can: ['register', 'unregister', 'create', 'drop', 'load', 'mutate', 'flush', 'optimize', 'query', 'export'],
  example: { hot: '.tblctl/people.db', location: 'file:./people/${user_id}/tables' },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openUserTablesDriver(backend, settings, environment),
  policy: ({ hot, location }) =>
    `read and write ${hot} and its folder; read, write, link and rename below ${location.replace(/^file:/, '')} for every user`,
}
