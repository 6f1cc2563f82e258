/** The source of a sync: what a table is read by, and pages of it in the order of a time column and a key. */
import { fail } from '../../core/errors.ts'
import { exactTime } from '../../core/exact-time.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { SourceFacts, SourceTable, SyncSource } from '../../core/sync.ts'
import { countRows, readPage } from './page.ts'
import { chosenColumns, keyOf, readingOf, type SourceSchema, timeColumn } from './reading.ts'
import type { TableResource } from './requests.ts'
import { schemaOf, timeOf, type Warehouse } from './table.ts'
import { fieldOf } from './types.ts'

export function syncSource(warehouse: Warehouse): SyncSource {
  /** As last inspected: its types say how cursors are bound. */
  const schemas = new Map<string, SourceSchema>()
  const nameOf = ({ dataset, table }: SourceTable) => `${dataset}.${table}`
  const open = async (table: SourceTable, ctx: ReadContext) => {
    const resource = await openSource(warehouse, table, ctx)
    const schema = { columns: schemaOf(resource), location: resource.location ?? null }
    schemas.set(nameOf(table), schema)
    return { resource, schema }
  }
  return {
    inspect: async (table, ctx) => {
      const { resource, schema } = await open(table, ctx)
      timeColumn(schema.columns, table)
      const key = keyOf(schema.columns, table, resource.tableConstraints?.primaryKey?.columns ?? [])
      return {
        fields: chosenColumns(schema.columns, table, key).map(fieldOf),
        key,
        marker: markerOf(resource),
        highWater: exactTime(await serverClock(warehouse, schema.location, ctx)),
        ...(resource.creationTime === undefined ? {} : { identity: timeOf(resource.creationTime)! }),
      }
    },
    page: async (table, facts, from, until, limit, ctx) => {
      const schema = schemas.get(nameOf(table)) ?? (await open(table, ctx)).schema
      return await readPage(
        warehouse,
        readingOf(warehouse, schema, table, facts),
        facts.fields,
        from,
        until,
        limit,
        ctx,
      )
    },
    count: async (table, facts, from, until, ctx) => {
      const schema = schemas.get(nameOf(table)) ?? (await open(table, ctx)).schema
      return await countRows(warehouse, readingOf(warehouse, schema, table, facts), from, until, ctx)
    },
  }
}

async function openSource(
  { projectId, requests }: Warehouse,
  table: SourceTable,
  ctx: ReadContext,
): Promise<TableResource> {
  try {
    return await requests.table(table.dataset, table.table, ctx)
  } catch (error) {
    if ((error as { view?: { kind: string } }).view?.kind !== 'missing') throw error
    throw fail('missing', 'source-not-found', `there is no table ${projectId}.${table.dataset}.${table.table}`, {
      hint: 'check dataset and table of the sync, and projectId of the backend',
      cause: error,
    })
  }
}

/**
 * Null while rows are in the streaming buffer, which comes and goes without the table's changing, and for what is no table (a view changes
 * when what it reads does).
 */
function markerOf({ etag, lastModifiedTime, type, streamingBuffer }: TableResource): SourceFacts['marker'] {
  if (etag === undefined || lastModifiedTime === undefined || streamingBuffer !== undefined) return null
  return (type ?? 'TABLE') === 'TABLE' ? `${lastModifiedTime} ${etag}` : null
}

/** Microseconds. Theirs and not ours: the two may differ by more than rows are late. */
async function serverClock(
  { requests, projectId }: Warehouse,
  location: string | null,
  ctx: ReadContext,
): Promise<bigint> {
  const statement = { sql: 'SELECT UNIX_MICROS(CURRENT_TIMESTAMP())', parameters: [] }
  for await (const { rows } of requests.query(statement, location, projectId, ctx))
    return BigInt(rows[0]!.f[0]!.v as string)
  throw new Error('an answer has one page at least')
}
