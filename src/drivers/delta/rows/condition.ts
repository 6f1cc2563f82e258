/** A condition that a user wrote: checked, and divided into what the partition alone decides and what its rows must be asked for. */
import { fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { plainMessage } from '../../../engine/engine-error.ts'
import { position } from '../../../engine/locked-query.ts'
import { quoteIdentifier, quoteString } from '../../../engine/sql-text.ts'
import { sqlType } from '../../../engine/types.ts'
import { formatExact, isObject, parseExact } from '../log/exact-json.ts'
import { bindTime, checkFunctions, type KnownFunction, type Node, readTree, type Source } from './condition-tree.ts'

export interface ConditionPart {
  /** An expression of the engine over a relation `t` with the columns of the table. */
  readonly sql: string
  /** That it reads, as the table writes them. */
  readonly columns: readonly string[]
}
/** What asked for the time (`now()`) holds it as a value: `sql` means the same rows for ever. */
export interface Condition extends ConditionPart {
  /** What AND joins on the outside: all of them must be true. */
  readonly parts: readonly ConditionPart[]
}

/**
 * `fields`: the columns of the table, with the types in which its rows will be asked. Throws `usage` (`bad-condition`, `no-such-column`)
 * and `refused`/`condition-not-allowed`, each with its place as `where:LINE:COLUMN`.
 */
export async function checkCondition(
  engine: Engine,
  text: string,
  fields: readonly Field[],
  now: Date,
): Promise<Condition> {
  const source = sourceOf(text)
  const select = await parse(engine, text)
  const tree = bindTime(select.where_clause, fields, now)
  const found = readTree(tree, fields, source)
  checkFunctions(found, await knownFunctions(engine, [...found.functions.keys()]), source)
  await bind(engine, text, fields)
  const whole = { sql: await format(engine, select, tree), columns: [...found.columns] }
  const trees = conjunction(tree)
  if (trees.length === 1) return { ...whole, parts: [whole] }
  const parts: ConditionPart[] = []
  for (const part of trees)
    parts.push({ sql: await format(engine, select, part), columns: [...readTree(part, fields, source).columns] })
  return { ...whole, parts }
}

/** What must be true of a row's partition for the condition to be true of the row; null when that says nothing. */
export function partitionOnly({ parts }: Condition, partitions: readonly string[]): string | null {
  const decided = parts.filter(({ columns }) => columns.every((column) => partitions.includes(column)))
  return decided.length === 0 ? null : decided.map(({ sql }) => `(${sql})`).join(' AND ')
}

/** Throws `refused`/`not-a-partition-column`, naming the column. */
export function onlyPartitionColumns({ columns }: Condition, partitions: readonly string[]): void {
  const other = columns.find((column) => !partitions.includes(column))
  if (other === undefined) return
  const known = partitions.map(printable).join(', ')
  throw fail('refused', 'not-a-partition-column', `"${printable(other)}" is no partition column of the table`, {
    where: 'where',
    hint: known === '' ? 'the table is not partitioned' : `a whole partition is chosen by ${known}`,
  })
}

const before = 'SELECT 1 WHERE\n'

/** Places are in bytes from the beginning of the statement; the parser says 2^64 - 1 for none. */
function sourceOf(text: string): Source {
  const bytes = Buffer.from(before + text)
  return {
    place({ query_location: offset }) {
      if (typeof offset !== 'number' || offset < before.length || offset > bytes.length) return undefined
      return placeOf(bytes.subarray(before.length, offset).toString())
    },
  }
}
function placeOf(textBefore: string): string {
  const lines = textBefore.split('\n')
  return `where:${lines.length}:${[...lines.at(-1)!].length + 1}`
}

/** The statement that has nothing but the condition. */
async function parse(engine: Engine, text: string): Promise<Node> {
  const [row] = await engine.all(`SELECT json_serialize_sql(${quoteString(`${before}${text}\n`)}) AS tree`)
  const parsed = parseExact(String(row!.tree)) as Node
  if (parsed.error === true) throw unreadable(parsed, text)
  const statements = parsed.statements as { node: Node; named_param_map?: unknown[] }[]
  const node = statements[0]!.node
  if (statements.length !== 1 || !isBare(node)) throw goesOn()
  return node
}

function unreadable({ error_type, error_message, position: offset }: Node, text: string): Error {
  const message = String(error_message)
  if (message.startsWith('Only SELECT')) return goesOn()
  const syntax = error_type === 'parser' && offset !== undefined
  const textBefore = [...text].slice(0, Math.max(0, Number(offset) - before.length)).join('')
  return fail('usage', 'bad-condition', `the condition cannot be read: ${printable(message)}`, {
    where: syntax ? placeOf(textBefore) : 'where',
    hint: example,
  })
}
const goesOn = (): Error =>
  fail('usage', 'bad-condition', 'the condition goes on after its end: it is one expression, and no clause', {
    where: 'where',
    hint: example,
  })
const example = "such as: date < '2026-01-01' AND service = 'test'"

function isBare(node: Node): boolean {
  const empty = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0)
  return (
    node.type === 'SELECT_NODE' &&
    isObject(node.where_clause) &&
    isObject(node.from_table) &&
    node.from_table.type === 'EMPTY' &&
    [node.modifiers, node.group_expressions, node.having, node.sample, node.qualify].every(empty)
  )
}

async function knownFunctions(engine: Engine, names: readonly string[]): Promise<KnownFunction[]> {
  if (names.length === 0) return []
  const rows = await engine.all(
    `SELECT DISTINCT lower(function_name) AS name, function_type AS type, stability FROM duckdb_functions() WHERE lower(function_name) IN (${names.map(quoteString).join(', ')})`,
  )
  return rows.map(({ name, type, stability }) => ({
    name: String(name),
    type: String(type),
    stability: stability === null ? null : String(stability),
  }))
}

/** Types, names and constants, by the engine itself, which is asked about one row of nulls; no row of the table is read. */
async function bind(engine: Engine, text: string, fields: readonly Field[]): Promise<void> {
  const columns = fields.map(({ name, type }) => `NULL::${sqlType(type)} AS ${quoteIdentifier(name)}`)
  const sql = `SELECT (\n${text}\n) AS condition FROM (SELECT ${columns.join(', ')}) AS t`
  let type: string
  try {
    type = (await engine.columns(sql))[0]!.engineType
    await engine.all(sql) // a text that is no date is found out only when it is read as one
  } catch (thrown) {
    const error = thrown instanceof TblctlError ? thrown.cause : thrown
    if (
      !(error instanceof Error) ||
      !/^(Binder|Catalog|Conversion|Out of Range|Parser|Invalid Input) Error:/.test(error.message)
    )
      throw thrown
    const [, line, column] = /^query:(\d+)(?::(\d+))?$/.exec(position(error.message, sql) ?? '') ?? []
    const where = line === undefined ? 'where' : `where:${Number(line) - 1}${column === undefined ? '' : `:${column}`}`
    throw fail('usage', 'bad-condition', `the condition does not fit the table: ${plainMessage(error.message)}`, {
      where,
      cause: error,
    })
  }
  if (type !== 'BOOLEAN')
    throw fail('usage', 'bad-condition', `the condition is no condition but ${article(type)} value`, {
      where: 'where:1:1',
      hint: example,
    })
}
const article = (type: string): string => `${/^[AEIO]/.test(type) ? 'an' : 'a'} ${printable(type)}`

const conjunction = (tree: unknown): readonly unknown[] =>
  isObject(tree) && tree.class === 'CONJUNCTION' && tree.type === 'CONJUNCTION_AND'
    ? (tree.children as unknown[])
    : [tree]

/** The engine's own text of a tree, taken only when it reads back as the same tree. */
async function format(engine: Engine, select: Node, tree: unknown): Promise<string> {
  const node = { ...select, where_clause: null, select_list: [tree] }
  const document = formatExact({ error: false, statements: [{ node, named_param_map: [] }] })
  const [row] = await engine.all(
    `SELECT json_deserialize_sql(sql) AS text, json_serialize_sql(json_deserialize_sql(sql)) AS again FROM (SELECT ${quoteString(document)}::JSON AS sql)`,
  )
  const again = parseExact(String(row!.again)) as { statements: { node: { select_list: unknown[] } }[] }
  if (withoutPlaces(again.statements[0]!.node.select_list[0]) !== withoutPlaces(tree))
    throw fail('refused', 'condition-not-allowed', 'the condition has a form that cannot be kept exactly', {
      where: 'where',
      hint: 'write it with plain comparisons, AND, OR and NOT',
    })
  return String(row!.text).slice('SELECT '.length)
}

/** Text that is equal for trees of one meaning. */
function withoutPlaces(tree: unknown): string {
  if (Array.isArray(tree)) return `[${tree.map(withoutPlaces).join(',')}]`
  if (!isObject(tree)) return formatExact(tree)
  const truth = truthOf(tree)
  if (truth !== undefined) return truth
  const members = Object.entries(tree).filter(([key]) => key !== 'query_location')
  return `{${members.map(([key, value]) => `${key}:${withoutPlaces(value)}`).join(',')}}`
}

/** `true` is parsed as a cast of a text, and in `IS TRUE` as a value. */
function truthOf({ class: kind, value, child, cast_type }: Node): string | undefined {
  if (kind === 'CONSTANT' && isObject(value) && isObject(value.type) && value.type.id === 'BOOLEAN')
    return value.value === true ? 't' : 'f'
  if (kind !== 'CAST' || !isObject(cast_type) || cast_type.id !== 'BOOLEAN') return undefined
  const text = isObject(child) && isObject(child.value) ? child.value.value : undefined
  return text === 't' || text === 'f' ? text : undefined
}
