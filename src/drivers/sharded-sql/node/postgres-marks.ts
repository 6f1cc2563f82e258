/** Marks of the shards on a PostgreSQL node: small JSON values by name, written in the transaction of the rows that they speak of. */
import type { PoolClient } from 'pg'
import type { JsonObject } from '../../../core/json.ts'
import type { Shard } from '../topology.ts'

export async function readMark(
  client: PoolClient,
  marksTable: string,
  shard: Shard,
  name: string,
): Promise<JsonObject | null> {
  const { rows } = await client.query(`SELECT value FROM ${marksTable} WHERE shard = $1 AND name = $2`, [
    shard.name,
    name,
  ])
  return rows.length > 0 ? (JSON.parse(rows[0].value) as JsonObject) : null
}

export async function putMark(
  client: PoolClient,
  marksTable: string,
  shard: Shard,
  name: string,
  value: JsonObject,
): Promise<void> {
  await client.query(
    `INSERT INTO ${marksTable} VALUES ($1, $2, $3) ON CONFLICT (shard, name) DO UPDATE SET value = excluded.value`,
    [shard.name, name, JSON.stringify(value)],
  )
}
