import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { afterAll } from 'vitest'
import { formatIdentity } from '../../src/drivers/clickhouse/identity.ts'
import { physicalName, quoteName, quoteString } from '../../src/drivers/clickhouse/names.ts'
import { startClickhouse } from '../support/clickhouse.ts'
import { driverContract } from './driver.ts'

const server = await startClickhouse()
afterAll(() => server[Symbol.asyncDispose]())

/** Every world has a database of its own on the one server. */
const databaseOf = (folder: string): string => `w_${basename(folder).replaceAll(/[^A-Za-z0-9]/g, '_')}`
const tablesOf = async (folder: string): Promise<{ name: string; sql: string; comment: string }[]> =>
  (await server.query(
    `SELECT name, create_table_query AS sql, comment FROM system.tables WHERE database = '${databaseOf(folder)}' ORDER BY name`,
  )) as { name: string; sql: string; comment: string }[]

await driverContract({
  kind: 'clickhouse',
  name: 'clickhouse over HTTP',
  verbs: [
    'register',
    'unregister',
    'create',
    'load',
    'alter',
    'drop',
    'optimize',
    'vacuum',
    'tenant.create',
    'tenant.delete',
    'tenant.retention',
    'tenant.list',
    'tenant.describe',
    'query',
    'export',
  ],
  plannedElsewhere: [
    'alter',
    'vacuum',
    'tenant.create',
    'tenant.delete',
    'tenant.retention',
    'tenant.list',
    'tenant.describe',
  ],
  // 1900-01-01 to 2300-01-01.
  dates: { min: -25_567, max: 120_530 },
  backend: `{ driver: clickhouse, url: "${server.url}", database: w }`,
  outside: {
    backend: (folder) => `{ driver: clickhouse, url: "${server.url}", database: ${databaseOf(folder)} }`,
    async copy(from, to) {
      const [source, target] = [databaseOf(from), databaseOf(to)]
      await server.query(`DROP DATABASE IF EXISTS ${target} SYNC`)
      const there = await server.query(`SELECT 1 FROM system.databases WHERE name = '${source}'`)
      if (there.length === 0) return
      await server.query(`CREATE DATABASE ${target} ENGINE = Atomic`)
      for (const { name } of await tablesOf(from))
        await server.query(`CREATE TABLE ${quoteName(target, name)} CLONE AS ${quoteName(source, name)}`)
    },
    remove: async (folder) => void (await server.query(`DROP DATABASE IF EXISTS ${databaseOf(folder)} SYNC`)),
    async fingerprint(folder) {
      const found: Record<string, string> = {}
      for (const { name, sql } of await tablesOf(folder)) {
        const rows = await server.query(`SELECT * FROM ${quoteName(databaseOf(folder), name)}`)
        const text = rows.map((row) => JSON.stringify(row)).sort()
        found[`clickhouse/${name}`] = createHash('sha256')
          .update(JSON.stringify([sql, text]))
          .digest('hex')
      }
      return found
    },
  },
  survives: true,
  // A run is seconds long; tenant-faults.test.ts kills at other steps.
  killEvery: 10,
  cancelledCreate: 'empty',
  makeOutside: async (folder, project, table) => {
    const database = databaseOf(folder)
    const identity = { tblctl: 1, project, table, schema: null, kind: 'table', hash: '' } as const
    await server.query(`CREATE DATABASE IF NOT EXISTS ${database} ENGINE = Atomic`)
    await server.query(
      `CREATE TABLE ${quoteName(database, physicalName(table, project))} (id Int64, note Nullable(String)) ENGINE = MergeTree
        ORDER BY id COMMENT ${quoteString(formatIdentity(identity))}`,
    )
  },
})
