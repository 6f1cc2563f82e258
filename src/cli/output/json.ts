/** Machine output: exact 64-bit integers, RFC 3339 times, and nothing that a terminal would obey. */
import { escapeCharacter } from './text.ts'

/** Below U+0020 JSON escapes by itself; these it would print as they are. */
const unsafe = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** `indent` null: one line. 64-bit integers are numbers while safe, else strings; NaN and infinities are strings; bytes base64. */
export function jsonText(value: unknown, indent: number | null = 2): string {
  const text = JSON.stringify(value, plain, indent ?? undefined) ?? 'null'
  return text.replace(unsafe, escapeCharacter)
}

function plain(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  // Buffer has a toJSON of its own: look at what was there before it.
  const raw = (this as Record<string, unknown>)[key]
  if (raw instanceof Uint8Array) return Buffer.from(raw).toString('base64')
  return value
}
