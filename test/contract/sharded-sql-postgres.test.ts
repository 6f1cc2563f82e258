import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import pg from 'pg'
import { afterAll } from 'vitest'
import { startPostgres } from '../servers/postgres.ts'
import { openIn } from '../support/open.ts'
import { create } from './driver/calls.ts'
import type { Outside } from './driver/world.ts'
import { driverContract } from './driver.ts'

const server = await startPostgres()
const admin = new pg.Client({ connectionString: server.url('postgres') })
await admin.connect()
afterAll(async () => {
  await admin.end()
  await server[Symbol.asyncDispose]()
})

/** A database per world, made when the world is. */
const database = (folder: string): string => basename(folder)
const nodes = (folder: string, within: string): string =>
  `n1: "sqlite:${within}", n2: "${server.url(database(folder))}"`
const quoted = (name: string): string => `"${name}"`

const outside: Outside = {
  backend: (folder) => `{ driver: sharded-sql, shards: 3, nodes: { ${nodes(folder, 'nodes/n1')} } }`,
  async copy(from, to) {
    await this.remove(to)
    await admin.query(
      `CREATE DATABASE ${quoted(database(to))} TEMPLATE ${quoted(await there(from))} STRATEGY FILE_COPY`,
    )
  },
  async remove(folder) {
    await admin.query(`DROP DATABASE IF EXISTS ${quoted(database(folder))} WITH (FORCE)`)
  },
  async fingerprint(folder) {
    const client = new pg.Client({ connectionString: server.url(await there(folder)) })
    await client.connect()
    try {
      const { rows } = await client.query(
        `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
      )
      const found: Record<string, string> = {}
      for (const { name } of rows as { name: string }[]) {
        const [schema, table] = name.split('.') as [string, string]
        const dump = await client.query(`SELECT t::text AS row FROM ${quoted(schema)}.${quoted(table)} AS t ORDER BY 1`)
        found[`postgres ${name}`] = JSON.stringify(dump.rows)
      }
      return found
    } finally {
      await client.end()
    }
  },
}

/** Worlds that no other was copied to have no database yet: it begins empty. */
async function there(folder: string): Promise<string> {
  const name = database(folder)
  const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
  if (rowCount === 0) await admin.query(`CREATE DATABASE ${quoted(name)}`)
  return name
}

await driverContract({
  kind: 'sharded-sql',
  name: 'sharded-sql on SQLite and PostgreSQL nodes',
  verbs: ['register', 'unregister', 'create', 'drop', 'load', 'optimize', 'query', 'export', 'sync.target'],
  backend: '',
  outside,
  survives: true,
  optimizes: 'space',
  cancelledCreate: 'gone',
  killEvery: 10,
  makeOutside: async (directory, project, table) => {
    const other = mkdtempSync(join(directory, 'other-'))
    writeFileSync(
      join(other, 'tblctl.yaml'),
      `version: 1\nschemas: [../schemas]\nbackends:\n  lake: { driver: sharded-sql, shards: 3, nodes: { ${nodes(directory, join(directory, 'nodes/n1'))} } }\n`,
    )
    {
      await using tblctl = await openIn(other)
      const { summary } = await create(tblctl, [`lake:${project}/${table}`], 'plain')
      if (summary.changed !== 1) throw new Error('the table was not made')
    }
    rmSync(other, { recursive: true })
  },
})
