/** describe and stats: both know everything exactly, because the store counts. */
import type { TableDescription, TableStatistics } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import type { MemoryStore } from './store.ts'
import { countSegments, readTopology, requireTable } from './table.ts'

export async function describe(store: MemoryStore, table: Subject, ctx: ReadContext): Promise<TableDescription> {
  const { schema } = requireTable(store, table.path)
  const { status } = await stats(store, table, ctx)
  return { status, schema: { fields: schema.fields, partitions: schema.partitions }, details: {} }
}

export async function stats(store: MemoryStore, table: Subject, ctx: ReadContext): Promise<TableStatistics> {
  requireTable(store, table.path)
  const { topology } = await readTopology(ctx.records, table.path)
  const { segments, hot, rows, bytes } = countSegments(store, table.path, topology.generation)
  return {
    status: {
      version: topology.epoch,
      rows,
      bytes,
      files: segments,
      hotSegments: hot,
      shards: topology.shards,
      source: 'exact',
    },
    unknown: {},
  }
}
