/**
 * SHOW TABLES, DESCRIBE and TABLE_STATS: rows with the columns that the engine of these statements gives them. What a driver has
 * nothing for is null; a count that is not known is null, too, and `unknown` says why.
 */
import type { TableRow } from '../core/catalog.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { segmentsOf } from '../core/ref.ts'
import { selectTables } from './select.ts'
import type { Session } from './session.ts'
import { describeTable, tableStats } from './tables.ts'

export interface SqlResult {
  readonly kind: 'QueryResult'
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** A row of DESCRIBE has only the columns of its section. */
  readonly rows: readonly JsonObject[]
  /** Why a column is null; by its name. Not empty: the answer is partial. */
  readonly unknown: Readonly<Record<string, string>>
}

/** A row for each registered table of the backend, by project and name; `project` comes after the columns that the engine has. */
export async function showTables(session: Session, backend: string, project: string | null): Promise<SqlResult> {
  const rows = await selectTables(
    session,
    {
      refs: [],
      backends: [backend],
      ...(project === null ? {} : { projects: [project] }),
    },
    true,
  )
  return result(
    {
      name: 'Utf8',
      primary_key: 'Utf8',
      shard_key: 'Utf8',
      num_shards: 'Int64',
      shard_strategy: 'Utf8',
      created_at: 'Utf8',
      project: 'Utf8',
    },
    rows.map((row) => {
      const { project: own, table } = segmentsOf(row.path)
      const { primary_key, shard_key, shard_strategy, num_shards } = layoutOf(row)
      return {
        name: table,
        primary_key,
        shard_key,
        num_shards,
        shard_strategy,
        created_at: row.createdAt,
        project: own,
      }
    }),
  )
}

/** Four rows, one a section: TABLE_INFO, SHARDS, INDEXES, COLUMNS. */
export async function showDescription(session: Session, row: TableRow): Promise<SqlResult> {
  const { status, details, schema } = await describeTable(session, row)
  const layout = layoutOf(row)
  const shards = objects(status.shards) ?? objects(details.shards)
  const indexes = objects(details.indexes) ?? []
  const keys = Array.isArray(row.spec.options.primaryKey) ? row.spec.options.primaryKey : []
  return result(
    {
      section: 'Utf8',
      table_name: 'Utf8',
      primary_key: 'Utf8',
      shard_key: 'Utf8',
      shard_strategy: 'Utf8',
      num_shards: 'Int64',
      block_size: 'Int64',
      created_at: 'Utf8',
      updated_at: 'Utf8',
      total_shards: 'Int64',
      shards: 'Json',
      total_indexes: 'Int64',
      indexes: 'Json',
      columns: 'Json',
    },
    [
      {
        section: 'TABLE_INFO',
        table_name: segmentsOf(row.path).table,
        ...layout,
        block_size: null,
        created_at: row.createdAt,
        updated_at: row.updatedAt,
      },
      {
        section: 'SHARDS',
        total_shards: shards?.length ?? countOf(status.shards),
        shards: (shards ?? []).map(({ id, node, status: state }) => ({ shard_id: id, node_id: node, status: state })),
      },
      { section: 'INDEXES', total_indexes: indexes.length, indexes },
      {
        section: 'COLUMNS',
        columns: schema.fields.map(({ name, type, nullable }) => ({
          name,
          type,
          notnull: !nullable,
          default_value: null,
          primary_key: keys.includes(name),
        })),
      },
    ],
  )
}

/** One row. A shard that cannot be reached has `row_count` null, and then so has the total. */
export async function showStats(session: Session, row: TableRow): Promise<SqlResult> {
  const { status, unknown } = await tableStats(session, row, false)
  const shards = objects(status.shards)
  const total = countOf(status.rows)
  const count = shards?.length ?? countOf(status.shards)
  return result(
    {
      table_name: 'Utf8',
      total_rows: 'Int64',
      total_shards: 'Int64',
      avg_rows_per_shard: 'Int64',
      shard_stats: 'Json',
    },
    [
      {
        table_name: segmentsOf(row.path).table,
        total_rows: total,
        total_shards: count,
        avg_rows_per_shard: total === null || count === null || count === 0 ? null : Math.round(total / count),
        shard_stats:
          shards?.map(({ id, node, rows, status: state, error }) => ({
            shard_id: id,
            node_id: node,
            row_count: rows ?? null,
            status: state,
            ...(error === undefined ? {} : { error }),
          })) ?? null,
      },
    ],
    total === null ? { total_rows: unknown.rows ?? 'the backend does not say' } : {},
  )
}

const result = (
  types: Readonly<Record<string, string>>,
  rows: readonly JsonObject[],
  unknown: SqlResult['unknown'] = {},
): SqlResult => ({
  kind: 'QueryResult',
  columns: Object.entries(types).map(([name, type]) => ({ name, type })),
  rows,
  unknown,
})

/** What a driver keeps in `spec.options` about how a table is spread. */
function layoutOf({ spec: { options } }: TableRow) {
  const { primaryKey, shardKey, shards, shardStrategy } = options
  return {
    primary_key: Array.isArray(primaryKey) && primaryKey.length > 0 ? primaryKey.join(', ') : null,
    shard_key: textOf(shardKey),
    shard_strategy: textOf(shardStrategy),
    num_shards: countOf(shards),
  }
}

const textOf = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null)
const countOf = (value: Json | undefined): number | null => (typeof value === 'number' ? value : null)
const objects = (value: Json | undefined): readonly JsonObject[] | null =>
  Array.isArray(value) && value.every((item) => item !== null && typeof item === 'object')
    ? (value as readonly JsonObject[])
    : null
