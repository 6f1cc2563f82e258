/** The tables and views of a database that are ours, by the identity in their comments: one cheap query. */
import type { Executor } from './executor.ts'
import { type Identity, parseIdentity } from './identity.ts'
import { logicalName } from './names.ts'
import { readTtl, type Ttl } from './ttl.ts'

export interface TableObject {
  /** In ClickHouse. */
  readonly name: string
  /** Of this very table: another one of the same name has another. */
  readonly uuid: string
  readonly identity: Identity
  readonly engine: string
  readonly ttl: Ttl
  readonly partitionKey: string
  readonly sortingKey: string
  /** Null for what holds no rows of its own (views). */
  readonly rows: number | null
  readonly bytes: number | null
}

interface Row {
  readonly name: string
  readonly uuid: string
  readonly comment: string
  readonly engine: string
  readonly engine_full: string
  readonly partition_key: string
  readonly sorting_key: string
  readonly total_rows: string | null
  readonly total_bytes: string | null
}

/** In the order of their names. What is in the trash is among them. */
export async function readObjects(
  executor: Executor,
  of: { readonly database: string; readonly project?: string; readonly names?: readonly string[] },
  signal?: AbortSignal,
): Promise<TableObject[]> {
  const where = ['database = {database:String}', 'startsWith(comment, \'{"tblctl":\')']
  if (of.project !== undefined) where.push("JSONExtractString(comment, 'project') = {project:String}")
  if (of.names !== undefined) where.push('has({names:Array(String)}, name)')
  const rows = await executor.query<Row>({
    sql: `SELECT name, toString(uuid) AS uuid, comment, engine, engine_full, partition_key, sorting_key, toString(total_rows) AS total_rows, toString(total_bytes) AS total_bytes FROM system.tables WHERE ${where.join(' AND ')} ORDER BY name`,
    parameters: {
      database: of.database,
      ...(of.project === undefined ? {} : { project: of.project }),
      ...(of.names === undefined ? {} : { names: of.names }),
    },
    ...(signal === undefined ? {} : { signal }),
  })
  return rows.flatMap((row) => {
    const identity = parseIdentity(row.comment)
    if (identity === undefined) return []
    return [
      {
        name: row.name,
        uuid: row.uuid,
        identity,
        engine: row.engine,
        ttl: readTtl(row.engine_full),
        partitionKey: row.partition_key,
        sortingKey: row.sorting_key,
        rows: row.total_rows === null ? null : Number(row.total_rows),
        bytes: row.total_bytes === null ? null : Number(row.total_bytes),
      },
    ]
  })
}

/** A copy (`CREATE TABLE … AS`) has its model's comment: only where the name fits too is it the table that the comment names. */
export function isGenuine({ name, identity }: TableObject): boolean {
  if (identity.trashed !== undefined) return false
  const logical = logicalName(name)
  return logical?.table === identity.table && logical.project === identity.project
}
