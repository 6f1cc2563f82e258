import { describe, expect, it } from 'vitest'
import { complaint, parse } from './support.ts'

const users = { project: null, table: 'users' }
const messages = { project: 'chat', table: 'messages' }

describe('statements', () => {
  it.each([
    ['DROP TABLE users', { is: 'drop-table', name: users, ifExists: false }],
    ['drop table if exists chat.messages;', { is: 'drop-table', name: messages, ifExists: true }],
    ['DROP USER TABLE users -- for good', { is: 'drop-table', name: users, ifExists: false }],
    ['SHOW TABLES', { is: 'show-tables', project: null }],
    ['show tables in chat', { is: 'show-tables', project: 'chat' }],
    ['SHOW TABLES IN NAMESPACE chat', { is: 'show-tables', project: 'chat' }],
    ['DESCRIBE users', { is: 'describe-table', name: users }],
    ['DESC TABLE chat.messages', { is: 'describe-table', name: messages }],
    ['DESCRIBE "table"', { is: 'describe-table', name: { project: null, table: 'table' } }],
    [`SELECT * FROM TABLE_STATS('users')`, { is: 'table-stats', name: users }],
    [`select * from table_stats ( 'chat."messages"' ) ;`, { is: 'table-stats', name: messages }],
    [
      `INSERT INTO chat.messages (id, body) VALUES (1, 'a;b') ; `,
      { is: 'mutate', verb: 'INSERT', name: messages, text: `INSERT INTO chat.messages (id, body) VALUES (1, 'a;b')` },
    ],
    [
      '/* who? */ UPDATE users SET a = (1) WHERE b /* c */ = 2 -- end',
      { is: 'mutate', verb: 'UPDATE', name: users, text: 'UPDATE users SET a = (1) WHERE b /* c */ = 2' },
    ],
    ['DELETE FROM "users"', { is: 'mutate', verb: 'DELETE', name: users, text: 'DELETE FROM "users"' }],
  ])('%s', (text, statement) => expect(parse(text)).toEqual(statement))

  it.each([
    ['', 'usage sql:1:1: there is no statement'],
    [' -- nothing\n', 'usage sql:2:1: there is no statement'],
    [';', 'usage sql:1:1: there is no statement'],
    ['DROP TABLE a; DROP TABLE b', 'usage sql:1:15: there is more after the ";": one statement at a time'],
    ['DELETE FROM a; DELETE FROM b', 'usage sql:1:16: there is more after the ";"'],
    ['DROP TABLE a, b', 'usage sql:1:13: "," stands where the end of the statement is expected'],
    ['DROP', 'usage sql:1:5: the statement ends where TABLE is expected'],
    ['SHOW TABLES IN', 'usage sql:1:15: the statement ends where a namespace is expected'],
    ['DELETE users', 'usage sql:1:8: "users" stands where FROM is expected'],
    ['INSERT users', 'usage sql:1:8: "users" stands where INTO is expected'],
    ['SELECT * FROM users', 'usage sql:1:1: rows are not read with sql'],
    ["SELECT a FROM TABLE_STATS('t')", 'usage sql:1:1: rows are not read with sql'],
    ['WITH a AS (SELECT 1) SELECT * FROM a', 'usage sql:1:1: rows are not read with sql'],
    ['SELECT * FROM TABLE_STATS(users)', `usage sql:1:27: "users" stands where the table in quotes`],
    ["SELECT * FROM TABLE_STATS('a b')", 'usage sql:1:27: TABLE_STATS takes one table'],
    ["SELECT * FROM TABLE_STATS('')", 'usage sql (in TABLE_STATS):1:1: the statement ends where a table is expected'],
    ['CREAT TABLE t', 'usage sql:1:1: no statement begins with "CREAT"'],
    ['"DROP" TABLE t', 'usage sql:1:1: no statement begins with "DROP"'],
    ["DROP TABLE 'users'", `usage sql:1:12: "'users'" stands where a table is expected`],
    ['DROP TABLE t /* never', 'usage sql:1:14: the comment is not closed'],
    ["DELETE FROM t WHERE a = 'b", 'usage sql:1:25: the string is not closed'],
    ['DROP TABLE "t', 'usage sql:1:12: the quoted name is not closed'],
    ['DELETE FROM t WHERE a = 12x', 'usage sql:1:25: "12x…" is no number'],
    ['DELETE FROM t WHERE a = \\', 'usage sql:1:25: the character "\\" has no meaning here'],
    ['DROP TABLE \u0000', 'usage sql:1:12: the character "\\u0000" has no meaning here'],
    ['ALTER TABLE t ADD a INT', 'unsupported sql:1:1: ALTER TABLE is not supported in this version'],
    ["PRAGMA reshardTable('users', 8)", 'unsupported sql:1:1: PRAGMA is not supported in this version'],
    ['DROP INDEX i', 'unsupported sql:1:6: DROP INDEX is not supported'],
    ['SHOW INDEXES FROM t', 'unsupported sql:1:6: SHOW INDEXES is not supported'],
    ['DESC t HISTORY', 'unsupported sql:1:8: DESCRIBE … HISTORY is not supported'],
    ['DROP TABLE t CASCADE', 'unsupported sql:1:14: DROP … CASCADE is not supported'],
    ['INSERT OR REPLACE INTO t VALUES (1)', 'unsupported sql:1:8: INSERT OR … is not supported'],
  ])('%s is refused', (text, told) => expect(complaint(text)).toContain(told))

  it('counts characters, not code units, and lines of a file', () => {
    expect(complaint("\n\nDROP /* 🦆🦆 */ TABLE 'x'")).toContain('sql:3:21: ')
  })
})
