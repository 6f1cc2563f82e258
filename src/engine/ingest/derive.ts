/** Columns that a row may leave out: `date` follows from the time column, `project_id` from the table's ref. */
import type { DataType, Field } from '../../core/types.ts'
import { quoteIdentifier, quoteString } from '../sql-text.ts'

export interface LoadSchema {
  readonly fields: readonly Field[]
  readonly partitions: readonly string[]
  readonly timeColumn: string | null
  /** Columns that name a row, of those that are not nullable. */
  readonly key?: readonly string[]
  /** Text columns in which the table keeps an empty text as null. */
  readonly emptyIsNull?: readonly string[]
  /** At most one a column. */
  readonly rules?: readonly ColumnRule[]
}

/** What a table asks of the values of a column beyond its type. */
export interface ColumnRule {
  readonly column: string
  /** Why a text of NDJSON or CSV does not fit, after the value; null when it does. */
  problem(text: string): string | null
  /** The same for a value in a Parquet file: SQL that is true of what does not fit, and why; null when every value of this type fits. */
  violated(own: string, type: DataType): { readonly condition: string; readonly reason: string } | null
}

export interface Derived {
  readonly project: string
  /** `project_id`, when the table has it as text. */
  readonly projectColumn: string | null
  /** The column's value never has to come from the row. */
  fills(column: string): boolean
  /** The column's value follows from this row. */
  later(column: string, row: Readonly<Record<string, unknown>>): boolean
  /** The column's value may follow from other columns of the input. */
  couldFollow(column: string, names: readonly string[]): boolean
  /** Why the column must have a value. */
  need(column: string): string
  /** An empty text in this column would become a null that the column may not hold. */
  mustBeFilled(column: string): boolean
  rule(column: string): ColumnRule | undefined
  /** What is wrong with a value of projectColumn that is another project's. */
  readonly contradiction: string
  /** SQL of a column, given the SQL of what was read for it and how to read another column; unchanged when nothing is derived. */
  sql(column: string, own: string | null, other: (name: string) => string | null): string | null
}

export function derivedColumns(
  { fields, partitions, timeColumn, key = [], emptyIsNull = [], rules = [] }: LoadSchema,
  project: string,
): Derived {
  const kind = (name: string): string | undefined => fields.find((f) => f.name === name)?.type.kind
  const timeKind = timeColumn === null ? undefined : kind(timeColumn)
  const hasTime = timeKind === 'Timestamp' || timeKind === 'Date32'
  const dateColumn =
    kind('date') === 'Date32' && partitions.includes('date') && timeColumn !== 'date' && hasTime ? 'date' : null
  const projectColumn = kind('project_id') === 'Utf8' ? 'project_id' : null
  return {
    project,
    projectColumn,
    fills: (column) => column === projectColumn,
    later: (column, row) => column === dateColumn && row[timeColumn!] !== undefined && row[timeColumn!] !== null,
    couldFollow: (column, names) => column === dateColumn && names.includes(timeColumn!),
    need: (column) =>
      key.includes(column) ? 'the column is part of the key, where a null names no row' : 'the column is not nullable',
    mustBeFilled: (column) => emptyIsNull.includes(column) && fields.some((f) => f.name === column && !f.nullable),
    rule: (column) => rules.find((rule) => rule.column === column),
    contradiction: `is not the table's project, "${project}"`,
    sql: (column, own, other) => {
      const value =
        column === projectColumn ? quoteString(project) : column === dateColumn ? castDate(other(timeColumn!)) : null
      if (value === null) return own
      return own === null ? value : `coalesce(${own}, ${value})`
    },
  }
}

const castDate = (time: string | null): string | null => (time === null ? null : `CAST(${time} AS DATE)`)

/** SELECT list that gives every field: what was read (null = the input has no such column), derived, or null. */
export function selectList(
  fields: readonly Field[],
  derived: Derived,
  read: (field: Field) => string | null,
  sqlTypeOf: (field: Field) => string,
): string {
  const own = new Map(fields.map((field) => [field.name, read(field)]))
  return fields
    .map((field) => {
      const value = derived.sql(field.name, own.get(field.name)!, (name) => own.get(name) ?? null)
      return `CAST(${value ?? 'NULL'} AS ${sqlTypeOf(field)}) AS ${quoteIdentifier(field.name)}`
    })
    .join(', ')
}
