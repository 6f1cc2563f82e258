/** SHOW TABLES, DESCRIBE, and `SELECT * FROM TABLE_STATS('t')`. */
import { Cursor } from './cursor.ts'
import type { Statement, TableName } from './statement.ts'

/** `SHOW TABLES [IN project]` */
export function parseShow(cursor: Cursor): Statement {
  cursor.expect('SHOW')
  if (cursor.is('INDEXES') || cursor.is('INDEX')) throw cursor.unsupported('SHOW INDEXES')
  cursor.expect('TABLES')
  const named = cursor.accept('IN') || cursor.accept('FROM')
  if (named) cursor.accept('NAMESPACE')
  return { is: 'show-tables', project: named ? cursor.segment('a namespace') : null }
}

/** `DESCRIBE [TABLE] t`, `DESC t`. A table that is called `table` is `DESCRIBE "table"`. */
export function parseDescribe(cursor: Cursor): Statement {
  cursor.next()
  cursor.accept('TABLE')
  const name = cursor.tableName()
  if (cursor.is('HISTORY')) throw cursor.unsupported('DESCRIBE … HISTORY')
  return { is: 'describe-table', name }
}

/** The one SELECT that is a statement of this grammar; rows are asked for with `tblctl query`. */
export function parseTableStats(cursor: Cursor): Statement {
  const first = cursor.peek()
  const isStats =
    cursor.accept('SELECT') && cursor.acceptSymbol('*') && cursor.accept('FROM') && cursor.accept('TABLE_STATS')
  if (!isStats)
    throw cursor.bad('rows are not read with sql', first, `tblctl query REF "SELECT … FROM t"; here t is the table`)
  const [name] = cursor.list(() => tableNameInString(cursor))
  return { is: 'table-stats', name: name! }
}

/** `'users'`, `'chat.messages'` */
function tableNameInString(cursor: Cursor): TableName {
  const token = cursor.peek()
  const text = cursor.string("the table in quotes, such as 'users',")
  const inside = new Cursor({ ...cursor.source, name: `${cursor.source.name} (in TABLE_STATS)`, text })
  const name = inside.tableName()
  if (inside.peek().kind === 'end') return name
  throw cursor.bad('TABLE_STATS takes one table', token)
}
