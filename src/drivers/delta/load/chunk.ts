/** One chunk of a load: written, moved into place and committed, or nothing of it is left. */
import { fail } from '../../../core/errors.ts'
import { type Field, sameType } from '../../../core/types.ts'
import { type Engine, readingFiles } from '../../../engine/engine.ts'
import type { Chunk } from '../../../engine/ingest/chunk.ts'
import { commitTo } from '../commit-table.ts'
import { bytesOf, discard, withdraw } from '../files/data-file.ts'
import { writeRows } from '../files/write-rows.ts'
import type { Add } from '../log/actions.ts'
import type { CommitOutcome } from '../log/commit-request.ts'
import { committer, type DeltaTable, type Lake, refreshed } from '../table.ts'
import { timeColumnProperty } from '../table-properties.ts'
import { storedField } from '../types.ts'
import type { LoadBatch } from './batch.ts'
import { neverNull } from './merge-key.ts'
import { type Figures, type LoadContext, metricsOf } from './progress.ts'

/** The table as it was when the input was opened: what its rows were checked against. */
export interface Columns {
  readonly fields: readonly Field[]
  readonly partitions: readonly string[]
  /** Of a merge. */
  readonly key: readonly string[]
  /** As the table says; null where it does not. */
  readonly timeColumn: string | null
}
export const columnsOf = ({ snapshot }: DeltaTable, { key }: LoadBatch): Columns => ({
  fields: neverNull(snapshot.fields, key),
  partitions: snapshot.metadata.partitionColumns,
  key,
  timeColumn: snapshot.metadata.configuration[timeColumnProperty] ?? null,
})

export type ChunkOutcome =
  | { readonly is: 'committed'; readonly figures: Figures; readonly version: number }
  /** The same batch was loaded further by another process. */
  | { readonly is: 'overtaken' }
  /** The table's columns changed so that these rows no longer fit as they are. */
  | { readonly is: 'misfit' }
  | { readonly is: 'conflict'; readonly why: string }

export interface ChunkStore {
  readonly lake: Lake
  readonly engine: Engine
  readonly batch: LoadBatch
  readonly ctx: LoadContext
}

/** Between two chunks another process may bring the first rows of the second one: the snapshot then has its commit. */
export const transactionOf = ({ appId }: LoadBatch, { consumed, rows, rejected }: Chunk) => ({
  appId,
  version: consumed,
  after: consumed - rows - rejected,
})

const attempts = 5

export async function appendChunk(
  { lake, engine, batch, ctx }: ChunkStore,
  base: DeltaTable,
  columns: Columns,
  chunk: Chunk,
): Promise<ChunkOutcome> {
  let table = base
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const adds = await writeChunk(engine, table, columns, chunk)
    const figures = { rows: chunk.rows, rejected: chunk.rejected, files: adds.length, bytes: bytesOf(adds) }
    let outcome: CommitOutcome
    try {
      const request = {
        snapshot: table.snapshot,
        kind: 'append' as const,
        actions: adds.map((add) => ({ add })),
        txn: transactionOf(batch, chunk),
        operation: {
          name: 'WRITE',
          parameters: { mode: 'Append', partitionBy: JSON.stringify(columns.partitions) },
          metrics: metricsOf(batch, figures),
        },
      }
      outcome = await commitTo(lake, table.location, request, committer(ctx), ctx)
    } catch (error) {
      await withdraw(lake, table, adds, error, ctx)
      throw error
    }
    if (outcome.is === 'committed') return { is: 'committed', figures, version: outcome.version }
    await discard(table, adds)
    if (outcome.is === 'already' || outcome.is === 'overtaken') return { is: 'overtaken' }
    if (outcome.is === 'conflict') return outcome
    table = await refreshed(lake, table, ctx)
    if (!stillFit(columns, table)) return { is: 'misfit' }
  }
  return { is: 'conflict', why: `the table's schema changed ${attempts} times in a row` }
}

/** Rows with these columns can be written to the table as it is now: what it has besides is nullable. */
export function stillFit({ fields, partitions }: Columns, { snapshot }: DeltaTable): boolean {
  if (JSON.stringify(partitions) !== JSON.stringify(snapshot.metadata.partitionColumns)) return false
  const now = new Map(snapshot.fields.map((field) => [field.name, field]))
  for (const field of fields) {
    const same = now.get(field.name)
    if (!same || !sameType(same.type, field.type) || (field.nullable && !same.nullable)) return false
    now.delete(field.name)
  }
  return [...now.values()].every((field) => field.nullable)
}

export async function writeChunk(
  engine: Engine,
  table: DeltaTable,
  columns: Columns,
  chunk: Chunk,
): Promise<readonly Add[]> {
  if (chunk.rows === 0) return []
  const fields = columns.fields.map(storedField)
  const { adds, rows } = await readingFiles(engine, parquetInputs(engine, chunk), () =>
    writeRows(engine, table, chunk.select, { dataChange: true, fields }),
  )
  if (rows === chunk.rows) return adds
  await discard(table, adds)
  throw fail('bug', 'rows-differ', `${chunk.rows} rows were read and ${rows} written`)
}

/** Text rows lie in files of the engine's own, which are no Parquet. */
export const parquetInputs = (engine: Engine, { files }: Chunk): readonly string[] =>
  files.filter((file) => !file.startsWith(engine.directory) || file.endsWith('.parquet'))
