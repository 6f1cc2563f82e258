/** What a condition may say, decided on the engine's own parse of it: an expression that each row answers alone, and always alike. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { didYouMean } from '../../../core/suggest.ts'
import type { Field } from '../../../core/types.ts'
import { refusedFunctions } from '../../../engine/query-check.ts'
import { isObject } from '../log/exact-json.ts'

export type Node = { readonly [key: string]: unknown }

/** Finds places in the text that the user wrote. */
export interface Source {
  /** `where:LINE:COLUMN`; undefined where the parser did not keep it. */
  place(node: Node): string | undefined
}

export interface Found {
  /** As the table writes them. */
  readonly columns: ReadonlySet<string>
  readonly functions: ReadonlyMap<string, Node>
}

const allowed: readonly unknown[] = [
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'COLUMN_REF',
  'FUNCTION',
  'OPERATOR',
  'CAST',
  'CASE',
  'BETWEEN',
  'COLLATE',
  'LAMBDA',
]
const called: Readonly<Record<string, string>> = {
  SUBQUERY: 'a subquery',
  WINDOW: 'a window function',
  STAR: 'a star or COLUMNS',
  PARAMETER: 'a parameter',
  POSITIONAL_REFERENCE: 'a column by its number',
  DEFAULT: 'DEFAULT',
}

/** Throws `refused`/`condition-not-allowed`, and `usage`/`no-such-column`. */
export function readTree(tree: unknown, fields: readonly Field[], source: Source): Found {
  const byName = new Map(fields.map(({ name }) => [name.toLowerCase(), name]))
  const columns = new Set<string>()
  const functions = new Map<string, Node>()
  const visit = (value: unknown, parameters: ReadonlySet<string>): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, parameters)
    if (!isObject(value)) return
    let inner = parameters
    if (typeof value.class === 'string') {
      if (!allowed.includes(value.class))
        throw notAllowed(`it has ${called[value.class] ?? printable(value.class)}`, value, source)
      if (value.class === 'COLUMN_REF') addColumns(value, parameters)
      if (value.class === 'FUNCTION') functions.set(functionName(value), value)
      if (value.class === 'LAMBDA') inner = new Set([...parameters, ...lambdaParameters(value.lhs)])
    }
    for (const child of Object.values(value)) visit(child, inner)
  }
  const addColumns = (node: Node, parameters: ReadonlySet<string>): void => {
    const [first = '', second] = namesOf(node)
    if (parameters.has(first)) return
    // `t.x` is column x of the table, or field x of a column t: whoever asks which columns count gets both.
    const found = [byName.get(first), first === 't' && second !== undefined ? byName.get(second) : undefined]
    for (const column of found) if (column !== undefined) columns.add(column)
    if (found.every((column) => column === undefined)) throw unknownColumn(node, byName.values(), source)
  }
  visit(tree, new Set())
  return { columns, functions }
}

const namesOf = (node: Node): string[] => (node.column_names as string[]).map((name) => name.toLowerCase())
const functionName = (node: Node): string => String(node.function_name).toLowerCase()

function lambdaParameters(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(lambdaParameters)
  if (!isObject(value)) return []
  return value.class === 'COLUMN_REF' ? namesOf(value) : Object.values(value).flatMap(lambdaParameters)
}

/** Macros of the engine that work on their arguments alone. */
const pureMacros =
  /^(array_(append|pop_back|pop_front|prepend|push_back|push_front|reverse|to_string.*)|date_add|days_in_month|fdiv|fmod|json|list_.*|map_contains_.*|md5_number_.*|nullif|round_even|roundbankers|split_part)$/

/** One overload of a function, as the engine knows it. */
export interface KnownFunction {
  readonly name: string
  readonly type: string
  readonly stability: string | null
}

/** Throws `refused`/`condition-not-allowed` for a function that more than its arguments decide. */
export function checkFunctions({ functions }: Found, known: readonly KnownFunction[], source: Source): void {
  for (const [name, node] of functions) {
    const overloads = known.filter((each) => each.name === name)
    const scalar = overloads.filter(({ type }) => type === 'scalar')
    const title = printable(name)
    if (refusedFunctions.test(name)) throw notAllowed(`it calls the function ${title}`, node, source)
    if (scalar.some(({ stability }) => stability !== 'CONSISTENT'))
      throw notAllowed(`${title} gives another value each time it is asked`, node, source)
    if (scalar.length > 0 || overloads.length === 0) continue // an unknown one is told of when it is bound
    const macro = overloads.every(({ type }) => type === 'macro')
    if (overloads.some(({ type }) => type === 'aggregate'))
      throw notAllowed(`${title} is an aggregate: each row is asked alone`, node, source)
    if (!macro || !pureMacros.test(name)) throw notAllowed(`it calls the function ${title}`, node, source)
  }
}

const instants: readonly string[] = ['now', 'current_timestamp', 'get_current_timestamp', 'transaction_timestamp']
const days: readonly string[] = ['current_date', 'today']
const wallClocks: readonly string[] = ['localtimestamp', 'current_localtimestamp']

/** The tree with the time itself where it asks what time it is: the same rows are meant however often it is asked. */
export function bindTime(tree: unknown, fields: readonly Field[], now: Date): unknown {
  if (Array.isArray(tree)) return tree.map((item) => bindTime(item, fields, now))
  if (!isObject(tree)) return tree
  const asked = timeAsked(tree, fields)
  if (asked === undefined)
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, bindTime(value, fields, now)]))
  const instant = now.toISOString()
  if (days.includes(asked)) return constant(instant.slice(0, 10), 'DATE', tree)
  if (wallClocks.includes(asked)) return constant(instant.slice(0, -1).replace('T', ' '), 'TIMESTAMP', tree)
  return constant(instant, 'TIMESTAMP WITH TIME ZONE', tree)
}

/** The standard has some of them without parentheses: the parser takes those for columns. */
function timeAsked(node: Node, fields: readonly Field[]): string | undefined {
  const names = node.class === 'COLUMN_REF' ? namesOf(node) : []
  const bare = names.length === 1 && !fields.some(({ name }) => name.toLowerCase() === names[0]) ? names[0] : undefined
  const call = node.class === 'FUNCTION' && (node.children as unknown[]).length === 0 ? functionName(node) : undefined
  const asked = bare ?? call
  return asked !== undefined && [...instants, ...days, ...wallClocks].includes(asked) ? asked : undefined
}

const constant = (text: string, type: string, { query_location }: Node): Node => ({
  class: 'CAST',
  type: 'OPERATOR_CAST',
  alias: '',
  query_location,
  child: {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    query_location,
    value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: text },
  },
  cast_type: { id: type, type_info: null },
  try_cast: false,
})

const rule =
  'a condition is one expression over the columns of the table: no subqueries, aggregates or functions that are not always alike'

function notAllowed(why: string, node: Node, source: Source): Error {
  return fail('refused', 'condition-not-allowed', `the condition is not allowed: ${why}`, {
    ...at(node, source),
    hint: rule,
  })
}

function unknownColumn(node: Node, columns: Iterable<string>, source: Source): Error {
  const name = (node.column_names as string[]).join('.')
  const known = [...columns]
  const near = didYouMean(name, known)
  const quoted = `texts stand in single quotes; the columns are ${known.map(printable).join(', ')}`
  return fail('usage', 'no-such-column', `the table has no column "${printable(name)}"`, {
    ...at(node, source),
    hint: near === undefined ? quoted : `did you mean ${printable(near)}?`,
  })
}

function at(node: Node, source: Source): { where?: string } {
  const where = source.place(node)
  return where === undefined ? {} : { where }
}
