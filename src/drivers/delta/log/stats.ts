/**
 * Per-file statistics (Delta PROTOCOL, "Per-file Statistics"). Readers skip files by them, so a bound that is not certain is
 * left out: a missing bound costs time, a wrong one costs rows.
 */
import type { DataType, Field } from '../../../core/types.ts'
import type { ColumnStatistics, WrittenFile } from '../../../engine/write-parquet.ts'
import { type ColumnMapping, physicalName } from './column-mapping.ts'
import { isObject } from './exact-json.ts'
import { textBound } from './text-bound.ts'

/** What statistics depend on; `fields` are by the names that people see, as files hold them. */
export interface IndexedTable {
  readonly fields: readonly Field[]
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly mapping: ColumnMapping | null
}

/**
 * JSON text for `add.stats`. The file, and the statistics, call columns by their physical names. Columns beyond the table's limit
 * (`delta.dataSkippingNumIndexedCols`, default 32) are left out.
 */
export function formatStats(file: Pick<WrittenFile, 'rows' | 'columns'>, table: IndexedTable): string {
  const indexed = indexedColumns(table).flatMap(({ name, type }) => {
    const called = physicalName(table.mapping, name)
    const column = Object.hasOwn(file.columns, called) ? file.columns[called] : undefined
    return column === undefined ? [] : [{ called, type, column }]
  })
  const part = (pick: (column: ColumnStatistics, type: DataType) => string | null): string => {
    const members = indexed.flatMap(({ called, type, column }) => {
      const value = pick(column, type)
      return value === null ? [] : [`${JSON.stringify(called)}:${value}`]
    })
    return `{${members.join(',')}}`
  }
  const min = part((column, type) => bound(column.min, type, 'min'))
  const max = part((column, type) => bound(column.max, type, 'max'))
  const nulls = part((column) => String(column.nulls))
  return `{"numRecords":${file.rows},"minValues":${min},"maxValues":${max},"nullCount":${nulls}}`
}

/** Rows of a file by its statistics; null when they do not say. */
export function numRecordsOf(stats: string | undefined): number | null {
  if (stats === undefined) return null
  const plain = /^\{"numRecords":(\d{1,15})[,}]/.exec(stats)
  if (plain !== null) return Number(plain[1])
  try {
    let parsed: unknown = JSON.parse(stats)
    // ClickHouse wraps the text once more.
    if (isObject(parsed) && typeof parsed.stats_json === 'string') parsed = JSON.parse(parsed.stats_json)
    const count = isObject(parsed) ? parsed.numRecords : undefined
    return Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) : null
  } catch {
    return null
  }
}

/** Columns that get statistics: those with one leaf, for a Parquet footer counts the others by their leaves. */
function indexedColumns(table: IndexedTable): readonly Field[] {
  const columns = table.fields.filter((field) => !table.partitionColumns.includes(field.name))
  const chosen = table.configuration['delta.dataSkippingStatsColumns']
  const plain = (field: Field): boolean => !['Struct', 'List', 'Map'].includes(field.type.kind)
  if (chosen !== undefined) {
    const names = columnList(chosen)
    return columns.filter((field) => plain(field) && names.some((path) => path.length === 1 && path[0] === field.name))
  }
  const limit = Number(table.configuration['delta.dataSkippingNumIndexedCols'] ?? 32)
  const most = limit === -1 ? Number.POSITIVE_INFINITY : Number.isInteger(limit) && limit >= 0 ? limit : 32
  let leaves = 0
  return columns.filter((field) => {
    leaves += leafCount(field.type)
    return leaves <= most && plain(field)
  })
}

/** A list or a map is one leaf. */
const leafCount = (type: DataType): number =>
  type.kind === 'Struct' ? type.fields.reduce((sum, field) => sum + leafCount(field.type), 0) : 1

/** A comma-separated list of dotted names, each part plain or in backticks. */
export function columnList(text: string): readonly (readonly string[])[] {
  return (text.match(/(?:`(?:[^`]|``)*`|[^,`])+/g) ?? []).map((column) =>
    (column.trim().match(/`(?:[^`]|``)*`|[^.`]+/g) ?? []).map((part) =>
      part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part,
    ),
  )
}

/** JSON text of a bound; null where there must not be one. */
function bound(text: string | null, type: DataType, side: 'min' | 'max'): string | null {
  if (text === null) return null
  switch (type.kind) {
    case 'Utf8':
    case 'Json': {
      const cut = textBound(text, side)
      return cut === null ? null : JSON.stringify(cut)
    }
    case 'Int8':
    case 'Int16':
    case 'Int32':
    case 'Int64':
    case 'UInt8':
    case 'UInt16':
    case 'UInt32':
    case 'UInt64':
    case 'Decimal128':
      return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? text : null
    case 'Float32':
    case 'Float64':
      return floatBound(text, type.kind)
    case 'Date32':
      return /^\d{4}-\d\d-\d\d$/.test(text) ? JSON.stringify(text) : null
    case 'Timestamp':
      return timestampBound(text, type.zone === null, side)
    default:
      return null
  }
}

/** A float's shortest text is not its value: readers that widen it to a double would skip a file at its very bound. */
function floatBound(text: string, kind: 'Float32' | 'Float64'): string | null {
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return null
  const value = kind === 'Float32' ? Math.fround(Number(text)) : Number(text)
  return Number.isFinite(value) ? JSON.stringify(value) : null
}

/** Milliseconds, as the protocol has it: the minimum rounded down, the maximum up. */
function timestampBound(text: string, wallClock: boolean, side: 'min' | 'max'): string | null {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|\+00(?::00)?)?$/.exec(text)
  if (match === null || wallClock === (match[4] !== undefined)) return null
  const micros = Number((match[3] ?? '').padEnd(6, '0'))
  const whole = Date.parse(`${match[1]}T${match[2]}.000Z`)
  if (Number.isNaN(whole)) return null
  const time = new Date(whole + (side === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000)))
  const iso = time.toISOString()
  if (iso.length !== 24) return null
  return JSON.stringify(wallClock ? iso.slice(0, -1) : iso)
}
