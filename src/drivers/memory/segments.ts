/** A table's segments as local Parquet files in an engine's own folder: what every reading verb works on. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverEnvironment } from '../../core/driver.ts'
import type { ReadContext } from '../../core/operation.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { scanSql } from '../../engine/scan.ts'
import type { MemoryStore } from './store.ts'
import { type MemoryTable, readTopology, requireTable } from './table.ts'

export interface OpenTable extends AsyncDisposable {
  readonly engine: Engine
  readonly table: MemoryTable
  readonly select: string
  readonly files: readonly string[]
}

export async function openTable(
  store: MemoryStore,
  environment: DriverEnvironment,
  path: string,
  ctx: ReadContext,
): Promise<OpenTable> {
  const table = requireTable(store, path)
  const { topology } = await readTopology(ctx.records, path)
  const engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
  const ids = store
    .all('select id from segments where path = ? and generation = ? order by id', path, topology.generation)
    .map((row) => Number(row.id))
  const files = await writeSegments(store, ids, engine.directory)
  const select = scanSql({
    files: files.map((file) => ({ path: file, partitionValues: {} })),
    fields: table.schema.fields,
    partitions: [],
  })
  return { engine, table, select, files, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() }
}

/** One file a segment, read one at a time. */
export async function writeSegments(store: MemoryStore, ids: readonly number[], folder: string): Promise<string[]> {
  const files: string[] = []
  for (const id of ids) {
    const file = join(folder, `segment-${id}.parquet`)
    await writeFile(file, store.get('select data from segments where id = ?', id)!.data as Uint8Array)
    files.push(file)
  }
  return files
}
