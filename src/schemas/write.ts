/** TableSchema → the YAML text that read.ts reads back equal. One field a line; what has its default value is left out. */
import { dump, visit } from 'js-yaml'
import type { JsonObject } from '../core/json.ts'
import type { TableSchema } from '../core/table-schema.ts'
import { formatType } from '../core/types.ts'

export function writeTableSchema(schema: TableSchema): string {
  const { fields: options, rollups, ...sections } = schema.extensions
  const optionsOf = (name: string) => (options as Readonly<Record<string, JsonObject>> | undefined)?.[name]
  const usualTimeColumn = schema.fields.some(
    ({ name, type }) => name === 'timestamp' && (type.kind === 'Timestamp' || type.kind === 'Date32'),
  )
  const document = {
    table_name: schema.name,
    version: schema.version,
    ...(schema.description !== null && { description: schema.description }),
    partitions: schema.partitions,
    sorting_columns: schema.sortingColumns.map((column) => ({
      name: column.name,
      descending: column.descending,
      nulls_first: column.nullsFirst,
    })),
    z_order_columns: schema.zOrderColumns,
    ...(schema.primaryKey.length > 0 && { primary_key: schema.primaryKey }),
    ...((schema.timeColumn !== null || usualTimeColumn) && { time_column: schema.timeColumn }),
    ...(schema.retention !== null && { retention: schema.retention }),
    ...(schema.dedupKeys.length > 0 && { dedup_keys: schema.dedupKeys }),
    ...(schema.dedupTiebreak !== null && { dedup_tiebreak: schema.dedupTiebreak }),
    ...(schema.tombstoneColumn !== null && { tombstone_column: schema.tombstoneColumn }),
    ...(schema.versionAppend && { version_append: true }),
    fields: schema.fields.map((field) => ({
      name: field.name,
      data_type: formatType(field.type),
      nullable: field.nullable,
      ...(field.description !== undefined && { description: field.description }),
      ...optionsOf(field.name),
    })),
    ...(rollups !== undefined && { rollups }),
    ...sections,
  }
  return dump(document, {
    lineWidth: -1,
    noRefs: true,
    flowBracketPadding: true,
    transform: (documents) =>
      visit(documents, (node, { depth, parent }) => {
        // Two levels below the root stand the entries: a field, a sorting column, an index.
        if (node.kind === 'mapping' && (depth >= 3 || (depth >= 2 && parent?.kind === 'sequence'))) node.style = flow
        if (
          node.kind === 'sequence' &&
          (node.items.length === 0 || depth >= 2) &&
          node.items.every((item) => item.kind === 'scalar')
        )
          node.style = flow
      }),
  })
}
const flow = 2
