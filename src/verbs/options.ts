/**
 * What each verb takes: one check for flags, plan files, HTTP bodies and stored jobs, the same for every driver.
 * Units are settled before: sizes are bytes, durations milliseconds, paths absolute.
 */
import { z } from 'zod'
import { parseDuration } from '../core/units.ts'

const labels = z.record(z.string().min(1).max(128), z.string().max(1024)).default({})
const location = z.string().min(1).nullable().default(null)
const bytes = z.number().int().positive()

export const registerOptions = z.strictObject({
  location,
  labels,
  orCreate: z.string().min(1).nullable().default(null),
})
/** Where a folder of files can become a table. */
export const convertingRegisterOptions = registerOptions.extend({ convert: z.boolean().default(false) })
export const unregisterOptions = z.strictObject({})
/** Any text: which ones are users, and how long, the driver says. */
const as = z.string().min(1).nullable().default(null)
const duration = z.string().superRefine((text, ctx) => {
  if (text === 'none') return
  try {
    parseDuration(text)
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: (error as Error).message })
  }
})
const sqlName = z.string().min(1).max(256)
const tableDefinition = z.strictObject({
  kind: z.enum(['table', 'user', 'stream']),
  columns: z
    .array(
      z.strictObject({
        name: sqlName,
        type: z.string().min(1).max(256),
        nullable: z.boolean(),
        default: z.string().nullable(),
      }),
    )
    .min(1)
    .max(4096),
  primaryKey: z.array(sqlName),
  unique: z.array(z.array(sqlName)),
})
export const createOptions = z.strictObject({
  schema: z.string().min(1).nullable().default(null),
  definition: tableDefinition.nullable().default(null),
  location,
  labels,
  settings: z.record(z.string().min(1), z.json()).default({}),
})
export const alterOptions = z.strictObject({
  retention: duration.nullable().default(null),
  applyNow: z.boolean().default(false),
})
export const dropOptions = z.strictObject({})
export const undropOptions = z.strictObject({ id: z.string().min(1).max(256).nullable().default(null) })
export const repairOptions = z.strictObject({})
const condition = z.string().trim().min(1).max(100_000)
const columnNames = z.array(sqlName).max(256)
/** Of tables whose columns can change. */
/** Of what it is in, objects leave it out without a word. */
const propertyName = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => name !== '__proto__', '__proto__ cannot be the name of a property')
const properties = z
  .unknown()
  .superRefine((value, ctx) => {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__'))
      ctx.addIssue({ code: 'custom', message: '__proto__ cannot be the name of a property' })
  })
  .pipe(z.record(propertyName, z.string().max(65_536)))

export const columnAlterOptions = z.strictObject({
  addColumns: z
    .array(
      z.strictObject({
        name: sqlName,
        type: z.string().min(1).max(4096),
        description: z.string().nullable().default(null),
      }),
    )
    .default([]),
  renameColumns: z.array(z.strictObject({ from: sqlName, to: sqlName })).default([]),
  dropColumns: columnNames.default([]),
  set: properties.default({}),
  unset: z.array(propertyName).default([]),
  toSchema: z.string().min(1).nullable().default(null),
  retention: duration.nullable().default(null),
})
export const deleteOptions = z.strictObject({ where: condition })
export const restoreOptions = z
  .strictObject({
    version: z.number().int().nonnegative().nullable().default(null),
    /** RFC 3339, settled before. */
    timestamp: z.iso.datetime({ offset: true }).nullable().default(null),
  })
  .refine(({ version, timestamp }) => (version === null) !== (timestamp === null), {
    path: ['version'],
    message: 'give --version N or --timestamp TIME, one of both',
  })
export const mutateOptions = z.strictObject({ statement: z.string().min(1), as })
export const vacuumOptions = z.strictObject({})
/** Of tables that are files. */
export const fileVacuumOptions = z
  .strictObject({
    retainMs: z.number().int().nonnegative().nullable().default(null),
    mode: z.enum(['full', 'lite']).default('full'),
    belowFloor: z.boolean().default(false),
    expired: z.boolean().default(false),
    byRows: z.boolean().default(false),
  })
  .superRefine(({ retainMs, mode, belowFloor, expired, byRows }, ctx) => {
    const alone = (option: string, message: string) => ctx.addIssue({ code: 'custom', path: [option], message })
    if (byRows && !expired) alone('byRows', 'belongs to --expired')
    if (belowFloor && retainMs === null) alone('belowFloor', 'belongs to --retain')
    if (expired && (retainMs !== null || mode === 'lite'))
      alone('expired', 'removes rows: --retain, --below-floor and --mode are of files')
  })
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
  as,
})
/** Where a load can do more than append. */
export const mergingLoadOptions = loadOptions
  .extend({
    mode: z.enum(['append', 'merge', 'overwrite']).default('append'),
    key: columnNames.default([]),
  })
  .refine(({ mode, key }) => mode === 'merge' || key.length === 0, {
    path: ['key'],
    message: 'only --mode merge has a key',
  })
export const optimizeOptions = z.strictObject({ targetSize: bytes.nullable().default(null) })
export const layoutOptimizeOptions = optimizeOptions.extend({
  where: condition.nullable().default(null),
  sort: columnNames.default([]),
  zorder: columnNames.default([]),
  memory: bytes.nullable().default(null),
})
export const reshardOptions = z.strictObject({
  shards: z.number().int().min(1).max(256),
  waitForSwitch: z.boolean().optional(),
})
export const flushOptions = z.strictObject({ as })
export const tenantCreateOptions = z.strictObject({
  schemaSet: z.string().min(1),
  id: z.string().min(1).nullable().default(null),
  retention: duration.nullable().default(null),
})
export const tenantDeleteOptions = z.strictObject({})
export const tenantRetentionOptions = z.strictObject({ retention: duration, applyNow: z.boolean().default(false) })
