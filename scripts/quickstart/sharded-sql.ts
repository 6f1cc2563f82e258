/** Sharded SQL: one table over two nodes. */
import { configure, firstRow, must, runner, say, writeRows } from './stage.ts'

const rows = 10_000

export async function shardedSql(): Promise<void> {
  say(
    'Sharded SQL: one table, four shards, two nodes. Here the nodes are folders of SQLite files; they can be PostgreSQL servers.',
  )
  await configure('shop: { driver: sharded-sql, nodes: { n1: "sqlite:.tblctl/n1", n2: "sqlite:.tblctl/n2" } }')
  await runner.show(
    'sql',
    '--backend',
    'shop',
    'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL) /* SHARDS=4 */',
  )
  await writeRows(
    'users.ndjson',
    Array.from({ length: rows }, (_, id) => ({ id, name: `user ${id}` })),
  )
  await runner.show('load', 'shop:users', 'users.ndjson')
  await runner.show('stats', 'shop:users')
  await runner.show('query', 'shop:users', 'select count(*) as n, min(id) as least, max(id) as most from t')
  const { n } = await firstRow('shop:users', 'select count(*) as n from t')
  must(n === rows, `${rows} rows were loaded, and ${n} are there`)
  await runner.show('query', 'shop:users', 'select name from t where id = 4711')
}
