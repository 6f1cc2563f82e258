/**
 * The shape of tblctl.yaml: the one source of its types, checks and JSON Schema. Only keys that do something are here.
 * What stands in a backend beside `driver` is its driver's own part (`DriverModule.config`).
 */
import { z } from 'zod'
import { syncSection } from './sync.ts'

export const defaultCatalog = '.tblctl/catalog.db'

/** Why a text is no catalog; null when it is one. */
export function catalogProblem(text: string): string | null {
  if (text.trim() === '') return 'it is empty; it is the path of the catalog file'
  if (/^postgres(ql)?:/i.test(text)) return 'a PostgreSQL catalog is not available in this version; use a path'
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'it is the path of a file, not a URL'
  return null
}

/** A package that somebody else publishes: `tblctl-driver-foo`, `@acme/tblctl-driver-foo`. */
export const driverPackage = /^(@[a-z0-9-]+\/)?tblctl-driver-[a-z0-9-]+$/

const catalog = z
  .string()
  .superRefine((text, ctx) => {
    const message = catalogProblem(text)
    if (message !== null) ctx.addIssue({ code: 'custom', message })
  })
  .optional()
  .describe(`Path of the catalog file, relative to this file. Default: ${defaultCatalog}`)

const schemas = z
  .array(z.string().min(1).describe('A folder of table schemas (*.yaml), relative to this file'))
  .optional()
  .describe('Folders of table schemas, beside the ones that ship')

const backendNameText = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a backend name is [a-z][a-z0-9-]*, at most 32 characters')
const contextNameText = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'a context name is made of letters, digits, "_", "." and "-"')

/** A backend before its driver has looked at it; in a context it may leave everything, `driver` too, to the one it lies over. */
const backendShape = z.looseObject({ driver: z.string().optional() })

const contextShape = z
  .strictObject({
    catalog,
    schemas,
    backends: z
      .record(backendNameText, backendShape)
      .optional()
      .describe(
        'Backends of this context: whole ones, or the keys that differ from the backend of the same name above',
      ),
    protect: z.boolean().optional().describe('true: destructive verbs are refused in this context'),
  })
  .describe('What differs from the rest of this file when this context is chosen')

export const configShape = z
  .strictObject({
    version: z.literal(1).describe('Version of the format of this file'),
    catalog,
    schemas,
    backends: z
      .record(backendNameText, backendShape)
      .optional()
      .describe('Connections by name; refs begin with the name, as in lake:acme/metrics'),
    contexts: z
      .record(contextNameText, contextShape)
      .optional()
      .describe('Named overlays, chosen by --context, TBLCTL_CONTEXT or `tblctl context use`'),
    sync: syncSection,
  })
  .describe('Configuration of tblctl')
