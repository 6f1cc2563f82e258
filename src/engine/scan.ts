/** SELECT text over a snapshot's Parquet files: exactly the declared columns, whatever each file holds. */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import type { Field } from '../core/types.ts'
import { parquetSource, quoteIdentifier, quoteString } from './sql-text.ts'
import { sqlType } from './types.ts'

export interface ScanFile {
  /** Absolute path on the local disk. */
  readonly path: string
  /** By column name; text as Delta's log writes it ("Partition Value Serialization"): '' and null are null. */
  readonly partitionValues: Readonly<Record<string, string | null>>
}

export interface Scan {
  readonly files: readonly ScanFile[]
  /** Columns of the result, in order. A column that a file lacks is null there; a narrower one is widened. */
  readonly fields: readonly Field[]
  /** Those of `fields` that come from partitionValues, never from a file or its path. */
  readonly partitions: readonly string[]
}

/** Up to here each combination of partition values is a branch of its own, so that a filter on one skips whole branches. */
const mostBranches = 64

/** A SELECT without a trailing semicolon, to be used as a subquery or a view. Throws `column-clash`, `type-unsupported`. */
export function scanSql({ files, fields, partitions }: Scan): string {
  checkNames(fields)
  if (files.length === 0) return `SELECT ${fields.map((f) => nullColumn(f)).join(', ')} WHERE false`
  const stored = fields.filter((f) => !partitions.includes(f.name))
  const branches = byPartition(files, partitions)
  // `file_index` numbers the files of one read; a stored column of that name would hide it.
  const indexed = branches.length > mostBranches && !stored.some((f) => f.name.toLowerCase() === 'file_index')
  if (indexed) return oneRead(files, fields, partitions, stored)
  return branches
    .map((branch) => {
      const value = (field: Field): string => partitionLiteral(field, branch[0]!.partitionValues[field.name])
      return `SELECT ${columns(fields, partitions, value)} FROM ${readParquet(branch, stored)}`
    })
    .join(' UNION ALL ')
}

function oneRead(
  files: readonly ScanFile[],
  fields: readonly Field[],
  partitions: readonly string[],
  stored: readonly Field[],
): string {
  const value = (field: Field): string => {
    const values = files.map((file) => textLiteral(file.partitionValues[field.name]))
    return castText(field, `[${values.join(', ')}][file_index::BIGINT + 1]`)
  }
  return `SELECT ${columns(fields, partitions, value)} FROM ${readParquet(files, stored)}`
}

function columns(fields: readonly Field[], partitions: readonly string[], value: (field: Field) => string): string {
  return fields
    .map((f) => {
      const name = quoteIdentifier(f.name)
      return partitions.includes(f.name) ? `${value(f)} AS ${name}` : name
    })
    .join(', ')
}

/** The explicit schema fixes names and types, so no file is opened to find them out and missing columns read as null. */
function readParquet(files: readonly ScanFile[], stored: readonly Field[]): string {
  const paths = files.map((file) => file.path)
  if (stored.length === 0) return parquetSource(paths)
  const schema = stored.map((f) => {
    const name = quoteString(f.name)
    return `${name}: {name: ${name}, type: ${quoteString(sqlType(f.type))}, default_value: NULL}`
  })
  return parquetSource(paths, `schema = MAP {${schema.join(', ')}}`)
}

function byPartition(files: readonly ScanFile[], partitions: readonly string[]): ScanFile[][] {
  const groups = Map.groupBy(files, (file) => JSON.stringify(partitions.map((p) => file.partitionValues[p] || null)))
  return [...groups.values()]
}

const textLiteral = (text: string | null | undefined): string => (text ? quoteString(text) : 'NULL::VARCHAR')
const nullColumn = (field: Field): string => `NULL::${sqlType(field.type)} AS ${quoteIdentifier(field.name)}`
const partitionLiteral = (field: Field, text: string | null | undefined): string => castText(field, textLiteral(text))

function castText(field: Field, text: string): string {
  const { kind } = field.type
  if (kind === 'List' || kind === 'Map' || kind === 'Struct')
    throw fail(
      'data',
      'type-unsupported',
      `column "${printable(field.name)}" cannot be a partition column: it is a ${kind}`,
    )
  return kind === 'Binary' ? `encode(${text})` : `CAST(${text} AS ${sqlType(field.type)})`
}

function checkNames(fields: readonly Field[]): void {
  if (fields.length === 0) throw fail('data', 'no-columns', 'the table has no columns')
  const seen = new Map<string, string>()
  for (const { name } of fields) {
    const lower = name.toLowerCase()
    const other = seen.get(lower)
    if (other !== undefined)
      throw fail(
        'data',
        'column-clash',
        `columns "${printable(other)}" and "${printable(name)}" differ only in case; the embedded engine cannot tell them apart`,
      )
    seen.set(lower, name)
  }
}
