/** Parquet files written by the engine's own COPY, with the statistics that it puts into their footers. */
import type { Cell } from '../core/batch.ts'
import type { Field } from '../core/types.ts'
import type { Engine, Row } from './engine.ts'
import { quoteIdentifier, quoteString } from './sql-text.ts'

/** Parquet field ids by column name, for Delta's column mapping. A list's child is `element`, a map's are `key` and `value`; they may have none. */
export type FieldIds = { readonly [name: string]: number | { readonly id?: number; readonly children: FieldIds } }

export interface WriteOptions {
  /** Columns of the select, in order. */
  readonly fields: readonly Field[]
  readonly compression: 'zstd' | 'snappy'
  /** Rows of a row group; default 122,880. More costs memory in proportion. */
  readonly rowGroupRows?: number
  readonly fieldIds?: FieldIds
  /** Put into the footer beside the schema, for whoever looks for it there. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Keep the order of the select's rows; needed for an ORDER BY. Default false: less memory. */
  readonly ordered?: boolean
}

/**
 * Bounds as text: numbers and decimals as digits, dates `YYYY-MM-DD`, times ISO 8601 (`…T…`, with `Z` when zoned), booleans
 * `true`/`false`, binary as hexadecimal digits. Null when the footer has none (NaN, all null, long text).
 */
export interface ColumnStatistics {
  readonly min: string | null
  readonly max: string | null
  readonly nulls: number
}

export interface WrittenFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
  /** By column name; nested columns are left out. */
  readonly columns: Readonly<Record<string, ColumnStatistics>>
}

/** Writes `select` to one file (not fsynced: whoever publishes it does that). */
export async function writeParquet(
  engine: Engine,
  select: string,
  path: string,
  options: WriteOptions,
): Promise<WrittenFile> {
  const [row] = await copy(engine, select, path, options, [])
  return written(row!, options.fields)
}

/** Writes `select` into files of about `maxFileBytes` below `folder`, which must not exist; none when there are no rows. */
export async function writeParquetFiles(
  engine: Engine,
  select: string,
  folder: string,
  options: WriteOptions & { readonly maxFileBytes: number },
): Promise<WrittenFile[]> {
  const rows = await copy(engine, select, folder, options, [`FILE_SIZE_BYTES ${Math.ceil(options.maxFileBytes)}`])
  return rows.map((row) => written(row, options.fields)).filter((file) => file.rows > 0)
}

export interface PartitionFile extends WrittenFile {
  /** Text by partition column, as the engine prints it; null where the value is null or an empty text. */
  readonly partitionValues: Readonly<Record<string, string | null>>
}

/** Writes `select` into one or more files per combination of `partitions`, which are left out of the files. */
export async function writeParquetPartitions(
  engine: Engine,
  select: string,
  folder: string,
  options: WriteOptions & { readonly partitions: readonly string[] },
): Promise<PartitionFile[]> {
  const by = `PARTITION_BY (${options.partitions.map(quoteIdentifier).join(', ')})`
  const rows = await copy(engine, select, folder, options, [by, 'WRITE_PARTITION_COLUMNS false'])
  return rows.map((row) => {
    const values = new Map((row.partition_keys ?? []) as Iterable<readonly [string, string | null]>)
    const partitionValues = options.fields.flatMap((field) =>
      options.partitions.includes(field.name) ? [[field.name, bound(field, values.get(field.name)) || null]] : [],
    )
    return { ...written(row, options.fields), partitionValues: Object.fromEntries(partitionValues) }
  })
}

function copy(
  engine: Engine,
  select: string,
  path: string,
  options: WriteOptions,
  more: readonly string[],
): Promise<Row[]> {
  const settings = [
    'FORMAT parquet',
    'RETURN_STATS',
    `COMPRESSION ${options.compression}`,
    `ROW_GROUP_SIZE ${options.rowGroupRows ?? 122_880}`,
    `PRESERVE_ORDER ${options.ordered ?? false}`,
    ...(options.metadata === undefined ? [] : [`KV_METADATA ${metadataSql(options.metadata)}`]),
    ...(options.fieldIds === undefined ? [] : [`FIELD_IDS ${fieldIdsSql(options.fieldIds)}`]),
    ...more,
  ]
  return engine.all(`COPY (${select}) TO ${quoteString(path)} (${settings.join(', ')})`)
}

const metadataSql = (metadata: Readonly<Record<string, string>>): string =>
  `{${Object.entries(metadata).map(([key, value]) => `${quoteIdentifier(key)}: ${quoteString(value)}`)}}`

function fieldIdsSql(ids: FieldIds, own?: number): string {
  const members = Object.entries(ids).map(([name, value]) => {
    const id = typeof value === 'number' ? String(value) : fieldIdsSql(value.children, value.id)
    return `${quoteIdentifier(name)}: ${id}`
  })
  return `{${[...(own === undefined ? [] : [`__duckdb_field_id: ${own}`]), ...members].join(', ')}}`
}

function written(row: Row, fields: readonly Field[]): WrittenFile {
  // A map of maps: leaf path (quoted identifiers joined by dots) → figure → text.
  const leaves = new Map(
    (row.column_statistics ?? []) as Iterable<readonly [string, readonly (readonly [string, Cell])[]]>,
  )
  const columns: Record<string, ColumnStatistics> = {}
  for (const field of fields) {
    const figures = leaves.get(quoteIdentifier(field.name))
    if (figures === undefined) continue
    const figure = new Map(figures)
    // The engine's bounds leave NaN out, and a reader that skips by them would lose those rows.
    const hasNan = figure.get('has_nan') === 'true' || figure.get('has_nan') === true
    columns[field.name] = {
      min: hasNan ? null : bound(field, figure.get('min')),
      max: hasNan ? null : bound(field, figure.get('max')),
      nulls: Number(figure.get('null_count') ?? 0),
    }
  }
  return {
    path: String(row.filename),
    rows: Number(row.count),
    bytes: Number(row.file_size_bytes),
    columns,
  }
}

function bound(field: Field, value: Cell | undefined): string | null {
  if (value === undefined || value === null) return null
  const text = String(value)
  if (field.type.kind === 'Boolean') return text === '1' || text === 'true' ? 'true' : 'false'
  if (field.type.kind === 'Timestamp')
    return text.replace(' ', 'T').replace(/\+00$/, '') + (field.type.zone === null ? '' : 'Z')
  return text
}
