/** A table while it is altered: each step of an alter changes the draft, and nothing else. */
import type { TableSchema } from '../../../core/table-schema.ts'
import type { Metadata, Protocol } from '../log/actions.ts'
import { modeKey, supportsColumnMapping } from '../log/column-mapping.ts'
import { enableMapping } from '../log/enable-mapping.ts'
import { formatExact } from '../log/exact-json.ts'
import { type DeltaStruct, parseSchema } from '../log/schema-string.ts'
import type { Snapshot } from '../log/snapshot.ts'

/** What `alter` is asked to do, in the order in which it is done. */
export interface Wanted {
  readonly dropColumns: readonly string[]
  readonly renameColumns: readonly { readonly from: string; readonly to: string }[]
  readonly addColumns: readonly { readonly name: string; readonly type: string; readonly description: string | null }[]
  /** Adds what the table lacks of it. */
  readonly schema: TableSchema | null
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
  readonly retention: string | null
  readonly declared: Declared
}

/** By the table schema that the table was created from; it holds where the table itself does not say. */
export interface Declared {
  readonly retention: string | null
  readonly timeColumn: string | null
}

export interface Draft {
  readonly snapshot: Snapshot
  readonly declared: Declared
  /** As the log has it: what nothing changes is written again to the letter. */
  readonly original: DeltaStruct
  protocol: Protocol
  schema: DeltaStruct
  metadata: Metadata
  readonly done: Done
  /** What a person should know besides. */
  readonly remarks: string[]
}
/** By name, dotted where nested. */
export interface Done {
  readonly dropped: string[]
  readonly renamed: { readonly from: string; readonly to: string }[]
  readonly added: { readonly name: string; readonly type: string }[]
  /** Columns with another description, or nullable now; the table's own description is `''`. */
  readonly changed: string[]
  readonly set: Record<string, string>
  readonly unset: string[]
}

/** Its metadata as the columns are now. */
export const metadataOf = ({
  snapshot,
  metadata,
  schema,
  original,
}: Draft): Metadata & { readonly schemaString: string } => ({
  ...metadata,
  schemaString: schema === original ? snapshot.metadata.schemaString : formatExact(schema),
})

/** Columns that were added just now have no ids yet. */
export const mappingModeOf = ({ protocol, metadata }: Draft): string =>
  supportsColumnMapping(protocol) ? (metadata.configuration[modeKey]?.toLowerCase() ?? 'none') : 'none'

/** Columns are renamed and dropped by name mapping: files keep the names that they were written with. */
export function requireMapping(draft: Draft): void {
  if (mappingModeOf(draft) !== 'none') return
  const enabled = enableMapping(draft.protocol, metadataOf(draft))
  draft.protocol = enabled.protocol
  draft.metadata = enabled.metadata
  draft.schema = parseSchema(enabled.metadata.schemaString)
}
