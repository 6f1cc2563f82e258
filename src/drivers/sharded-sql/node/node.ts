/**
 * The node port: one database that holds shards. Two kinds, sqlite.ts and postgres.ts, which behave alike to all who use them.
 * Everything that changes something is idempotent and announced; errors name the node. What reads or writes rows first compares the
 * topology with the node's own copy (held.ts), in the same transaction where the engine has one; throws `topology-differs`.
 */
import type { Batch } from '../../../core/batch.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Shard, Topology } from '../topology.ts'
import type { Held } from './held.ts'

/** Rows of one batch with where they go. */
export interface RoutedRows {
  readonly batch: Batch
  /** Bucket by row. */
  readonly buckets: Uint16Array
  /** Values of `_row` by row; null for a table with a key of its own. */
  readonly rowKeys: readonly string[] | null
  /** The rows of this session. */
  readonly rows: readonly number[]
}

/** What happens to a row whose key is there: an error, or it replaces that row unless that one is newer by the column. */
export type OnConflict = 'error' | { readonly newest: string | null }

/** One transaction over shards of a node. Disposed without a commit, nothing was written. */
export interface Session extends AsyncDisposable {
  readonly shards: readonly Shard[]
  /** A value that is kept beside the rows of a shard: how far a batch is loaded, a checkpoint. */
  mark(shard: Shard, name: string): Promise<JsonObject | null>
  setMark(shard: Shard, name: string, value: JsonObject): Promise<void>
  write(rows: RoutedRows): Promise<void>
  /** All rows are in their shards, and every constraint has been checked. Throws `duplicate-key`. */
  settle(): Promise<void>
  commit(): Promise<void>
}

export interface Filter {
  readonly column: string
  /** As `canonicalBytes` takes it. */
  readonly value: string | bigint
}

export interface NodeFacts {
  readonly version: string
  readonly now: Date
  /** Null when tables can be made there. */
  readonly missingRight: string | null
}

export interface Node extends AsyncDisposable {
  readonly name: string
  /** For messages: never holds a secret. */
  readonly place: string
  /** How many rows of shards one transaction can span: a file's, or the whole node's. */
  readonly transaction: 'shard' | 'node'
  facts(): Promise<NodeFacts>
  /** Copies of topologies; [] on a node that never held a shard. */
  copies(): Promise<readonly Topology[]>
  /** The node's own id, made when it is first asked for. Announced. */
  identify(): Promise<string>
  /** Throws `table-exists`, `table-being-made` where another table of this name (by its id) is. A newer copy stays. */
  putCopy(topology: Topology): Promise<void>
  /** Only of this very table. */
  removeCopy(topology: Topology): Promise<void>
  createShard(topology: Topology, shard: Shard): Promise<void>
  /** Missing is no error. */
  dropShard(shard: Shard): Promise<void>
  held(topology: Topology): Promise<Held>
  /** Those of the shards that are not there. */
  lacking(shards: readonly Shard[]): Promise<readonly Shard[]>
  /** Adds nullable columns that the topology has and the shard lacks. */
  addColumns(topology: Topology, shard: Shard): Promise<void>
  /** Throws `shard-missing`. */
  measure(topology: Topology, shard: Shard): Promise<{ readonly rows: number; readonly bytes: number }>
  /** Statistics renewed, space of deleted rows taken back. */
  optimize(topology: Topology, shard: Shard): Promise<void>
  /** Marks of shards outside of a session, by physical name. */
  marks(topology: Topology, shards: readonly Shard[], name: string): Promise<ReadonlyMap<string, JsonObject>>
  read(topology: Topology, shard: Shard, filter: Filter | null, signal: AbortSignal): AsyncIterable<Batch>
  begin(topology: Topology, shards: readonly Shard[], onConflict: OnConflict): Promise<Session>
}

/** So long a session waits for the one that has the shard: a step of a load may be large. Milliseconds. */
export const patienceMs = 600_000

/** Names of marks. */
export const marks = {
  load: (batch: string): string => `load ${batch}`,
  sync: (id: string): string => `sync ${id}`,
  /** `{ count }`: transactions that wrote rows. */
  writes: 'writes',
  /** `{ count }`: `writes` when the shard was last optimized. */
  optimized: 'optimized',
} as const

export const countOfMark = (mark: JsonObject | null | undefined): number => Number(mark?.count ?? 0)
