import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, only } from '../contract/driver/reports.ts'
import { columns, World } from './world.ts'

/** What each column refuses, and how it is taken when it is said exactly. */
const cases: readonly (readonly [type: string, refused: readonly string[], taken: readonly string[]])[] = [
  [
    'BIGINT',
    ['7.6', "'7.6'", "'many'", '1e30', '9223372036854775808', 'true'],
    ['1e3', '5.0', "'12'", '9007199254740993'],
  ],
  ['INT', ['2.5', '2147483648', '5::DOUBLE / 2'], ['-2', '5 // 2', 'round(2.5)']],
  ['DECIMAL(10, 2)', ['1.005', "'1.005'", '123456789', "'NaN'"], ['1.10', '1.500', '12345678.9']],
  ['BOOLEAN', ['5', "'yes'"], ['true', "'FALSE'", '1 = 1']],
  ['FLOAT', ['16777217', '1e39', "'x'"], ['16777216', '0.1', "'NaN'", "'-infinity'"]],
  ['DOUBLE', ['9007199254740993'], ['9007199254740992', '1e300', '0.1 + 0.2']],
  [
    'DATE',
    ["'infinity'", "'290000-01-01'", "'0044-03-15 (BC)'", "TIMESTAMP '2024-01-01 10:00:00'", "'nonsense'"],
    ["'2024-02-29'", "DATE '0001-01-01'", "TIMESTAMP '2024-01-01 00:00:00'"],
  ],
  [
    'TIMESTAMP',
    [
      "'infinity'",
      "'-infinity'",
      "'290000-01-01'",
      "'5000000-01-01'",
      "'0044-03-15 (BC) 10:00:00'",
      "'2024-01-01 10:00:00+02'",
      "'2024-01-01T10:00:00Z'",
      "TIMESTAMPTZ '2024-01-01 10:00:00+02'",
      "'2024-01-01 10:00:00.1234567'",
      "TIMESTAMP_NS '2024-01-01 10:00:00.123456789'",
    ],
    ["'2024-01-01 10:00:00.1234560'", "'9999-12-31 23:59:59.999999'", "DATE '2024-01-01'", 'CAST(now() AS TIMESTAMP)'],
  ],
  ['TIMESTAMPTZ', ["'infinity'", "'290000-01-01'"], ["'2024-01-01 10:00:00+02'", 'now()', "'2024-01-01T10:00:00Z'"]],
  ['JSON', [`'{"a": 1, "a": 2}'`, "'{'", `'["\\ud800"]'`], [`'{"a": 1}'`, "'null'", '{a: 1}', '7']],
]
const names = cases.map((_, i) => `c${i}`)

let world: World
beforeAll(async () => {
  world = new World()
  await world.create(columns(['id', 'BIGINT'], ...cases.map(([type], i) => [names[i]!, type] as const)))
  only(await world.sql('u1', 'INSERT INTO messages (id) VALUES (0)'), 'changed')
})
afterAll(() => world[Symbol.asyncDispose]())

test.each(cases.map((one, i) => [one[0], i] as const))(
  '%s: no value is changed in silence, and what is taken can be read and flushed',
  async (_, i) => {
    const [, refused, taken] = cases[i]!
    const name = names[i]!
    for (const value of refused) {
      for (const statement of [
        `INSERT INTO messages (id, ${name}) VALUES (99, ${value})`,
        `UPDATE messages SET ${name} = ${value} WHERE id = 0`,
      ]) {
        const error = failure(await world.sql('u1', statement))
        expect([error.kind, statement], error.message).toEqual(['data', statement])
        if (error.code === 'inexact-value') expect(error.message).toContain(name)
      }
    }
    const rows = taken.map((value, n) => `(${i * 10 + n + 100}, ${value})`)
    only(await world.sql('u1', `INSERT INTO messages (id, ${name}) VALUES ${rows}`), 'changed')
    only(await world.sql('u1', `UPDATE messages SET ${name} = ${taken[0]!} WHERE id = 0`), 'changed')
  },
)

test('all of it is read and flushed', async () => {
  const count = cases.reduce((sum, [, , taken]) => sum + taken.length, 1)
  expect(await world.rows('u1', `select count(*), count(*) filter (id < 100) from t`)).toEqual([[BigInt(count), 1n]])
  only(await world.flush(), 'changed')
  expect(await world.rows('u1', 'select id, c0 from t where id between 100 and 109 order by id')).toEqual([
    [100n, 1000n],
    [101n, 5n],
    [102n, 12n],
    [103n, 9007199254740993n],
  ])
})

test('a refusal names column and value', async () => {
  expect(failure(await world.sql('u1', 'INSERT INTO messages (id, c0) VALUES (7, 7.6)'))).toMatchObject({
    code: 'inexact-value',
    message: 'column "c0": "7.6" is not an Int64',
  })
})

test.each([
  'DELETE FROM messages WHERE random() < 0.01',
  'DELETE FROM messages WHERE "RANDOM" () < 0.01',
  'UPDATE messages SET c1 = CAST(random() * 10 AS INT)',
  'DELETE FROM messages WHERE id IN (SELECT id FROM messages USING SAMPLE 3)',
  'DELETE FROM messages WHERE id IN (SELECT id FROM messages TABLESAMPLE reservoir(3))',
])('%s is drawn by lot, and refused', async (statement) => {
  expect(failure(await world.sql('u1', statement))).toMatchObject({ kind: 'usage', code: 'volatile-expression' })
})

test('what is drawn once may be inserted, and a text that looks like a call is a text', async () => {
  await using other = new World()
  await other.create()
  only(await other.sql('u1', 'INSERT INTO messages VALUES (1, uuid())'), 'changed')
  expect((await other.rows('u1'))[0]![1]).toMatch(/^[0-9a-f-]{36}$/)
  only(await other.sql('u1', "UPDATE messages SET body = 'random()'"), 'changed')
  expect(await other.rows('u1')).toEqual([[1n, 'random()']])
})

test('the statement is kept for whoever resumes it, and shown to nobody', async () => {
  const secret = 'INSERT INTO messages (id, c9) VALUES (777777, 7)'
  const report = await world.sql('u1', secret)
  const tblctl = await world.tblctl()
  const shown = JSON.stringify([await tblctl.jobs.list({}), await tblctl.audit({}), report])
  expect(shown).not.toContain('777777')
  const [row] = await tblctl.audit({ limit: 1 })
  expect(row).toMatchObject({ verb: 'mutate', detail: { rows: 1, statement: 'insert', user: 'u1' } })
})
