/**
 * HyperDX's rollups: which attribute had which value how often, by quarters of an hour, kept by a materialized view beside each of the two
 * big tables. Facts after HyperDX v2.36 (docker/otel-collector/schema/seed/00006, 00007); the view reads its source once.
 * A view names its source and its target, so it is made anew for every tenant.
 */
import type { TableSchema } from '../../core/table-schema.ts'
import type { Field } from '../../core/types.ts'

export interface Rollup {
  /** The base table whose rows are counted. */
  readonly source: string
  readonly target: string
  readonly view: string
  /** Columns that are maps: each key is counted for itself. */
  readonly maps: readonly string[]
  /** Columns that are counted as they are. */
  readonly columns: readonly string[]
}

const resourceColumns = [
  'k8s.cluster.name',
  'k8s.container.name',
  'k8s.deployment.name',
  'k8s.namespace.name',
  'k8s.node.name',
  'k8s.pod.name',
  'k8s.pod.uid',
  'deployment.environment.name',
].map((name) => `__hdx_materialized_${name}`)

export const rollups: readonly Rollup[] = [
  {
    source: 'otel_logs',
    target: 'otel_logs_kv_rollup_15m',
    view: 'otel_logs_attr_kv_rollup_15m_mv',
    maps: ['ResourceAttributes', 'LogAttributes', 'ScopeAttributes'],
    columns: [
      'SeverityText',
      'ServiceName',
      'ScopeName',
      'ScopeVersion',
      'ResourceSchemaUrl',
      'ScopeSchemaUrl',
      ...resourceColumns,
    ],
  },
  {
    source: 'otel_traces',
    target: 'otel_traces_kv_rollup_15m',
    view: 'otel_traces_kv_rollup_15m_mv',
    maps: ['ResourceAttributes', 'SpanAttributes'],
    columns: ['ServiceName', 'SpanName', 'SpanKind', 'StatusCode', 'ScopeName', 'ScopeVersion'],
  },
]

/** The table that a rollup's view writes to; it is kept as long as the rows that it counts. */
export function rollupSchema({ source, target }: Rollup, retention: string | null): TableSchema {
  const field = (name: string, type: Field['type']): Field => ({ name, type, nullable: false })
  const text = { kind: 'Utf8' } as const
  return {
    name: target,
    version: 1,
    description: `How often each attribute of ${source} had which value, by quarters of an hour`,
    fields: [
      field('Timestamp', { kind: 'Timestamp', unit: 'Second', zone: 'UTC' }),
      field('ColumnIdentifier', text),
      field('Key', text),
      field('Value', text),
      field('count', { kind: 'UInt64' }),
    ],
    partitions: [],
    sortingColumns: [],
    zOrderColumns: [],
    primaryKey: [],
    timeColumn: 'Timestamp',
    retention,
    dedupKeys: [],
    dedupTiebreak: null,
    tombstoneColumn: null,
    versionAppend: false,
    extensions: {
      clickhouse: {
        engine: 'SummingMergeTree',
        columns: {
          Timestamp: { type: 'DateTime' },
          ColumnIdentifier: { type: 'LowCardinality(String)' },
          Key: { type: 'LowCardinality(String)' },
        },
        indexes: [
          { name: 'idx_count_minmax', expression: 'count', type: 'minmax', granularity: 1 },
          { name: 'idx_timestamp_minmax', expression: 'Timestamp', type: 'minmax', granularity: 1 },
        ],
        partition_by: 'toDate(Timestamp)',
        order_by: ['ColumnIdentifier', 'Key', 'Timestamp', 'Value'],
        ttl: 'Timestamp',
        settings: { index_granularity: 8192, ttl_only_drop_parts: 1 },
      },
    },
  }
}

/** The SELECT of the view. `from`: the source as SQL, database and all. Indexes in keys (`a[3].b`) count as one key (`a[*].b`). */
export function rollupSelect({ maps, columns }: Rollup, from: string): string {
  const ofMaps = maps.map(
    (map) =>
      `arrayMap((key, value) -> (${literal(map)}, replaceRegexpAll(key, '\\\\[\\\\d+\\\\]', '[*]'), value), mapKeys(${map}), mapValues(${map}))`,
  )
  const ofColumns = columns.map((column) => `('NativeColumn', ${literal(column)}, toString(\`${column}\`))`)
  const entries = `arrayJoin(arrayConcat(${ofMaps.join(', ')}, [${ofColumns.join(', ')}]))`
  return [
    `WITH entries AS (SELECT toStartOfFifteenMinutes(Timestamp) AS Timestamp, ${entries} AS entry FROM ${from})`,
    'SELECT Timestamp, entry.1 AS ColumnIdentifier, entry.2 AS Key, entry.3 AS Value, count() AS count',
    'FROM entries GROUP BY Timestamp, ColumnIdentifier, Key, Value',
  ].join(' ')
}

/** Of the names above only. */
const literal = (text: string): string => `'${text}'`
