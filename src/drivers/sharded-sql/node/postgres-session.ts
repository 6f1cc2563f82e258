/** One transaction over the shards of a PostgreSQL node: rows come by one COPY into a temporary table, and from there into their shards. */
import { once } from 'node:events'
import type { PoolClient } from 'pg'
import type { CopyStreamQuery } from 'pg-copy-streams'
import { durable } from '../../../core/durable.ts'
import type { JsonObject } from '../../../core/json.ts'
import { type Column, keyColumns, type Shard, type Topology } from '../topology.ts'
import { physicalColumns, physicalRow, quoted } from './layout.ts'
import { countOfMark, marks, type OnConflict, patienceMs, type RoutedRows, type Session } from './node.ts'
import { postgresType, toCopy } from './postgres-cells.ts'
import { type Connection, lockMs } from './postgres-connection.ts'
import { readMark as markOf, putMark } from './postgres-marks.ts'
import { upsertClause } from './upsert.ts'

/** Compares the topology with the node's copy. */
export type Check = (client: PoolClient, topology: Topology) => Promise<void>

const staging = 'tblctl_staging'
/** The order in which rows came: of two with one key the later one counts. */
const ordinalColumn = '_n'
const flushAtCharacters = 256 * 1024

export async function beginPostgresSession(
  connection: Connection,
  { schema, marksTable, check }: { readonly schema: string; readonly marksTable: string; readonly check: Check },
  topology: Topology,
  shards: readonly Shard[],
  onConflict: OnConflict,
): Promise<Session> {
  const columns = physicalColumns(topology)
  const convert = columns.map(toCopy)
  const taken = await connection.client()
  const { client } = taken
  let open = true
  let stream: CopyStreamQuery | null = null
  let failed: unknown = null
  let lines = ''
  let ordinal = 0
  // COPY has the connection to itself: marks wait until it has ended.
  const waiting: { shard: Shard; name: string; value: JsonObject }[] = []
  const explaining = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw connection.explain(error)
    }
  }
  const send = async (): Promise<void> => {
    const text = lines
    lines = ''
    if (failed) throw failed
    if (!stream!.write(text)) await Promise.race([once(stream!, 'drain'), once(stream!, 'close')])
    if (failed) throw failed
  }
  const readMark = (shard: Shard, name: string) => markOf(client, marksTable, shard, name)
  await explaining(async () => {
    try {
      await client.query('BEGIN')
      await check(client, topology)
    } catch (error) {
      taken.release(true)
      throw error
    }
  })
  return {
    shards,
    mark: (shard, name) =>
      explaining(async () => {
        // Who writes the same batch, or is the same sync, waits for the one before; others go on beside it.
        await client.query(`SET LOCAL lock_timeout = ${patienceMs}`)
        await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`tblctl ${shard.name} ${name}`])
        await client.query(`SET LOCAL lock_timeout = ${lockMs}`)
        return await readMark(shard, name)
      }),
    setMark: async (shard, name, value) => void waiting.push({ shard, name, value }),
    write: (rows: RoutedRows) =>
      explaining(async () => {
        if (!stream) {
          await client.query(stagingDdl(columns))
          const { from } = await import('pg-copy-streams')
          stream = client.query(from(`COPY ${staging} FROM STDIN`))
          stream.on('error', (error) => {
            failed ??= error
          })
        }
        for (const row of rows.rows) {
          const fields = physicalRow(rows, row).map((cell, i) => (cell === null ? '\\N' : convert[i]!(cell)))
          lines += `${fields.join('\t')}\t${ordinal++}\n`
          if (lines.length >= flushAtCharacters) await send()
        }
      }),
    settle: () =>
      explaining(async () => {
        if (stream) {
          if (lines !== '') await send()
          stream.end()
          await Promise.race([once(stream, 'finish'), once(stream, 'close')])
          if (failed) throw failed
          for (const shard of shards) {
            const { rowCount } = await client.query(insertSql(schema, topology, shard, columns, onConflict))
            if (!rowCount) continue
            const count = countOfMark(await readMark(shard, marks.writes)) + 1
            await putMark(client, marksTable, shard, marks.writes, { count })
          }
        }
        for (const { shard, name, value } of waiting) await putMark(client, marksTable, shard, name, value)
      }),
    commit: () =>
      explaining(async () => {
        durable('sharded-sql.rows:before')
        await client.query('COMMIT')
        durable('sharded-sql.rows:after')
        open = false
        taken.release()
      }),
    [Symbol.asyncDispose]: async () => {
      if (!open) return
      open = false
      await rolledBack(client, stream, failed)
      taken.release(true)
    },
  }
}

/** The connection is closed after it, which ends a COPY that is still open too. */
async function rolledBack(client: PoolClient, stream: CopyStreamQuery | null, failed: unknown): Promise<void> {
  if (stream && !stream.writableFinished && !failed) return
  await client.query('ROLLBACK').catch(() => {})
}

function stagingDdl(columns: readonly Column[]): string {
  const list = columns.map((column) => `${quoted(column.name)} ${postgresType(column)}`).join(', ')
  return `CREATE TEMPORARY TABLE ${staging} (${list}, ${ordinalColumn} bigint) ON COMMIT DROP`
}

function insertSql(
  schema: string,
  topology: Topology,
  shard: Shard,
  columns: readonly Column[],
  onConflict: OnConflict,
): string {
  const table = quoted(shard.name)
  const list = columns.map(({ name }) => quoted(name)).join(', ')
  const range = `FROM ${staging} WHERE "_vs" BETWEEN ${shard.low} AND ${shard.high}`
  const into = `INSERT INTO ${schema}.${table} AS ${table} (${list})`
  if (onConflict === 'error') return `${into} SELECT ${list} ${range}`
  const key = keyColumns(topology).map(quoted).join(', ')
  const newest = onConflict.newest === null ? '' : `${quoted(onConflict.newest)} DESC NULLS LAST, `
  const last = `SELECT DISTINCT ON (${key}) ${list} ${range} ORDER BY ${key}, ${newest}${ordinalColumn} DESC`
  return `${into} ${last}${upsertClause(topology, shard, onConflict.newest)}`
}
