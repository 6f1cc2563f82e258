/** One statement of `tblctl sql`, by its first words. Recursive descent; what is not understood is said with its place. */
import { didYouMean } from '../core/suggest.ts'
import { parseCreateTable } from './create-table.ts'
import { Cursor } from './cursor.ts'
import { parseDescribe, parseShow, parseTableStats } from './inspect.ts'
import { parseDelete, parseInsert, parseUpdate } from './mutate.ts'
import type { Source } from './problem.ts'
import type { Statement } from './statement.ts'

type Parser = (cursor: Cursor) => Statement

const parsers: Readonly<Record<string, Parser>> = {
  CREATE: parseCreateTable,
  DROP: parseDropTable,
  SHOW: parseShow,
  DESCRIBE: parseDescribe,
  DESC: parseDescribe,
  INSERT: parseInsert,
  UPDATE: parseUpdate,
  DELETE: parseDelete,
}
const reading = ['SELECT', 'WITH', 'FROM', 'VALUES', 'EXPLAIN']
/** Said by name: people who write them should not look for a typing mistake. */
const notYet: Readonly<Record<string, string>> = {
  ALTER: 'ALTER TABLE',
  PRAGMA: 'PRAGMA',
  TRUNCATE: 'TRUNCATE',
  MERGE: 'MERGE',
  REPLACE: 'REPLACE',
}

/** Throws `bad-sql` (usage) with file:line:column, `unsupported-sql` for what this version does not do. One statement; one `;` may end it. */
export function parseStatement(source: Source): Statement {
  const cursor = new Cursor(source)
  const first = cursor.peek()
  if (first.kind === 'end' || (first.value === ';' && first.kind === 'symbol'))
    throw cursor.bad('there is no statement', first)
  const word = first.kind === 'word' ? first.value.toUpperCase() : ''
  const statement = reading.includes(word) ? parseTableStats(cursor) : parserOf(cursor, word)(cursor)
  const ended = cursor.acceptSymbol(';')
  const after = cursor.peek()
  if (after.kind === 'end') return statement
  throw ended
    ? cursor.bad('there is more after the ";": one statement at a time', after)
    : cursor.wrong('the end of the statement')
}

function parserOf(cursor: Cursor, word: string): Parser {
  const parser = Object.hasOwn(parsers, word) ? parsers[word] : undefined
  if (parser) return parser
  if (Object.hasOwn(notYet, word)) throw cursor.unsupported(notYet[word]!)
  const first = cursor.peek()
  const words = [...Object.keys(parsers), 'SELECT']
  const near = didYouMean(word, words)
  throw cursor.bad(
    `no statement begins with "${first.value}"`,
    first,
    near === undefined ? `it begins with one of ${words.join(', ')}` : `did you mean ${near}?`,
  )
}

/** `DROP TABLE [IF EXISTS] t` */
function parseDropTable(cursor: Cursor): Statement {
  cursor.expect('DROP')
  if (cursor.is('INDEX')) throw cursor.unsupported('DROP INDEX')
  cursor.accept('USER')
  cursor.expect('TABLE')
  const ifExists = cursor.accept('IF', 'EXISTS')
  const name = cursor.tableName()
  if (cursor.is('CASCADE') || cursor.is('RESTRICT')) throw cursor.unsupported(`DROP … ${cursor.peek().value}`)
  return { is: 'drop-table', name, ifExists }
}
