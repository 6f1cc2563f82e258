/**
 * Column types ↔ attributes. Harper keeps numbers as doubles and times in milliseconds (measured with 4.7): what would lose something is
 * text of a form that sorts as its values do, where there is one.
 */
import type { Cell } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import { exactTime } from '../../core/exact-time.ts'
import { printable } from '../../core/ref.ts'
import type { DataType, Field } from '../../core/types.ts'

/** The type that an attribute is made with. */
export function attributeType(type: DataType): string {
  switch (type.kind) {
    case 'Boolean':
      return 'Boolean'
    case 'Int8':
    case 'Int16':
    case 'Int32':
    case 'UInt8':
    case 'UInt16':
      return 'Int'
    case 'UInt32':
      return 'Long'
    case 'Int64':
      // `BigInt` keeps 0 as NULL, `Long` ends at 2^53 (both measured with 4.7).
      return 'Any'
    case 'Float32':
    case 'Float64':
      // `Float` refuses NaN and the infinities, which are text here.
      return 'Any'
    case 'List':
    case 'Map':
    case 'Struct':
      return 'Any'
    default:
      return 'String'
  }
}

/** What an attribute of another program's table is. */
export function fieldOf(attribute: { attribute: string; type?: string; is_primary_key?: boolean }): Field {
  return {
    name: attribute.attribute,
    type: others[attribute.type ?? ''] ?? { kind: 'Json' },
    nullable: attribute.is_primary_key !== true,
  }
}
const others: Readonly<Record<string, DataType>> = {
  ID: { kind: 'Utf8' },
  String: { kind: 'Utf8' },
  Boolean: { kind: 'Boolean' },
  Int: { kind: 'Int32' },
  Long: { kind: 'Int64' },
  BigInt: { kind: 'Int64' },
  Float: { kind: 'Float64' },
  Date: { kind: 'Timestamp', unit: 'Millisecond', zone: 'UTC' },
  Bytes: { kind: 'Binary' },
  Blob: { kind: 'Binary' },
}

/** Harper refuses the first by itself; the next two break the table that has them; into the last it writes its own times. */
const forbidden = ['__proto__', 'constructor', 'prototype', '__createdtime__', '__updatedtime__']

/** Throws `refused` for a name that Harper cannot keep, at any depth. */
export function refuseNames(fields: readonly Field[]): void {
  for (const field of fields) {
    if (field.name === '' || forbidden.includes(field.name))
      throw fail('refused', 'name-unsupported', `Harper cannot keep a column named "${printable(field.name)}"`, {
        hint: 'leave the column out, or rename it at the source',
      })
    refuseNames(membersOf(field.type))
  }
}
function membersOf(type: DataType): readonly Field[] {
  if (type.kind === 'Struct') return type.fields
  if (type.kind === 'List') return membersOf(type.item)
  return type.kind === 'Map' ? [...membersOf(type.key), ...membersOf(type.value)] : []
}

/** A cell as Harper takes it: JSON. */
export function jsonOf(type: DataType, cell: Cell): unknown {
  if (cell === null) return null
  switch (type.kind) {
    case 'Int64':
      // Beyond 2^53 a JSON number is rounded: digits as text.
      return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell)
    case 'UInt64':
      return String(cell)
    case 'Float32':
    case 'Float64':
      return Number.isFinite(cell) ? cell : String(cell)
    case 'Binary':
      return Buffer.from(cell as Uint8Array).toString('base64')
    case 'Date32':
      return exactTime(BigInt(cell as number) * 86_400_000_000n).slice(0, 10)
    case 'Timestamp':
      return timestampText(type, cell as bigint)
    case 'List':
      return (cell as readonly Cell[]).map((item) => jsonOf(type.item, item))
    case 'Struct':
      return Object.fromEntries(
        type.fields.map((field, i) => [field.name, jsonOf(field.type, (cell as readonly Cell[])[i]!)]),
      )
    case 'Map':
      return (cell as readonly (readonly Cell[])[]).map(([key, value]) => [
        jsonOf(type.key, key!),
        jsonOf(type.value, value!),
      ])
    default:
      return cell
  }
}

/** With six digits, or nine where the type has nanoseconds; `Z` where it has a zone. */
function timestampText(type: Extract<DataType, { kind: 'Timestamp' }>, cell: bigint): string {
  const nanos = type.unit === 'Nanosecond'
  const rest = nanos ? ((cell % 1000n) + 1000n) % 1000n : 0n
  const text = exactTime(nanos ? (cell - rest) / 1000n : cell).slice(0, -1)
  return `${text}${nanos ? String(rest).padStart(3, '0') : ''}${type.zone === null ? '' : 'Z'}`
}
