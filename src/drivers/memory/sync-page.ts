/** The SELECT of one page of a table: the next rows of a lane in the order of time and key, up to a number of rows and bytes. */

import { microsOf } from '../../core/exact-time.ts'
import type { Cursor, SourceFacts } from '../../core/sync.ts'
import { quoteIdentifier, quoteString } from '../../engine/sql-text.ts'
import { sqlType } from '../../engine/types.ts'

/**
 * The wanted columns, and beside them `page.n` (the order), `page.time` (microseconds), `page.key` (texts) and `page.all` (how many rows
 * there are from here). Rows of equal time and key come together, so a page ends where such a group ends.
 */
export function pageSql(
  select: string,
  timestampColumn: string,
  facts: SourceFacts,
  from: Cursor,
  until: string,
  limit: { readonly rows: number; readonly bytes: number },
): string {
  const { rows, where, key } = laneSql(select, timestampColumn, facts, from, until)
  const columns = facts.fields.map((field) => quoteIdentifier(field.name)).join(', ')
  return `
    SELECT ${columns}, "page.n", "page.time", "page.key", "page.all" FROM (
      SELECT *, row_number() OVER peers AS "page.n", rank() OVER peers AS "page.rank", count(*) OVER () AS "page.all",
        [${key.map((column) => `CAST(${column} AS VARCHAR)`).join(', ')}] AS "page.key",
        sum("page.bytes") OVER peers - sum("page.bytes") OVER (PARTITION BY "page.time", ${key.join(', ')}) AS "page.before"
      FROM (${rows})
      WHERE ${where}
      WINDOW peers AS (ORDER BY "page.time", ${key.join(', ')})
    ) WHERE "page.rank" <= ${limit.rows} AND "page.before" < ${limit.bytes}`
}

/** How many rows the pages from here would bring. */
export function countSql(
  select: string,
  timestampColumn: string,
  facts: SourceFacts,
  from: Cursor,
  until: string,
): string {
  const { rows, where } = laneSql(select, timestampColumn, facts, from, until)
  return `SELECT count(*) AS n FROM (${rows}) WHERE ${where}`
}

/** The table's rows, which of them come after `from`, and by what they are ordered beside their time. */
function laneSql(select: string, timestampColumn: string, facts: SourceFacts, from: Cursor, until: string) {
  const row = `to_json(struct_pack(${facts.fields.map((field) => `${quoteIdentifier(field.name)} := ${quoteIdentifier(field.name)}`).join(', ')}))::VARCHAR`
  // Without a key the whole row is one: only equal rows stay tied.
  const key = facts.key.length > 0 ? facts.key.map((name) => quoteIdentifier(name)) : ['"page.row"']
  const after = from.key === null ? 'true' : `(${key.join(', ')}) > (${literals(facts, from.key).join(', ')})`
  const micros = from.time === null ? null : microsOf(from.time)
  const where =
    from.lane === 'null'
      ? `"page.time" IS NULL AND ${after}`
      : `"page.time" <= ${microsOf(until)} ${micros === null ? '' : `AND ("page.time" > ${micros} OR ("page.time" = ${micros} AND ${after}))`}`
  const rows = `SELECT *, epoch_us(${quoteIdentifier(timestampColumn)}) AS "page.time", ${row} AS "page.row", strlen(${row}) AS "page.bytes" FROM (${select})`
  return { rows, where, key }
}

function literals({ fields, key }: SourceFacts, texts: readonly string[]): string[] {
  if (key.length === 0) return texts.map(quoteString)
  return key.map((name, i) => {
    const field = fields.find((candidate) => candidate.name === name)!
    return `CAST(${quoteString(texts[i]!)} AS ${sqlType(field.type)})`
  })
}
