import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { folderOfUser, requireUser } from '../../src/drivers/user-tables/user.ts'
import { failure, only, thrown } from '../contract/driver/reports.ts'
import { ref, World } from './world.ts'

const hostile = [
  'u1',
  'U1',
  'u1 ',
  'u1/../u2',
  '../u1',
  '.',
  '..',
  "u1' OR '1'='1",
  '"; DROP TABLE hot_rows; --',
  '%',
  'ü',
  'u\u0308',
]
const long = 'x'.repeat(1024)

describe('folderOfUser', () => {
  test('is a plain name, and no two users share one, even where upper and lower case are one', () => {
    const user = fc.oneof(fc.constantFrom(...hostile, long, `${long.slice(1)}y`), fc.string({ minLength: 1 }))
    fc.assert(
      fc.property(user, user, (a, b) => {
        for (const one of [a, b]) expect(folderOfUser(one)).toMatch(/^[a-z0-9_-]{1,200}$/)
        if (Buffer.compare(Buffer.from(a), Buffer.from(b)) !== 0)
          expect(folderOfUser(a).toLowerCase()).not.toBe(folderOfUser(b).toLowerCase())
      }),
    )
    expect(folderOfUser('u1')).toBe('u1')
    expect(folderOfUser('U_1')).toBe('_55_5f1')
  })

  test.each(['', 'a\0b', '\ud800', 'u\ufffd', `${long}x`])('%j is no user', async (as) => {
    expect(() => requireUser(as)).toThrow('cannot be a user')
  })
})

describe('another user', () => {
  let world: World
  beforeAll(async () => {
    world = new World()
    await world.create()
    // Some hot, some cold, some both.
    for (const [i, user] of [...hostile, long].entries()) {
      only(
        await world.load(user, [
          { id: 1, body: user },
          { id: 2, body: 'to be deleted' },
        ]),
        'changed',
      )
      if (i % 3 > 0) await world.flush(user)
      if (i % 3 === 2) only(await world.sql(user, 'DELETE FROM messages WHERE id = 2'), 'changed')
    }
  })
  afterAll(() => world[Symbol.asyncDispose]())

  test('sees nothing of it, whoever it is', async () => {
    for (const [i, user] of [...hostile, long].entries())
      expect(await world.rows(user), user).toEqual(
        i % 3 === 2
          ? [[1n, user]]
          : [
              [1n, user],
              [2n, 'to be deleted'],
            ],
      )
    expect(await world.rows('nobody')).toEqual([])
    expect(new Set(readdirSync(world.file('u'))).size).toBe(readdirSync(world.file('u')).length)
  })

  const theirs = 'u/_551/tables/chat/messages/batch-1.parquet' // of U1
  test.each([
    'select * from hot_rows',
    'select * from p.chat.messages',
    'select * from main.t',
    `select * from '${theirs}'`,
    `select * from read_parquet('${theirs}')`,
    "select * from read_text('hot.db')",
    "select * from sqlite_scan('hot.db', 'hot_rows')",
    "attach 'hot.db' as hot (type sqlite)",
    'pragma database_list',
    'select * from duckdb_views()',
    "select content from read_blob('**')",
    "select getenv('HOME')",
    'select _key from t',
    'select _seq from t',
    "with t as (select * from glob('**')) select * from t",
  ])('a query cannot reach it: %s', async (sql) => {
    expect(['refused', 'usage']).toContain((await thrown(world.rows('u1', sql))).kind)
  })

  test.each([
    'DELETE FROM messages WHERE body IN (SELECT cells FROM hot_rows)',
    `DELETE FROM messages WHERE id IN (SELECT id FROM read_parquet('${theirs}'))`,
    "UPDATE messages SET body = (SELECT content FROM read_text('hot.db'))",
    `UPDATE messages SET body = (SELECT body FROM '${theirs}')`,
    "UPDATE messages SET body = getenv('HOME')",
    "INSERT INTO messages VALUES (7, (SELECT max(content) FROM read_text('tblctl.yaml')))",
    'INSERT INTO messages SELECT * FROM messages',
    'DELETE FROM messages; DELETE FROM chat.messages',
    'DELETE FROM messages WHERE true) UNION ALL (SELECT * FROM messages',
    "UPDATE messages SET body = 'x' FROM hot_rows",
    'UPDATE messages SET body = nextval(1)',
    'DELETE FROM hot_rows',
  ])('a statement cannot reach it: %s', async (statement) => {
    const before = await world.status()
    expect(['refused', 'usage']).toContain(failure(await world.sql('u1', statement)).kind)
    expect(await world.status()).toEqual(before)
  })

  test('a statement that means all rows means those of one user', async () => {
    await using other = await world.copy()
    const { result } = only(
      await other.sql(
        "u1' OR '1'='1",
        "UPDATE messages SET body = 'mine' WHERE true OR id IN (SELECT id FROM messages)",
      ),
      'changed',
    )
    expect(result!.rows).toBeGreaterThan(0)
    expect(await other.rows('u1')).toEqual([
      [1n, 'u1'],
      [2n, 'to be deleted'],
    ])
    expect(await other.rows("u1' OR '1'='1", 'select distinct body from t')).toEqual([['mine']])
  })

  test('without a user nothing is read or written', async () => {
    const tblctl = await world.tblctl()
    expect(await thrown(tblctl.query(ref, 'select 1'))).toMatchObject({ code: 'missing-user' })
    const statement = 'DELETE FROM messages'
    expect(failure(await tblctl.operate('mutate', { refs: [ref] }, { statement, as: null }))).toMatchObject({
      code: 'missing-user',
    })
  })
})

test('an id is bounded in bytes, and says so', async () => {
  await using world = new World()
  await world.create()
  expect(failure(await world.sql('ü'.repeat(600), 'DELETE FROM messages'))).toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('1 to 1024 bytes'),
  })
})
