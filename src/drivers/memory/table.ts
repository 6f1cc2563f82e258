/** One table of the memory driver: its schema, its topology, and where its rows are now. */

import type { Records } from '../../core/catalog.ts'
import { fail } from '../../core/errors.ts'
import { type Path, refOfPath } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { sqlType } from '../../engine/types.ts'
import type { MemoryStore } from './store.ts'

/** The record `topology/PATH`: flipped by one commit of a reshard, never in place. */
export interface Topology {
  readonly epoch: number
  readonly generation: number
  readonly shards: number
  /** Still there until `reshard complete`; null when there is no way back. */
  readonly previous: { readonly generation: number; readonly shards: number } | null
}
const firstTopology: Topology = { epoch: 1, generation: 1, shards: 1, previous: null }

export const topologyKey = (path: Path): string => `topology/${path}`

export async function readTopology(records: Records, path: Path): Promise<{ topology: Topology; rev: number }> {
  const record = await records.get(topologyKey(path))
  return record
    ? { topology: record.value as unknown as Topology, rev: record.rev }
    : { topology: firstTopology, rev: 0 }
}

export interface MemoryTable {
  readonly path: Path
  readonly schema: TableSchema
  /** Where loads write. */
  readonly generation: number
  readonly shards: number
  /** A reshard is switching: loads wait. */
  readonly sealed: boolean
  readonly job: string
}

export function findTable(store: MemoryStore, path: Path): MemoryTable | undefined {
  const row = store.get('select * from tables where path = ?', path)
  return (
    row && {
      path,
      schema: JSON.parse(row.schema as string) as TableSchema,
      generation: Number(row.generation),
      shards: Number(row.shards),
      sealed: row.sealed === 1,
      job: row.job as string,
    }
  )
}

/** Throws `type-unsupported` for a column that no segment can hold: now, and not when the first row comes. */
export function refuseTypes({ fields }: TableSchema): void {
  for (const { type } of fields) sqlType(type)
}

export function requireTable(store: MemoryStore, path: Path): MemoryTable {
  const table = findTable(store, path)
  if (!table)
    throw fail('missing', 'table-not-found', `the backend holds no table ${refOfPath(path)}`, {
      hint: `tblctl create ${refOfPath(path)} --schema NAME`,
    })
  return table
}

/** Counts of one generation. */
export function countSegments(
  store: MemoryStore,
  path: Path,
  generation: number,
): { segments: number; hot: number; rows: number; bytes: number } {
  const row = store.get(
    'select count(*) as segments, coalesce(sum(hot), 0) as hot, coalesce(sum(rows), 0) as rows, coalesce(sum(bytes), 0) as bytes from segments where path = ? and generation = ?',
    path,
    generation,
  )!
  return { segments: Number(row.segments), hot: Number(row.hot), rows: Number(row.rows), bytes: Number(row.bytes) }
}

/** Segments spread over shards by their id, evenly and always the same. */
export const shardOf = (segment: number, shards: number): number => (Math.imul(segment, 2654435761) >>> 8) % shards
