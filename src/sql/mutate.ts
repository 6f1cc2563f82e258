/** INSERT, UPDATE, DELETE: only the table is read here, so that the statement reaches its backend; the driver reads all of it. */
import type { Cursor } from './cursor.ts'
import type { Mutate } from './statement.ts'

export function parseInsert(cursor: Cursor): Mutate {
  const { start } = cursor.peek()
  cursor.expect('INSERT')
  if (cursor.is('OR')) throw cursor.unsupported('INSERT OR …')
  cursor.expect('INTO')
  return rest(cursor, 'INSERT', start)
}

export function parseUpdate(cursor: Cursor): Mutate {
  const { start } = cursor.peek()
  cursor.expect('UPDATE')
  return rest(cursor, 'UPDATE', start)
}

export function parseDelete(cursor: Cursor): Mutate {
  const { start } = cursor.peek()
  cursor.expect('DELETE', 'FROM')
  return rest(cursor, 'DELETE', start)
}

/** Up to a `;`, wherever it stands: after it nothing may follow. */
function rest(cursor: Cursor, verb: Mutate['verb'], start: number): Mutate {
  const name = cursor.tableName()
  while (cursor.peek().kind !== 'end' && !cursor.isSymbol(';')) cursor.next()
  return { is: 'mutate', verb, name, text: cursor.textFrom(start) }
}
