/** The nodes of a backend, opened when they are first needed, and where a table's topology is found. */
import { isAbsolute, resolve } from 'node:path'
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { Path } from '../../core/ref.ts'
import type { PostgresSettings, ShardedSqlConfig } from './config.ts'
import type { Node } from './node/node.ts'
import { findRecord, requireActive, type Shard, sameTable, type Topology } from './topology.ts'

/** Shards that are worked on at a time. */
const atOnce = 4

export interface Cluster extends AsyncDisposable {
  readonly backend: string
  readonly names: readonly string[]
  /** Of a new table that does not say how many. */
  readonly shards: number
  readonly environment: DriverEnvironment
  /** Throws `unknown-node`. */
  node(name: string): Promise<Node>
  nodes(): Promise<readonly Node[]>
}

export function openCluster(backend: string, config: ShardedSqlConfig, environment: DriverEnvironment): Cluster {
  const open = new Map<string, Promise<Node>>()
  const make = async (name: string): Promise<Node> => {
    const settings = config.nodes[name]
    if (settings === undefined)
      throw fail('config', 'unknown-node', `backend ${backend} has no node ${name}, which holds shards`, {
        hint: `name it again under nodes: in tblctl.yaml`,
      })
    if (typeof settings === 'string' && settings.startsWith('sqlite:')) {
      const folder = settings.slice('sqlite:'.length)
      const { openSqliteNode } = await import('./node/sqlite.ts')
      return openSqliteNode(name, isAbsolute(folder) ? folder : resolve(environment.directory, folder))
    }
    const postgres: PostgresSettings = typeof settings === 'string' ? { url: settings } : settings
    const { openPostgresNode } = await import('./node/postgres.ts')
    return openPostgresNode(name, postgres, environment.directory)
  }
  const node = (name: string): Promise<Node> => {
    if (!open.has(name)) open.set(name, make(name))
    return open.get(name)!
  }
  const names = Object.keys(config.nodes)
  return {
    backend,
    names,
    shards: config.shards ?? 1,
    environment,
    node,
    nodes: () => Promise.all(names.map(node)),
    [Symbol.asyncDispose]: async () => {
      for (const opened of open.values()) await (await opened.catch(() => null))?.[Symbol.asyncDispose]()
    },
  }
}

/** At most a few at a time; the first error ends it when those under way have ended. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const failed: unknown[] = []
  const worker = async (): Promise<void> => {
    while (next < items.length && failed.length === 0) {
      const i = next++
      try {
        results[i] = await work(items[i]!)
      } catch (error) {
        failed.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failed.length > 0) throw failed[0]
  return results
}

/** A node's copies of topologies, or why they cannot be read. */
export interface NodeCopies {
  readonly node: Node
  readonly copies: readonly Topology[]
  readonly error: unknown
}

export async function copiesOf(cluster: Cluster): Promise<readonly NodeCopies[]> {
  return inParallel(await cluster.nodes(), async (node) => {
    try {
      return { node, copies: await node.copies(), error: null }
    } catch (error) {
      return { node, copies: [], error }
    }
  })
}

/** The newest of the nodes' copies. Throws when a node that may hold the only one cannot be asked. */
export async function findCopy(cluster: Cluster, path: Path): Promise<Topology | undefined> {
  const all = await copiesOf(cluster)
  const found = newestCopy(all, (copy) => sameTable(copy, path))
  if (!found) for (const { error } of all) if (error) throw error
  return found
}

/** One that is being made comes last. */
export function newestCopy(all: readonly NodeCopies[], which: (copy: Topology) => boolean): Topology | undefined {
  const rank = ({ epoch, state }: Topology): number => epoch + (state === 'creating' ? 0 : 0.5)
  return all
    .flatMap(({ copies }) => copies)
    .filter(which)
    .sort((a, b) => rank(b) - rank(a))[0]
}

/**
 * The catalog's record says which table it is, by its id; of that one the highest epoch counts, which may be that of the nodes' copies (a
 * sync has added columns). Without a record (a table made by a sync, a lost catalog) the copies alone.
 */
export async function findTopology(cluster: Cluster, path: Path, ctx: ReadContext): Promise<Topology | undefined> {
  const record = (await findRecord(ctx.records, path))?.topology
  if (!record) return findCopy(cluster, path)
  if (record.state !== 'active') return record
  const copy = newestCopy(await copiesOf(cluster), ({ id }) => id === record.id)
  return copy && copy.epoch > record.epoch ? copy : record
}

/** Throws `table-not-found`, `table-dropping`. */
export async function requireTopology(cluster: Cluster, path: Path, ctx: ReadContext): Promise<Topology> {
  return requireActive(await findTopology(cluster, path, ctx), path)
}

/** Shards by node, in the order of the config: who locks several locks them alike. */
export async function byNode(
  cluster: Cluster,
  shards: readonly Shard[],
): Promise<readonly { readonly node: Node; readonly shards: readonly Shard[] }[]> {
  const groups = Map.groupBy(shards, (shard) => shard.node)
  const ordered = [...groups.keys()].sort((a, b) => cluster.names.indexOf(a) - cluster.names.indexOf(b))
  return Promise.all(ordered.map(async (name) => ({ node: await cluster.node(name), shards: groups.get(name)! })))
}
