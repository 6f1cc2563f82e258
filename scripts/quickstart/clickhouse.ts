/** ClickHouse: tables for every tenant, in the embedded engine. */
import { answer, configure, must, runner, say } from './stage.ts'

const tenants = ['t1', 't2', 't10']

export async function clickhouse(): Promise<void> {
  say(
    'ClickHouse: every tenant gets tables of its own, the twelve objects of HyperDX, here in the embedded engine (chdb).',
  )
  await configure('ch: { driver: clickhouse, url: "chdb:.tblctl/clickhouse", database: otel }')
  await runner.show(
    'tenant',
    'create',
    ...tenants.map((tenant) => `ch:${tenant}`),
    '--schema-set',
    'hyperdx',
    '--retention',
    '30d',
  )
  await runner.show('tenant', 'list', '--backend', 'ch')

  say('The same command again finds nothing to do. A tenant that goes takes its tables along, and no other.')
  await runner.show(
    'tenant',
    'create',
    ...tenants.map((tenant) => `ch:${tenant}`),
    '--schema-set',
    'hyperdx',
    '--retention',
    '30d',
  )
  await runner.show('tenant', 'delete', 'ch:t1', '--confirm', 't1')
  const { items } = await answer<{ items: { project: string }[] }>('list', '--backend', 'ch')
  const left = new Set(items.map(({ project }) => project))
  must(!left.has('t1') && left.has('t10'), 'the tables that are left are not those of t2 and t10')
  await runner.show('tenant', 'list', '--backend', 'ch')
}
