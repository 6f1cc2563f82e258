/** The memory driver: the reference implementation of the port, and what tests and demonstrations run on. */
import { z } from 'zod'
import type { DriverModule } from '../../core/driver.ts'

const config = z.strictObject({
  file: z
    .string()
    .min(1)
    .optional()
    .describe('SQLite file that keeps the tables, shared by processes; without it they end with the process'),
})

export const driver: DriverModule<z.infer<typeof config>> = {
  kind: 'memory',
  config,
  traits: { embedded: true, verified: true, users: false, travel: false },
  can: [
    'register',
    'unregister',
    'create',
    'load',
    'optimize',
    'reshard',
    'flush',
    'tenant.create',
    'query',
    'export',
    'sync.source',
    'sync.target',
  ],
  example: { file: '.tblctl/memory.db' },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openMemoryDriver(backend, settings, environment),
  policy: ({ file }) => (file ? `read and write access to ${file} and its folder` : 'nothing'),
}
