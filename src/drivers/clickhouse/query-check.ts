/**
 * What a query may say. The server's own parser judges it, never a pattern over its text: `formatQuery` makes one canonical statement of
 * it, EXPLAIN AST shows what it names, and EXPLAIN QUERY TREE to what the names resolve. Only then it runs, and read-only.
 */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { codeOf, plainMessage } from './errors.ts'
import type { Executor } from './executor.ts'
import { isPureFunction } from './query-functions.ts'

const allowedTableFunctions = /^(numbers|numbers_mt|generateSeries|generate_series|values|SQLStandardValues)$/
/**
 * What EXPLAIN AST shows whole. It hides the function of `COLUMNS(…) APPLY (…)`, which may be any, and a newer parser may hide more: what
 * is not known here is refused.
 */
const knownNodes = new Set(
  `SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ExpressionList Subquery WithElement
  TablesInSelectQuery TablesInSelectQueryElement TableExpression TableIdentifier TableJoin ArrayJoin SampleRatio
  Function Identifier Literal Asterisk QualifiedAsterisk ColumnsRegexpMatcher ColumnsListMatcher QualifiedColumnsRegexpMatcher
  QualifiedColumnsListMatcher ColumnsTransformerList ColumnsExceptTransformer ColumnsReplaceTransformer
  ColumnsReplaceTransformer::Replacement OrderByElement InterpolateElement WindowDefinition WindowListElement`.split(
    /\s+/,
  ),
)

const rule = 'one SELECT (WITH is allowed) over the tables that were chosen'

export interface BoundTable {
  /** How the query calls it. */
  readonly name: string
  /** `SELECT … FROM database.table`, which it stands for. */
  readonly select: string
}

/** The statement that may run. Throws `query-not-allowed` (refused) or `bad-query` (usage). Nothing that the query names is read before it is allowed. */
export async function checkQuery(
  executor: Executor,
  sql: string,
  tables: readonly BoundTable[],
  signal: AbortSignal,
): Promise<string> {
  const canonical = await format(executor, sql, signal)
  if (/`[^`]*\\[nr][^`]*`/.test(canonical)) throw refused('a name in it has a line break')
  // In parentheses nothing but a SELECT parses, and no FORMAT or INTO OUTFILE.
  const nested = await format(executor, `SELECT * FROM (${canonical}\n)`, signal).catch(() => {
    throw refused('this is not a SELECT, or says FORMAT or INTO OUTFILE')
  })
  await checkNames(executor, nested, tables, signal)
  await checkUnresolved(executor, nested, signal)
  const bound = bind(canonical, tables)
  await checkTables(executor, bound, tables, signal)
  return bound
}

async function format(executor: Executor, sql: string, signal: AbortSignal): Promise<string> {
  try {
    const [row] = await executor.query<{ text: string }>({
      sql: 'SELECT formatQuery({query:String}) AS text',
      parameters: { query: sql },
      signal,
    })
    return row!.text
  } catch (error) {
    throw badQuery(error)
  }
}

interface Node {
  readonly kind: string
  readonly text: string
  readonly children: Node[]
}

async function checkNames(executor: Executor, sql: string, tables: readonly BoundTable[], signal: AbortSignal) {
  const lines = await executor
    .query<{ explain: string }>({ sql: `EXPLAIN AST ${sql}`, signal })
    .catch((error: unknown) => {
      throw badQuery(error)
    })
  const root = parseTree(lines.map(({ explain }) => explain))
  if (root.children.length !== 1 || root.children[0]!.kind !== 'SelectWithUnionQuery')
    throw refused('this is not a SELECT')
  const found: Found = { names: new Set(), functions: new Set() }
  visit(root.children[0]!, tables, found)
  const names = [...found.names]
  await refuseUserDefined(executor, found.functions, signal)
  // Every other name must be of a WITH of the query's own, which no table of the server can stand behind.
  if (names.length === 0) return
  const [there] = await executor.query<{ name: string }>({
    sql: 'SELECT name FROM system.tables WHERE database = currentDatabase() AND has({names:Array(String)}, name) LIMIT 1',
    parameters: { names },
    signal,
  })
  if (there) throw reads(there.name, tables)
}

/** A function of the user's own may have the name that a newer server's has, and do anything. */
async function refuseUserDefined(executor: Executor, functions: ReadonlySet<string>, signal: AbortSignal) {
  if (functions.size === 0) return
  const [own] = await executor.query<{ name: string }>({
    sql: "SELECT name FROM system.functions WHERE origin != 'System' AND has({names:Array(String)}, lower(name)) LIMIT 1",
    parameters: { names: [...functions].map((name) => name.toLowerCase()) },
    signal,
  })
  if (own) throw refused(`it calls the function ${printable(own.name)}`)
}

interface Found {
  /** Tables that are none of those chosen. */
  readonly names: Set<string>
  readonly functions: Set<string>
}

function visit(node: Node, tables: readonly BoundTable[], found: Found): void {
  const { kind, text, children } = node
  if (kind === 'Set') throw refused('it changes settings')
  if (kind === 'QueryParameter') throw refused('it has a parameter, and there are no values for it')
  if (kind === 'ColumnsApplyTransformer')
    throw refused('APPLY hides what it calls', 'write the function around each column')
  if (!knownNodes.has(kind)) throw refused(`its form (${printable(kind)}) is not understood`)
  if (kind === 'TableIdentifier') {
    if (text.includes('.')) throw reads(text, tables)
    if (!tables.some(({ name }) => name === text)) found.names.add(text)
  }
  if (kind === 'TableExpression') {
    for (const child of children) {
      if (child.kind !== 'Function') visit(child, tables, found)
      else if (allowedTableFunctions.test(child.text))
        for (const argument of child.children) visit(argument, tables, found)
      else throw refused(`it calls the table function ${printable(child.text)}`)
    }
    return
  }
  if (kind === 'Function') {
    if (!isPureFunction(text)) throw refused(`it calls the function ${printable(text)}`)
    found.functions.add(text)
    const [, second] = children[0]?.children ?? []
    if (
      /in$/i.test(text) &&
      /^(global)?(not)?(null)?in$/i.test(text) &&
      (second?.kind === 'Identifier' || second?.kind === 'Function')
    )
      if (second.kind === 'Identifier' || !/^(tuple|array)$/.test(second.text))
        throw refused('IN takes a list or a subquery here', 'write IN (SELECT …) or IN (1, 2, 3)')
  }
  for (const child of children) visit(child, tables, found)
}

/** One blank of indentation a level; `Function in (alias x) (children 1)`. */
function parseTree(lines: readonly string[]): Node {
  const root: Node = { kind: '', text: '', children: [] }
  const path = [root]
  for (const line of lines) {
    const depth = line.length - line.trimStart().length
    const [, kind = '', text = ''] =
      /^([\w:]+)(?: (.*?))??(?: \(alias .*\))?(?: \(children \d+\))?$/.exec(line.trim()) ?? []
    const node: Node = { kind, text, children: [] }
    path.length = depth + 1
    const parent = path.at(-1)
    if (parent === undefined) throw refused('its form is not understood')
    parent.children.push(node)
    path.push(node)
  }
  return root
}

/** The analyzer's tree before anything in it is resolved, and so run: it shows every function, where the parser's tree might hide one. */
async function checkUnresolved(executor: Executor, sql: string, signal: AbortSignal): Promise<void> {
  const lines = await executor
    .query<{ explain: string }>({ sql: `EXPLAIN QUERY TREE run_passes = 0 ${sql}`, settings: { readonly: 1 }, signal })
    .catch((error: unknown) => {
      throw badQuery(error)
    })
  for (const { explain } of lines) {
    const name = /^\s*FUNCTION id: \d+, (?:alias: .*?, )?function_name: (\w+)/.exec(explain)?.[1]
    if (name !== undefined && !isPureFunction(name)) throw refused(`it calls the function ${printable(name)}`)
  }
}

/** The tables stand before the query's own WITH; the first SELECT's is every other one's too. */
function bind(sql: string, tables: readonly BoundTable[]): string {
  const list = tables.map(({ name, select }) => `\`${name}\` AS (${select})`).join(', ')
  const own = /^WITH(\s+RECURSIVE\b)?\s/.exec(sql)
  if (own) return `WITH${own[1] ?? ''} ${list}, ${sql.slice(own[0].length)}`
  return /^SELECT\b/.test(sql) ? `WITH ${list} ${sql}` : `WITH ${list} SELECT * FROM (${sql}\n)`
}

/** What a SELECT without FROM reads, and what holds the rows of a WITH RECURSIVE. By their names no query reaches them. */
const ownTables = /^system\.one$|^_temporary_and_external_tables\.`?_tmp_[0-9a-f-]+`?, temporary_table_name: /

/** What the analyzer found behind the names: the tables that were chosen and nothing else. */
async function checkTables(executor: Executor, sql: string, tables: readonly BoundTable[], signal: AbortSignal) {
  const found = await resolved(executor, sql, signal)
  const chosen = await Promise.all(tables.map(({ select }) => resolved(executor, select, signal)))
  for (const name of found) if (!ownTables.test(name) && !chosen.some((own) => own.has(name))) throw reads(name, tables)
}

async function resolved(executor: Executor, sql: string, signal: AbortSignal): Promise<Set<string>> {
  try {
    const lines = await executor.query<{ explain: string }>({
      sql: `EXPLAIN QUERY TREE ${sql}`,
      settings: { readonly: 1 },
      signal,
    })
    const names = lines.flatMap(({ explain }) => {
      const table = /^\s*TABLE id: \d+.*?, table_name: (.*)$/.exec(explain)?.[1]
      const of = /^\s*TABLE_FUNCTION id: \d+.*?, table_function_name: (\w+)/.exec(explain)?.[1]
      return [
        ...(table === undefined ? [] : [table]),
        ...(of === undefined || allowedTableFunctions.test(of) ? [] : [`${of}()`]),
      ]
    })
    return new Set(names)
  } catch (error) {
    throw badQuery(error)
  }
}

/** Mistakes in the text; those of the server, the network and the user's rights are told as they are. */
export function badQuery(error: unknown): unknown {
  const code = codeOf(error)
  if (code === null) return error
  const view = (error as { view?: { kind: string } }).view
  if (code === 60 || code === 81) return refused(messageOf(error))
  if (view?.kind !== 'failed') return error
  const at = /line (\d+), col (\d+)/.exec(messageOf(error))
  return fail('usage', 'bad-query', messageOf(error), {
    ...(at ? { where: `query:${at[1]}:${at[2]}` } : {}),
    cause: error,
  })
}
const messageOf = (error: unknown): string => {
  const { cause, message } = error as Error
  return plainMessage(cause instanceof Error ? cause.message : message)
    .replace(/\. Maybe you meant:? [^[].*/s, '') // tables: other tenants' too
    .replace(/[:.]? (?:[Ii]n scope|In query|[Ww]hile processing|[Ww]hile executing) .*/s, '')
}

const reads = (name: string, tables: readonly BoundTable[]): Error =>
  refused(
    `it reads "${printable(name)}"`,
    `the query sees ${tables.map((table) => `"${printable(table.name)}"`).join(', ')}`,
  )

const refused = (why: string, hint?: string): Error =>
  fail('refused', 'query-not-allowed', `the query is not allowed: ${why}`, { hint: hint ?? `allowed is ${rule}` })
