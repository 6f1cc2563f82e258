/** The SELECT that says what rows become by a statement; the locked engine checks and runs it over the user's rows alone. */
import { fail } from '../../core/errors.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { Field } from '../../core/types.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { sqlType } from '../../engine/types.ts'
import { type ExactSql, exactSql } from './exact-values.ts'
import type { Statement } from './statement.ts'
import type { UserTable } from './table.ts'
import { requireStable } from './volatile.ts'

/** Throws a usage error when the statement is about another table than the ref. */
export function requireTarget({ namespace, table: name }: Statement, { path }: UserTable): void {
  const { project, table } = segmentsOf(path)
  // Identifiers of the seed fold to lower case.
  if (name.toLowerCase() === table && (namespace === null || namespace.toLowerCase() === project)) return
  throw fail('usage', 'other-table', `the statement is about ${printable(namespace ? `${namespace}.${name}` : name)}`, {
    where: refOfPath(path),
    hint: `write ${project}.${table}`,
  })
}

/** What the statement calls the table. */
export const viewName = ({ path }: UserTable): string => segmentsOf(path).table

export interface NewVersions {
  /** Yields the table's columns in order, `_key` for rows that are there, and then what was computed for the columns in `computed`. */
  readonly sql: string
  readonly computed: readonly Field[]
}

export function newVersions(statement: Statement, table: UserTable): NewVersions {
  if (statement.is === 'insert') return insertedRows(statement, table)
  const changed = new Map<Field, ExactSql>()
  if (statement.is === 'update')
    for (const { column, value } of statement.set) {
      const field = requireColumn(table, column)
      if (table.primaryKey.includes(field.name))
        throw fail(
          'refused',
          'key-update',
          `column ${printable(field.name)} belongs to the primary key and stays as it is`,
          {
            hint: 'delete the row and insert another one',
          },
        )
      if (changed.has(field)) throw fail('usage', 'bad-statement', `column ${printable(field.name)} is set twice`)
      requireStable(value, 'SET')
      changed.set(field, exactSql(field, value))
    }
  if (statement.where !== null) requireStable(statement.where, 'WHERE')
  const computed = [...changed.keys()]
  const kept = table.fields.filter((field) => !changed.has(field)).map(({ name }) => quoteIdentifier(name))
  const where = statement.where === null ? '' : ` WHERE (${statement.where})`
  const inner = [
    ...kept,
    '"_key"',
    ...computed.map((field, i) => `${changed.get(field)!.computed} AS ${computedName(i)}`),
  ]
  const columns = table.fields.map((field) => {
    const value = changed.get(field)
    if (value === undefined) return quoteIdentifier(field.name)
    return `${value.value(computedName(computed.indexOf(field)))} AS ${quoteIdentifier(field.name)}`
  })
  const texts = computed.map((_, i) => computedName(i))
  const from = `SELECT ${inner.join(', ')} FROM ${quoteIdentifier(viewName(table))}${where}`
  return { sql: `SELECT ${[...columns, '"_key"', ...texts].join(', ')} FROM (${from}) AS v`, computed }
}

/** No column can have this name by chance: an alias must not stand in for one in another expression. */
const computedName = (i: number): string => `"__tblctl_computed_${i}"`

function insertedRows({ columns, rows }: Statement & { is: 'insert' }, table: UserTable): NewVersions {
  const into = columns?.map((name) => requireColumn(table, name)) ?? table.fields
  const twice = into.find((field, i) => into.indexOf(field) !== i)
  if (twice) throw fail('usage', 'bad-statement', `column ${printable(twice.name)} is named twice`)
  const tuples = rows.map((row, i) => {
    if (row.length !== into.length)
      throw fail('usage', 'bad-statement', `row ${i + 1} has ${row.length} values for ${into.length} columns`)
    return `(${into.map((field, c) => exactSql(field, row[c]!).computed).join(', ')})`
  })
  const names = into.map((_, i) => computedName(i))
  const values = table.fields.map((field) => {
    const at = into.indexOf(field)
    const value = at < 0 ? `CAST(NULL AS ${sqlType(field.type)})` : exactSql(field, '').value(computedName(at))
    return `${value} AS ${quoteIdentifier(field.name)}`
  })
  const sql = `SELECT ${[...values, ...names].join(', ')} FROM (VALUES ${tuples.join(', ')}) AS v(${names.join(', ')})`
  return { sql, computed: into }
}

/** As in SQL, a name that is written without regard to case is that column, unless two differ in it. */
function requireColumn({ fields }: UserTable, name: string): Field {
  const field =
    fields.find((one) => one.name === name) ?? fields.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (field) return field
  const near = didYouMean(
    name,
    fields.map((one) => one.name),
  )
  throw fail('usage', 'unknown-column', `there is no column ${printable(name)} to write`, {
    hint: near ? `did you mean ${near}?` : `columns are ${fields.map((one) => printable(one.name)).join(', ')}`,
  })
}
