/** One chunk of a load: written, moved into place and committed, or nothing of it is left. */
import type { LoadOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { RunContext } from '../../core/operation.ts'
import { type Field, sameType } from '../../core/types.ts'
import { type Engine, readingFiles } from '../../engine/engine.ts'
import type { Chunk } from '../../engine/ingest/chunk.ts'
import { commitTo } from './commit-table.ts'
import { bytesOf, discard, withdraw } from './data-file.ts'
import { appIdOf, metricsOf, type Progress } from './load-progress.ts'
import type { Add } from './log/actions.ts'
import type { CommitOutcome } from './log/commit-request.ts'
import { committer, type DeltaTable, type Lake, refreshed } from './table.ts'
import { storedField } from './types.ts'
import { writeRows } from './write-rows.ts'

export type LoadContext = RunContext<Progress, LoadOptions>

/** The table as it was when the input was opened: what its rows were checked against. */
export interface Columns {
  readonly fields: readonly Field[]
  readonly partitions: readonly string[]
}
export const columnsOf = ({ snapshot }: DeltaTable): Columns => ({
  fields: snapshot.fields,
  partitions: snapshot.metadata.partitionColumns,
})

export type ChunkOutcome =
  | { readonly is: 'committed'; readonly done: Omit<Progress, 'commits'> }
  /** The same batch was loaded further by another process. */
  | { readonly is: 'overtaken' }
  /** The table's columns changed so that these rows no longer fit as they are. */
  | { readonly is: 'misfit' }
  | { readonly is: 'conflict'; readonly why: string }

const attempts = 5

export async function storeChunk(
  lake: Lake,
  engine: Engine,
  base: DeltaTable,
  columns: Columns,
  chunk: Chunk,
  ctx: LoadContext,
): Promise<ChunkOutcome> {
  let table = base
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const adds = chunk.rows > 0 ? await writeChunk(engine, table, columns, chunk) : []
    const figures = { rows: chunk.rows, rejected: chunk.rejected, files: adds.length, bytes: bytesOf(adds) }
    let outcome: CommitOutcome
    try {
      outcome = await append(lake, table, columns, adds, chunk.consumed, metricsOf(figures), ctx)
    } catch (error) {
      await withdraw(lake, table, adds, error, ctx)
      throw error
    }
    if (outcome.is === 'committed') return { is: 'committed', done: { ...figures, version: outcome.version } }
    await discard(table, adds)
    if (outcome.is === 'already' || outcome.is === 'overtaken') return { is: 'overtaken' }
    if (outcome.is === 'conflict') return outcome
    table = await refreshed(lake, table, ctx)
    if (!stillFit(columns, table)) return { is: 'misfit' }
  }
  return { is: 'conflict', why: `the table's schema changed ${attempts} times in a row` }
}

/** Rows with these columns can be appended to the table as it is now: what it has besides is nullable. */
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

function append(
  lake: Lake,
  { location, snapshot }: DeltaTable,
  { partitions }: Columns,
  adds: readonly Add[],
  consumed: number,
  metrics: Readonly<Record<string, number>>,
  ctx: LoadContext,
): Promise<CommitOutcome> {
  const request = {
    snapshot,
    kind: 'append' as const,
    actions: adds.map((add) => ({ add })),
    txn: { appId: appIdOf(ctx.options), version: consumed },
    operation: { name: 'WRITE', parameters: { mode: 'Append', partitionBy: JSON.stringify(partitions) }, metrics },
  }
  return commitTo(lake, location, request, committer(ctx), ctx)
}

async function writeChunk(engine: Engine, table: DeltaTable, columns: Columns, chunk: Chunk): Promise<readonly Add[]> {
  const fields = columns.fields.map(storedField)
  // Text rows lie in files of the engine's own, which are no Parquet.
  const inputs = chunk.files.filter((file) => !file.startsWith(engine.directory) || file.endsWith('.parquet'))
  const { adds, rows } = await readingFiles(engine, inputs, () =>
    writeRows(engine, table, chunk.select, { dataChange: true, fields }),
  )
  if (rows === chunk.rows) return adds
  await discard(table, adds)
  throw fail('bug', 'rows-differ', `${chunk.rows} rows were read and ${rows} written`)
}
