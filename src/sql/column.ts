/** One column of CREATE TABLE: `name TYPE [NOT NULL] [DEFAULT …] [PRIMARY KEY] [UNIQUE]`. */
import { acceptOrder, refuseConflictClause } from './constraint.ts'
import type { Cursor } from './cursor.ts'
import { parseTypeName } from './type-name.ts'

export interface Column {
  readonly name: string
  readonly type: string
  readonly saysNull: boolean
  readonly saysNotNull: boolean
  /** The expression as written. */
  readonly default: string | null
  readonly keys: readonly ('PRIMARY KEY' | 'UNIQUE')[]
  /** Where it stands in the statement. */
  readonly start: number
}

export function parseColumn(cursor: Cursor): Column {
  const first = cursor.peek()
  const name = cursor.name('a column')
  const type = parseTypeName(cursor)
  let saysNull = false
  let saysNotNull = false
  let expression: string | null = null
  const keys = new Set<'PRIMARY KEY' | 'UNIQUE'>()
  for (;;) {
    const token = cursor.peek()
    if (cursor.accept('CONSTRAINT')) cursor.name('a constraint')
    if (cursor.accept('NOT', 'NULL')) saysNotNull = true
    else if (cursor.accept('NULL')) saysNull = true
    else if (cursor.accept('PRIMARY', 'KEY')) {
      acceptOrder(cursor)
      if (cursor.is('AUTOINCREMENT')) throw cursor.unsupported('AUTOINCREMENT')
      keys.add('PRIMARY KEY')
    } else if (cursor.accept('UNIQUE')) keys.add('UNIQUE')
    else if (cursor.accept('DEFAULT')) {
      if (expression !== null) throw cursor.bad(`${name} has two defaults`, token)
      expression = parseDefault(cursor)
    } else if (cursor.isSymbol(',') || cursor.isSymbol(')')) break
    else throw refusal(cursor)
    if (saysNull && saysNotNull) throw cursor.bad(`${name} is said to be NULL and NOT NULL`, token)
    refuseConflictClause(cursor)
  }
  return { name, type, saysNull, saysNotNull, default: expression, keys: [...keys], start: first.start }
}

const notHeld: Readonly<Record<string, string>> = {
  CHECK: 'CHECK',
  COLLATE: 'COLLATE',
  REFERENCES: 'REFERENCES',
  GENERATED: 'a generated column',
  AS: 'a generated column',
  AUTO_INCREMENT: 'AUTO_INCREMENT',
  COMMENT: 'COMMENT',
}

function refusal(cursor: Cursor): Error {
  const { kind, value } = cursor.peek()
  const word = kind === 'word' ? value.toUpperCase() : ''
  return Object.hasOwn(notHeld, word)
    ? cursor.unsupported(notHeld[word]!)
    : cursor.wrong('NOT NULL, DEFAULT, PRIMARY KEY, UNIQUE, "," or ")"')
}

/** A literal, a signed number, a function or a keyword (`CURRENT_TIMESTAMP`, `SNOWFLAKE_ID()`), or any expression in parentheses. */
function parseDefault(cursor: Cursor): string {
  const { start } = cursor.peek()
  if (cursor.isSymbol('(')) cursor.skipParentheses()
  else if (cursor.isSymbol('-') || cursor.isSymbol('+')) {
    cursor.next()
    if (cursor.peek().kind !== 'number') throw cursor.wrong('a number')
    cursor.next()
  } else {
    const { kind } = cursor.peek()
    if (kind !== 'string' && kind !== 'number' && kind !== 'word') throw cursor.wrong('a default value')
    cursor.next()
    // `x'00'` and `DATE '2020-01-01'` are a word and a string.
    if (kind === 'word' && cursor.peek().kind === 'string') cursor.next()
    else if (kind === 'word' && cursor.isSymbol('(')) cursor.skipParentheses()
  }
  return cursor.textFrom(start)
}
