/**
 * What each verb takes: one check for flags, plan files, HTTP bodies and stored jobs, the same for every driver.
 * Units are settled before: sizes are bytes, durations milliseconds, paths absolute.
 */
import { z } from 'zod'

const labels = z.record(z.string().min(1).max(128), z.string().max(1024)).default({})
const location = z.string().min(1).nullable().default(null)
const bytes = z.number().int().positive()

export const registerOptions = z.strictObject({ location, labels })
export const unregisterOptions = z.strictObject({})
export const createOptions = z.strictObject({ schema: z.string().min(1), location, labels })
export const loadOptions = z.strictObject({
  /** Absolute paths; null = standard input. */
  inputs: z
    .array(z.strictObject({ path: z.string().min(1).nullable(), format: z.enum(['ndjson', 'csv', 'parquet']) }))
    .min(1),
  batchId: z.string().min(1).max(256),
  commitRows: z.number().int().positive().nullable().default(null),
  commitBytes: bytes.nullable().default(null),
  commitMs: z.number().int().positive().nullable().default(null),
  rejectTo: z.string().min(1).nullable().default(null),
})
export const optimizeOptions = z.strictObject({ targetSize: bytes.nullable().default(null) })
export const reshardOptions = z.strictObject({
  shards: z.number().int().min(1).max(256),
  waitForSwitch: z.boolean().optional(),
})
export const flushOptions = z.strictObject({})
export const tenantCreateOptions = z.strictObject({ schemaSet: z.string().min(1) })
