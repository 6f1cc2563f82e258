/** Cells of REST answers (`{f: [{v}]}`, all text) as canonical cells, by the schema of the same answer and nothing else. */
import type { Batch, Cell } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import { microsOf } from '../../core/exact-time.ts'
import { printable } from '../../core/ref.ts'
import type { DataType, Field } from '../../core/types.ts'
import type { WireRow } from './requests.ts'
import { type FieldSchema, fieldOf, typeName } from './types.ts'

type Decode = (value: unknown) => Cell

/** Columns `count` at first of the answer, as a batch. Throws `data` for what is no value of its column, naming it. */
export function decodeRows(schema: readonly FieldSchema[], rows: readonly WireRow[], fields: readonly Field[]): Batch {
  const decoders = fields.map((field, i) => decoder(schema[i]!, field.type))
  return { fields, columns: decoders.map((decode, c) => rows.map((row) => decode(row.f[c]!.v))), rows: rows.length }
}

/** An answer's own schema says types and not whether a column may be NULL: `known` does. */
function decoder(schema: FieldSchema, known: DataType): Decode {
  const { type } = fieldOf(schema)
  // BIGNUMERIC with bounds: the answer's schema does not repeat them.
  if (type.kind !== known.kind && !(type.kind === 'Utf8' && known.kind === 'Decimal128'))
    throw fail('data', 'schema-changed', `column ${printable(schema.name)} was ${known.kind} and is ${type.kind} now`, {
      hint: 'run the sync again: it looks at the source anew',
      retry: 'later',
    })
  const decode = plain(schema, known)
  return (value) => {
    if (value === null || value === undefined) return known.kind === 'List' ? [] : null
    const cell = decode(value)
    if (cell === undefined)
      throw fail(
        'data',
        'bad-value',
        `column ${printable(schema.name)}: ${printable(String(value))} is no ${typeName(schema)}`,
      )
    return cell
  }
}
/** Undefined: no value of this type. */
function plain(schema: FieldSchema, type: DataType): (value: any) => Cell | undefined {
  switch (type.kind) {
    case 'List': {
      const item = decoder({ ...schema, mode: 'NULLABLE' }, type.item)
      return (items: readonly { v: unknown }[]) => items.map(({ v }) => item(v))
    }
    case 'Struct': {
      const members = type.fields.map((field, i) => decoder(schema.fields![i]!, field.type))
      return (row: WireRow) => members.map((member, i) => member(row.f[i]!.v))
    }
    case 'Int64':
      return (text: string) => (/^-?\d+$/.test(text) ? BigInt(text) : undefined)
    case 'Float64':
      return float
    case 'Boolean':
      return (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined)
    case 'Binary':
      return (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))
    case 'Date32':
      return (text: string) => {
        const micros = microsOf(text)
        return micros === null ? undefined : Number(micros / 86_400_000_000n)
      }
    case 'Timestamp':
      // An instant comes as microseconds (formatOptions.useInt64Timestamp), a wall-clock time as text.
      return (text: string) =>
        /^-?\d+$/.test(text) ? BigInt(text) : type.zone === null ? (microsOf(text) ?? undefined) : undefined
    case 'Decimal128':
      return (text: string) => decimalText(text, type.scale)
    default:
      return (text: unknown) => (typeof text === 'string' ? text : undefined)
  }
}

const floats: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  inf: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
}
function float(text: string): number | undefined {
  const special = floats[text]
  if (special !== undefined) return special
  const number = text === '' ? Number.NaN : Number(text)
  return Number.isNaN(number) ? undefined : number
}

/** All digits of the scale: `1.5` of NUMERIC is `1.500000000`. */
function decimalText(text: string, scale: number): string | undefined {
  const match = /^(-?)0*(\d+)(?:\.(\d*))?$/.exec(text)
  const fraction = (match?.[3] ?? '').replace(/0+$/, '')
  if (!match || fraction.length > scale) return undefined
  return `${match[1]}${match[2]}${scale === 0 ? '' : `.${fraction.padEnd(scale, '0')}`}`
}
