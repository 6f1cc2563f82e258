/** The two ways in which a name or a value enters SQL text. Any text reads back the same. */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

/** Throws `bad-name` for NUL, which no name in the engine can hold. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw fail('data', 'bad-name', `"${printable(name)}" cannot be a column name: it holds NUL`)
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A standard string literal: a backslash means nothing, a quote is doubled. With NUL, where the engine's statements end, it is an
 * expression: no option or path may hold one.
 */
export function quoteString(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`)
  return parts.length === 1 ? parts[0]! : `(${parts.join(' || chr(0) || ')})`
}

/** A list literal of strings. */
export const quoteStrings = (texts: readonly string[]): string => `[${texts.map(quoteString).join(', ')}]`

/** The engine expands `*`, `?` and `[` wherever it takes a path; here each stands in brackets, so it names exactly one file. */
export const literalPath = (path: string): string => path.replace(/[*?[]/g, '[$&]')

export const quotePath = (path: string): string => quoteString(literalPath(path))

/** Parquet files as a table of their own columns: what stands in their paths is never read as one. */
export const parquetSource = (paths: readonly string[], ...options: readonly string[]): string =>
  `read_parquet([${paths.map(quotePath).join(', ')}], ${['hive_partitioning = false', ...options].join(', ')})`
