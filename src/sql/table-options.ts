/** What follows the columns of CREATE TABLE: `FLUSH POLICY …`, `LOCATION '…'`, and `WITH (TYPE='USER', FLUSH_POLICY='rows:1000')`. */
import { didYouMean } from '../core/suggest.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './tokenizer.ts'

export interface TableOptions {
  /** `CREATE USER TABLE`, or `TYPE='USER'`. */
  readonly user: boolean
  readonly location: string | null
  /** `ROWS 1000`, `INTERVAL '5 minutes'`, `ROWS 1000 INTERVAL '5 minutes'`; bounds are the driver's. */
  readonly flushPolicy: string | null
}

const optionNames = [
  'TYPE',
  'FLUSH_POLICY',
  'STORAGE_ID',
  'USE_USER_STORAGE',
  'DELETED_RETENTION_HOURS',
  'TTL_SECONDS',
  'ACCESS_LEVEL',
]
const otherOptions = ['STRICT', 'WITHOUT', 'ENGINE', 'PARTITION', 'INHERITS', 'TABLESPACE', 'DELETED_RETENTION']

export function parseTableOptions(cursor: Cursor, saysUser: boolean): TableOptions {
  let user = saysUser
  let location: string | null = null
  let flushPolicy: string | null = null
  const setPolicy = (policy: string, token: Token): void => {
    if (flushPolicy !== null) throw cursor.bad('the flush policy stands twice', token)
    flushPolicy = policy
  }
  for (;;) {
    const token = cursor.peek()
    if (cursor.accept('FLUSH')) {
      cursor.expect('POLICY')
      setPolicy(parseFlushPolicy(cursor), token)
    } else if (cursor.accept('LOCATION')) {
      if (cursor.is('REFERENCE')) throw cursor.unsupported('LOCATION REFERENCE', token, "write LOCATION 'path'")
      if (location !== null) throw cursor.bad('the location stands twice', token)
      location = cursor.string('the location in quotes')
      if (location.trim() === '') throw cursor.bad('the location is empty', token)
    } else if (cursor.accept('WITH'))
      cursor.list(() => {
        const option = cursor.peek()
        const [name, value] = parseOption(cursor)
        if (name === 'FLUSH_POLICY') setPolicy(policyOfText(cursor, value, option), option)
        else user = isUserType(cursor, value, option, saysUser)
      })
    else if (otherOptions.some((word) => cursor.is(word)))
      throw cursor.unsupported(`the table option ${token.value.toUpperCase()}`)
    else return { user, location, flushPolicy }
  }
}

/** `ROWS 1000`, `INTERVAL '5 minutes'`, or both in any order. */
function parseFlushPolicy(cursor: Cursor): string {
  let rows: string | null = null
  let interval: string | null = null
  for (;;) {
    const token = cursor.peek()
    if (cursor.accept('ROWS')) {
      if (rows !== null) throw cursor.bad('ROWS stands twice', token)
      if (cursor.peek().kind !== 'number') throw cursor.wrong('a number of rows')
      rows = cursor.next().value
      if (!/^\d+$/.test(rows)) throw cursor.bad('ROWS takes a whole number', token)
    } else if (cursor.accept('INTERVAL')) {
      if (interval !== null) throw cursor.bad('INTERVAL stands twice', token)
      interval = cursor.string("a time in quotes, such as '5 minutes',")
    } else if (rows === null && interval === null) throw cursor.wrong('ROWS or INTERVAL')
    else return policyText(rows, interval)
  }
}

const policyText = (rows: string | null, interval: string | null): string =>
  [
    ...(rows === null ? [] : [`ROWS ${rows}`]),
    ...(interval === null ? [] : [`INTERVAL '${interval.replaceAll("'", "''")}'`]),
  ].join(' ')

/** `NAME = 'value'`. Throws for a name that is not known, and for one that is known and not supported. */
function parseOption(cursor: Cursor): readonly [name: string, value: string] {
  const token = cursor.peek()
  const name = cursor.name('a table option').toUpperCase()
  if (!optionNames.includes(name)) {
    const near = didYouMean(name, optionNames)
    throw cursor.bad(
      `Unknown table option '${name}'`,
      token,
      near === undefined ? 'TYPE and FLUSH_POLICY are supported' : `did you mean ${near}?`,
    )
  }
  if (name !== 'TYPE' && name !== 'FLUSH_POLICY') throw cursor.unsupported(`the table option ${name}`, token)
  cursor.expectSymbol('=')
  return [name, cursor.string(`the value of ${name} in quotes`)]
}

function isUserType(cursor: Cursor, value: string, token: Token, saysUser: boolean): boolean {
  const type = value.toUpperCase()
  if (type === 'USER') return true
  if (type !== 'SHARED' && type !== 'STREAM')
    throw cursor.bad(`Invalid TYPE option '${value}'. Supported: USER, SHARED, STREAM`, token)
  if (saysUser) throw cursor.bad(`Conflicting table type definitions: USER and ${type}`, token)
  throw cursor.unsupported(`a ${type} table`, token)
}

/** `rows:1000`, `interval:300`, `rows:1000,interval:300`; the interval is in seconds. */
function policyOfText(cursor: Cursor, text: string, token: Token): string {
  const parts: { rows: string | null; interval: string | null } = { rows: null, interval: null }
  for (const part of text.split(',')) {
    const [key = '', value, more] = part.split(':').map((word) => word.trim())
    if (value === undefined || more !== undefined)
      throw cursor.bad(`Invalid FLUSH_POLICY format '${text}'. Expected 'key:value'`, token)
    if (key !== 'rows' && key !== 'interval') throw cursor.bad(`Unknown FLUSH_POLICY key '${key}'`, token)
    if (!/^\d{1,15}$/.test(value) || Number(value) === 0)
      throw cursor.bad(`FLUSH_POLICY must specify 'rows' or 'interval' > 0`, token)
    if (parts[key] !== null) throw cursor.bad(`FLUSH_POLICY names '${key}' twice`, token)
    parts[key] = value
  }
  return policyText(parts.rows, parts.interval === null ? null : `${parts.interval} seconds`)
}
