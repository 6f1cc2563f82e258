/** A folder with a ClickHouse backend in the embedded engine, the command line over it, and the engine itself for what the command line does not show. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import { openChdb } from '../../../src/drivers/clickhouse/chdb.ts'
import { openWorld as openTables, type World as Tables } from '../tables/world.ts'

const config = `version: 1
backends:
  ch: { driver: clickhouse, url: "chdb:./clickhouse", database: otel }
  mem: { driver: memory, file: mem.db }
`

export interface World extends Tables {
  /** Rows of one statement, by the same engine on the same folder. */
  sql<Row extends object = Record<string, any>>(sql: string): Promise<Row[]>
  command(sql: string): Promise<void>
  /** Writes to ClickHouse that the work announces (durable.ts), by name. */
  writes(work: () => Promise<unknown>): Promise<string[]>
}

/** The engine stays open for the world's life: hundreds of tables are loaded once, and not by every command. */
export async function openWorld(): Promise<World> {
  const tables = await openTables(config)
  const { folder } = tables
  const executor = await openChdb({
    folder: join(folder, 'clickhouse'),
    scratch: async () => folder,
    lockTimeoutMs: 10_000,
  })
  const world: World = {
    ...tables,
    // The clock of the world: retention is about what is old today.
    cli: (argv, options) => tables.cli(argv, { now: () => new Date(), ...options }),
    async ok(...argv) {
      const result = await world.cli(argv)
      if (result.code !== 0) throw new Error(`${argv.join(' ')} exits ${result.code}\n${result.stdout}${result.stderr}`)
      return result
    },
    json: async (...argv) => JSON.parse((await world.ok(...argv, '-o', 'json')).stdout),
    sql: (sql) => executor.query({ sql }),
    command: (sql) => executor.command({ sql }),
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]()
      await tables[Symbol.asyncDispose]()
    },
    async writes(work) {
      const seen: string[] = []
      const listener = (message: unknown): void => {
        const { step } = message as { step: string }
        if (step.startsWith('clickhouse.')) seen.push(step)
      }
      subscribe('tblctl:durable', listener)
      try {
        await work()
      } finally {
        unsubscribe('tblctl:durable', listener)
      }
      return seen
    },
  }
  return world
}

/** Everything that a database holds, and what any DDL would change of it. */
export const objectsOf = (world: World, like = '%'): Promise<{ name: string; uuid: string; changed: string }[]> =>
  world.sql(
    `SELECT name, toString(uuid) AS uuid, toString(metadata_modification_time) AS changed FROM system.tables WHERE database = 'otel' AND name LIKE '${like}' ORDER BY name`,
  )

/** Log rows of one tenant's table, one for each age in days. */
export const insertLogs = (world: World, table: string, ages: readonly number[]): Promise<void> =>
  world.command(
    `INSERT INTO otel.${table} (Timestamp, ServiceName, Body, ResourceAttributes) SELECT now64(9) - toIntervalDay(age), 'api', 'hello', map('k8s.pod.name', 'pod[3]', 'list[0].x', 'v') FROM (SELECT arrayJoin([${ages.join(', ')}]::Array(UInt32)) AS age)`,
  )
export const countOf = async (world: World, table: string): Promise<number> =>
  Number((await world.sql<{ n: string }>(`SELECT toString(count()) AS n FROM otel.${table}`))[0]!.n)
