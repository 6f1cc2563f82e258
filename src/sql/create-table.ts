/** `CREATE [USER] TABLE [IF NOT EXISTS] t (columns, constraints) options`: SQL's own types, which each driver reads in its dialect. */
import type { ColumnDefinition, TableDefinition } from '../core/table-definition.ts'
import { type Column, parseColumn } from './column.ts'
import { constraintWords, parseConstraint } from './constraint.ts'
import type { Cursor } from './cursor.ts'
import { readHints } from './hints.ts'
import type { CreateTable } from './statement.ts'
import { parseTableOptions } from './table-options.ts'

/** Kinds of tables that engines have and this version makes none of. */
const otherKinds = ['STREAM', 'SHARED', 'TEMP', 'TEMPORARY', 'VIRTUAL', 'UNLOGGED', 'EXTERNAL', 'FOREIGN']
const otherObjects = [
  'INDEX',
  'UNIQUE',
  'VIEW',
  'TRIGGER',
  'DATABASE',
  'SCHEMA',
  'NAMESPACE',
  'STORAGE',
  'MATERIALIZED',
]

export function parseCreateTable(cursor: Cursor): CreateTable {
  cursor.expect('CREATE')
  const word = cursor.peek().value
  if (otherKinds.some((kind) => cursor.is(kind))) throw cursor.unsupported(`CREATE ${word.toUpperCase()} TABLE`)
  if (otherObjects.some((kind) => cursor.is(kind)))
    throw cursor.unsupported(`CREATE ${word.toUpperCase()}${cursor.is('UNIQUE') ? ' INDEX' : ''}`)
  const user = cursor.accept('USER')
  cursor.expect('TABLE')
  const ifNotExists = cursor.accept('IF', 'NOT', 'EXISTS')
  const name = cursor.tableName()
  if (cursor.is('AS')) throw cursor.unsupported('CREATE TABLE … AS SELECT')
  const parts = parseParts(cursor)
  const options = parseTableOptions(cursor, user)
  return {
    is: 'create-table',
    name,
    ifNotExists,
    definition: { kind: options.user ? 'user' : 'table', ...parts },
    location: options.location,
    settings: {
      ...readHints(cursor.source, cursor.comments),
      ...(options.flushPolicy === null ? {} : { flushPolicy: options.flushPolicy }),
    },
  }
}

/** Columns and constraints between the parentheses, in any order; a constraint may name a column that follows it. */
function parseParts(cursor: Cursor): Omit<TableDefinition, 'kind'> {
  const columns: Column[] = []
  const keys: { readonly what: 'PRIMARY KEY' | 'UNIQUE'; readonly names: readonly string[]; readonly at: number }[] = []
  if (!cursor.isSymbol('(')) throw cursor.wrong('"(" with the columns')
  const opening = cursor.peek()
  cursor.list(() => {
    const at = cursor.peek().start
    if (constraintWords.some((word) => cursor.is(word))) keys.push({ ...parseConstraint(cursor), at })
    else columns.push(parseColumn(cursor))
  })
  if (columns.length === 0) throw cursor.bad('the table has no columns', opening)
  const byName = new Map<string, string>()
  for (const { name, start } of columns) {
    if (byName.has(name.toLowerCase()))
      throw cursor.bad(`there are two columns called ${name}`, { kind: 'name', value: name, start, end: start })
    byName.set(name.toLowerCase(), name)
  }
  const place = (at: number) => ({ kind: 'word', value: '', start: at, end: at }) as const
  for (const column of columns)
    for (const what of column.keys) keys.push({ what, names: [column.name], at: column.start })
  /** As the columns are spelled: names of SQL have no case. */
  const spelled = ({ what, names, at }: (typeof keys)[number]): string[] => {
    const own = names.map((name) => {
      const column = byName.get(name.toLowerCase())
      if (column === undefined) throw cursor.bad(`${what} names "${name}", which is no column of the table`, place(at))
      return column
    })
    if (new Set(own).size < own.length) throw cursor.bad(`${what} names a column twice`, place(at))
    return own
  }
  const primary = keys.filter(({ what }) => what === 'PRIMARY KEY')
  if (primary.length > 1)
    throw cursor.bad('the table has two primary keys', place(primary[1]!.at), 'write PRIMARY KEY (a, b)')
  const primaryKey = primary.flatMap(spelled)
  const contrary = columns.find(({ name, saysNull }) => saysNull && primaryKey.includes(name))
  if (contrary)
    throw cursor.bad(`${contrary.name} is part of the primary key and cannot be NULL`, place(contrary.start))
  const unique = keys.filter(({ what }) => what === 'UNIQUE').map(spelled)
  return { columns: columns.map((column) => definitionOf(column, primaryKey)), primaryKey, unique }
}

/** What is part of the primary key is never null, said or not. */
const definitionOf = (column: Column, primaryKey: readonly string[]): ColumnDefinition => ({
  name: column.name,
  type: column.type,
  nullable: !column.saysNotNull && !primaryKey.includes(column.name),
  default: column.default,
})
