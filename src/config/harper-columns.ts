/** Harper's `columns`: a list of names, or all of them in four spellings. */

/** `names` null: all columns. The messages are those of Harper's plugin. */
export function harperColumns(
  columns: unknown,
  timestampColumn: string,
): { readonly names: readonly string[] | null } | { readonly problem: string } {
  if (columns === undefined || columns === null || columns === '*') return { names: null }
  if (!Array.isArray(columns))
    return { problem: `Invalid columns type: ${typeof columns}. Expected array of strings, "*", or undefined.` }
  if (columns.length === 0) return { problem: 'Column array cannot be empty. Use "*" or omit for SELECT *' }
  if (!columns.every((name) => typeof name === 'string')) return { problem: 'All columns must be strings' }
  const names = columns.map((name: string) => name.trim())
  if (names.includes('')) return { problem: 'Column names cannot be empty strings' }
  if (names.length === 1 && names[0] === '*') return { names: null }
  if (names.includes(timestampColumn)) return { names }
  return {
    problem: `Timestamp column '${timestampColumn}' must be included in columns list. Add it to the array or use "*" to select all columns.`,
  }
}
