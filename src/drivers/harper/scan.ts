/** scan: every table of the database, in one operation. Names that no ref can hold are left out. */
import type { Observed } from '../../core/driver.ts'
import type { ReadContext } from '../../core/operation.ts'
import { segmentsOf } from '../../core/ref.ts'
import { type Database, pathOf } from './table.ts'

export async function* scan(
  database: Database,
  backend: string,
  project: string | undefined,
  ctx: ReadContext,
): AsyncIterable<Observed> {
  const found = (await database.tables(ctx)).flatMap((table) => {
    const path = pathOf(backend, table.name)
    return path !== undefined && (project === undefined || segmentsOf(path).project === project)
      ? [{ table, path }]
      : []
  })
  for (const { table, path } of found.sort((a, b) => (a.path < b.path ? -1 : 1)))
    yield {
      path,
      location: `${database.name}.${table.name}`,
      // Rows that replace others change no count: nothing here tells every change.
      marker: null,
      schemaHash: null,
      facts: { rows: table.record_count ?? null, bytes: table.table_size ?? null },
    }
}
