/** Checkpoints as other writers make them: classic, in parts, with sidecars; for tests. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openEngine } from '../../../src/engine/engine.ts'
import { quotePath, quoteString } from '../../../src/engine/sql-text.ts'
import type { Fixture } from './fixture.ts'

/** Writes a checkpoint file with the engine from JSON rows, one action each. */
export async function checkpoint(
  table: Fixture,
  name: string,
  rows: readonly object[],
  columns = checkpointColumns,
): Promise<void> {
  await using engine = await openEngine({ scratch: table.scratch })
  const lines = join(engine.directory, 'rows.ndjson')
  await writeFile(lines, rows.map((row) => JSON.stringify(row)).join('\n'))
  const target = join(table.root, 't', '_delta_log', name)
  await mkdir(dirname(target), { recursive: true })
  const spec = Object.entries(columns).map(([column, type]) => `${column}: ${quoteString(type)}`)
  await engine.run(
    `COPY (SELECT * FROM read_json(${quotePath(lines)}, format = 'newline_delimited', columns = {${spec.join(', ')}})) TO ${quoteString(target)} (FORMAT parquet)`,
  )
}
export const checkpointColumns: Readonly<Record<string, string>> = {
  txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
  add: 'STRUCT("path" VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR), stats_parsed STRUCT(numRecords BIGINT))',
  remove: 'STRUCT("path" VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN)',
  metaData:
    'STRUCT(id VARCHAR, "name" VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)',
  protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)',
  domainMetadata: 'STRUCT("domain" VARCHAR, configuration VARCHAR, removed BOOLEAN)',
}
/** Of the V2 spec, beside the others. */
export const v2Columns: Readonly<Record<string, string>> = {
  ...checkpointColumns,
  checkpointMetadata: 'STRUCT("version" BIGINT, tags MAP(VARCHAR, VARCHAR))',
  sidecar: 'STRUCT("path" VARCHAR, sizeInBytes BIGINT, modificationTime BIGINT, tags MAP(VARCHAR, VARCHAR))',
}
export const sidecarColumns: Readonly<Record<string, string>> = {
  add: checkpointColumns.add!,
  remove: checkpointColumns.remove!,
}
