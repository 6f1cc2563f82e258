import { describe, expect, test } from 'vitest'
import type { TableSchema } from '../../../src/core/table-schema.ts'
import { formatType } from '../../../src/core/types.ts'
import { openRegistry } from '../../../src/schemas/registry.ts'

const registry = openRegistry([])
const typeOf = (schema: TableSchema, column: string) => {
  const field = schema.fields.find(({ name }) => name === column)
  return field && `${formatType(field.type)}${field.nullable ? '' : ' not null'}`
}
const utc = (unit: string) => `Timestamp(${unit}, Some("UTC"))`

test('each has as many columns as its model, and a description', async () => {
  const { schemas, broken } = await registry.list()
  expect(broken).toEqual([])
  expect(Object.fromEntries(schemas.map(({ name, columns }) => [name, columns]))).toEqual({
    events: 22,
    hyperdx_sessions: 16,
    metrics: 19,
    otel_logs: 16,
    otel_logs_and_spans: 92,
    otel_metrics: 69,
    otel_metrics_exponential_histogram: 31,
    otel_metrics_gauge: 21,
    otel_metrics_histogram: 27,
    otel_metrics_sum: 23,
    otel_metrics_summary: 19,
    otel_traces: 22,
  })
  for (const schema of schemas) {
    expect(schema).toMatchObject({ origin: 'shipped', overrides: null, version: 1 })
    expect(schema.description).toBeTruthy()
  }
})

describe('TimeFusion tables', () => {
  test('otel_logs_and_spans', async () => {
    const schema = await registry.get('otel_logs_and_spans')
    expect(schema).toMatchObject({
      partitions: ['project_id', 'date'],
      timeColumn: 'timestamp',
      zOrderColumns: [],
      dedupKeys: ['timestamp', 'id'],
      dedupTiebreak: 'updated_at',
      tombstoneColumn: 'deleted',
      versionAppend: true,
    })
    expect(schema.sortingColumns.map(({ name }) => name)).toEqual([
      'timestamp',
      'resource___service___name',
      'id',
      'level',
      'status_code',
    ])
    expect(schema.sortingColumns[0]).toEqual({ name: 'timestamp', descending: true, nullsFirst: true })
    const types = {
      timestamp: `${utc('Microsecond')} not null`,
      id: 'Utf8 not null',
      date: 'Date32 not null',
      hashes: 'List(Utf8)',
      summary: 'List(Utf8) not null',
      project_id: 'Utf8',
      body: 'Json',
      errors: 'Json',
      links: 'Utf8',
      severity___severity_number: 'Int32',
      context___is_remote: 'Boolean',
      attributes___code___file___path: 'Utf8',
      attributes___http___request___body___size: 'Int64',
      attributes___network___peer__port: 'Int32',
      resource___deployment___environment___name: 'Utf8',
    }
    for (const [column, type] of Object.entries(types)) expect([column, typeOf(schema, column)]).toEqual([column, type])
    expect(schema.fields.filter(({ type }) => type.kind === 'Json').map(({ name }) => name)).toEqual([
      'severity',
      'body',
      'context',
      'events',
      'attributes',
      'resource',
      'errors',
    ])
    expect(schema.fields.some(({ type }) => type.kind === 'Variant')).toBe(false)
  })

  test('metrics counts in fractions', async () => {
    const schema = await registry.get('metrics')
    expect(typeOf(schema, 'value')).toBe('Float64 not null')
    expect(schema).toMatchObject({ partitions: ['date'], zOrderColumns: ['timestamp', 'metric_name'], dedupKeys: [] })
  })

  test('events and otel_metrics', async () => {
    const events = await registry.get('events')
    expect(typeOf(events, 'attributes___duration_ms')).toBe('Int64')
    expect(events.fields.filter(({ nullable }) => !nullable).map(({ name }) => name)).toEqual(
      'timestamp event_id event_type event_name project_id date'.split(' '),
    )
    const metrics = await registry.get('otel_metrics')
    expect(typeOf(metrics, 'value')).toBe('Float64')
    expect(typeOf(metrics, 'hist_bucket_counts')).toBe('List(Int64)')
    expect(typeOf(metrics, 'exp_hist_zero_threshold')).toBe('Float64')
    expect(typeOf(metrics, 'ingested_at')).toBe(`${utc('Microsecond')} not null`)
    expect(metrics.sortingColumns.map(({ name }) => name)).toEqual(['timestamp', 'metric_name', 'series_id'])
  })
})

describe('HyperDX tables', () => {
  const names = [
    'otel_logs',
    'otel_traces',
    'hyperdx_sessions',
    ...'gauge sum histogram exponential_histogram summary'.split(' ').map((kind) => `otel_metrics_${kind}`),
  ]
  const sectionOf = (schema: TableSchema) => schema.extensions.clickhouse as any
  const namesOf = (entries: { name: string; since?: string; before?: string }[], version: string) =>
    entries
      .filter(({ since, before }) => (since ?? '0') <= version && version < (before ?? '99'))
      .map(({ name }) => name)

  test.each(names)('%s has no nullable column, keeps 30 days, and sorts by columns that it has', async (name) => {
    const schema = await registry.get(name)
    expect(schema.fields.every(({ nullable }) => !nullable)).toBe(true)
    expect(schema.retention).toBe('30d')
    const section = sectionOf(schema)
    expect(section.engine).toBe('MergeTree')
    expect(section.settings.ttl_only_drop_parts).toBe(1)
    const known = schema.fields.map((field) => field.name)
    for (const expression of [section.partition_by, section.ttl, ...section.order_by])
      expect(known).toContain(/[A-Z]\w*(?=\)*$)/.exec(expression)?.[0])
    for (const version of ['26.1', '26.2']) {
      const indexes = namesOf(section.indexes, version)
      expect(new Set(indexes).size).toBe(indexes.length)
    }
  })

  test('otel_logs before and since text indexes', async () => {
    const schema = await registry.get('otel_logs')
    const section = sectionOf(schema)
    expect(typeOf(schema, 'Timestamp')).toBe(`${utc('Nanosecond')} not null`)
    expect(typeOf(schema, 'TimestampTime')).toBeUndefined()
    expect(section.columns.Timestamp).toEqual({ type: 'DateTime64(9)', codec: 'Delta(8), ZSTD(1)' })
    expect(section.columns.TraceFlags).toBeUndefined()
    expect(section.materialized).toHaveLength(8)
    expect(section.order_by).toEqual(['toStartOfFiveMinutes(Timestamp)', 'ServiceName', 'Timestamp'])
    expect(namesOf(section.aliases, '26.1')).toEqual([])
    expect(namesOf(section.aliases, '26.2')).toEqual([
      'ResourceAttributeItems',
      'ScopeAttributeItems',
      'LogAttributeItems',
    ])
    expect(namesOf(section.indexes, '26.1')).toEqual(
      'idx_trace_id idx_res_attr_key idx_res_attr_value idx_scope_attr_key idx_scope_attr_value idx_log_attr_key idx_log_attr_value idx_lower_body'.split(
        ' ',
      ),
    )
    expect(namesOf(section.indexes, '26.2')).toEqual(
      'idx_trace_id idx_res_attr_key idx_res_attr_items idx_scope_attr_key idx_scope_attr_items idx_log_attr_key idx_log_attr_items idx_lower_body'.split(
        ' ',
      ),
    )
  })

  test('otel_traces, hyperdx_sessions and a metric', async () => {
    const traces = await registry.get('otel_traces')
    expect(typeOf(traces, 'Events.Attributes')).toBe('List(Map(Utf8, Utf8 not null) not null) not null')
    expect(typeOf(traces, 'Duration')).toBe('UInt64 not null')
    expect(sectionOf(traces).ttl).toBe('toDate(Timestamp)')
    expect(sectionOf(traces).materialized.map(({ name }: { name: string }) => name)).toEqual([
      '__hdx_materialized_rum.sessionId',
      'SampleRate',
    ])
    const sessions = await registry.get('hyperdx_sessions')
    expect(sessions.timeColumn).toBe('TimestampTime')
    expect(sectionOf(sessions).columns.TimestampTime).toEqual({ type: 'DateTime', default: 'toDateTime(Timestamp)' })
    expect(sectionOf(sessions).primary_key).toEqual(['ServiceName', 'TimestampTime'])
    const sum = await registry.get('otel_metrics_sum')
    expect(typeOf(sum, 'IsMonotonic')).toBe('Boolean not null')
    expect(typeOf(sum, 'TimeUnix')).toBe(`${utc('Second')} not null`)
    expect((await registry.get('otel_metrics_summary')).fields.some(({ name }) => name.startsWith('Exemplars'))).toBe(
      false,
    )
  })
})
