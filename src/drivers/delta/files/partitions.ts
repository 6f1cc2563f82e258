/**
 * A chunk written into one or more files for each combination of partition values. The engine sees a number in their place: its own
 * folders named after values cannot hold long ones, and mix up a null, the text that stands for it, and names that differ in case.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { renameSql } from '../../../engine/rename.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { sqlType } from '../../../engine/types.ts'
import {
  type WriteOptions,
  type WrittenFile,
  writeParquet,
  writeParquetPartitions,
} from '../../../engine/write-parquet.ts'
import type { PartitionValues } from '../log/actions.ts'
import { type ColumnMapping, fieldIds, physicalFields, physicalName } from '../log/column-mapping.ts'

export interface PartitionedFile {
  readonly file: WrittenFile
  /** By the columns' own names. */
  readonly partitionValues: PartitionValues
}

const numbered = 'tblctl_partitions'

/** The table's columns as its files hold them: UInt8 as short, Json as text, each under its physical name. */
export function storedSelect(select: string, fields: readonly Field[], mapping: ColumnMapping | null = null): string {
  const physical = physicalFields(mapping, fields)
  const columns = fields.map(({ name, type }, i) => {
    const called = physical[i]!
    const value = `CAST(${quoteIdentifier(name)} AS ${sqlType(type)})`
    return `${renameSql(value, type, called.type)} AS ${quoteIdentifier(called.name)}`
  })
  return `SELECT ${columns.join(', ')} FROM (${select})`
}

/** Of a file with these columns, which are no partitions. */
export const writeOptions = (fields: readonly Field[], mapping: ColumnMapping | null): WriteOptions => ({
  fields: physicalFields(mapping, fields),
  compression: 'zstd',
  ...(mapping === null ? {} : { fieldIds: fieldIds(mapping, fields) }),
})

/** `fields`: all columns of the select, as storedSelect gives them. What was written before by the same engine is gone. */
export async function writePartitions(
  engine: Engine,
  select: string,
  fields: readonly Field[],
  partitions: readonly string[],
  mapping: ColumnMapping | null,
): Promise<PartitionedFile[]> {
  const physical = physicalFields(mapping, fields)
  const by = partitions.map((name): PartitionColumn => {
    const field = fields.find((candidate) => candidate.name === name)!
    return { field, called: physicalName(mapping, name) }
  })
  const options = writeOptions(
    fields.filter((field) => !partitions.includes(field.name)),
    mapping,
  )
  const list = options.fields.map((field) => `r.${quoteIdentifier(field.name)}`).join(', ')
  const folder = join(engine.directory, 'chunk')
  await rm(folder, { recursive: true, force: true })
  const single = async (partitionValues: PartitionValues): Promise<PartitionedFile[]> => {
    const text = `SELECT ${list} FROM (${select}) AS r`
    return [{ file: await writeParquet(engine, text, `${folder}.parquet`, options), partitionValues }]
  }
  if (by.length === 0) return single({})

  const found = await numberPartitions(engine, select, by)
  if (found.length === 1) return single(found[0]!)
  const key = freshName(physical)
  const match = by.map((column, i) => `${valueSql(column, 'r')} IS NOT DISTINCT FROM p.p${i}`).join(' AND ')
  const text = `SELECT ${list}, p.key AS ${quoteIdentifier(key)} FROM (${select}) AS r JOIN ${numbered} AS p ON ${match}`
  const keyField: Field = { name: key, type: { kind: 'Int64' }, nullable: false }
  const files = await writeParquetPartitions(engine, text, folder, {
    ...options,
    fields: [...options.fields, keyField],
    partitions: [key],
  })
  return files.map((file) => ({ file, partitionValues: found[Number(file.partitionValues[key]) - 1]! }))
}

interface PartitionColumn {
  readonly field: Field
  /** In the select. */
  readonly called: string
}

/** The combinations in the order of their numbers, from 1. */
async function numberPartitions(
  engine: Engine,
  select: string,
  by: readonly PartitionColumn[],
): Promise<PartitionValues[]> {
  const values = by.map((column, i) => `${valueSql(column, 'r')} AS p${i}`).join(', ')
  await engine.run(
    `CREATE OR REPLACE TABLE ${numbered} AS SELECT row_number() OVER () AS key, * FROM (SELECT DISTINCT ${values} FROM (${select}) AS r)`,
  )
  const texts = by.map((_column, i) => `CAST(p${i} AS VARCHAR) AS p${i}`).join(', ')
  const rows = await engine.all(`SELECT ${texts} FROM ${numbered} ORDER BY key`)
  return rows.map((row) =>
    Object.fromEntries(by.map(({ field }, i) => [field.name, partitionText(field, row[`p${i}`] as string | null)])),
  )
}

/** An empty text is null in a Delta log. */
function valueSql({ field, called }: PartitionColumn, row: string): string {
  const column = `${row}.${quoteIdentifier(called)}`
  if (field.type.kind === 'Binary')
    throw fail('refused', 'bad-partition', `column "${printable(field.name)}" partitions the table and is binary`, {
      hint: 'this version writes no binary partition values',
    })
  return field.type.kind === 'Utf8' ? `nullif(${column}, '')` : column
}

/** From the engine's text to the log's (Delta PROTOCOL, "Partition Value Serialization"). */
function partitionText({ name, type, nullable }: Field, text: string | null): string | null {
  if (text === null) {
    // A null was refused row by row before: this is an empty text.
    if (!nullable)
      throw fail('data', 'bad-value', `column "${printable(name)}" partitions the table and holds an empty text`, {
        hint: 'Delta keeps an empty partition value as null, and the column is not nullable',
      })
    return null
  }
  if (type.kind === 'Timestamp' && type.zone !== null) return text.replace(' ', 'T').replace(/\+00$/, 'Z')
  if (type.kind === 'Float32' || type.kind === 'Float64')
    return text.replace(/^(-?)inf$/, '$1Infinity').replace(/^nan$/, 'NaN')
  return text
}

function freshName(fields: readonly Field[]): string {
  let name = 'tblctl_partition'
  while (fields.some((field) => field.name.toLowerCase() === name)) name += '_'
  return name
}
