/** Sync: tables of a warehouse followed by others. The servers are the ones of the tests: BigQuery's API over Google's own evaluator, and Harper. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BigQueryFront } from '../../test/servers/bigquery-front.ts'
import { answer, configure, directory, must, runner, say } from './stage.ts'

const rows = 500
const installer = fileURLToPath(new URL('../test-servers.ts', import.meta.url))

export async function sync(): Promise<void> {
  say(
    "Sync: a warehouse, and tables that follow it. The servers come from npm: BigQuery over Google's own SQL evaluator, and Harper.",
  )
  execFileSync(process.execPath, ['--no-warnings', installer], { stdio: ['ignore', 'ignore', 'inherit'] })
  const { BigQueryFront: Warehouse } = await import('../../test/servers/bigquery-front.ts')
  const { HarperServer, username, password } = await import('../../test/servers/harper.ts')
  await using warehouse = await Warehouse.start()
  await using harper = await HarperServer.start()
  fill(warehouse, 'orders', rows)
  fill(warehouse, 'customers', rows)

  await writeFile(join(directory, 'harper-password'), password, { mode: 0o600 })
  await configure(`warehouse: { driver: bigquery, projectId: acme, apiEndpoint: "${warehouse.endpoint}" }`)
  await configure(
    `edge: { driver: harper, url: "${harper.url}", username: ${username}, password: "file:./harper-password" }`,
  )
  await configure('nodes: { driver: sharded-sql, nodes: { n1: "sqlite:.tblctl/s1" } }')
  const source = (table: string): string =>
    `source: warehouse, dataset: sales, table: ${table}, timestampColumn: updated_at`
  await configure(`orders: { ${source('orders')}, target: "nodes:sales/orders" }`, 'sync')
  await configure(`customers: { ${source('customers')}, target: "edge:sales/customers" }`, 'sync')
  await runner.show('sync', 'run')

  say(
    'More rows come. The next run reads on, from a little before the newest row; the table that is as it was is not read at all.',
  )
  fill(warehouse, 'orders', 100, rows)
  await runner.show('sync', 'run')
  await runner.show('sync', 'status')
  await runner.show('query', 'nodes:sales/orders', 'select count(*) as n, sum(amount) as amount from t')
  await follows('nodes:sales/orders', rows + 100)
  await follows('edge:sales/customers', rows)
}

async function follows(ref: string, expected: number): Promise<void> {
  const { status } = await answer<{ status: { rows: number } }>('stats', ref, '--exact')
  must(status.rows === expected, `${ref} has ${status.rows} rows, and the warehouse ${expected}`)
}

/** Rows as another program would have put them there, with ids from `first`; fifty share a time. */
function fill({ store }: BigQueryFront, name: string, count: number, first = 0): void {
  if (!store.datasets('acme').has('sales')) store.createDataset('acme', 'sales', 'EU')
  const table =
    store.dataset('acme', 'sales').tables.get(name) ??
    store.createTable('acme', 'sales', name, {
      schema: {
        fields: [
          { name: 'id', type: 'INT64', mode: 'REQUIRED' },
          { name: 'updated_at', type: 'TIMESTAMP', mode: 'REQUIRED' },
          { name: 'amount', type: 'NUMERIC' },
        ],
      },
      tableConstraints: { primaryKey: { columns: ['id'] } },
    })
  const time = (id: number): string => new Date(Date.UTC(2026, 0, 1) + Math.floor(id / 50) * 1000).toISOString()
  const made = Array.from({ length: count }, (_, at) => ({
    id: first + at,
    updated_at: time(first + at),
    amount: `${at}.25`,
  }))
  table.append(made.map((json) => ({ json })))
}
