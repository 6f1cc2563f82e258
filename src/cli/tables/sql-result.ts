/** What SHOW TABLES, DESCRIBE and TABLE_STATS print: rows for programs; sections where a row holds lists and a person reads it. */
import type { SqlResult } from '../../api/sql-result.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import type { Column, ListView, ObjectView, View } from '../output/view.ts'
import { factSections } from './facts.ts'
import type { TableContext } from './traits.ts'

/** Returns the exit code: 1 when a count is not known. */
export async function printSqlResult(context: TableContext, result: SqlResult): Promise<number> {
  const { global, reporter } = context
  const forPeople = (global.output === 'table' || global.output === 'wide') && !global.columns && !global.sortBy
  const nested = result.rows.some((row) => Object.values(row).some(Array.isArray))
  await context.print(forPeople && nested ? sectionsView(result) : listView(result))
  const reasons = Object.entries(result.unknown)
  for (const [name, why] of reasons) reporter.log('warn', `${name} is not known: ${why}`)
  return reasons.length > 0 ? 1 : 0
}

function listView({ kind, columns, rows, unknown }: SqlResult): ListView<JsonObject> {
  return {
    is: 'list',
    kind,
    key: 'rows',
    before: { columns },
    columns: columns.map(columnOf),
    items: rows,
    ...(Object.keys(unknown).length > 0 ? { after: { unknown } } : {}),
    none: 'no rows',
  }
}

const columnOf = ({ name, type }: SqlResult['columns'][number]): Column<JsonObject> => ({
  name,
  header: name,
  ...(type === 'Int64' ? { align: 'right' } : {}),
  value: (row) => row[name],
})

function sectionsView({ kind, columns, rows, unknown }: SqlResult): View {
  const view: ObjectView = {
    is: 'object',
    kind,
    object: { columns, rows },
    name: String(rows[0]?.table_name ?? ''),
    sections: rows.flatMap(({ section, ...facts }) =>
      factSections(
        typeof section === 'string' ? section.replaceAll('_', ' ') : 'TABLE STATS',
        spaced(facts),
        reasonsOf(unknown),
      ),
    ),
  }
  return view
}

/** `total_rows` → `total rows`, in lists of objects, too; an empty list says no more than its count does. */
const spaced = (members: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
      .map(([name, value]) => [name.replaceAll('_', ' '), Array.isArray(value) ? value.map(spacedItem) : value]),
  )

const spacedItem = (item: Json): Json =>
  item !== null && typeof item === 'object' && !Array.isArray(item) ? spaced(item as JsonObject) : item

const reasonsOf = (unknown: SqlResult['unknown']): Record<string, string> =>
  Object.fromEntries(Object.entries(unknown).map(([name, why]) => [name.replaceAll('_', ' '), why]))
