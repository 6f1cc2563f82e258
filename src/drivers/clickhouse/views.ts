/** Dropping views: they hold no rows, and can be made again. */
import { durable } from '../../core/durable.ts'
import type { Executor } from './executor.ts'
import { quoteName } from './names.ts'

export async function dropView(executor: Executor, database: string, name: string): Promise<void> {
  durable('clickhouse.drop-view:before')
  await executor.command({ sql: `DROP VIEW IF EXISTS ${quoteName(database, name)} SYNC` })
  durable('clickhouse.drop-view:after')
}
