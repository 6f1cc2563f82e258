/** Columns of Parquet files that somebody else wrote, as a Delta table has them: what other Delta readers would not read alike is refused. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { type DataType, type Field, formatType, sameType } from '../../../core/types.ts'
import type { Engine, Row } from '../../../engine/engine.ts'
import { parquetSource, quotePath } from '../../../engine/sql-text.ts'
import { widens } from '../../../schemas/widen.ts'
import { sameName } from '../log/schema-edit.ts'

/** How a type lies in a file, by the engine's name of it (Delta PROTOCOL, "Primitive Types", and the types of Parquet for them). */
const storedAs: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['BOOLEAN'],
  TINYINT: ['INT32'],
  SMALLINT: ['INT32'],
  INTEGER: ['INT32'],
  BIGINT: ['INT64'],
  FLOAT: ['FLOAT'],
  DOUBLE: ['DOUBLE'],
  VARCHAR: ['BYTE_ARRAY'],
  JSON: ['BYTE_ARRAY'],
  BLOB: ['BYTE_ARRAY'],
  DATE: ['INT32'],
  TIMESTAMP: ['INT64'],
  'TIMESTAMP WITH TIME ZONE': ['INT64'],
  DECIMAL: ['INT32', 'INT64', 'FIXED_LEN_BYTE_ARRAY', 'BYTE_ARRAY'],
}

/** Files with equal layouts have equal columns. */
export async function layoutsOf(engine: Engine, paths: readonly string[]): Promise<readonly string[]> {
  const element =
    "{'n': name, 't': type, 'l': type_length, 'r': repetition_type, 'c': num_children, 'v': converted_type, 's': scale, 'p': precision, 'g': logical_type}"
  const rows = await engine.all(
    `SELECT file_name, md5(string_agg(CAST(${element} AS VARCHAR), chr(10) ORDER BY column_id)) AS layout FROM parquet_schema([${paths.map(quotePath).join(', ')}]) GROUP BY file_name`,
  )
  const layouts = new Map(rows.map((row) => [String(row.file_name), String(row.layout)]))
  return paths.map((path) => layouts.get(path)!)
}

/** Of one file; every column may be null. `name`: the file as people know it. Throws `refused`/`unsupported-type` by column. */
export async function columnsOfFile(engine: Engine, path: string, name: string): Promise<readonly Field[]> {
  const elements = await engine.all(
    `SELECT name, type, num_children, converted_type, logical_type, duckdb_type FROM parquet_schema([${quotePath(path)}]) ORDER BY column_id`,
  )
  const columns = await engine.columns(`SELECT * FROM ${parquetSource([path])}`)
  const tops = topLevel(elements)
  return tops.map((elementsOfColumn, i) => {
    const [top] = elementsOfColumn
    const column = String(top!.name)
    const refuse = (why: string): Error =>
      fail('refused', 'unsupported-type', `column ${printable(column)} of ${printable(name)} ${why}`, {
        where: name,
        hint: 'load the files into a new table: that writes them anew',
      })
    for (const element of elementsOfColumn) {
      // Spark's own form of an instant, in its Delta tables too; inside of other types no reader is asked for it.
      if (element.type === 'INT96' && elementsOfColumn.length === 1) continue
      const why = unreadable(element)
      if (why !== undefined) throw refuse(why)
    }
    const type = columns[i]?.type
    if (columns.length !== tops.length || type == null)
      throw refuse(`is ${columns[i]?.engineType ?? 'of no known type'}`)
    return { name: column, type: inDelta(type, top!), nullable: true }
  })
}

/** By name, each with the first type that holds all of them. `name`: the file, and that of each column's first file. */
export function mergeColumns(
  known: readonly (Field & { readonly file: string })[],
  columns: readonly Field[],
  file: string,
): readonly (Field & { readonly file: string })[] {
  const merged = [...known]
  const here = new Set<string>()
  for (const column of columns) {
    const i = merged.findIndex(({ name }) => sameName(name, column.name))
    const there = merged[i]
    const differs = (why: string): Error =>
      fail('refused', 'files-differ', `column ${printable(column.name)} of ${printable(file)} ${why}`, { where: file })
    if (here.has(column.name.toLowerCase())) throw differs('stands twice in it')
    here.add(column.name.toLowerCase())
    if (there === undefined) merged.push({ ...column, file })
    else if (there.name !== column.name) throw differs(`is called ${printable(there.name)} in ${printable(there.file)}`)
    else if (isWider(there.type, column.type)) merged[i] = { ...column, file }
    else if (!sameType(there.type, column.type) && !isWider(column.type, there.type))
      throw differs(
        `is ${formatType(column.type)}, and ${formatType(there.type)} in ${printable(there.file)}: neither holds the other`,
      )
  }
  return merged
}

/** Numbers only: what readers widen inside of other types is not theirs to agree on. */
const isWider = (from: DataType, to: DataType): boolean =>
  ['Int8', 'Int16', 'Int32', 'Float32'].includes(from.kind) && widens(from, to)

/** The elements of each column: a schema stands in depth-first order, its root first. */
function topLevel(elements: readonly Row[]): Row[][] {
  const columns: Row[][] = []
  const open: number[] = []
  for (const element of elements) {
    if (open.length === 1) columns.push([])
    if (open.length > 0) {
      columns.at(-1)?.push(element)
      open[open.length - 1]!--
    }
    open.push(Number(element.num_children ?? 0))
    while (open.at(-1) === 0) open.pop()
  }
  return columns
}

function unreadable({ type, num_children, duckdb_type, logical_type }: Row): string | undefined {
  if (Number(num_children ?? 0) > 0) return undefined
  if (type === 'INT96') return 'is INT96, an old form of times in nanoseconds'
  const engineType = String(duckdb_type)
  if (engineType === 'TIMESTAMP_NS' || /NANOS=NanoSeconds/.test(String(logical_type)))
    return 'holds nanoseconds, and Delta keeps microseconds'
  const [name] = engineType.split('(')
  if (Object.hasOwn(storedAs, name!) && storedAs[name!]!.includes(String(type))) return undefined
  return `is ${engineType} (${String(type)} in the file), for which Delta has no type`
}

/** Before Parquet said so, times were instants; and Delta has no type for JSON. */
function inDelta(type: DataType, { type: stored, converted_type, logical_type }: Row): DataType {
  if (type.kind === 'Json') return { kind: 'Utf8' }
  if (stored === 'INT96') return { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' }
  if (type.kind === 'Timestamp' && logical_type === null && String(converted_type).startsWith('TIMESTAMP'))
    return { ...type, zone: 'UTC' }
  return type
}
