/** describe and stats: what tables.get says; with `exact` the rows are counted by a query. */
import type { TableDescription, TableStatistics } from '../../core/driver.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { segmentsOf } from '../../core/ref.ts'
import { quotedTable } from './keyset.ts'
import { countsOf, openTable, schemaOf, timeOf, type Warehouse } from './table.ts'
import { fieldOf } from './types.ts'

export async function describe(warehouse: Warehouse, table: Subject, ctx: ReadContext): Promise<TableDescription> {
  const resource = await openTable(warehouse, table.path, ctx)
  const { project, table: name } = segmentsOf(table.path)
  const { status, unknown } = countsOf(resource)
  const partitioned = resource.timePartitioning ?? resource.rangePartitioning
  return {
    status: {
      ...status,
      ...(unknown.rows === undefined ? {} : { rowsUnknown: unknown.rows }),
      modifiedAt: timeOf(resource.lastModifiedTime),
    },
    schema: {
      fields: schemaOf(resource).map(fieldOf),
      partitions: partitioned?.field === undefined ? [] : [partitioned.field],
    },
    details: {
      name: `${warehouse.projectId}.${project}.${name}`,
      type: resource.type ?? null,
      location: resource.location ?? null,
      description: resource.description ?? null,
      createdAt: timeOf(resource.creationTime),
      primaryKey: resource.tableConstraints?.primaryKey?.columns ?? [],
      partitioning: (partitioned as JsonObject | undefined) ?? null,
      clustering: resource.clustering?.fields ?? [],
      requirePartitionFilter: resource.requirePartitionFilter ?? false,
      streamingBuffer: (resource.streamingBuffer as JsonObject | undefined) ?? null,
    },
  }
}

export async function stats(
  warehouse: Warehouse,
  table: Subject,
  { exact }: { exact: boolean },
  ctx: ReadContext,
): Promise<TableStatistics> {
  const resource = await openTable(warehouse, table.path, ctx)
  const { status, unknown } = countsOf(resource)
  const modifiedAt = timeOf(resource.lastModifiedTime)
  if (!exact) return { status: { ...status, modifiedAt }, unknown }
  const { rows: _rows, ...others } = unknown
  const rows = await countRows(warehouse, table, resource.location ?? null, ctx)
  return { status: { ...status, rows, modifiedAt, source: 'exact' }, unknown: others }
}

async function countRows(
  warehouse: Warehouse,
  table: Subject,
  location: string | null,
  ctx: ReadContext,
): Promise<number> {
  const { project, table: name } = segmentsOf(table.path)
  const sql = `SELECT COUNT(*) AS n FROM ${quotedTable([warehouse.projectId, project, name])}`
  for await (const { rows } of warehouse.requests.query({ sql, parameters: [] }, location, `${project}.${name}`, ctx))
    return Number(rows[0]!.f[0]!.v)
  throw new Error('an answer has one page at least')
}
