/** The statements of a sync: GoogleSQL templates of the keyset cursor. Identifiers are quoted, values are typed parameters. */

import { microsOf } from '../../core/exact-time.ts'
import type { Cursor } from '../../core/sync.ts'
import type { Parameter, Statement } from './requests.ts'

/** What is read, by names and BigQuery's types. */
export interface Reading {
  /** Project, dataset, table. */
  readonly table: readonly [string, string, string]
  readonly columns: readonly string[]
  readonly time: { readonly name: string; readonly type: 'TIMESTAMP' | 'DATETIME' | 'DATE' }
  /** []: the source knows none, and rows are told apart by the hash of all that is read. */
  readonly key: readonly { readonly name: string; readonly type: string }[]
}

/** GoogleSQL lexical structure, "Quoted identifiers". */
export const quoted = (name: string): string => `\`${name.replace(/[\\`]/g, (char) => `\\${char}`)}\``
export const quotedTable = (table: readonly string[]): string => quoted(table.join('.'))

/** The next rows after `from` and not past `until`, in the order of time and key; one column more than `columns` when there is no key. */
export function pageStatement(reading: Reading, from: Cursor, until: string, rows: number): Statement {
  const { source, time, keys } = names(reading)
  const binder = new Binder()
  const where = within(reading, from, until, binder)
  const order = [...(from.lane === 'null' ? [] : [time]), ...keys.map(({ sql }) => sql)]
  return {
    sql: `${select(reading, source)} WHERE ${where} ORDER BY ${order.join(', ')} LIMIT ${binder.bind('INT64', String(rows))}`,
    parameters: binder.parameters,
  }
}

/** How many rows there are after `from` and not past `until`. */
export function countStatement(reading: Reading, from: Cursor, until: string): Statement {
  const binder = new Binder()
  const where = within(reading, from, until, binder)
  const { source } = names(reading)
  return {
    sql: `SELECT COUNT(*) FROM ${quotedTable(reading.table)} AS ${source} WHERE ${where}`,
    parameters: binder.parameters,
  }
}

function within(reading: Reading, from: Cursor, until: string, binder: Binder): string {
  const { time, keys } = names(reading)
  const after = from.key && keysetAfter(keys, from.key, binder)
  const where: string[] = []
  if (from.lane === 'null') {
    where.push(`${time} IS NULL`)
    if (after) where.push(after)
  } else {
    if (from.time !== null) {
      const at = binder.time(reading.time.type, from.time)
      // The first condition says it all for partitions that can be passed over.
      where.push(`${time} >= ${at}`)
      if (after) where.push(`(${time} > ${at} OR (${time} = ${at} AND ${after}))`)
    }
    where.push(`${time} <= ${binder.time(reading.time.type, until)}`)
  }
  return where.join(' AND ')
}

/** All rows of one time (null: of the NULL lane) and key. */
export function tieStatement(reading: Reading, time: string | null, key: readonly string[]): Statement {
  const { source, time: column, keys } = names(reading)
  const binder = new Binder()
  const where = [
    time === null ? `${column} IS NULL` : `${column} = ${binder.time(reading.time.type, time)}`,
    ...keys.map(({ sql, type }, i) => `${sql} = ${binder.key(type, key[i]!)}`),
  ]
  return { sql: `${select(reading, source)} WHERE ${where.join(' AND ')}`, parameters: binder.parameters }
}

/** Lexicographic: the first column is greater, or equal and the rest is. GoogleSQL compares no structs. */
function keysetAfter(keys: readonly { sql: string; type: string }[], key: readonly string[], binder: Binder): string {
  const [first, ...rest] = keys
  const at = binder.key(first!.type, key[0]!)
  const greater = `${first!.sql} > ${at}`
  return rest.length === 0
    ? greater
    : `(${greater} OR (${first!.sql} = ${at} AND ${keysetAfter(rest, key.slice(1), binder)}))`
}

function select(reading: Reading, source: string): string {
  const columns = reading.columns.map((name) => `${source}.${quoted(name)}`)
  if (reading.key.length === 0) columns.push(`${rowHash(reading, source)} AS ${quoted(unused('row_hash', reading))}`)
  return `SELECT ${columns.join(', ')} FROM ${quotedTable(reading.table)} AS ${source}`
}

function names(reading: Reading): { source: string; time: string; keys: readonly { sql: string; type: string }[] } {
  const source = quoted(unused('source', reading))
  return {
    source,
    time: `${source}.${quoted(reading.time.name)}`,
    keys:
      reading.key.length === 0
        ? [{ sql: rowHash(reading, source), type: 'STRING' }]
        : reading.key.map(({ name, type }) => ({ sql: `${source}.${quoted(name)}`, type })),
  }
}

/** Of what is read, and not of the whole row: a column that is added while pages are read changes no order. */
const rowHash = (reading: Reading, source: string): string =>
  `TO_HEX(SHA256(TO_JSON_STRING(STRUCT(${reading.columns.map((name) => `${source}.${quoted(name)}`).join(', ')}))))`

/** A name that is no column's: those win over aliases. */
function unused(name: string, reading: Reading): string {
  const taken = [...reading.columns, reading.time.name].some((column) => column.toLowerCase() === name)
  return taken ? unused(`${name}_`, reading) : name
}

class Binder {
  readonly parameters: Parameter[] = []
  bind(type: string, value: string): string {
    const name = `p${this.parameters.length}`
    this.parameters.push({ name, type, value })
    return `@${name}`
  }
  /** As microseconds: exact in every year, before 1970 too. */
  time(type: string, text: string): string {
    const instant = `TIMESTAMP_MICROS(${this.bind('INT64', String(microsOf(text)))})`
    return type === 'TIMESTAMP' ? instant : `${type}(${instant})`
  }
  /** Keys are the wire's own text; an instant's is its microseconds. */
  key(type: string, text: string): string {
    return type === 'TIMESTAMP' ? `TIMESTAMP_MICROS(${this.bind('INT64', text)})` : this.bind(type, text)
  }
}
