import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failure, only } from '../contract/driver/reports.ts'
import { columns, messages, World } from './world.ts'

let world: World
beforeEach(async () => {
  world = new World()
  await world.create()
})
afterEach(() => world[Symbol.asyncDispose]())

/** Hot, cold, and the newest version hot over an older one in a segment. */
describe.each(['hot', 'cold'] as const)('rows that are %s', (place) => {
  const settle = async () => void (place === 'cold' && (await world.flush()))
  beforeEach(async () => {
    only(
      await world.load('u1', [
        { id: 1, body: 'one' },
        { id: 2, body: 'two' },
        { id: 3, body: null },
      ]),
      'changed',
    )
    await settle()
  })

  test('are updated', async () => {
    const { result, plan } = only(
      await world.sql('u1', "UPDATE chat.messages SET body = body || '!' WHERE id < 3"),
      'changed',
    )
    expect(result).toEqual({ rows: 2, statement: 'update', user: 'u1' })
    expect(plan).toMatchObject({ changes: 2, risk: 'moderate' })
    await settle()
    expect(await world.rows('u1')).toEqual([
      [1n, 'one!'],
      [2n, 'two!'],
      [3n, null],
    ])
  })

  test('are deleted, stay deleted through flush and optimize, and may come again', async () => {
    only(await world.sql('u1', 'DELETE FROM chat.messages WHERE id <= 2'), 'changed')
    expect(await world.status()).toMatchObject({ rows: 1 })
    for (const step of [() => world.flush(), () => world.optimize(), () => world.optimize()]) {
      await step()
      expect(await world.rows('u1')).toEqual([[3n, null]])
    }
    expect(await world.status()).toMatchObject({ rows: 1, files: 1, tombstones: 0, hotRows: 0 })
    only(await world.sql('u1', "INSERT INTO messages VALUES (2, 'again')"), 'changed')
    expect(await world.rows('u1')).toEqual([
      [2n, 'again'],
      [3n, null],
    ])
  })

  test('all of them: no segment is left, and the manifest says so', async () => {
    only(await world.sql('u1', 'delete from chat.messages'), 'changed')
    await world.flush()
    only(await world.optimize(), 'changed')
    expect(await world.status()).toMatchObject({ rows: 0, files: 0, bytes: 0 })
    only(await world.optimize(), 'unchanged')
    expect(await world.rows('u1')).toEqual([])
  })

  test('a key is there once: INSERT and load are refused whole', async () => {
    const insert = await world.sql('u1', "INSERT INTO chat.messages (id, body) VALUES (9, 'x'), (2, 'y')")
    expect(failure(insert)).toMatchObject({
      kind: 'data',
      code: 'key-exists',
      message: expect.stringContaining('id = 2'),
    })
    expect(failure(await world.load('u1', [{ id: 9 }, { id: 1 }]))).toMatchObject({ code: 'key-exists' })
    expect(failure(await world.load('u1', [{ id: 9 }, { id: 9 }]))).toMatchObject({ code: 'key-exists' })
    expect(await world.rows('u1', 'select count(*) from t')).toEqual([[3n]])
    only(await world.load('u2', [{ id: 1, body: 'theirs' }]), 'changed')
  })

  test('nothing to change is unchanged', async () => {
    only(await world.sql('u1', "UPDATE chat.messages SET body = 'x' WHERE id > 100"), 'unchanged')
    only(await world.sql('u2', 'DELETE FROM chat.messages'), 'unchanged')
  })
})

test('what a statement says is checked against the table, with what to try', async () => {
  const error = async (statement: string) => failure(await world.sql('u1', statement))
  expect(await error('DELETE FROM chat.other')).toMatchObject({ code: 'other-table', hint: 'write chat.messages' })
  expect(await error("UPDATE messages SET bodi = 'x'")).toMatchObject({
    code: 'unknown-column',
    hint: 'did you mean body?',
  })
  expect(await error('UPDATE messages SET _deleted = true')).toMatchObject({ code: 'unknown-column' })
  expect(await error('UPDATE messages SET id = 7')).toMatchObject({ code: 'key-update' })
  expect(await error("UPDATE messages SET body = 'a', BODY = 'b'")).toMatchObject({ code: 'bad-statement' })
  expect(await error('INSERT INTO messages (id, id) VALUES (1, 2)')).toMatchObject({ code: 'bad-statement' })
  expect(await error('INSERT INTO messages VALUES (1)')).toMatchObject({ code: 'bad-statement' })
  expect(await error("INSERT INTO messages VALUES ('many', 'x')")).toMatchObject({ kind: 'data' })
  expect(await error('DELETE FROM messages WHERE nobody = 1')).toMatchObject({ code: 'bad-query' })
  await world.sql('u1', "INSERT INTO Chat.Messages VALUES (1, 'folded')")
  expect(await world.rows('u1')).toEqual([[1n, 'folded']])
})

test('assignments see the row as it was, whatever their order', async () => {
  await using other = new World()
  await other.create(columns(['id', 'BIGINT'], ['a', 'INT'], ['b', 'INT']))
  await other.sql('u1', 'INSERT INTO messages VALUES (1, 10, 20)')
  await other.sql('u1', 'UPDATE messages SET a = b, b = a WHERE a = 10')
  expect(await other.rows('u1', 'select a, b from t')).toEqual([[20, 10]])
})

describe('ids', () => {
  test('a row without one gets a Snowflake id, rising and all different', async () => {
    only(await world.load('u1', [{ body: 'a' }, { id: 5, body: 'b' }, { body: 'c' }]), 'changed')
    only(await world.sql('u1', "INSERT INTO messages (body) VALUES ('d')"), 'changed')
    const ids = (await world.rows('u1', 'select id from t order by body')).map(([id]) => id as bigint)
    expect(ids[1]).toBe(5n)
    expect(ids[0]! < ids[2]! && ids[2]! < ids[3]!).toBe(true)
    const made = Number(ids[3]! >> 22n) + Date.UTC(2024, 0, 1)
    expect(Math.abs(Date.now() - made)).toBeLessThan(60_000)
  })

  test('of two columns, a key is both', async () => {
    await using other = new World()
    await other.create({ ...columns(['room', 'TEXT'], ['n', 'INT']), primaryKey: ['room', 'n'] })
    only(
      await other.load('u1', [
        { room: 'a', n: 1 },
        { room: 'a', n: 2 },
        { room: 'b', n: 1 },
      ]),
      'changed',
    )
    await other.flush()
    expect(failure(await other.load('u1', [{ room: 'b', n: 1 }])).message).toContain('room = b, n = 1')
    expect(failure(await other.sql('u1', "INSERT INTO messages (room) VALUES ('a')"))).toMatchObject({
      code: 'null-value',
    })
    only(await other.sql('u1', "DELETE FROM messages WHERE room = 'a' AND n = 2"), 'changed')
    expect(await other.rows('u1', 'select room, n from t order by all')).toEqual([
      ['a', 1],
      ['b', 1],
    ])
  })
})

test('a statement is done again when it is given again, and once when it is not', async () => {
  await world.load('u1', [{ id: 1, body: 'x' }])
  for (let i = 0; i < 2; i++) only(await world.sql('u1', "UPDATE messages SET body = body || 'x'"), 'changed')
  expect(await world.rows('u1')).toEqual([[1n, 'xxx']])
})

test('the plan of a flush says whether it is due', async () => {
  await using other = new World()
  await other.create(messages, { flushPolicy: "ROWS 2 INTERVAL '1 hour'" })
  const summary = async () => {
    const tblctl = await other.tblctl()
    return (await tblctl.operate('flush', { refs: ['p:chat/messages'] }, {}, true)).items[0]!.plan!.summary[0]
  }
  await other.load('u1', [{ id: 1 }])
  expect(await summary()).toContain('nobody is due')
  await other.load('u1', [{ id: 2 }])
  expect(await summary()).toContain('1 is due')
  await other.load('u2', [{ id: 2 }, { id: 3 }])
  expect(await summary()).toContain('2 are due')
  const store = (sql: string) => other.store((hot) => hot.run(sql))
  await other.close()
  store('delete from hot_rows where key = \'["2"]\'')
  store('update hot_rows set updated = updated - 3600000')
  expect(await summary()).toContain('2 are due')
})
