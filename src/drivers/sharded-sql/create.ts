/**
 * create: shards on their nodes, a copy of the topology on every node, and only then the record that makes the table visible. Killed
 * anywhere, the same command goes on; taken back, all that this job made is dropped.
 */
import type { CreateOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type Json, type JsonObject } from '../../core/json.ts'
import type { Operation, Plan, RunContext, TableSpec } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { refuseSettings, requireSchemaName } from '../../verbs/create.ts'
import { createOptions } from '../../verbs/options.ts'
import { type Cluster, findTopology } from './cluster.ts'
import { mostShards } from './config.ts'
import { newTopology, type Shape, shapeOfDefinition, shapeOfSchema } from './shape.ts'
import {
  findRecord,
  identified,
  parseTopology,
  sameShape,
  type Topology,
  topologyJson,
  topologyKey,
} from './topology.ts'

interface CreatePlan extends Plan {
  /** As JSON: what is made, or what is there already. */
  readonly topology: Json
}
interface State {
  readonly done: readonly string[]
}
interface Result {
  readonly created: true
  readonly columns: number
  readonly shards: number
}
type Context = RunContext<State, CreateOptions>

export function create(cluster: Cluster): Operation<CreateOptions, CreatePlan, Result, State> {
  return {
    options: createOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ schema, definition, settings }) =>
      `schema=${schema} ${canonicalJson({ definition, settings } as unknown as JsonObject)}`,
    async plan(subject, options, ctx) {
      const wanted = await wantedTopology(cluster, subject.path, options)
      const ref = refOfPath(subject.path)
      const there = await findTopology(cluster, subject.path, ctx)
      if (there && there.state !== 'creating') {
        if (there.state === 'dropping')
          throw fail('refused', 'table-dropping', `${ref} is being dropped`, {
            hint: `tblctl drop ${ref} goes on with it`,
          })
        // With a record of this catalog's own another process may just be about to register it: execute sees it under the lease.
        if (!subject.spec && !(await findRecord(ctx.records, subject.path))) throw notRegistered(ref)
        if (!sameShape(there, wanted))
          throw fail('refused', 'table-exists', `${ref} exists with other columns, keys or shards`, {
            hint: `tblctl describe ${ref}`,
          })
      } else if (subject.spec)
        throw fail('refused', 'table-lost', `${ref} is registered, but its nodes no longer hold it`, {
          hint: `tblctl unregister ${ref}, then create it again`,
        })
      const whole = there?.state === 'active'
      return {
        changes: whole && subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          whole
            ? `${ref} exists with this schema`
            : `create ${ref} with ${wanted.columns.length} columns in ${wanted.shards.length} shards on ${new Set(wanted.shards.map((shard) => shard.node)).size} nodes`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        topology: topologyJson(wanted),
      }
    },
    async execute(plan, ctx) {
      const { path } = ctx.subject
      const { id } = ctx.job
      const there = await findTopology(cluster, path, ctx)
      // What is there is never taken over: made by another catalog, or made and registered since it was planned.
      if (there?.state === 'active' && there.id !== id && !ctx.subject.spec) throw notRegistered(refOfPath(path))
      if (there && there.state !== 'creating' && there.id !== id)
        return there.state === 'active' && sameShape(there, parseTopology(plan.topology))
          ? { is: 'unchanged' }
          : { is: 'stale', why: `${refOfPath(path)} was made meanwhile` }
      const asked = { ...identified(parseTopology(plan.topology), id), job: id, createdAt: ctx.now().toISOString() }
      const topology = there?.state === 'active' ? there : await make(cluster, asked, ctx)
      await putRecord(ctx, { ...topology, state: 'active' }, 'active')
      return {
        is: 'changed',
        result: {
          created: true,
          columns: topology.columns.length,
          shards: topology.shards.length,
        },
        tables: [{ put: path, spec: specOf(topology, ctx.options.labels), state: 'active' }],
      }
    },
    async undo(_plan, ctx) {
      const record = await findRecord(ctx.records, ctx.subject.path)
      if (record?.topology.id !== ctx.job.id) return
      await unmake(cluster, record.topology)
      await ctx.commit({
        phase: 'taken back',
        state: { done: [] },
        records: [{ key: topologyKey(ctx.subject.path), value: undefined, ifRev: record.rev }],
      })
    },
  }
}

const notRegistered = (ref: string): Error =>
  fail('refused', 'table-exists', `the nodes hold a table ${ref} already, which is not registered`, {
    hint: `tblctl register ${ref} adopts it`,
  })

async function make(cluster: Cluster, asked: Topology, ctx: Context): Promise<Topology> {
  const begun = (await findRecord(ctx.records, ctx.subject.path))?.topology
  const wanted = begun?.id === asked.id ? begun : { ...asked, nodes: await nodeIds(cluster, asked) }
  // Another job's process died, and nobody resumed or cancelled it: what it made may have other columns.
  if (begun && begun.id !== asked.id) await unmake(cluster, begun)
  if (wanted !== begun) await putRecord(ctx, wanted, 'creating')
  let { done } = ctx.state ?? { done: [] }
  const steps = [
    // The name is taken on every node first, in one order everywhere: of two catalogs that make it at once one wins.
    ...cluster.names.map((name) => ({
      id: `name ${name}`,
      run: async () => (await cluster.node(name)).putCopy(wanted),
    })),
    ...wanted.shards.map((shard) => ({
      id: `shard ${shard.id}`,
      run: async () => (await cluster.node(shard.node)).createShard(wanted, shard),
    })),
    ...cluster.names.map((name) => ({
      id: `topology ${name}`,
      run: async () => (await cluster.node(name)).putCopy({ ...wanted, state: 'active' }),
    })),
  ]
  for (const { id, run } of steps) {
    if (done.includes(id)) continue
    ctx.signal.throwIfAborted()
    await run()
    done = [...done, id]
    ctx.report({ done: done.length, total: steps.length, unit: 'steps' })
    await ctx.commit({ phase: id, state: { done } })
  }
  return wanted
}

/** Ids of the nodes that get shards. */
export async function nodeIds(cluster: Cluster, { shards }: Topology): Promise<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const name of new Set(shards.map(({ node }) => node))) ids[name] = await (await cluster.node(name)).identify()
  return ids
}

/** Nothing of another table goes: copies are known by its id, and shards by names that are made of it. */
async function unmake(cluster: Cluster, topology: Topology): Promise<void> {
  for (const node of await cluster.nodes()) await node.removeCopy(topology)
  for (const shard of topology.shards) await (await cluster.node(shard.node)).dropShard(shard)
}

async function putRecord(ctx: Context, topology: Topology, phase: string): Promise<void> {
  const key = topologyKey(ctx.subject.path)
  const before = await findRecord(ctx.records, ctx.subject.path)
  await ctx.commit({
    phase,
    state: ctx.state ?? { done: [] },
    records: [{ key, value: topologyJson(topology), ifRev: before?.rev ?? 0 }],
  })
}

async function wantedTopology(cluster: Cluster, path: string, options: CreateOptions): Promise<Topology> {
  refuseSettings(options, 'sharded-sql', ['shards', 'shardKey'])
  if (options.location !== null)
    throw fail('usage', 'no-location', 'tables of the sharded-sql driver lie on its nodes', {
      hint: 'leave --location out',
    })
  const { shards = cluster.shards, shardKey = null } = options.settings
  if (!Number.isInteger(shards) || Number(shards) < 1 || Number(shards) > mostShards)
    throw fail(
      'usage',
      'bad-shards',
      `Invalid SHARDS value: ${printable(String(shards))}. Must be between 1 and ${mostShards}.`,
    )
  if (shardKey !== null && typeof shardKey !== 'string')
    throw fail('usage', 'bad-shard-key', 'the shard key is the name of one column')
  const shape = await shapeOf(cluster, options, shardKey)
  const { project, table } = segmentsOf(path)
  return newTopology(
    shape,
    { project, table, shards: Number(shards), nodes: cluster.names },
    { id: '', createdAt: new Date(0).toISOString(), job: '' },
  )
}

async function shapeOf(cluster: Cluster, options: CreateOptions, shardKey: string | null): Promise<Shape> {
  if (options.definition !== null && options.schema === null) return shapeOfDefinition(options.definition, shardKey)
  return shapeOfSchema(await cluster.environment.schema(requireSchemaName(options, 'sharded-sql')), shardKey)
}

/** What the catalog tells of a table without asking a node. */
export function specOf(topology: Topology, labels: TableSpec['labels']): TableSpec {
  const { schema, primaryKey, shardKey, shards } = topology
  return {
    schema,
    location: null,
    labels,
    options: { primaryKey, shardKey, shards: shards.length, shardStrategy: 'hash' },
  }
}
