/** What a table looks like: columns, keys, partitioning, ordering, retention. One YAML file each, read by src/schemas. */
import type { JsonObject } from './json.ts'
import type { Field } from './types.ts'

export interface SortingColumn {
  readonly name: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}

export interface TableSchema {
  readonly name: string
  /** Rises with every change of the file's meaning. */
  readonly version: number
  readonly description: string | null
  readonly fields: readonly Field[]
  readonly partitions: readonly string[]
  readonly sortingColumns: readonly SortingColumn[]
  readonly zOrderColumns: readonly string[]
  readonly primaryKey: readonly string[]
  /** The column that `date` is derived from and that retention measures; null when the table has none. */
  readonly timeColumn: string | null
  /** A duration such as `30d`; null keeps rows for ever. */
  readonly retention: string | null
  readonly dedupKeys: readonly string[]
  readonly dedupTiebreak: string | null
  readonly tombstoneColumn: string | null
  readonly versionAppend: boolean
  /** One section per driver for what only it knows (`clickhouse: {…}`), and TimeFusion's `rollups`. */
  readonly extensions: JsonObject
}
