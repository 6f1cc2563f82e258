/**
 * sync.target: rows of a page and the checkpoint in one transaction per shard. A page goes to several shards on several nodes, and no
 * transaction spans those: each shard keeps a checkpoint of its own, and what is whole is the least of them. A page that reached only some
 * shards comes again; its rows replace themselves.
 */
import { randomUUID } from 'node:crypto'
import { fail } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { Checkpoint, SyncTarget } from '../../core/sync.ts'
import { type Field, formatType, sameType } from '../../core/types.ts'
import { loadHash } from './buckets.ts'
import { byNode, type Cluster, findTopology, requireTopology } from './cluster.ts'
import { nodeIds } from './create.ts'
import { marks } from './node/node.ts'
import { router } from './route.ts'
import { newTopology, shapeOfFields } from './shape.ts'
import type { Topology } from './topology.ts'
import { beginWriting } from './write.ts'

/** `job` of tables that syncs make: what one process began another goes on with. */
const madeBySync = 'sync'

export function syncTarget(cluster: Cluster): SyncTarget {
  return {
    commits: 'transaction',
    ensure: (table, shape, ctx) => ensure(cluster, table, shape, ctx),
    checkpoint: async (table, sync, ctx) => {
      const topology = await findTopology(cluster, table.path, ctx)
      // A table that is still being made has no row yet, and maybe not each of its shards.
      return topology && topology.state !== 'creating' ? least(await checkpoints(cluster, topology, sync)) : null
    },
    async write(table, { batch, newest }, from, to, ctx) {
      const topology = await requireTopology(cluster, table.path, ctx)
      refuseOrder(topology, newest)
      const name = marks.sync(to.sync)
      await using writing = await beginWriting(cluster, topology, router(topology, await loadHash()), { newest })
      const found: (Checkpoint | null)[] = []
      for (const session of writing.sessions)
        for (const shard of session.shards) found.push((await session.mark(shard, name)) as Checkpoint | null)
      if (found.some((checkpoint) => (checkpoint?.fence ?? 0) > to.fence)) return 'fenced'
      if ((least(found)?.sequence ?? 0) !== (from?.sequence ?? 0)) return 'moved'
      await writing.write(inTableOrder(topology, batch), null, () => true)
      await writing.mark(name, to as unknown as JsonObject)
      await writing.commit()
      return 'committed'
    },
  }
}

async function checkpoints(cluster: Cluster, topology: Topology, sync: string): Promise<(Checkpoint | null)[]> {
  const all: (Checkpoint | null)[] = []
  for (const { node, shards } of await byNode(cluster, topology.shards)) {
    const found = await node.marks(topology, shards, marks.sync(sync))
    for (const shard of shards) all.push((found.get(shard.name) as unknown as Checkpoint | undefined) ?? null)
  }
  return all
}

/** Null when some shard has none. */
function least(all: readonly (Checkpoint | null)[]): Checkpoint | null {
  let found: Checkpoint | null = null
  for (const checkpoint of all) {
    if (checkpoint === null) return null
    if (found === null || checkpoint.sequence < found.sequence) found = checkpoint
  }
  return found
}

async function ensure(
  cluster: Cluster,
  table: Subject,
  { fields, key }: { readonly fields: readonly Field[]; readonly key: readonly string[] },
  ctx: ReadContext,
): Promise<{ created: boolean; added: readonly string[] }> {
  if (key.length === 0)
    throw fail(
      'refused',
      'no-key',
      `${refOfPath(table.path)}: rows without a key would be doubled when a page comes again`,
      {
        hint: 'name the key of the source table',
      },
    )
  const there = await findTopology(cluster, table.path, ctx)
  if (there && there.state !== 'creating')
    return extend(cluster, await requireTopology(cluster, table.path, ctx), { fields, key })
  const { project, table: name } = segmentsOf(table.path)
  // What another process of this sync began is gone on with, and then brought to the shape of today.
  const begun = there?.job === madeBySync ? there : null
  const fresh = newTopology(
    shapeOfFields(fields, key),
    { project, table: name, shards: cluster.shards, nodes: cluster.names },
    { id: randomUUID(), createdAt: ctx.now().toISOString(), job: madeBySync },
  )
  const topology: Topology = begun ?? { ...fresh, nodes: await nodeIds(cluster, fresh) }
  for (const node of await cluster.nodes()) await node.putCopy(topology)
  for (const shard of topology.shards) await (await cluster.node(shard.node)).createShard(topology, shard)
  const made: Topology = { ...topology, state: 'active' }
  for (const node of await cluster.nodes()) await node.putCopy(made)
  return { created: true, added: begun ? (await extend(cluster, made, { fields, key })).added : [] }
}

/** Columns that are missing are added where they may be null; anything else would need the rows to be written anew. */
async function extend(
  cluster: Cluster,
  topology: Topology,
  { fields, key }: { readonly fields: readonly Field[]; readonly key: readonly string[] },
): Promise<{ created: false; added: readonly string[] }> {
  const ref = `${cluster.backend}:${topology.project}/${topology.table}`
  if (JSON.stringify([...key].sort()) !== JSON.stringify([...topology.primaryKey].sort()))
    throw fail(
      'refused',
      'other-key',
      `${ref} has the key (${topology.primaryKey.map(printable).join(', ')}), the source (${key.map(printable).join(', ')})`,
    )
  const there = new Map(topology.columns.map((column) => [column.name, column]))
  const missing = fields.filter((field) => !there.has(field.name))
  for (const { name, type } of fields) {
    const column = there.get(name)
    if (column && !sameType(column.type, type))
      throw fail(
        'refused',
        'other-type',
        `${ref} has column "${printable(name)}" as ${formatType(column.type)}, the source as ${formatType(type)}`,
      )
  }
  for (const column of topology.columns)
    if (!column.nullable && !fields.some((field) => field.name === column.name))
      throw fail('refused', 'column-missing', `${ref} needs column "${printable(column.name)}", which the source lacks`)
  if (missing.length === 0) {
    await putCopies(cluster, topology)
    return { created: false, added: [] }
  }
  const added = shapeOfFields(
    missing.map((field) => ({ ...field, nullable: true })),
    [],
  ).columns
  const extended: Topology = {
    ...topology,
    epoch: topology.epoch + 1,
    columns: [...topology.columns, ...added],
  }
  for (const shard of extended.shards) await (await cluster.node(shard.node)).addColumns(extended, shard)
  await putCopies(cluster, extended)
  return { created: false, added: missing.map(({ name }) => name) }
}

/** On the nodes that are behind: a process may have been killed before the last one. The catalog's record follows by the higher epoch. */
async function putCopies(cluster: Cluster, topology: Topology): Promise<void> {
  for (const node of await cluster.nodes()) {
    const { copy } = await node.held(topology)
    if (copy?.epoch !== topology.epoch || copy.state !== topology.state) await node.putCopy(topology)
  }
}

/** A page brings the columns in the source's order, and not those that only the table has. */
function inTableOrder({ columns }: Topology, batch: Parameters<SyncTarget['write']>[1]['batch']): typeof batch {
  const at = new Map(batch.fields.map((field, i) => [field.name, i]))
  const nothing = new Array<null>(batch.rows).fill(null)
  return {
    fields: columns,
    columns: columns.map(({ name }) => batch.columns[at.get(name) ?? -1] ?? nothing),
    rows: batch.rows,
  }
}

/** Text would be compared as text. */
function refuseOrder({ columns }: Topology, newest: string | null): void {
  const column = columns.find(({ name }) => name === newest)
  if (
    newest === null ||
    column?.type.kind === 'Timestamp' ||
    column?.type.kind === 'Date32' ||
    column?.type.kind === 'Int64'
  )
    return
  throw fail('refused', 'bad-time-column', `column "${printable(newest)}" cannot tell which row is newer`)
}
