/**
 * Cells in SQLite: integers, dates (days) and times (microseconds, or nanoseconds) as 64-bit INTEGER; decimals and UInt64 as exact TEXT;
 * floating point in a column of type ANY, because a REAL one would drop the sign of -0.0, and NaN (which SQLite stores as NULL) as TEXT.
 */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Cell } from '../../../core/batch.ts'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Column } from '../topology.ts'
import { decimalText, longestText, uuidText } from '../types.ts'
import { textWithNul } from './errors.ts'

export function sqliteType({ type }: Column): 'INTEGER' | 'TEXT' | 'BLOB' | 'ANY' {
  switch (type.kind) {
    case 'Float32':
    case 'Float64':
      return 'ANY'
    case 'Utf8':
    case 'Json':
    case 'Decimal128':
    case 'UInt64':
      return 'TEXT'
    case 'Binary':
      return 'BLOB'
    default:
      return 'INTEGER'
  }
}

/** What the column's type does not say. */
export function sqliteCheck(column: Column, name: string): string {
  const most = longestText(column)
  return most === null ? '' : ` CHECK (length(${name}) <= ${most})`
}

export function toSqlite({ name, type, domain }: Column): (cell: Cell) => SQLInputValue {
  if (domain === 'uuid') return (cell) => (cell === null ? null : exactUuid(String(cell), name))
  switch (type.kind) {
    case 'Boolean':
      return (cell) => (cell === null ? null : cell ? 1n : 0n)
    case 'Float32':
    case 'Float64':
      return (cell) => (Number.isNaN(cell) ? 'NaN' : (cell as number | null))
    case 'UInt64':
      return (cell) => (cell === null ? null : String(cell))
    case 'Decimal128':
      return (cell) => (cell === null ? null : exactDecimal(String(cell), type.scale, name))
    case 'Utf8':
    case 'Json':
      return (cell) => {
        if (typeof cell === 'string' && cell.includes('\0')) throw textWithNul(name)
        return cell as string | null
      }
    case 'Binary':
      return (cell) => cell as Uint8Array | null
    default:
      return (cell) => (cell === null ? null : BigInt(cell as number | bigint))
  }
}

function exactUuid(text: string, column: string): string {
  const uuid = uuidText(text)
  if (uuid === null) throw fail('data', 'bad-uuid', `column "${printable(column)}": "${printable(text)}" is no UUID`)
  return uuid
}

export function exactDecimal(text: string, scale: number, column: string): string {
  const exact = decimalText(text, scale)
  if (exact === undefined)
    throw fail(
      'data',
      'digits-lost',
      `column "${printable(column)}" has ${scale} digits after the point: ${printable(text)}`,
    )
  return exact
}

/** Values as node:sqlite reads them with big integers. */
export function fromSqlite({ type }: Column): (value: SQLOutputValue) => Cell {
  switch (type.kind) {
    case 'Boolean':
      return (value) => (value === null ? null : value === 1n)
    case 'Float32':
    case 'Float64':
      return (value) => (value === 'NaN' ? Number.NaN : value === null ? null : Number(value))
    case 'UInt64':
      return (value) => (value === null ? null : BigInt(value as string))
    case 'Int64':
    case 'Timestamp':
    case 'Utf8':
    case 'Json':
    case 'Decimal128':
    case 'Binary':
      return (value) => value as Cell
    default:
      return (value) => (value === null ? null : Number(value))
  }
}
