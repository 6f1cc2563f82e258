/**
 * Column mapping by name for a table that has none (Delta PROTOCOL, "Column Mapping"): every column keeps its name as the physical one, so
 * that the files that are there stay right.
 */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Metadata, Protocol } from './actions.ts'
import { modeKey, physicalNameKey, withMappedColumns } from './column-mapping.ts'
import { formatExact } from './exact-json.ts'
import { columnMetadata, type DeltaStruct, type DeltaType, parseSchema } from './schema-string.ts'
import { withColumnMapping } from './writer-features.ts'

type MetadataWithSchema = Metadata & { readonly schemaString: string }

export function enableMapping(
  protocol: Protocol,
  metadata: MetadataWithSchema,
): { readonly protocol: Protocol; readonly metadata: MetadataWithSchema } {
  const schemaString = formatExact(unmapped(parseSchema(metadata.schemaString)))
  const named = withMappedColumns({ ...metadata, schemaString }, (column) => column)
  return {
    protocol: withColumnMapping(protocol),
    metadata: { ...named, configuration: { ...named.configuration, [modeKey]: 'name' } },
  }
}

/**
 * Throws `refused`/`physical-name-clash`. The protocol wants physical names unique in the table; the names of fields that stand in different
 * structs need not be, and delta-kernel-rs opens no table where two are the same.
 */
export function requireUniqueNames(schema: DeltaStruct): void {
  const seen = new Map<string, string>()
  for (const { path, metadata } of columnMetadata(schema)) {
    const name = metadata[physicalNameKey] as string
    const other = seen.get(name)
    if (other !== undefined)
      throw fail(
        'refused',
        'physical-name-clash',
        `column mapping cannot be turned on: the files call both ${printable(other)} and ${printable(path)} "${printable(name)}", and readers built on Delta's kernel could not open the table any more`,
        { hint: 'load its rows into a new table whose fields all have different names, nested ones too' },
      )
    seen.set(name, path)
  }
}

/** What an earlier mapping, or another writer, left in the metadata meant nothing: the files go by the columns' own names. */
function unmapped(type: DeltaStruct): DeltaStruct {
  const visit = (inner: DeltaType): DeltaType => {
    if (typeof inner === 'string') return inner
    if (inner.type === 'array') return { ...inner, elementType: visit(inner.elementType) }
    if (inner.type === 'map') return { ...inner, keyType: visit(inner.keyType), valueType: visit(inner.valueType) }
    return unmapped(inner)
  }
  return {
    ...type,
    fields: type.fields.map((field) => {
      const kept = Object.entries(field.metadata ?? {}).filter(([key]) => !key.startsWith('delta.columnMapping.'))
      return { ...field, type: visit(field.type), metadata: Object.fromEntries(kept) }
    }),
  }
}
