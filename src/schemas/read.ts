/** YAML text → TableSchema. The format is TimeFusion's (its files load unchanged) with our keys beside it. */
import type { Json, JsonObject } from '../core/json.ts'
import type { TableSchema } from '../core/table-schema.ts'
import { checkTable } from './check.ts'
import { fieldOptionKeys, sectionKeys, type TableFile, tableFile } from './format.ts'
import { type Problem, schemaError, shapeProblems } from './problem.ts'
import { type KeyPath, parseYaml } from './yaml.ts'

/**
 * `file` names the text in errors. Throws one `config` error (`bad-yaml`, `bad-schema`) for all that is wrong; each problem with
 * file:line:col, the path of its key and what is expected.
 *
 * `extensions` holds what core does not know: the drivers' sections by their keys, `rollups`, and `fields`: TimeFusion's options
 * of a field (tantivy, dictionary, bloom_filter, mutable) by column.
 */
export function readTableSchema(text: string, file: string): TableSchema {
  const document = parseYaml(text, file)
  const shape = tableFile.safeParse(document.value)
  if (!shape.success) throw schemaError(shapeProblems(shape.error.issues, document.value, tableFile), document, file)
  const table = shape.data
  const { fields, timeColumn, problems } = checkTable(table, Object.hasOwn(document.value as object, 'time_column'))
  const all = [...problems, ...sectionKeys.flatMap((key) => jsonProblems(table[key], [key]))]
  if (all.length > 0) throw schemaError(all, document, file)
  return {
    name: table.table_name,
    version: table.version ?? 1,
    description: table.description ?? null,
    fields,
    partitions: table.partitions ?? [],
    sortingColumns: (table.sorting_columns ?? []).map((column) => ({
      name: column.name,
      descending: column.descending ?? false,
      nullsFirst: column.nulls_first ?? false,
    })),
    zOrderColumns: table.z_order_columns ?? [],
    primaryKey: table.primary_key ?? [],
    timeColumn,
    retention: table.retention ?? null,
    dedupKeys: table.dedup_keys ?? [],
    dedupTiebreak: table.dedup_tiebreak ?? null,
    tombstoneColumn: table.tombstone_column ?? null,
    versionAppend: table.version_append ?? false,
    extensions: extensionsOf(table),
  }
}

function extensionsOf(table: TableFile): JsonObject {
  const options = table.fields.flatMap((field) => {
    const given = Object.entries(field).filter(([key, value]) => fieldOptionKeys.includes(key) && value != null)
    return given.length === 0 ? [] : [[field.name, Object.fromEntries(given)] as const]
  })
  const sections = sectionKeys.filter((key) => table[key] != null).map((key) => [key, table[key]] as const)
  return {
    ...(options.length > 0 && { fields: Object.fromEntries(options) as JsonObject }),
    ...(table.rollups != null && table.rollups.length > 0 && { rollups: table.rollups as Json }),
    ...(Object.fromEntries(sections) as JsonObject),
  }
}

/** YAML knows numbers that JSON does not, and JavaScript rounds integers past 2^53 without a word. */
function jsonProblems(value: unknown, path: KeyPath): Problem[] {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return [{ path, message: 'expected a finite number' }]
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      return [{ path, message: 'this number is too large to be kept exactly', hint: 'write it in quotes' }]
    return []
  }
  if (Array.isArray(value)) return value.flatMap((item, i) => jsonProblems(item, [...path, i]))
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, member]) => jsonProblems(member, [...path, key]))
}
