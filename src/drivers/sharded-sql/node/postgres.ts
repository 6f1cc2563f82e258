/** A PostgreSQL node: shards are tables in a schema of their own, beside tblctl_topology and tblctl_marks. */
import { randomUUID } from 'node:crypto'
import type { PoolClient } from 'pg'
import type { Json, JsonObject } from '../../../core/json.ts'
import type { PostgresSettings } from '../config.ts'
import { keyColumns, parseTopology, type Shard, type Topology, topologyJson } from '../topology.ts'
import { shardMissing, tableExists } from './errors.ts'
import { checkHeld, type Held } from './held.ts'
import { physicalColumns, quoted } from './layout.ts'
import { countOfMark, marks, type Node } from './node.ts'
import { columnDdl, postgresColumn } from './postgres-cells.ts'
import { isMissing, openConnection } from './postgres-connection.ts'
import { putMark, readMark } from './postgres-marks.ts'
import { readPostgresShard } from './postgres-read.ts'
import { beginPostgresSession, type Check } from './postgres-session.ts'

const defaultSchema = 'tblctl'

export function openPostgresNode(name: string, settings: PostgresSettings, directory: string): Node {
  const connection = openConnection(name, settings, directory)
  const schemaName = settings.schema ?? defaultSchema
  const schema = quoted(schemaName)
  const marksTable = `${schema}.tblctl_marks`
  const topologyTable = `${schema}.tblctl_topology`
  const nodeTable = `${schema}.tblctl_node`
  const tableOf = (shard: Shard): string => `${schema}.${quoted(shard.name)}`
  const { host, pathname } = new URL(settings.url)

  /** Makes what every shard needs. Two processes that did this at once would collide in the system's own tables. */
  const prepare = async (client: PoolClient): Promise<void> => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('tblctl schema ' || $1))`, [schemaName])
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${marksTable} (shard text, name text, value text NOT NULL, PRIMARY KEY (shard, name))`,
    )
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${topologyTable} (project text, name text, value text NOT NULL, PRIMARY KEY (project, name))`,
    )
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${nodeTable} (one boolean PRIMARY KEY CHECK (one), id text NOT NULL)`,
    )
  }
  const copyOf = async (client: PoolClient, { project, table }: Topology): Promise<Topology | null> => {
    const { rows } = await client.query(`SELECT value FROM ${topologyTable} WHERE project = $1 AND name = $2`, [
      project,
      table,
    ])
    return rows.length > 0 ? parseTopology(JSON.parse(rows[0].value) as Json) : null
  }
  const held = async (client: PoolClient, { project, table }: Topology): Promise<Held> => {
    const { rows } = await client.query(
      `SELECT n.id, t.value FROM ${nodeTable} AS n LEFT JOIN ${topologyTable} AS t ON t.project = $1 AND t.name = $2`,
      [project, table],
    )
    const [row] = rows as { id: string; value: string | null }[]
    return { node: row?.id ?? null, copy: row?.value ? parseTopology(JSON.parse(row.value) as Json) : null }
  }
  /** A server that has no schema of ours holds nothing. */
  const check: Check = async (client, topology) => {
    const found = await held(client, topology).catch((error: unknown) => {
      if (isMissing(error)) return { node: null, copy: null }
      throw error
    })
    checkHeld(name, topology, found)
  }
  /** One moment of the node, in which it holds this very table. */
  const reading = async <T>(topology: Topology, shard: Shard, work: (client: PoolClient) => Promise<T>): Promise<T> =>
    ofShard(shard, () =>
      connection.snapshot(async (client) => {
        await check(client, topology)
        return await work(client)
      }),
    )
  const exists = async (client: PoolClient, shard: Shard): Promise<boolean> =>
    (await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [tableOf(shard)])).rows[0].there === 't'
  /** What `work` reads of a shard; throws `shard-missing` where there is none. */
  const ofShard = async <T>(shard: Shard, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw isMissing(error) ? shardMissing(name, shard) : error
    }
  }
  const ifThere = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (isMissing(error)) return otherwise
      throw error
    }
  }

  return {
    name,
    place: `postgres://${host}${pathname} schema ${schemaName}`,
    transaction: 'node',
    facts: async () => {
      const [row] = await connection.query(
        `SELECT current_setting('server_version') AS version, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
           has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
           CASE WHEN to_regnamespace($1) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                ELSE has_schema_privilege($1, 'CREATE') END AS make`,
        [schemaName],
      )
      const missing = [
        ...(row!.make === 't' ? [] : [`CREATE for schema ${schemaName}`]),
        ...(row!.temporary === 't' ? [] : ['TEMPORARY']),
      ]
      return {
        version: `PostgreSQL ${row!.version}`,
        now: new Date(Number(row!.now)),
        missingRight: missing.length > 0 ? `the user lacks ${missing.join(' and ')}` : null,
      }
    },
    copies: () =>
      ifThere(async () => {
        const rows = await connection.query(`SELECT value FROM ${topologyTable} ORDER BY project, name`)
        return rows.map(({ value }) => parseTopology(JSON.parse(value!) as Json))
      }, []),
    putCopy: (topology) =>
      connection.transaction('copy-put', async (client) => {
        await prepare(client)
        const there = await copyOf(client, topology)
        if (there && there.id !== topology.id) throw tableExists(name, there)
        if (there && there.epoch > topology.epoch) return
        await client.query(
          `INSERT INTO ${topologyTable} VALUES ($1, $2, $3) ON CONFLICT (project, name) DO UPDATE SET value = excluded.value`,
          [topology.project, topology.table, JSON.stringify(topologyJson(topology))],
        )
      }),
    identify: () =>
      connection.transaction('node-id', async (client) => {
        await prepare(client)
        await client.query(`INSERT INTO ${nodeTable} VALUES (true, $1) ON CONFLICT DO NOTHING`, [randomUUID()])
        return String((await client.query(`SELECT id FROM ${nodeTable}`)).rows[0].id)
      }),
    removeCopy: (topology) =>
      ifThere(
        () =>
          connection.transaction('copy-remove', async (client) => {
            const { id, project, table } = topology
            if ((await copyOf(client, topology))?.id !== id) return
            await client.query(`DELETE FROM ${topologyTable} WHERE project = $1 AND name = $2`, [project, table])
          }),
        undefined,
      ),
    createShard: (topology, shard) =>
      connection.transaction('shard-create', async (client) => {
        await prepare(client)
        if (await exists(client, shard)) return
        await client.query(`CREATE TABLE ${tableOf(shard)} (${shardDdl(topology, shard)})`)
      }),
    dropShard: (shard) =>
      ifThere(
        () =>
          connection.transaction('shard-drop', async (client) => {
            await client.query(`DROP TABLE IF EXISTS ${tableOf(shard)}`)
            await client.query(`DELETE FROM ${marksTable} WHERE shard = $1`, [shard.name])
          }),
        undefined,
      ),
    held: (topology) =>
      ifThere(() => connection.snapshot((client) => held(client, topology)), { node: null, copy: null }),
    lacking: async (shards) => {
      const rows = await connection.query(
        'SELECT n FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n) WHERE to_regclass(name) IS NULL',
        [shards.map(tableOf)],
      )
      return rows.map(({ n }) => shards[Number(n) - 1]!)
    },
    addColumns: (topology, shard) =>
      connection.transaction('shard-columns', async (client) => {
        await check(client, topology)
        for (const column of topology.columns)
          if (column.nullable)
            await client.query(`ALTER TABLE ${tableOf(shard)} ADD COLUMN IF NOT EXISTS ${postgresColumn(column)}`)
      }),
    measure: (topology, shard) =>
      reading(topology, shard, async (client) => {
        const { rows } = await client.query(
          `SELECT count(*) AS rows, pg_total_relation_size($1::regclass) AS bytes FROM ${tableOf(shard)}`,
          [tableOf(shard)],
        )
        return { rows: Number(rows[0].rows), bytes: Number(rows[0].bytes) }
      }),
    optimize: async (topology, shard) => {
      const count = await reading(topology, shard, async (client) =>
        countOfMark(await readMark(client, marksTable, shard, marks.writes)),
      )
      await ofShard(shard, () => connection.query(`VACUUM (ANALYZE) ${tableOf(shard)}`))
      await connection.transaction('optimize', (client) =>
        putMark(client, marksTable, shard, marks.optimized, { count }),
      )
    },
    marks: (topology, shards, mark) =>
      reading(topology, shards[0]!, async (client) => {
        const { rows } = await client.query(
          `SELECT shard, value FROM ${marksTable} WHERE name = $1 AND shard = ANY ($2)`,
          [mark, shards.map((shard) => shard.name)],
        )
        return new Map(
          (rows as { shard: string; value: string }[]).map(({ shard, value }) => [
            shard,
            JSON.parse(value) as JsonObject,
          ]),
        )
      }),
    read: (topology, shard, filter, signal) =>
      readPostgresShard(
        connection,
        tableOf(shard),
        topology,
        filter,
        { signal, check: (client) => check(client, topology) },
        (error) => (isMissing(error) ? shardMissing(name, shard) : connection.explain(error)),
      ),
    begin: (topology, shards, onConflict) =>
      beginPostgresSession(connection, { schema, marksTable, check }, topology, shards, onConflict),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

function shardDdl(topology: Topology, { low, high }: Shard): string {
  const list = (names: readonly string[]): string => `(${names.map(quoted).join(', ')})`
  return [
    ...physicalColumns(topology).map((column) => columnDdl(column, low, high)),
    `PRIMARY KEY ${list(keyColumns(topology))}`,
    ...topology.unique.map((names) => `UNIQUE ${list(names)}`),
  ].join(', ')
}
