/** Values in three forms: as JSON in insertAll, as the evaluator's ValueProto, as cells of BigQuery's REST answers (all text). */

/** The evaluator's ValueProto: one member, or none for NULL. */
export type ZetaCell = Readonly<Record<string, any>>
/** The evaluator's TypeProto. */
export type ZetaType = Readonly<Record<string, any>>

/** BigQuery REST reference, "TableFieldSchema". */
export interface Field {
  readonly name: string
  readonly type: string
  readonly mode?: string
  readonly fields?: readonly Field[]
  readonly rangeElementType?: { readonly type: string }
  readonly [more: string]: unknown
}
export interface Column {
  readonly name: string
  readonly type: ZetaType
}

const kinds: Readonly<Record<string, string>> = {
  INTEGER: 'TYPE_INT64',
  INT64: 'TYPE_INT64',
  FLOAT: 'TYPE_DOUBLE',
  FLOAT64: 'TYPE_DOUBLE',
  BOOLEAN: 'TYPE_BOOL',
  BOOL: 'TYPE_BOOL',
  STRING: 'TYPE_STRING',
  BYTES: 'TYPE_BYTES',
  DATE: 'TYPE_DATE',
  TIME: 'TYPE_TIME',
  DATETIME: 'TYPE_DATETIME',
  TIMESTAMP: 'TYPE_TIMESTAMP',
  NUMERIC: 'TYPE_NUMERIC',
  BIGNUMERIC: 'TYPE_BIGNUMERIC',
  JSON: 'TYPE_JSON',
  // The evaluator has neither literals nor functions for these two: columns of theirs are held as the text that the wire brings.
  GEOGRAPHY: 'TYPE_STRING',
  INTERVAL: 'TYPE_STRING',
}
/** As query results name them. */
const names: Readonly<Record<string, string>> = {
  TYPE_INT64: 'INTEGER',
  TYPE_DOUBLE: 'FLOAT',
  TYPE_BOOL: 'BOOLEAN',
  TYPE_STRING: 'STRING',
  TYPE_BYTES: 'BYTES',
  TYPE_DATE: 'DATE',
  TYPE_TIME: 'TIME',
  TYPE_DATETIME: 'DATETIME',
  TYPE_TIMESTAMP: 'TIMESTAMP',
  TYPE_NUMERIC: 'NUMERIC',
  TYPE_BIGNUMERIC: 'BIGNUMERIC',
  TYPE_JSON: 'JSON',
}

export function zetaType(field: Field): ZetaType {
  if (field.mode === 'REPEATED')
    return { type_kind: 'TYPE_ARRAY', array_type: { element_type: zetaType({ ...field, mode: 'NULLABLE' }) } }
  if (field.type === 'RECORD' || field.type === 'STRUCT')
    return {
      type_kind: 'TYPE_STRUCT',
      struct_type: {
        field: (field.fields ?? []).map((member) => ({ field_name: member.name, field_type: zetaType(member) })),
      },
    }
  if (field.type === 'RANGE')
    return { type_kind: 'TYPE_RANGE', range_type: { element_type: { type_kind: kinds[field.rangeElementType!.type] } } }
  const kind = kinds[field.type]
  if (kind === undefined) throw new Error(`Invalid value for type: ${field.type} is not a valid value`)
  return { type_kind: kind }
}

/** The schema of a result: BigQuery tells no REQUIRED there. */
export function resultField(name: string, type: ZetaType): Field {
  switch (type.type_kind) {
    case 'TYPE_ARRAY':
      return { ...resultField(name, type.array_type.element_type), mode: 'REPEATED' }
    case 'TYPE_STRUCT': {
      const members: readonly any[] = type.struct_type?.field ?? []
      const fields = members.map((member) => resultField(member.field_name, member.field_type))
      return { name, type: 'RECORD', mode: 'NULLABLE', fields }
    }
    case 'TYPE_RANGE':
      return {
        name,
        type: 'RANGE',
        mode: 'NULLABLE',
        rangeElementType: { type: names[type.range_type.element_type.type_kind]! },
      }
    default:
      return { name, type: names[type.type_kind] ?? type.type_kind, mode: 'NULLABLE' }
  }
}

/** What insertAll and query parameters bring. */
export function toZeta(type: ZetaType, value: unknown): ZetaCell {
  if (type.type_kind === 'TYPE_ARRAY')
    return {
      array_value: {
        element: ((value ?? []) as unknown[]).map((item) => toZeta(type.array_type.element_type, item)),
      },
    }
  if (value === null || value === undefined) return {}
  const text = String(value)
  switch (type.type_kind) {
    case 'TYPE_INT64':
      if (!/^-?\d+$/.test(text)) throw new Error(`Cannot convert value to integer (bad value): ${text}`)
      return { int64_value: text }
    case 'TYPE_DOUBLE':
      return { double_value: Number(text.replace(/^(\+|-)?inf$/i, '$1Infinity')) }
    case 'TYPE_BOOL':
      return { bool_value: text === 'true' }
    case 'TYPE_BYTES':
      return { bytes_value: Buffer.from(text, 'base64') }
    case 'TYPE_DATE':
      return { date_value: days(text) }
    case 'TYPE_TIME':
      return { time_value: String(timeBits(text)) }
    case 'TYPE_DATETIME':
      return datetime(text)
    case 'TYPE_TIMESTAMP':
      return timestamp(/^-?\d+$/.test(text) ? BigInt(text) : micros(text))
    case 'TYPE_NUMERIC':
      return { numeric_value: decimalBytes(text, 9) }
    case 'TYPE_BIGNUMERIC':
      return { bignumeric_value: decimalBytes(text, 38) }
    case 'TYPE_JSON':
      return { json_value: typeof value === 'string' ? value : JSON.stringify(value) }
    case 'TYPE_STRUCT': {
      const members: readonly any[] = type.struct_type?.field ?? []
      return {
        struct_value: {
          field: members.map((member) => toZeta(member.field_type, (value as any)[member.field_name])),
        },
      }
    }
    case 'TYPE_RANGE': {
      const [start, end] = text.slice(1, -1).split(',') as [string, string]
      const bound = (side: string) =>
        toZeta(type.range_type.element_type, /^unbounded$/i.test(side.trim()) ? null : side.trim())
      return { range_value: { start: bound(start), end: bound(end) } }
    }
    default:
      return { string_value: text }
  }
}

/** A cell of `{f: [{v}]}`: text, null, or nested. `int64Timestamps` is formatOptions.useInt64Timestamp. */
export function toWire(type: ZetaType, cell: ZetaCell, int64Timestamps: boolean): unknown {
  const nested = (inner: ZetaType, value: ZetaCell) => ({ v: toWire(inner, value, int64Timestamps) })
  if (type.type_kind === 'TYPE_ARRAY')
    return (cell.array_value?.element ?? []).map((item: ZetaCell) => nested(type.array_type.element_type, item))
  if (Object.keys(cell).length === 0) return null
  switch (type.type_kind) {
    case 'TYPE_INT64':
      return cell.int64_value
    case 'TYPE_DOUBLE':
      return Object.is(cell.double_value, -0) ? '-0.0' : String(cell.double_value)
    case 'TYPE_BOOL':
      return String(cell.bool_value)
    case 'TYPE_BYTES':
      return Buffer.from(cell.bytes_value).toString('base64')
    case 'TYPE_DATE':
      return dateText(cell.date_value)
    case 'TYPE_TIME':
      return timeText(BigInt(cell.time_value))
    case 'TYPE_DATETIME':
      return datetimeText(cell.datetime_value)
    case 'TYPE_TIMESTAMP': {
      const { seconds = '0', nanos = 0 } = cell.timestamp_value
      const count = BigInt(seconds) * 1_000_000n + BigInt(Math.trunc(nanos / 1000))
      return int64Timestamps ? String(count) : decimalText(count, 6)
    }
    case 'TYPE_NUMERIC':
      return decimalText(signed(cell.numeric_value), 9)
    case 'TYPE_BIGNUMERIC':
      return decimalText(signed(cell.bignumeric_value), 38)
    case 'TYPE_JSON':
      return cell.json_value
    case 'TYPE_STRUCT': {
      const members: readonly any[] = type.struct_type?.field ?? []
      return { f: members.map((member, i) => nested(member.field_type, cell.struct_value.field[i])) }
    }
    case 'TYPE_RANGE': {
      const bound = (side: ZetaCell) => toWire(type.range_type.element_type, side ?? {}, int64Timestamps) ?? 'UNBOUNDED'
      return `[${bound(cell.range_value.start)}, ${bound(cell.range_value.end)})`
    }
    default:
      return cell.string_value
  }
}

/** Logical bytes of a value (BigQuery pricing, "Data size calculation"). */
export function sizeOf(type: ZetaType, cell: ZetaCell): number {
  if (Object.keys(cell).length === 0) return 0
  switch (type.type_kind) {
    case 'TYPE_ARRAY':
      return (cell.array_value.element as ZetaCell[]).reduce((n, v) => n + sizeOf(type.array_type.element_type, v), 0)
    case 'TYPE_STRUCT':
      return (cell.struct_value.field as ZetaCell[]).reduce(
        (n, v, i) => n + sizeOf(type.struct_type.field[i].field_type, v),
        0,
      )
    case 'TYPE_STRING':
    case 'TYPE_JSON':
      return 2 + Buffer.byteLength(cell.string_value ?? cell.json_value)
    case 'TYPE_BYTES':
      return 2 + cell.bytes_value.length
    case 'TYPE_BOOL':
      return 1
    case 'TYPE_NUMERIC':
    case 'TYPE_RANGE':
      return 16
    case 'TYPE_BIGNUMERIC':
      return 32
    default:
      return 8
  }
}

const days = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000
const dateText = (count: number): string => new Date(count * 86_400_000).toISOString().slice(0, 10)

function micros(text: string): bigint {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\d*(?: ?UTC|Z)?$/.exec(text)
  if (!match) throw new Error(`Could not parse '${text}' as a timestamp`)
  return BigInt(Date.parse(`${match[1]}T${match[2]}Z`)) * 1000n + BigInt((match[3] ?? '').padEnd(6, '0'))
}
function timestamp(count: bigint): ZetaCell {
  const rest = ((count % 1_000_000n) + 1_000_000n) % 1_000_000n
  return { timestamp_value: { seconds: String((count - rest) / 1_000_000n), nanos: Number(rest) * 1000 } }
}

// Bit fields of ZetaSQL's civil_time.h: hour 5, minute 6, second 6 bits; before them year, month 4, day 5; nanoseconds 30 below a TIME.
function clock(text: string): { seconds: bigint; nanos: bigint } {
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text)
  if (!match) throw new Error(`Could not parse '${text}' as a time`)
  return {
    seconds: (BigInt(match[1]!) << 12n) | (BigInt(match[2]!) << 6n) | BigInt(match[3]!),
    nanos: BigInt((match[4] ?? '').padEnd(9, '0')),
  }
}
function timeBits(text: string): bigint {
  const { seconds, nanos } = clock(text)
  return (seconds << 30n) | nanos
}
const two = (n: bigint): string => String(n).padStart(2, '0')
const clockText = (seconds: bigint, nanos: bigint): string =>
  `${two((seconds >> 12n) & 31n)}:${two((seconds >> 6n) & 63n)}:${two(seconds & 63n)}${
    nanos === 0n ? '' : `.${String(nanos / 1000n).padStart(6, '0')}`
  }`
const timeText = (bits: bigint): string => clockText(bits >> 30n, bits & ((1n << 30n) - 1n))

function datetime(text: string): ZetaCell {
  const [date, time = '00:00:00'] = text.split(/[T ]/) as [string, string?]
  const [year, month, day] = date.split('-').map(BigInt) as [bigint, bigint, bigint]
  const { seconds, nanos } = clock(time)
  const bits = (year << 26n) | (month << 22n) | (day << 17n) | seconds
  return { datetime_value: { bit_field_datetime_seconds: String(bits), nanos: Number(nanos) } }
}
function datetimeText({ bit_field_datetime_seconds, nanos = 0 }: any): string {
  const bits = BigInt(bit_field_datetime_seconds)
  const date = `${String(bits >> 26n).padStart(4, '0')}-${two((bits >> 22n) & 15n)}-${two((bits >> 17n) & 31n)}`
  return `${date}T${clockText(bits & ((1n << 17n) - 1n), BigInt(nanos))}`
}

/** NumericValue::SerializeAsProtoBytes: the scaled integer, two's complement, little end first, as short as it can be. */
function decimalBytes(text: string, scale: number): Buffer {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text)
  if (!match || (match[3] ?? '').length > scale) throw new Error(`Invalid NUMERIC value: ${text}`)
  const magnitude = BigInt(`${match[2]}${(match[3] ?? '').padEnd(scale, '0')}`)
  let value = match[1] ? -magnitude : magnitude
  const bytes: number[] = []
  for (;;) {
    const byte = Number(value & 255n)
    bytes.push(byte)
    value >>= 8n
    if ((value === 0n && byte < 128) || (value === -1n && byte >= 128)) return Buffer.from(bytes)
  }
}
function signed(bytes: Uint8Array): bigint {
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return BigInt.asIntN(Math.max(bytes.length, 1) * 8, value)
}
function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const fraction = digits.slice(-scale).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`
}
