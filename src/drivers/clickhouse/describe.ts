/** describe and stats: what the server's own tables say, and exactly, because it counts rows and bytes itself. */
import type { TableDescription, TableStatistics } from '../../core/driver.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import type { Field } from '../../core/types.ts'
import type { Executor } from './executor.ts'
import { type ClickhouseTable, type Column, locate, locationOf, readColumns, storedColumns } from './table.ts'
import type { Warehouse } from './warehouse.ts'

export async function describe(warehouse: Warehouse, subject: Subject, ctx: ReadContext): Promise<TableDescription> {
  await using executor = await warehouse.executor(ctx.signal)
  const table = await locate(warehouse, executor, subject, ctx.signal)
  const columns = await readColumns(executor, table, ctx.signal)
  const { status } = await figuresOf(executor, table, ctx.signal)
  return {
    status,
    schema: { fields: storedColumns(columns).map(fieldOf), partitions: plainColumns(table.partitionKey, columns) },
    details: {
      location: locationOf(table),
      uuid: table.uuid,
      engine: table.engineFull,
      partitionKey: table.partitionKey,
      sortingKey: table.sortingKey,
      identity: (table.identity ?? null) as JsonObject | null,
      types: Object.fromEntries(columns.map(({ name, clickhouseType }) => [name, clickhouseType])),
    },
  }
}

export async function stats(warehouse: Warehouse, subject: Subject, ctx: ReadContext): Promise<TableStatistics> {
  await using executor = await warehouse.executor(ctx.signal)
  return await figuresOf(executor, await locate(warehouse, executor, subject, ctx.signal), ctx.signal)
}

export const fieldOf = ({ name, type, nullable, description }: Column): Field => ({
  name,
  type,
  nullable,
  ...(description === null ? {} : { description }),
})

/** Files are parts. Parts without rows, which are there for a while after rows have expired, do not count. */
async function figuresOf(executor: Executor, table: ClickhouseTable, signal: AbortSignal): Promise<TableStatistics> {
  if (!isMergeTree(table)) return await countedBy(executor, table, signal)
  const [row] = await executor.query<{
    parts: string
    rows: string
    bytes: string
    partitions: string
    changed: string
  }>({
    sql: `SELECT count() AS parts, sum(p.rows) AS rows, sum(p.bytes_on_disk) AS bytes, uniqExact(p.partition_id) AS partitions,
        if(count() = 0, '', formatDateTime(max(p.modification_time), '%Y-%m-%dT%H:%i:%SZ', 'UTC')) AS changed
      FROM system.parts AS p WHERE p.database = {database:String} AND p.table = {name:String} AND p.active AND p.rows > 0`,
    parameters: { database: table.database, name: table.name },
    signal,
  })
  const { parts, rows, bytes, partitions, changed } = row!
  return {
    status: {
      rows: Number(rows),
      bytes: Number(bytes),
      files: Number(parts),
      partitions: Number(partitions),
      ...(changed === '' ? {} : { lastCommitAt: changed }),
      source: 'exact',
    },
    unknown: {},
  }
}

/** What has no parts: its rows are counted, and nothing says how large it is. */
async function countedBy(executor: Executor, table: ClickhouseTable, signal: AbortSignal): Promise<TableStatistics> {
  const [row] = await executor.query<{ rows: string }>({
    sql: 'SELECT count() AS rows FROM {database:Identifier}.{name:Identifier}',
    parameters: { database: table.database, name: table.name },
    signal,
  })
  const why = `a table of engine ${table.engine} has no parts`
  return {
    status: { rows: Number(row!.rows), bytes: null, files: null, source: 'exact' },
    unknown: { bytes: why, files: why },
  }
}

export const isMergeTree = ({ engine }: Pick<ClickhouseTable, 'engine'>): boolean => engine.endsWith('MergeTree')

/** The columns of a partition key that is nothing but columns; [] when it computes something. */
export function plainColumns(key: string, columns: readonly Column[]): string[] {
  const names = new Set(columns.map(({ name }) => name))
  const parts = key.replace(/^(?:tuple)?\((.*)\)$/s, '$1').split(/,\s*/)
  const found = parts.map((part) => part.replace(/^`(.*)`$/s, '$1').replace(/\\(.)/gs, '$1'))
  return key !== '' && found.every((name) => names.has(name)) ? found : []
}
