import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TblctlError } from '../../src/core/errors.ts'
import { parseStatement } from '../../src/drivers/user-tables/statement.ts'

describe('parseStatement', () => {
  test.each([
    [
      'DELETE FROM chat.messages WHERE id <= 100;',
      { is: 'delete', namespace: 'chat', table: 'messages', where: 'id <= 100' },
    ],
    ['delete from "me""ssages"', { is: 'delete', namespace: null, table: 'me"ssages', where: null }],
    [
      "UPDATE m SET a = f(1, 'x;,'), \"b c\" = [1, 2][1] /* , */ + 1 -- here\n WHERE a IN (1, 2) AND b = ')' ",
      {
        is: 'update',
        namespace: null,
        table: 'm',
        set: [
          { column: 'a', value: "f(1, 'x;,')" },
          { column: 'b c', value: '[1, 2][1] + 1' },
        ],
        where: "a IN (1, 2) AND b = ')'",
      },
    ],
    [
      "INSERT INTO m (a, b) VALUES (1, 'it''s'), (-1.5e3, NULL)",
      {
        is: 'insert',
        namespace: null,
        table: 'm',
        columns: ['a', 'b'],
        rows: [
          ['1', "'it''s'"],
          ['-1.5e3', 'NULL'],
        ],
      },
    ],
    ['insert into m values (1)', { is: 'insert', namespace: null, table: 'm', columns: null, rows: [['1']] }],
  ])('%s', (sql, expected) => {
    expect(parseStatement(sql)).toEqual(expected)
  })

  test.each([
    ['SELECT 1', 'sql:1:1'],
    ['DELETE FROM m WHERE', 'sql:1:20'],
    ['DELETE FROM m; DELETE FROM n', 'sql:1:16'],
    ['DELETE FROM m WHERE (a', 'sql:1:23'],
    ['DELETE FROM m WHERE a) OR (b', 'sql:1:22'],
    ['DELETE FROM m WHERE (a]', 'sql:1:23'],
    ["DELETE FROM m WHERE a = 'x", 'sql:1:25'],
    ["DELETE FROM m\nWHERE a = E'\\''", 'sql:2:11'],
    ['DELETE FROM m WHERE a = $$x$$', 'sql:1:25'],
    ['INSERT INTO m VALUES (1) RETURNING *', 'sql:1:26'],
    ['INSERT INTO m SELECT * FROM n', 'sql:1:15'],
    ['UPDATE m SET a = 1, WHERE b', 'sql:1:27'],
    ["DELETE FROM 'm'", 'sql:1:13'],
  ])('%s is no statement, from %s', (sql, where) => {
    expect(() => parseStatement(sql)).toThrow(TblctlError)
    try {
      parseStatement(sql)
    } catch (error) {
      expect((error as TblctlError).view).toMatchObject({ kind: 'usage', code: 'bad-statement', where })
    }
  })

  test('whatever the text, it is parsed or refused, and brackets in what was cut are in pairs', () => {
    const pieces = [
      'DELETE FROM m WHERE ',
      'UPDATE m SET a = ',
      'INSERT INTO m VALUES ',
      '(',
      ')',
      "'",
      '"',
      ',',
      ';',
      '--',
      '/*',
    ]
    const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 }))).map((all) => all.join(''))
    fc.assert(
      fc.property(text, (sql) => {
        try {
          const parsed = parseStatement(sql)
          if (parsed.is === 'delete' && parsed.where !== null)
            expect(parseStatement(`DELETE FROM m WHERE (${parsed.where})`)).toMatchObject({
              where: `(${parsed.where})`,
            })
        } catch (error) {
          if (!(error instanceof TblctlError)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })
})
