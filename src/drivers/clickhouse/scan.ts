/** scan: every table of the database in one query that opens none of them. */
import type { Observed } from '../../core/driver.ts'
import type { ReadContext } from '../../core/operation.ts'
import { defaultProject, isSegment, tablePath } from '../../core/ref.ts'
import { parseIdentity } from './identity.ts'
import { physicalName } from './names.ts'
import { locationOf } from './table.ts'
import type { Warehouse } from './warehouse.ts'

interface Row {
  readonly name: string
  readonly uuid: string
  readonly comment: string
  readonly marker: string
  readonly rows: string | null
  readonly bytes: string | null
  readonly parts: string
}

/**
 * Tables that say so in their comment are what they say; others, if their names can stand in a ref, are of the project `default`: a
 * project is never guessed from a name. Trash, views' inner tables and tblctl's own tables are left out.
 */
export async function* scan(
  warehouse: Warehouse,
  project: string | undefined,
  ctx: ReadContext,
): AsyncIterable<Observed> {
  const { database, backend } = warehouse
  await using executor = await warehouse.executor(ctx.signal)
  const rows = await executor.query<Row>({
    sql: `SELECT name, toString(uuid) AS uuid, comment, toString(total_rows) AS rows, toString(total_bytes) AS bytes,
        toString(p.parts) AS parts, concat(toString(toUnixTimestamp(metadata_modification_time)), '.', toString(p.parts), '.', toString(p.newest)) AS marker
      FROM system.tables AS t
      LEFT JOIN (SELECT table, count() AS parts, max(modification_time)::DateTime::UInt32 AS newest FROM system.parts
        WHERE database = {database:String} AND active AND rows > 0 GROUP BY table) AS p ON p.table = t.name
      WHERE database = {database:String} AND is_temporary = 0 AND NOT endsWith(engine, 'View') AND NOT startsWith(name, '.inner')
        AND NOT startsWith(name, '_tblctl_') AND NOT startsWith(name, '_trash_') ORDER BY name`,
    parameters: { database },
    signal: ctx.signal,
  })
  const seen = new Set<string>()
  for (const row of rows) {
    const identity = parseIdentity(row.comment)
    if (identity && (identity.trashed !== undefined || identity.kind === 'view')) continue
    // A copy has its model's comment; the table of the right name is the one that the comment names.
    const genuine = identity && row.name === physicalName(identity.table, identity.project)
    const owner = genuine ? identity : { project: defaultProject, table: row.name }
    if (!isSegment(owner.table) || (project !== undefined && owner.project !== project)) continue
    const path = tablePath(backend, owner.project, owner.table)
    if (seen.has(path)) continue
    seen.add(path)
    yield {
      path,
      location: locationOf({ database, name: row.name }),
      marker: row.marker,
      schemaHash: (genuine && identity.hash) || null,
      facts: {
        rows: row.rows === null ? null : Number(row.rows),
        bytes: row.bytes === null ? null : Number(row.bytes),
        files: Number(row.parts),
      },
    }
  }
}
