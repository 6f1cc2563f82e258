/** Which shard a row goes to, and which ones a query has to read. */
import type { Batch, Cell } from '../../core/batch.ts'
import { bucketOf, canonicalBytes, type Hash64 } from './buckets.ts'
import type { Filter } from './node/node.ts'
import { columnOf, type Shard, shardKeyType, shardOfBucket, type Topology } from './topology.ts'
import { uuidText } from './types.ts'

export interface Router {
  /** Bucket of a row's shard key. */
  bucket(key: Exclude<Cell, null>): number
  /** Index into the topology's shards by bucket. */
  readonly shardOf: Uint16Array
}

export function router(topology: Topology, hash: Hash64): Router {
  const { type, domain } = shardKeyType(topology)
  return {
    bucket: (key) => bucketOf(hash, canonicalBytes(type, domain, key)),
    shardOf: shardOfBucket(topology.shards),
  }
}

/** Buckets of all rows, and the rows of each shard. */
export function route(
  { bucket, shardOf }: Router,
  topology: Topology,
  batch: Batch,
  rowKeys: readonly string[] | null,
): { readonly buckets: Uint16Array; readonly rowsOf: ReadonlyMap<number, number[]> } {
  const keys =
    rowKeys ?? (batch.columns[topology.columns.indexOf(columnOf(topology, topology.shardKey))] as readonly Cell[])
  const buckets = new Uint16Array(batch.rows)
  const rowsOf = new Map<number, number[]>()
  for (let row = 0; row < batch.rows; row++) {
    const to = bucket(keys[row] as Exclude<Cell, null>)
    buckets[row] = to
    const shard = shardOf[to]!
    const rows = rowsOf.get(shard)
    if (rows) rows.push(row)
    else rowsOf.set(shard, [row])
  }
  return { buckets, rowsOf }
}

/** An expression of the engine's own parse (json_serialize_sql). */
interface Expression {
  readonly class?: string
  readonly type?: string
  readonly column_names?: readonly string[]
  readonly value?: { readonly type?: { readonly id?: string }; readonly is_null?: boolean; readonly value?: unknown }
  readonly left?: Expression
  readonly right?: Expression
  readonly children?: readonly Expression[]
}

/** The statement that the engine parsed, as much of it as is looked at. */
export interface ParsedQuery {
  readonly statements?: readonly {
    readonly node?: {
      readonly type?: string
      readonly cte_map?: { readonly map?: readonly unknown[] }
      readonly from_table?: {
        readonly type?: string
        readonly table_name?: string
        readonly column_name_alias?: readonly string[]
        readonly sample?: unknown
      }
      readonly where_clause?: Expression | null
    }
  }[]
}

const integerKinds = ['Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64']

/**
 * The value to which the query's own WHERE fixes the shard key: one SELECT from this table alone, one of whose conditions, all joined by
 * AND, is `key = literal` of the key's own kind. Anything else: null, and every shard is read.
 */
export function fixedKey(parsed: ParsedQuery, table: string, topology: Topology): Filter | null {
  const node = parsed.statements?.length === 1 ? parsed.statements[0]!.node : undefined
  const from = node?.from_table
  if (
    node?.type !== 'SELECT_NODE' ||
    from?.type !== 'BASE_TABLE' ||
    from.table_name?.toLowerCase() !== table.toLowerCase()
  )
    return null
  if ((node.cte_map?.map?.length ?? 0) > 0 || (from.column_name_alias?.length ?? 0) > 0 || from.sample) return null
  if (tablesIn(node) !== 1 || topology.primaryKey.length === 0) return null
  const { type, domain } = shardKeyType(topology)
  for (const condition of conjuncts(node.where_clause)) {
    if (condition.type !== 'COMPARE_EQUAL') continue
    for (const [side, other] of [
      [condition.left, condition.right],
      [condition.right, condition.left],
    ] as const) {
      if (side?.class !== 'COLUMN_REF' || other?.class !== 'CONSTANT' || other.value?.is_null !== false) continue
      if (side.column_names?.at(-1)?.toLowerCase() !== topology.shardKey.toLowerCase()) continue
      const value = other.value.value
      const kind = other.value.type?.id ?? ''
      if (integerKinds.includes(type.kind) && ['INTEGER', 'BIGINT'].includes(kind) && Number.isSafeInteger(value))
        return { column: topology.shardKey, value: BigInt(value as number) }
      if (domain === 'uuid' && kind === 'VARCHAR') {
        const uuid = uuidText(String(value))
        if (uuid !== null) return { column: topology.shardKey, value: uuid }
      }
      if (type.kind === 'Utf8' && domain === null && kind === 'VARCHAR' && typeof value === 'string')
        return { column: topology.shardKey, value }
    }
  }
  return null
}

/** Places where the statement reads a table, at any depth: a subquery would need the rows that its outer WHERE leaves out. */
function tablesIn(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0
  const own = (value as { type?: unknown }).type === 'BASE_TABLE' ? 1 : 0
  return Object.values(value).reduce((sum: number, child) => sum + tablesIn(child), own)
}

function conjuncts(where: Expression | null | undefined): readonly Expression[] {
  if (!where) return []
  if (where.class !== 'CONJUNCTION') return [where]
  return where.type === 'CONJUNCTION_AND' ? (where.children ?? []).flatMap(conjuncts) : []
}

export const shardOfKey = ({ shardOf, bucket }: Router, topology: Topology, value: string | bigint): Shard =>
  topology.shards[shardOf[bucket(value)]!]!
