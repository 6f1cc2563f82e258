/** Version 0 of a new table: reader 1, writer 2, which everybody reads; table features only where a type needs one. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { DataType, Field } from '../../../core/types.ts'
import { formatSchemaString, parseSchemaString } from '../types.ts'
import type { Action, Metadata, Protocol } from './actions.ts'
import { unwritable } from './protocol.ts'

export interface NewTable {
  /** A UUID. */
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly fields: readonly Field[]
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly createdTime: number
}

/** `protocol` and `metaData`. Throws `refused` or `data` for what a Delta table without column mapping cannot be. */
export function createActions(table: NewTable): readonly Action[] {
  const schemaString = formatSchemaString(table.fields)
  checkNames(table.fields)
  checkPartitions(table, parseSchemaString(schemaString))
  const protocol: Protocol = table.fields.some((field) => hasWallClock(field.type))
    ? {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['timestampNtz'],
        writerFeatures: ['timestampNtz', 'appendOnly', 'invariants'],
      }
    : { minReaderVersion: 1, minWriterVersion: 2 }
  const metaData: Metadata = {
    id: table.id,
    ...(table.name === undefined ? {} : { name: table.name }),
    ...(table.description === undefined ? {} : { description: table.description }),
    format: { provider: 'parquet', options: {} },
    schemaString,
    partitionColumns: table.partitionColumns,
    configuration: table.configuration,
    createdTime: table.createdTime,
  }
  const [obstacle] = unwritable({ protocol, metadata: metaData })
  if (obstacle !== undefined)
    throw fail(
      'refused',
      'delta-feature',
      `the table's properties ask for the Delta feature ${obstacle.feature}, which this version cannot write`,
    )
  return [{ protocol }, { metaData }]
}

/** Holds times without a zone, for which Delta has a feature. */
export function hasWallClock(type: DataType): boolean {
  switch (type.kind) {
    case 'Timestamp':
      return type.zone === null
    case 'List':
      return hasWallClock(type.item)
    case 'Map':
      return hasWallClock(type.key) || hasWallClock(type.value)
    case 'Struct':
      return type.fields.some((field) => hasWallClock(field.type))
    default:
      return false
  }
}

/** Parquet writers of the Spark family refuse these characters in names when there is no column mapping. */
export function checkNames(fields: readonly Field[]): void {
  for (const { name, type } of fields) {
    if (/[ ,;{}()\n\t=]/.test(name))
      throw fail('refused', 'bad-column-name', `Delta cannot hold a column named "${printable(name)}"`, {
        hint: 'leave out spaces and the characters , ; { } ( ) =',
      })
    checkNames(nestedFields(type))
  }
}

function nestedFields(type: DataType): readonly Field[] {
  switch (type.kind) {
    case 'List':
      return nestedFields(type.item)
    case 'Map':
      return [...nestedFields(type.key), ...nestedFields(type.value)]
    case 'Struct':
      return type.fields
    default:
      return []
  }
}

function checkPartitions(table: NewTable, fields: readonly Field[]): void {
  const seen = new Set<string>()
  for (const name of table.partitionColumns) {
    const field = fields.find((candidate) => candidate.name === name)
    if (field === undefined)
      throw fail('data', 'bad-partition', `partition column "${printable(name)}" is no column of the table`)
    if (['List', 'Map', 'Struct', 'Binary'].includes(field.type.kind))
      throw fail('refused', 'bad-partition', `column "${printable(name)}" has a type that cannot partition a table`)
    if (seen.has(name)) throw fail('data', 'bad-partition', `partition column "${printable(name)}" stands twice`)
    seen.add(name)
  }
  if (seen.size === table.fields.length)
    throw fail('refused', 'bad-partition', 'a table needs at least one column that does not partition it')
}
