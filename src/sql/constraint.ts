/** Constraints of a table: PRIMARY KEY and UNIQUE, which a definition holds. What it does not hold is refused, never left out in silence. */
import type { Cursor } from './cursor.ts'

/** Words that begin a constraint where a column could stand; a column of such a name is quoted. */
export const constraintWords = ['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN', 'EXCLUDE'] as const

export function parseConstraint(cursor: Cursor): {
  readonly what: 'PRIMARY KEY' | 'UNIQUE'
  readonly names: readonly string[]
} {
  if (cursor.accept('CONSTRAINT')) cursor.name('a constraint')
  if (cursor.is('CHECK')) throw cursor.unsupported('CHECK')
  if (cursor.is('FOREIGN')) throw cursor.unsupported('FOREIGN KEY')
  if (cursor.is('EXCLUDE')) throw cursor.unsupported('EXCLUDE')
  const what = cursor.accept('UNIQUE') ? 'UNIQUE' : 'PRIMARY KEY'
  if (what === 'PRIMARY KEY') cursor.expect('PRIMARY', 'KEY')
  const names = cursor.list(() => {
    const name = cursor.name('a column')
    acceptOrder(cursor)
    return name
  })
  refuseConflictClause(cursor)
  return { what, names }
}

/** ASC says nothing new; DESC would be another index. */
export function acceptOrder(cursor: Cursor): void {
  cursor.accept('ASC')
  if (cursor.is('DESC')) throw cursor.unsupported('a key in descending order')
}

/** SQLite's `ON CONFLICT` of a constraint. */
export function refuseConflictClause(cursor: Cursor): void {
  if (cursor.is('ON', 'CONFLICT')) throw cursor.unsupported('ON CONFLICT of a constraint')
}
