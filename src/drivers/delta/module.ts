/** Delta Lake tables on an object store. */
import { z } from 'zod'
import type { DriverModule } from '../../core/driver.ts'

const config = z.strictObject({
  url: z
    .string()
    .regex(/^file:/, 'must begin with file: (a folder, such as file:./lake)')
    .describe('root below which projects and tables lie: file:./lake'),
  projects: z
    .record(
      z.string(),
      z.strictObject({
        url: z
          .string()
          .regex(/^file:/)
          .describe('root of this project alone'),
      }),
    )
    .optional()
    .describe('Projects with a root of their own'),
})
export type DeltaConfig = z.infer<typeof config>

export const driver: DriverModule<DeltaConfig> = {
  kind: 'delta',
  config,
  traits: { embedded: true, verified: true },
  can: ['register', 'unregister', 'create', 'load', 'optimize', 'query', 'export'],
  schemaFormats: { delta: async (schema) => (await import('./types.ts')).formatSchemaString(schema.fields) },
  example: { url: 'file:./lake' },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openDeltaDriver(backend, settings, environment),
  policy: ({ url }) => `read, write, link and rename below ${url.replace(/^file:/, '')}`,
}
