/** Parquet input: the engine reads it whole; here it is checked up front, by names, types and the rows that do not fit. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { type DataType, type Field, formatType } from '../../core/types.ts'
import { type Engine, readingFiles } from '../engine.ts'
import { parquetSource, quoteIdentifier, quotePath, quoteString } from '../sql-text.ts'
import { sqlType, typeUnsupported } from '../types.ts'
import { type Derived, selectList } from './derive.ts'
import type { Rejects } from './rejects.ts'
import { emptyReason, unknownColumn } from './row-check.ts'

export interface ParquetInput {
  readonly path: string
  readonly rows: number
  /** Bytes of the file for each row, for limits in bytes. */
  readonly bytesOfRow: number
  /** SELECT of the table's columns over the rows from `from` (0-based) up to `to` (not included), without the rejected ones. */
  select(from: number, to: number): string
  /** Reports the rows in that range that do not fit; returns how many they are. */
  reject(from: number, to: number, rejects: Rejects): Promise<number>
}

/** Throws `corrupt-file`, `unknown-column`, `missing-column`, `type-mismatch`, `type-unsupported`, each naming the file. */
export async function openParquet(
  engine: Engine,
  path: string,
  name: string,
  fields: readonly Field[],
  derived: Derived,
): Promise<ParquetInput> {
  const from = parquetSource([path])
  const { rows, bytes, columns } = await readingFiles(engine, [path], async () => {
    const [footer] = await engine.all(`SELECT num_rows, file_size_bytes FROM parquet_file_metadata(${quotePath(path)})`)
    return {
      rows: Number(footer!.num_rows),
      bytes: Number(footer!.file_size_bytes),
      columns: await engine.columns(`SELECT * FROM ${from}`),
    }
  })
  checkColumns(columns, name, fields, derived)

  const present = new Set(columns.map((column) => column.name))
  const read = (field: Field): string | null => (present.has(field.name) ? quoteIdentifier(field.name) : null)
  const list = selectList(fields, derived, read, (field) => sqlType(field.type))
  const found = violations(columns, fields, derived)
  const within = (first: number, end: number): string[] =>
    first === 0 && end === rows ? [] : [`file_row_number >= ${first} AND file_row_number < ${end}`]
  const where = (conditions: readonly string[]): string =>
    conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`

  return {
    path,
    rows,
    bytesOfRow: rows === 0 ? 0 : bytes / rows,
    select: (first, end) =>
      `SELECT ${list} FROM ${from}${where([...within(first, end), ...found.map((v) => `NOT (${v.condition})`)])}`,
    reject: async (first, end, rejects) => {
      if (found.length === 0 || first >= end) return 0
      const which = `CASE ${found.map((v, i) => `WHEN ${v.condition} THEN ${i}`).join(' ')} END`
      const any = `(${found.map((v) => v.condition).join(' OR ')})`
      await using bad = await engine.stream(
        `SELECT file_row_number + 1 AS line, ${which} AS which, to_json(f)::VARCHAR AS row FROM ${from} AS f` +
          where([...within(first, end), any]) +
          ' ORDER BY line',
      )
      let count = 0
      for await (const batch of bad.batches) {
        for (let r = 0; r < batch.rows; r++) {
          const { column, reason } = found[Number(batch.columns[1]![r])]!
          rejects.add(name, Number(batch.columns[0]![r]), { column, reason }, String(batch.columns[2]![r]))
        }
        count += batch.rows
      }
      return count
    },
  }
}

type InputColumn = Awaited<ReturnType<Engine['columns']>>[number]

function checkColumns(
  columns: readonly InputColumn[],
  where: string,
  fields: readonly Field[],
  derived: Derived,
): void {
  const names = columns.map((column) => column.name)
  if (names.some((name) => !fields.some((f) => f.name === name))) {
    const { column, reason } = unknownColumn(fields)(names)
    throw fail('data', 'unknown-column', `"${printable(column!)}" ${reason}`, { where })
  }
  for (const field of fields) {
    const column = columns.find((c) => c.name === field.name)
    if (column === undefined) {
      if (field.nullable || derived.fills(field.name) || derived.couldFollow(field.name, names)) continue
      throw fail(
        'data',
        'missing-column',
        `column "${printable(field.name)}" is missing, and ${derived.need(field.name)}`,
        {
          where,
        },
      )
    }
    if (column.type === null) throw typeUnsupported(column.engineType, { column: column.name, where })
    if (!widens(column.type, field.type))
      throw fail(
        'data',
        'type-mismatch',
        `column "${printable(field.name)}" is ${formatType(column.type)} in the file and ${formatType(field.type)} in the table`,
        { where, hint: 'only widening is done on the way, such as Int32 into Int64' },
      )
  }
}

interface Violation {
  readonly column: string
  readonly condition: string
  readonly reason: string
}

/** Every condition is true or false, never null. */
function violations(columns: readonly InputColumn[], fields: readonly Field[], derived: Derived): Violation[] {
  const types = new Map(columns.map((column) => [column.name, column.type]))
  const own = (name: string): string | null => (types.has(name) ? quoteIdentifier(name) : null)
  return fields.flatMap((field) => {
    const column = field.name
    const found: Violation[] = []
    const value = derived.sql(column, own(column), own) ?? 'NULL'
    if (!field.nullable && !derived.fills(column))
      found.push({ column, condition: `${value} IS NULL`, reason: `is null, and ${derived.need(column)}` })
    if (derived.mustBeFilled(column))
      found.push({ column, condition: `coalesce(${value} = '', false)`, reason: `"" ${emptyReason(column, derived)}` })
    if (column === derived.projectColumn && own(column) !== null)
      found.push({
        column,
        condition: `coalesce(${own(column)} <> ${quoteString(derived.project)}, false)`,
        reason: derived.contradiction,
      })
    if (field.type.kind === 'Json' && types.get(column)?.kind === 'Utf8')
      found.push({ column, condition: `NOT coalesce(json_valid(${own(column)}), true)`, reason: 'is not JSON' })
    const type = types.get(column)
    if (type) {
      const infinite = infiniteTime(type, own(column)!)
      if (infinite !== null) found.push({ column, condition: infinite, reason: 'holds a time that is infinite' })
      const broken = derived.rule(column)?.violated(own(column)!, type)
      if (broken) found.push({ column, ...broken, condition: `coalesce(${broken.condition}, false)` })
    }
    return found
  })
}

/** The engine has infinite dates and times, which no other reader of a table has. Null when a type holds no times. */
function infiniteTime(type: DataType, own: string): string | null {
  const inList = (list: string, item: DataType): string | null => {
    const bad = infiniteTime(item, 'item')
    return bad && `coalesce(len(list_filter(${list}, lambda item: ${bad})) > 0, false)`
  }
  switch (type.kind) {
    case 'Date32':
    case 'Timestamp':
      return `NOT coalesce(isfinite(${own}), true)`
    case 'List':
      return inList(own, type.item)
    case 'Map':
      return inList(`map_values(${own})`, type.value)
    case 'Struct': {
      const bad = type.fields.flatMap(({ name, type: member }) => {
        const condition = infiniteTime(member, `struct_extract(${own}, ${quoteString(name)})`)
        return condition === null ? [] : [condition]
      })
      return bad.length === 0 ? null : `(${bad.join(' OR ')})`
    }
    default:
      return null
  }
}

const integerBits = (kind: string): { signed: boolean; bits: number } | null => {
  const match = /^(U?)Int(\d+)$/.exec(kind)
  return match && { signed: match[1] === '', bits: Number(match[2]) }
}

/**
 * Every value of `from` has the same meaning in `to`. Zone-less times are read as UTC; digits below the column's unit are cut off, as
 * they are from text.
 */
export function widens(from: DataType, to: DataType): boolean {
  const [a, b] = [integerBits(from.kind), integerBits(to.kind)]
  if (a && b) return a.signed === b.signed ? a.bits <= b.bits : !a.signed && a.bits < b.bits
  if (a && to.kind === 'Float64') return a.bits <= 32
  switch (to.kind) {
    case 'Float64':
      return from.kind === 'Float32' || from.kind === 'Float64'
    case 'Decimal128':
      return (
        from.kind === 'Decimal128' && from.scale <= to.scale && from.precision - from.scale <= to.precision - to.scale
      )
    case 'Timestamp':
      return from.kind === 'Timestamp' && (from.zone === null || to.zone !== null)
    case 'Utf8':
    case 'Json':
      return from.kind === 'Utf8' || from.kind === 'Json'
    case 'List':
      return from.kind === 'List' && widens(from.item, to.item)
    case 'Map':
      return from.kind === 'Map' && widens(from.key, to.key) && widens(from.value, to.value)
    case 'Struct':
      return from.kind === 'Struct' && structWidens(from.fields, to.fields)
    default:
      return from.kind === to.kind
  }
}

function structWidens(from: readonly Field[], to: readonly Field[]): boolean {
  const known = from.every((f) => to.some((t) => t.name === f.name && widens(f.type, t.type)))
  return known && to.every((t) => t.nullable || from.some((f) => f.name === t.name))
}
