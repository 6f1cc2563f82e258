/** JSON whose integers beyond 2^53 survive: statistics, identity columns and transaction versions are 64-bit. */
import type { Json } from '../../../core/json.ts'

/** Members that TypeScript's library does not know yet (Node 22+). */
const json = JSON as unknown as {
  rawJSON(text: string): object
  parse(text: string, revive: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
  stringify(value: unknown, replace?: (key: string, value: unknown) => unknown): string
}

/** Integers that a number cannot hold come back as bigint; everything else as JSON.parse gives it. */
export function parseExact(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source) && !Number.isSafeInteger(value)
      ? BigInt(source)
      : value,
  )
}

/** The inverse: bigint becomes a bare integer. */
export function formatExact(value: unknown): string {
  return json.stringify(value, (_key, member) => (typeof member === 'bigint' ? json.rawJSON(String(member)) : member))
}

export type ExactJson = Json | bigint | readonly ExactJson[] | { readonly [key: string]: ExactJson | undefined }

export const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
