/**
 * Column mapping by name for a table that has none (Delta PROTOCOL, "Column Mapping"): every column keeps its name as the physical one, so
 * that the files that are there stay right.
 */
import type { Metadata, Protocol } from './actions.ts'
import { modeKey, withMappedColumns } from './column-mapping.ts'
import { formatExact } from './exact-json.ts'
import { type DeltaStruct, type DeltaType, parseSchema } from './schema-string.ts'
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
