/**
 * Which times a column can hold. The types have less room than ours, and what the table computes of a column (its TTL, its keys, its computed
 * columns) may have less again: past it the server stores another time, or removes the row at once.
 */
import type { ColumnRule } from '../../engine/ingest/derive.ts'
import type { ClickhouseTable, Column } from './table.ts'

/** Milliseconds since 1970, both included. */
interface Span {
  readonly first: number
  readonly last: number
}
const span = (first: string, last: string): Span => ({ first: Date.parse(first), last: Date.parse(last) })

/** ClickHouse, "Data types": Date, DateTime, Date32, DateTime64. */
const date = span('1970-01-01T00:00:00Z', '2149-06-06T23:59:59.999Z')
const dateTime = span('1970-01-01T00:00:00Z', '2106-02-07T06:28:15Z')
const date32 = span('1900-01-01T00:00:00Z', '2300-01-01T00:00:00Z')
const dateTime64 = span('1900-01-01T00:00:00Z', '2299-12-31T23:59:59.999Z')
/** Nanoseconds since 1970 in 64 bits. */
const nanoseconds = span('1900-01-01T00:00:00Z', '2262-04-11T23:47:16Z')

/** Rules for `load`: at most one for each column of a date or a time. */
export function timeRules(table: ClickhouseTable, columns: readonly Column[]): ColumnRule[] {
  return columns.flatMap((column) => {
    const own = spanOfType(column.clickhouseType)
    return own === null ? [] : [rule(column, narrowed(own, table, column, columns))]
  })
}

function spanOfType(text: string): Span | null {
  const type = text.replace(/^LowCardinality\((.*)\)$/, '$1').replace(/^Nullable\((.*)\)$/, '$1')
  if (type === 'Date') return date
  if (type === 'Date32') return date32
  if (/^DateTime(\(|$)/.test(type)) return dateTime
  if (/^DateTime64\(9/.test(type)) return nanoseconds
  return type.startsWith('DateTime64(') ? dateTime64 : null
}

const narrowest = (a: Span, b: Span): Span => ({ first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) })

function narrowed(own: Span, table: ClickhouseTable, column: Column, columns: readonly Column[]): Span {
  const { ttl, partitionKey, sortingKey } = table
  let room = own
  const expressions = [partitionKey, sortingKey, ...columns.map(({ expression }) => expression)]
  for (const expression of expressions) room = narrowest(room, roomIn(expression, column.name) ?? room)
  if (ttl.is !== 'retention') return room
  const anchored = mentions(ttl.anchor, column.name) ? (roomIn(ttl.anchor, column.name) ?? own) : null
  if (anchored === null) return room
  // The time at which a row expires has to fit too: past the end it would be long ago.
  return narrowest(room, { first: anchored.first, last: anchored.last - ttl.seconds * 1000 })
}

/** What is left of a column that an expression makes a Date or a DateTime of; null when it does neither. */
function roomIn(expression: string, column: string): Span | null {
  for (const [, name] of expression.matchAll(new RegExp(`\\b(to[A-Z]\\w*)\\(${nameIn(column)}\\s*[,)]`, 'g'))) {
    if (name === 'toDateTime' || /^toStartOf(Hour|Minute|\w*Minutes?|Interval)$/.test(name!)) return dateTime
    if (name === 'toDate' || /^to(StartOf(Day|Week|Month|Quarter|Year)|Monday)$/.test(name!)) return date
  }
  return null
}
const mentions = (expression: string, column: string): boolean =>
  new RegExp(`(^|[^\\w\`])${nameIn(column)}($|[^\\w\`])`).test(expression)
const nameIn = (column: string): string => {
  const escaped = column.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return `(?:${escaped}|\`${escaped}\`)`
}

function rule(column: Column, { first, last }: Span): ColumnRule {
  const text = (ms: number): string =>
    column.type.kind === 'Date32'
      ? new Date(ms).toISOString().slice(0, 10)
      : new Date(ms).toISOString().replace(/\.\d+/, '')
  const reason = `is outside of ${text(first)} to ${text(last)}, which is what the table can hold here`
  return {
    column: column.name,
    problem(value) {
      const ms = instantOf(value)
      return Number.isNaN(ms) || (ms >= first && ms <= last) ? null : reason
    },
    violated: (own, { kind }) =>
      kind === 'Timestamp' || kind === 'Date32'
        ? { condition: `epoch_ms(${own}) NOT BETWEEN ${first} AND ${last}`, reason: `holds a time that ${reason}` }
        : null,
  }
}

/** A date, or a time of RFC 3339; without a zone it is UTC. NaN for what is neither, which its type refuses. */
function instantOf(text: string): number {
  const [, day, time = '00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/.exec(text) ?? []
  const offset = /^([+-]\d\d):?(\d\d)?$/.exec(zone)
  return Date.parse(`${day}T${time}${offset ? `${offset[1]}:${offset[2] ?? '00'}` : 'Z'}`)
}
