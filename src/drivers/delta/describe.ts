/** describe and stats: what the log says, and with `exact` what the footers of the files say. */
import { createHash } from 'node:crypto'
import type { PointInTime, TableDescription, TableStatistics } from '../../core/driver.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { countRows } from './files/count.ts'
import { rowsOf, sizesOf } from './files/facts.ts'
import type { Snapshot } from './log/snapshot.ts'
import { timeText } from './log/versions.ts'
import { type Lake, openTable } from './table.ts'

export async function describe(
  lake: Lake,
  table: Subject,
  ctx: ReadContext,
  at: PointInTime | null = null,
): Promise<TableDescription> {
  const { snapshot, location } = await openTable(lake, table, ctx, at)
  const { protocol, metadata } = snapshot
  const { rows, unknownFiles } = rowsOf(snapshot)
  return {
    status: {
      version: snapshot.version,
      ...sizesOf(snapshot),
      rows,
      source: 'log',
      lastCommitAt: timeOf(snapshot),
      ...(rows === null ? { rowsUnknown: unknownRows(unknownFiles) } : {}),
    },
    schema: { fields: snapshot.fields, partitions: metadata.partitionColumns },
    details: {
      location: location.url,
      id: metadata.id,
      name: metadata.name ?? null,
      description: metadata.description ?? null,
      createdAt: timeText(metadata.createdTime ?? null),
      protocol: protocol as unknown as JsonObject,
      features: featuresOf(protocol),
      columnMapping: metadata.configuration['delta.columnMapping.mode'] ?? 'none',
      checkpoint: snapshot.checkpoint,
      filesWithDeletionVectors: [...snapshot.files.values()].filter((file) => file.deletionVector !== undefined).length,
      properties: metadata.configuration,
    },
  }
}

export async function stats(
  lake: Lake,
  table: Subject,
  { exact }: { exact: boolean },
  ctx: ReadContext,
): Promise<TableStatistics> {
  const open = await openTable(lake, table, ctx)
  const { snapshot } = open
  const { rows, unknownFiles } = rowsOf(snapshot)
  const status = { version: snapshot.version, ...sizesOf(snapshot), lastCommitAt: timeOf(snapshot) }
  if (exact)
    return {
      status: { ...status, rows: await countRows(lake, open, snapshot.files.values(), ctx), source: 'exact' },
      unknown: {},
    }
  return {
    status: { ...status, rows, source: 'log' },
    unknown: rows === null ? { rows: unknownRows(unknownFiles) } : {},
  }
}

/** Those that the protocol lists by name. */
const featuresOf = ({ readerFeatures = [], writerFeatures = [] }: Snapshot['protocol']): readonly string[] =>
  [...new Set([...readerFeatures, ...writerFeatures])].sort()

const unknownRows = (files: number): string =>
  `${files} files have no row count in the log; tblctl stats --exact counts them`
const timeOf = (snapshot: Snapshot): string | null => timeText(snapshot.timestamp)

/** Equal for equal columns and partitioning. */
export const schemaHashOf = (snapshot: Snapshot): string =>
  createHash('sha256')
    .update(JSON.stringify([snapshot.metadata.schemaString, snapshot.metadata.partitionColumns]))
    .digest('hex')
    .slice(0, 16)
