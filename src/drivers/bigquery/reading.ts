/** What a sync reads of a table: which columns, by which time, in the order of which key; and what cannot be a cursor. */
import { fail, type TblctlError } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { SourceFacts, SourceTable } from '../../core/sync.ts'
import type { Reading } from './keyset.ts'
import type { Warehouse } from './table.ts'
import { type FieldSchema, typeName } from './types.ts'

export interface SourceSchema {
  readonly columns: readonly FieldSchema[]
  readonly location: string | null
}
export interface SourceReading extends Reading {
  readonly location: string | null
}
type TimeType = Reading['time']['type']

const times: readonly string[] = ['TIMESTAMP', 'DATETIME', 'DATE'] satisfies TimeType[]
/** Those with a total order that a parameter can say. FLOAT64 has NaN; the others have no order, or none of their own. */
const keys: readonly string[] = [
  ...['INT64', 'STRING', 'BYTES', 'BOOL', 'NUMERIC', 'BIGNUMERIC'],
  ...['DATE', 'TIME', 'DATETIME', 'TIMESTAMP'],
]

export function timeColumn(columns: readonly FieldSchema[], source: SourceTable): TimeType {
  const column = find(columns, source.timestampColumn, source)
  const type = typeName(column)
  if (column.mode === 'REPEATED' || !times.includes(type))
    throw unfit('bad-time-column', source, column, `is of type ${typeOf(column)}: it is no time`, times)
  return type as TimeType
}

/** The columns that were named, else those of the primary key. Throws `data` for one that has no order. */
export function keyOf(
  columns: readonly FieldSchema[],
  source: SourceTable,
  primaryKey: readonly string[],
): readonly string[] {
  const names = source.key ?? primaryKey
  for (const name of names) {
    const column = find(columns, name, source)
    if (column.mode === 'REPEATED' || !keys.includes(typeName(column)))
      throw unfit('bad-key-column', source, column, `is of type ${typeOf(column)}: it cannot be a key`, keys)
    if (column.collation)
      throw unfit(
        'bad-key-column',
        source,
        column,
        `is compared by ${printable(column.collation)}: two texts may be one key`,
        ['a key without collation'],
      )
  }
  return names
}

/** As they were named, then time and key where they were not. */
export function chosenColumns(
  columns: readonly FieldSchema[],
  source: SourceTable,
  key: readonly string[],
): readonly FieldSchema[] {
  if (source.columns === null) return columns
  const names = new Set([...source.columns, source.timestampColumn, ...key])
  return [...names].map((name) => find(columns, name, source))
}

export function readingOf(
  { projectId }: Warehouse,
  { columns, location }: SourceSchema,
  source: SourceTable,
  facts: Pick<SourceFacts, 'fields' | 'key'>,
): SourceReading {
  return {
    table: [projectId, source.dataset, source.table],
    location,
    columns: facts.fields.map(({ name }) => name),
    time: { name: source.timestampColumn, type: timeColumn(columns, source) },
    key: facts.key.map((name) => ({ name, type: typeName(find(columns, name, source)) })),
  }
}

function find(columns: readonly FieldSchema[], name: string, source: SourceTable): FieldSchema {
  const column = columns.find((one) => one.name === name)
  if (column) return column
  const names = columns.map((one) => one.name)
  const near = names.find((one) => one.toLowerCase() === name.toLowerCase()) ?? didYouMean(name, names)
  throw fail('data', 'column-not-found', `there is no column ${printable(name)}`, {
    where: whereOf(source),
    hint: near === undefined ? `columns are ${printable(names.join(', '))}` : `did you mean ${near}?`,
  })
}

const typeOf = (column: FieldSchema): string =>
  column.mode === 'REPEATED' ? `ARRAY<${typeName(column)}>` : typeName(column)
export const whereOf = ({ dataset, table }: SourceTable): string => `${dataset}.${table}`

function unfit(
  code: string,
  source: SourceTable,
  column: FieldSchema,
  why: string,
  instead: readonly string[],
): TblctlError {
  return fail('data', code, `column ${printable(column.name)} ${why}`, {
    where: whereOf(source),
    hint: `choose ${instead.join(', ')}`,
  })
}
