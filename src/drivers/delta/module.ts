/** Delta Lake tables on an object store. */
import type { DriverModule } from '../../core/driver.ts'
import { type DeltaConfig, deltaConfig } from './config.ts'
import { policy } from './policy.ts'

export const driver: DriverModule<DeltaConfig> = {
  kind: 'delta',
  config: deltaConfig,
  traits: { embedded: true, verified: true, users: false, travel: true },
  can: [
    'register',
    'unregister',
    'create',
    'alter',
    'drop',
    'undrop',
    'trash',
    'load',
    'delete',
    'restore',
    'optimize',
    'vacuum',
    'repair',
    'verify',
    'query',
    'export',
    'history',
    'sync.target',
  ],
  schemaFormats: { delta: async (schema) => (await import('./types.ts')).formatSchemaString(schema.fields) },
  example: { url: 'file:./lake' },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openDeltaDriver(backend, settings, environment),
  policy,
}
