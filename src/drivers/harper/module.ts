/** Harper tables as the target of a sync. */
import type { DriverModule } from '../../core/driver.ts'
import { type HarperConfig, harperConfig } from './config.ts'

export const driver: DriverModule = {
  kind: 'harper',
  config: harperConfig,
  traits: { embedded: false, verified: true, users: false, travel: false },
  can: ['register', 'unregister', 'create', 'sync.target'],
  example: { url: 'http://localhost:9925', username: 'admin', password: 'env:HARPER_PASSWORD' },
  open: async (backend, settings: HarperConfig, environment) =>
    (await import('./driver.ts')).openHarperDriver(backend, settings, environment),
  policy: ({ database, username }: HarperConfig) =>
    `${username} describes, creates and writes tables of database ${database}; a role with super_user, or structure_user and its tables`,
}
