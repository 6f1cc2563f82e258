/** Columns of input that has no table schema yet. */
import { stat } from 'node:fs/promises'
import type { RowFormat } from '../core/batch.ts'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import type { DataType, Field } from '../core/types.ts'
import { type Engine, type Row, readingFiles } from './engine.ts'
import { jsonColumns } from './infer-json.ts'
import { csvRecords } from './ingest/csv.ts'
import { csvCheck } from './ingest/csv-value.ts'
import { ndjsonRows } from './ingest/lines.ts'
import { parseRow, type RowCheck } from './ingest/row-check.ts'
import { fileSource } from './ingest/rows.ts'
import { parquetSource, quotePath } from './sql-text.ts'
import { typeUnsupported } from './types.ts'

/**
 * Fields that hold the files' rows. Text formats are sampled and every column is nullable; their times are taken as instants, those
 * without a zone as UTC. Parquet files say what they hold: a column is not nullable when it is required in every one.
 * Throws `empty-input`, `bad-input` or `corrupt-file`, naming the file.
 */
export async function inferFields(engine: Engine, files: readonly string[], format: RowFormat): Promise<Field[]> {
  for (const file of files) await requireContent(file)
  if (format === 'parquet') return readingFiles(engine, files, () => parquetFields(engine, files))
  return format === 'csv' ? csvFields(files) : ndjsonFields(files)
}

async function requireContent(file: string): Promise<void> {
  const where = printable(file)
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw fail('missing', 'input-missing', `there is no file ${where}`, { where, cause })
  })
  if (!found.isFile()) throw fail('data', 'bad-input', `${where} is not a file`, { where })
  if (found.size === 0) throw fail('data', 'empty-input', `${where} is empty`, { where })
}

const list = (files: readonly string[]): string => `[${files.map(quotePath).join(', ')}]`

async function parquetFields(engine: Engine, files: readonly string[]): Promise<Field[]> {
  const columns = await engine.columns(`SELECT * FROM ${parquetSource(files, 'union_by_name = true')}`)
  const tree = await engine.all(
    `SELECT file_name, name, type, repetition_type, num_children FROM parquet_schema(${list(files)}) ORDER BY file_name, column_id`,
  )
  const footers = topLevel(tree)
  return columns.map(({ name, type, engineType }) => {
    if (type === null) throw typeUnsupported(engineType, { column: name })
    const same = footers.filter((row) => row.name === name)
    const required = same.length === files.length && same.every((row) => row.repetition_type === 'REQUIRED')
    return { name, type: same.some((row) => row.type === 'INT96') ? instant : type, nullable: !required }
  })
}

/** The footers' schema elements stand in depth-first order, each file's root first. */
function topLevel(elements: readonly Row[]): Row[] {
  const top: Row[] = []
  const open: number[] = []
  for (const element of elements) {
    if (open.length === 1) top.push(element)
    if (open.length > 0) open[open.length - 1]!--
    open.push(Number(element.num_children ?? 0))
    while (open.at(-1) === 0) open.pop()
  }
  return top
}

const instant: DataType = { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' }

async function ndjsonFields(files: readonly string[]): Promise<Field[]> {
  const columns = jsonColumns()
  for (const file of files) {
    let rows = 0
    for await (const read of ndjsonRows(fileSource(file), anyObject(columns.add), { left: 0 })) {
      for (const row of read)
        if ('rejection' in row)
          throw fail('data', 'bad-input', row.rejection.reason, { where: `${printable(file)}:${row.line}` })
      rows += read.length
      if (rows > sampledRows) break
    }
  }
  const fields = columns.fields()
  if (fields.length > 0) return fields
  throw fail('data', 'bad-input', 'the input holds no rows with columns', { where: printable(files[0]!) })
}

function anyObject(seen: (row: Record<string, unknown>) => void): RowCheck {
  return (line) => {
    const row = parseRow(line)
    if ('rejection' in row) return row
    seen(row.row)
    return { json: line }
  }
}

const text: DataType = { kind: 'Utf8' }
const sampledRows = 20_480
const csvCandidates: readonly DataType[] = [
  { kind: 'Int64' },
  { kind: 'Float64' },
  { kind: 'Boolean' },
  { kind: 'Date32' },
  instant,
]

/** As a number it would lose its leading zeros, and they mean something: an account, a day as 081109. */
const zeroLed = /^-?0\d/
const isNumber = ({ kind }: DataType): boolean => kind === 'Int64' || kind === 'Float64'

/** The first type whose every sampled value a load would accept; text when there is none, or no value at all. */
async function csvFields(files: readonly string[]): Promise<Field[]> {
  const left = new Map<string, { seen: boolean; fitting: DataType[] }>()
  for (const file of files) {
    let header: readonly string[] | null = null
    let rows = 0
    for await (const records of csvRecords(fileSource(file))) {
      for (const { record, line } of records) {
        if (header === null) {
          header = record.map((name) => name ?? '')
          for (const name of header) if (!left.has(name)) left.set(name, { seen: false, fitting: [...csvCandidates] })
        } else {
          if (record.length !== header.length)
            throw fail('data', 'bad-csv', `the record has ${record.length} fields, the header has ${header.length}`, {
              where: `${printable(file)}:${line}`,
            })
          narrow(left, header, record)
        }
      }
      rows += records.length
      if (rows > sampledRows) break
    }
  }
  return [...left].map(([name, { seen, fitting }]) => ({
    name,
    type: (seen ? fitting[0] : undefined) ?? text,
    nullable: true,
  }))
}

const csvChecks = new Map(csvCandidates.map((type) => [type, csvCheck({ name: '', type, nullable: true })]))

function narrow(
  left: ReadonlyMap<string, { seen: boolean; fitting: DataType[] }>,
  header: readonly string[],
  record: readonly (string | null)[],
): void {
  record.forEach((value, i) => {
    if (value === null) return
    const column = left.get(header[i]!)!
    column.seen = true
    column.fitting = column.fitting.filter(
      (type) => !(isNumber(type) && zeroLed.test(value)) && 'json' in csvChecks.get(type)!(value),
    )
  })
}
