/**
 * key → canonical bytes → xxh64 → bucket. Never the JavaScript value: 1, "1" and 1n of an integer column, and a UUID in capitals and in
 * small letters, have the same bytes. Text is taken as it is, not normalised, because both engines tell its forms apart too.
 * A change here would lose every row of every table: test/sharded-sql/buckets.test.ts holds golden vectors.
 */
import type { Cell } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import type { DataType } from '../../core/types.ts'
import type { Domain } from './topology.ts'

/** First byte of the canonical bytes. */
const tag = { boolean: 1, integer: 2, unsigned: 3, decimal: 4, text: 5, binary: 6, date: 7, time: 8, uuid: 9 } as const

const integers = new Set(['Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64'])

/** Floating point has several forms of one number, and Json of one document. */
export const canBeKey = ({ kind }: DataType): boolean =>
  integers.has(kind) || ['Boolean', 'Decimal128', 'Utf8', 'Binary', 'Date32', 'Timestamp'].includes(kind)

export function canonicalBytes(type: DataType, domain: Domain, cell: Exclude<Cell, null>): Uint8Array {
  if (integers.has(type.kind)) return integer(BigInt(cell as number))
  switch (type.kind) {
    case 'Boolean':
      return Uint8Array.of(tag.boolean, cell ? 1 : 0)
    case 'Decimal128':
      return tagged(tag.decimal, new TextEncoder().encode(shortestDecimal(String(cell))))
    case 'Utf8':
      if (domain === 'uuid') return tagged(tag.uuid, Buffer.from(String(cell).replaceAll('-', ''), 'hex'))
      return tagged(tag.text, new TextEncoder().encode(String(cell)))
    case 'Binary':
      return tagged(tag.binary, cell as Uint8Array)
    case 'Date32':
      return int64(tag.date, BigInt(cell as number))
    case 'Timestamp':
      return int64(tag.time, BigInt(cell as bigint))
    default:
      throw fail('bug', 'no-key', `a ${type.kind} cannot be a shard key`)
  }
}

const integer = (value: bigint): Uint8Array =>
  value < 2n ** 63n ? int64(tag.integer, value) : int64(tag.unsigned, BigInt.asIntN(64, value))

function int64(first: number, value: bigint): Uint8Array {
  const bytes = new Uint8Array(9)
  bytes[0] = first
  new DataView(bytes.buffer).setBigInt64(1, value)
  return bytes
}

function tagged(first: number, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rest.length + 1)
  bytes[0] = first
  bytes.set(rest, 1)
  return bytes
}

/** `1.50` and `1.5` are one number, `-0.0` and `0` too. */
function shortestDecimal(text: string): string {
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return short === '-0' || short === '' || short === '-' ? '0' : short
}

export type Hash64 = (bytes: Uint8Array) => bigint

export async function loadHash(): Promise<Hash64> {
  const { default: xxhash } = await import('xxhash-wasm')
  const { h64Raw } = await xxhash()
  return (bytes) => h64Raw(bytes)
}

/** The top 12 bits. */
export const bucketOf = (hash: Hash64, bytes: Uint8Array): number => Number(hash(bytes) >> 52n)
