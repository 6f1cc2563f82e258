/**
 * What a locked query may say, decided on the engine's own parse of it before anything is bound or opened: the settings alone would
 * still let COPY overwrite an allowed file.
 */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

const allowedTableFunctions = ['range', 'generate_series', 'unnest', 'json_each', 'json_tree', 'repeat']
/** They tell about the process, the settings or other statements, keep state, or wait. Anything else works on its arguments alone. */
export const refusedFunctions =
  /^(pg_(?!typeof$|size_pretty$).*|has_.*_privilege|current_(setting|query|query_id|connection_id|transaction_id)|getenv|getvariable|nextval|currval|setval|write_log|sleep_ms|txid_current|json_execute_serialized_sql|json_deserialize_sql|set_config|read_.*|duckdb_.*|pragma_.*|query|query_table|glob|sniff_csv)$/

const rule = 'one SELECT (WITH is allowed) over the tables that were chosen'

interface Parsed {
  readonly error: boolean
  readonly error_type?: string
  readonly error_message?: string
  /** Of a syntax error: characters from the beginning of the query. */
  readonly position?: string
  readonly statements?: readonly unknown[]
}

/** Throws `query-not-allowed` for what is not allowed, `bad-query` for a syntax error. `parsed` is what json_serialize_sql gives for `sql`. */
export function checkQuery(parsed: string, sql: string, tables: readonly string[]): void {
  const tree = JSON.parse(parsed) as Parsed
  if (tree.error) {
    if (tree.error_type !== 'parser') throw refused('this is not a SELECT')
    const before = sql.slice(0, Number(tree.position ?? 0)).split('\n')
    throw fail('usage', 'bad-query', `the query has a syntax error: ${printable(tree.error_message ?? '')}`, {
      where: `query:${before.length}:${before.at(-1)!.length + 1}`,
    })
  }
  if (tree.statements?.length !== 1) throw refused(`it has ${tree.statements?.length ?? 0} statements`)
  const names = new Set(tables.map((name) => name.toLowerCase()))
  visit(tree.statements[0], names, tables)
}

type Node = { readonly [key: string]: unknown }

/** `visible` holds the chosen tables and the WITH names in scope, lower case. */
function visit(value: unknown, visible: ReadonlySet<string>, tables: readonly string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, visible, tables)
    return
  }
  if (value === null || typeof value !== 'object') return
  const node = value as Node
  const scope = withNames(node, visible)
  if (node.type === 'SHOW_REF') throw refused('it has DESCRIBE, SHOW or SUMMARIZE')
  if (node.type === 'BASE_TABLE') checkTable(node, scope, tables)
  if (node.type === 'TABLE_FUNCTION') checkTableFunction(node)
  if (node.class === 'FUNCTION') checkFunction(node)
  if (node.class === 'PARAMETER') throw refused('it has a parameter, and there are no values for it')
  for (const child of Object.values(node)) visit(child, scope, tables)
}

function withNames(node: Node, visible: ReadonlySet<string>): ReadonlySet<string> {
  const map = (node.cte_map as { map?: { key: string }[] } | undefined)?.map ?? []
  const recursive = typeof node.cte_name === 'string' ? [node.cte_name] : []
  if (map.length + recursive.length === 0) return visible
  return new Set([...visible, ...[...map.map((entry) => entry.key), ...recursive].map((name) => name.toLowerCase())])
}

function checkTable(node: Node, visible: ReadonlySet<string>, tables: readonly string[]): void {
  const name = String(node.table_name)
  const qualified = [node.catalog_name, node.schema_name, name].filter((part) => part !== '').join('.')
  if (qualified === name && visible.has(name.toLowerCase())) return
  throw refused(
    `it reads "${printable(qualified)}"`,
    `the query sees ${tables.map((t) => `"${printable(t)}"`).join(', ')}`,
  )
}

function checkTableFunction(node: Node): void {
  const name = functionName(node.function as Node)
  if (!allowedTableFunctions.includes(name))
    throw refused(`it calls the table function ${printable(name)}`, `allowed are ${allowedTableFunctions.join(', ')}`)
}
function checkFunction(node: Node): void {
  const name = functionName(node)
  if (refusedFunctions.test(name)) throw refused(`it calls the function ${printable(name)}`)
}
const functionName = (node: Node): string => String(node.function_name).toLowerCase()

function refused(why: string, hint?: string): Error {
  return fail('refused', 'query-not-allowed', `the query is not allowed: ${why}`, {
    hint: hint ?? `allowed is ${rule}`,
  })
}
