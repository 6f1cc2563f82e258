/**
 * A table's topology: its columns and keys, and which buckets lie in which shard on which node. The truth is the catalog's record
 * `topology/PATH`, written by ctx.commit alone; each node keeps a copy, from which a lost catalog is filled again.
 */
import { createHash } from 'node:crypto'
import type { Record, Records } from '../../core/catalog.ts'
import { fail } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { type Path, refOfPath, segmentsOf } from '../../core/ref.ts'
import { type DataType, type Field, formatType, parseType } from '../../core/types.ts'

/** What SQL knows of a column beyond its DataType: `uuid`, `varchar(20)`. */
export type Domain = string | null

export interface Column extends Field {
  readonly domain: Domain
}

export interface Shard {
  readonly id: number
  readonly node: string
  /** Its physical table, and its file's name on a SQLite node. Never used again for another generation. */
  readonly name: string
  /** First and last bucket. */
  readonly low: number
  readonly high: number
}

export interface Topology {
  /** Of this very table: another one of its name has another. */
  readonly id: string
  /** Ids of the nodes that hold shards, by their names: a node that was swapped for another is told. */
  readonly nodes: { readonly [name: string]: string }
  readonly project: string
  readonly table: string
  /** Rises with every change of what is where. */
  readonly epoch: number
  readonly state: 'creating' | 'active' | 'dropping'
  readonly generation: number
  /** How a key becomes a bucket. */
  readonly hash: 'xxh64-12'
  /** Name of the table schema; null for a table made by CREATE TABLE. */
  readonly schema: string | null
  readonly columns: readonly Column[]
  readonly partitions: readonly string[]
  readonly timeColumn: string | null
  /** [] = rows have a key of their own, the hidden column `_row`. */
  readonly primaryKey: readonly string[]
  readonly shardKey: string
  readonly unique: readonly (readonly string[])[]
  readonly shards: readonly Shard[]
  /** RFC 3339. */
  readonly createdAt: string
  /** The job that made it. */
  readonly job: string
}

export const rowColumn = '_row'
export const bucketColumn = '_vs'
export const buckets = 4096

export const topologyKey = (path: Path): string => `topology/${path}`

/**
 * Name of a shard's physical table, at most 63 bytes and lower case. The digest is of the topology's id: a table that is dropped and made
 * again never meets what was there before, nor do names that differ only in case, long names and equal names in two projects.
 */
export function physicalName(id: string, table: string, generation: number, shard: number): string {
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 16)
  const readable = table
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '_')
    .slice(0, 24)
  return `t_${readable}_${digest}_g${generation}_s${String(shard).padStart(2, '0')}`
}

/** Contiguous ranges of buckets as equal as can be, dealt out to the nodes in turn. */
export function layShards(
  topologyId: string,
  table: string,
  generation: number,
  count: number,
  nodes: readonly string[],
): Shard[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    node: nodes[id % nodes.length]!,
    name: physicalName(topologyId, table, generation, id),
    low: Math.floor((id * buckets) / count),
    high: Math.floor(((id + 1) * buckets) / count) - 1,
  }))
}

/** Index into `shards` by bucket. */
export function shardOfBucket(shards: readonly Shard[]): Uint16Array {
  const found = new Uint16Array(buckets)
  for (const [i, { low, high }] of shards.entries()) found.fill(i, low, high + 1)
  return found
}

export const topologyJson = (topology: Topology): Json =>
  ({
    ...topology,
    columns: topology.columns.map(({ type, ...column }) => ({ ...column, type: formatType(type) })),
  }) as unknown as Json

export function parseTopology(value: Json): Topology {
  const { columns, ...rest } = value as unknown as Omit<Topology, 'columns'> & {
    columns: readonly (Omit<Column, 'type'> & { type: string })[]
  }
  return {
    ...rest,
    columns: columns.map((column): Column => ({ ...column, type: parseType(column.type) })),
  }
}

/** The record, if there is one. */
export async function findRecord(
  records: Records,
  path: Path,
): Promise<{ topology: Topology; rev: Record['rev'] } | undefined> {
  const record = await records.get(topologyKey(path))
  return record && { topology: parseTopology(record.value), rev: record.rev }
}

/** Without epoch, job and dates: equal for tables that were asked for alike. */
export function sameShape(a: Topology, b: Topology): boolean {
  return shapeHash(a) === shapeHash(b) && a.shards.length === b.shards.length
}

export function shapeHash({ schema, columns, partitions, primaryKey, shardKey, unique }: Topology): string {
  const shape = columns.map(({ name, type, nullable, domain }) => [name, formatType(type), nullable, domain])
  const text = JSON.stringify([schema, shape, partitions, primaryKey, shardKey, unique])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

export function columnOf({ columns }: Topology, name: string): Column {
  return columns.find((column) => column.name === name)!
}

/** Columns in which rows are found again: the primary key, or the key that the driver gave them. */
export const keyColumns = (topology: Topology): readonly string[] =>
  topology.primaryKey.length > 0 ? topology.primaryKey : [rowColumn]

const rowKey: DataType = { kind: 'Utf8' }
export const shardKeyType = (topology: Topology): { type: DataType; domain: Domain } =>
  topology.primaryKey.length === 0 ? { type: rowKey, domain: null } : columnOf(topology, topology.shardKey)

export function requireActive(topology: Topology | undefined, path: Path): Topology {
  const ref = refOfPath(path)
  if (!topology || topology.state === 'creating')
    throw fail('missing', 'table-not-found', `the backend holds no table ${ref}`, {
      hint: `tblctl create ${ref} --schema NAME`,
    })
  if (topology.state === 'dropping')
    throw fail('refused', 'table-dropping', `${ref} is being dropped`, { hint: `tblctl drop ${ref} goes on with it` })
  return topology
}

/** What a plan laid out, made this very table: its shards get their names. */
export const identified = (topology: Topology, id: string): Topology => ({
  ...topology,
  id,
  shards: topology.shards.map((shard) => ({
    ...shard,
    name: physicalName(id, topology.table, topology.generation, shard.id),
  })),
})

export const sameTable = (topology: Topology, path: Path): boolean => {
  const { project, table } = segmentsOf(path)
  return topology.project === project && topology.table === table
}
