/** describe and stats: what `describe_table` says. Harper may estimate its count of rows; asked for it, it counts. */
import type { TableDescription, TableStatistics } from '../../core/driver.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import type { TableDescription as HarperTable } from './operations.ts'
import { type Database, fieldsOf } from './table.ts'

export async function describe(database: Database, subject: Subject, ctx: ReadContext): Promise<TableDescription> {
  const table = await database.require(subject.path, ctx)
  const shape = await database.shape(table, ctx)
  const { status, unknown } = countsOf(table)
  return {
    status: { ...status, ...(unknown.rows === undefined ? {} : { rowsUnknown: unknown.rows }) },
    schema: { fields: fieldsOf(table, shape), partitions: shape?.partitions ?? [] },
    details: {
      database: database.name,
      table: table.name,
      primaryKey: table.hash_attribute,
      attributes: Object.fromEntries(table.attributes.map(({ attribute, type }) => [attribute, type ?? null])),
    },
  }
}

export async function stats(
  database: Database,
  subject: Subject,
  { exact }: { exact: boolean },
  ctx: ReadContext,
): Promise<TableStatistics> {
  return countsOf(await database.require(subject.path, ctx, exact))
}

function countsOf(table: HarperTable): { status: JsonObject; unknown: Readonly<Record<string, string>> } {
  const { record_count: rows = null, table_size: bytes = null, estimated_record_range: range } = table
  const unknown = Object.entries({ rows, bytes }).flatMap(([name, value]) =>
    value === null ? [[name, 'this Harper does not tell it'] as const] : [],
  )
  return { status: { rows, bytes, source: range ? 'estimate' : 'exact' }, unknown: Object.fromEntries(unknown) }
}
