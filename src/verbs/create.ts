/** create, where drivers agree: what is asked for is a table schema by name or a definition, and settings that the driver knows. */
import type { CreateOptions } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import type { Subject } from '../core/operation.ts'
import { printable, refOfPath } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'

/** Throws a usage error for a setting that the driver does not know. */
export function refuseSettings({ settings }: CreateOptions, kind: string, known: readonly string[] = []): void {
  for (const name of Object.keys(settings)) {
    if (known.includes(name)) continue
    const near = didYouMean(name, known)
    throw fail('usage', 'unknown-setting', `driver ${kind} has no setting "${printable(name)}" for a new table`, {
      hint: near ? `did you mean ${near}?` : known.length > 0 ? `it knows ${known.join(', ')}` : 'leave it out',
    })
  }
}

/** The name of the table schema, for drivers that make tables of nothing else. */
export function requireSchemaName(options: CreateOptions, kind: string): string {
  if (options.schema !== null && options.definition === null) return options.schema
  throw fail('usage', 'missing-schema', `driver ${kind} creates tables from a table schema`, {
    hint: 'tblctl create REF --schema NAME (tblctl schema list)',
  })
}

/** For a table that the backend does not hold. Throws `refused`/`table-lost` when the catalog says that it should. */
export function requireUnregistered({ path, spec }: Subject): void {
  if (spec === null) return
  const ref = refOfPath(path)
  throw fail('refused', 'table-lost', `${ref} is registered, but its backend no longer holds it`, {
    hint: `tblctl unregister ${ref}, then create it again`,
  })
}
