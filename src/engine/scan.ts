/** SELECT text over a snapshot's Parquet files: exactly the declared columns, whatever each file holds, without rows that are deleted. */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import type { Field } from '../core/types.ts'
import { renameSql } from './rename.ts'
import { parquetSource, quoteIdentifier, quotePath, quoteString } from './sql-text.ts'
import { sqlType } from './types.ts'

export interface ScanFile {
  /** Absolute path on the local disk. */
  readonly path: string
  /** By column name; text as Delta's log writes it ("Partition Value Serialization"): '' and null are null. */
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** What this file calls those columns that are not partitions, in their order and nested alike; default: their own names. One array for files alike. */
  readonly calls?: readonly Field[]
  /** The file's number in `Scan.deleted`; absent = no row of it is deleted. */
  readonly deletions?: number
}

export interface Scan {
  readonly files: readonly ScanFile[]
  /** Columns of the result, in order. A column that a file lacks is null there; a narrower one is widened. */
  readonly fields: readonly Field[]
  /** Those of `fields` that come from partitionValues, never from a file or its path. */
  readonly partitions: readonly string[]
  /** A Parquet file of deleted rows: `file` (the number of a ScanFile) and `row` (its place in that file, from 0). */
  readonly deleted?: string
}

/** Up to here each combination of partition values is a branch of its own, so that a filter on one skips whole branches. */
const mostBranches = 64

/** What the engine itself adds to every row of a file: a stored column of such a name would hide it. */
const virtual: readonly string[] = ['file_index', 'file_row_number']

/** A SELECT without a trailing semicolon, to be used as a subquery or a view. Throws `column-clash`, `type-unsupported`. */
export function scanSql(scan: Scan): string {
  const { files, fields, partitions } = scan
  checkNames(fields)
  if (files.length === 0) return `SELECT ${fields.map((f) => nullColumn(f)).join(', ')} WHERE false`
  return [...Map.groupBy(files, ({ calls }) => calls).values()]
    .flatMap((alike) => [...Map.groupBy(alike, ({ deletions }) => deletions === undefined).values()])
    .flatMap((alike) => {
      const branches = byPartition(alike, partitions)
      return branches.length > mostBranches ? [oneRead(alike, scan)] : branches.map((branch) => oneBranch(branch, scan))
    })
    .join(' UNION ALL ')
}

function oneBranch(files: readonly ScanFile[], scan: Scan): string {
  const value = (field: Field): string => castText(field, textLiteral(files[0]!.partitionValues[field.name]))
  return select(files, scan, value)
}

function oneRead(files: readonly ScanFile[], scan: Scan): string {
  const value = (field: Field): string =>
    castText(field, perFile(files.map((file) => textLiteral(file.partitionValues[field.name]))))
  return select(files, scan, value)
}

function select(
  files: readonly ScanFile[],
  { fields, partitions, deleted }: Scan,
  value: (partition: Field) => string,
): string {
  const stored = fields.filter((f) => !partitions.includes(f.name))
  const calls = files[0]!.calls ?? stored
  const columns = fields.map((f) => {
    const name = quoteIdentifier(f.name)
    if (partitions.includes(f.name)) return `${value(f)} AS ${name}`
    const read = quoteIdentifier(readAs(f.name, stored))
    const column = renameSql(read, calls[stored.indexOf(f)]!.type, f.type)
    return column === name ? name : `${column} AS ${name}`
  })
  return `SELECT ${columns.join(', ')} FROM ${readParquet(files, stored, calls)}${withoutDeleted(files, deleted)}`
}

/** The explicit schema fixes names and types, so no file is opened to find them out and missing columns read as null. */
function readParquet(files: readonly ScanFile[], stored: readonly Field[], calls: readonly Field[]): string {
  const paths = files.map((file) => file.path)
  if (stored.length === 0) return parquetSource(paths)
  const schema = stored.map((f, i) => {
    const { name, type } = calls[i]!
    const read = quoteString(readAs(f.name, stored))
    return `${quoteString(name)}: {name: ${read}, type: ${quoteString(sqlType(type))}, default_value: NULL}`
  })
  return parquetSource(paths, `schema = MAP {${schema.join(', ')}}`)
}

/** The rows of these files alone; the engine leaves out those parts of the list that hold none. */
function withoutDeleted(files: readonly ScanFile[], deleted: string | undefined): string {
  const numbers = files.flatMap(({ deletions }) => deletions ?? [])
  if (numbers.length === 0) return ''
  if (deleted === undefined) throw fail('bug', 'no-deletions', 'deleted rows without a list of them')
  const [lowest, highest] = numbers.reduce(([a, b], n) => [Math.min(a, n), Math.max(b, n)], [numbers[0]!, numbers[0]!])
  const list = `SELECT file, row FROM read_parquet(${quotePath(deleted)}) WHERE file BETWEEN ${lowest} AND ${highest}`
  return ` ANTI JOIN (${list}) AS d ON d.row = file_row_number AND d.file = ${perFile(numbers.map(String))}`
}

/** For each row the text of its file: files of one read are numbered. */
const perFile = (texts: readonly string[]): string => `[${texts.join(', ')}][file_index::BIGINT + 1]`

function readAs(name: string, stored: readonly Field[]): string {
  if (!virtual.includes(name.toLowerCase())) return name
  const names = new Set(stored.map((f) => f.name.toLowerCase()))
  let free = `${name}_`
  while (names.has(free.toLowerCase())) free += '_'
  return free
}

function byPartition(files: readonly ScanFile[], partitions: readonly string[]): ScanFile[][] {
  const groups = Map.groupBy(files, (file) => JSON.stringify(partitions.map((p) => file.partitionValues[p] || null)))
  return [...groups.values()]
}

const textLiteral = (text: string | null | undefined): string => (text ? quoteString(text) : 'NULL::VARCHAR')
const nullColumn = (field: Field): string => `NULL::${sqlType(field.type)} AS ${quoteIdentifier(field.name)}`

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
