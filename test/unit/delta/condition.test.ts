/** Conditions of users: what they may say, what is refused and where, and what of them the partition alone decides. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataType, Field } from '../../../src/core/types.ts'
import { checkCondition, onlyPartitionColumns, partitionOnly } from '../../../src/drivers/delta/rows/condition.ts'
import { type Engine, openEngine } from '../../../src/engine/engine.ts'

const field = (name: string, type: DataType): Field => ({ name, type, nullable: true })
const int: DataType = { kind: 'Int64' }
const fields = [
  field('id', int),
  field('é', int),
  field('p', { kind: 'Utf8' }),
  field('date', { kind: 'Date32' }),
  field('ts', { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' }),
  field('s', { kind: 'Struct', fields: [field('a', int)] }),
  field('l', { kind: 'List', item: int, itemNullable: true }),
  field('b', { kind: 'Boolean' }),
  field('Y"z', { kind: 'Utf8' }),
  field('j', { kind: 'Json' }),
]
const now = new Date('2026-11-20T10:00:00Z')
let engine: Engine
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tblctl-condition-'))
  engine = await openEngine({ scratch: folder })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})
const check = (text: string) => checkCondition(engine, text, fields, now)
const rows = `SELECT * FROM (VALUES
  (1, 1, 'x', DATE '2026-01-01', TIMESTAMPTZ '2026-11-20T09:00:00Z', {a: 1}, [1, 2], true, 'q', '{"k": 1}'::JSON),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, 3, 'a''b', DATE '2026-11-20', TIMESTAMPTZ '2026-11-20T11:00:00Z', {a: 3}, [3], false, '"', '{"k": 3}'::JSON)
) AS t(id, "é", p, date, ts, s, l, b, "Y""z", j)`
const idsOf = async (sql: string) =>
  (await engine.all(`SELECT id FROM (${rows}) AS t WHERE (${sql}\n) ORDER BY id`)).map(({ id }) => Number(id))

describe('a condition', () => {
  it.each([
    ['true', []],
    ['id = 1', ['id']],
    ['t.id = 1 -- a remark', ['id']],
    ["p = 'a''b'", ['p']],
    ["p like 'a%' escape '$' or p ilike 'X' or p similar to 'n+' or p !~ 'x.*'", ['p']],
    ['DATE >= \'2026-03-01\' and "é" in (3, 4)', ['date', 'é']],
    ['"Y""z" = \'"\'', ['Y"z']],
    ['s.a = 1 or t.s.a = 3', ['s']],
    ['list_filter(l, lambda q: q > id)[1] = 2', ['l', 'id']],
    ['list_sum(l) > 2', ['l']],
    ["j->>'$.k' = '3'", ['j']],
    ['b is true', ['b']],
    ['b is not true and b is not false', ['b']],
    ['not b', ['b']],
    ['b', ['b']],
    ["nullif(p, 'x') is null", ['p']],
    ['case when b then 1 else 2 end = 1', ['b']],
    ['id between 1 and 2 and try_cast(p as int) is null', ['id', 'p']],
    ['id < 170141183460469231731687303715884105727 and id <> 18446744073709551615', ['id']],
    ["date - interval 1 day < '2026-01-01' and extract(year from ts) = 2026", ['date', 'ts']],
    ["(id, p) in ((1, 'x'))", ['id', 'p']],
    ['id is distinct from 1', ['id']],
  ])('%s: keeps its meaning', async (text, columns) => {
    const condition = await check(text)
    expect(condition.columns).toEqual(columns)
    expect(await idsOf(condition.sql)).toEqual(await idsOf(text))
    const parts = condition.parts.map(({ sql }) => `(${sql})`).join(' AND ')
    expect(await idsOf(parts)).toEqual(await idsOf(text))
    // What a plan keeps is checked again when it is executed.
    const again = await check(condition.sql)
    expect(again.columns).toEqual(columns)
    expect(await idsOf(again.sql)).toEqual(await idsOf(text))
  })

  it('has the time in it where it asks for the time', async () => {
    const { sql } = await check('ts < now() or ts > current_timestamp + interval 1 day or date = current_date')
    expect(await idsOf(sql)).toEqual([1, 3])
    expect(sql).not.toMatch(/now|current/)
    expect(await idsOf((await check("localtimestamp = '2026-11-20 10:00:00' and id = 2")).sql)).toEqual([2])
    // A column of that name is a column.
    const named = await checkCondition(engine, 'current_date = 1', [field('Current_Date', int)], now)
    expect(named.columns).toEqual(['Current_Date'])
  })

  const refused = 'condition-not-allowed'
  it.each([
    ['exists (select 1)', refused, 'where:1:1', 'subquery'],
    ['id = 1 and\n id in (select 1)', refused, 'where:2:5', 'subquery'],
    ['é = (select 1)', refused, 'where:1:5', 'subquery'],
    ['sum(id) > 1', refused, 'where:1:1', 'sum is an aggregate'],
    ['count(*) > 1', refused, 'where:1:1', 'aggregate'],
    ['row_number() over () = 1', refused, 'where:1:1', 'window'],
    ['random() > 0.5', refused, 'where:1:1', 'random'],
    ['main.random() > 0.5', refused, 'where:1:1', 'random'],
    ['uuid() = p', refused, 'where:1:1', 'uuid'],
    ['ago(interval 1 day) > ts', refused, 'where:1:1', 'ago'],
    ["getenv('HOME') = p", refused, 'where:1:1', 'getenv'],
    ["read_text('/etc/passwd') = p", refused, 'where:1:1', 'read_text'],
    ["current_setting('threads') = p", refused, 'where:1:1', 'current_setting'],
    ['id = ?', refused, undefined, 'parameter'],
    ['#1 = 1', refused, 'where:1:1', 'number'],
    ["columns('id') = 1", refused, 'where:1:1', 'COLUMNS'],
    ['id = any([1])', refused, 'where:1:4', 'subquery'],
    ['ids = 1', 'no-such-column', 'where:1:1', 'no column "ids"'],
    ['p = "x"', 'no-such-column', 'where:1:5', 'no column "x"'],
    ['', 'bad-condition', 'where:1:1', 'cannot be read'],
    ['id =', 'bad-condition', 'where:1:5', 'cannot be read'],
    ['é = 1 and\né ==== 2', 'bad-condition', 'where:2:3', ''],
    ['id = 1) or (1 = 1', 'bad-condition', 'where:1:7', 'syntax error'],
    ["p = 'x", 'bad-condition', 'where:1:5', 'unterminated'],
    ['id = 1; select 1', 'bad-condition', 'where', 'after its end'],
    ['id = 1; drop table t', 'bad-condition', 'where', 'after its end'],
    ['id between symmetric 1 and 2', 'bad-condition', 'where', 'cannot be read'],
    ['id = 1 order by 1', 'bad-condition', 'where', 'after its end'],
    ['id = 1 limit 1', 'bad-condition', 'where', 'after its end'],
    ['id = 1 group by id', 'bad-condition', 'where', 'after its end'],
    ['id = 1 union select 1', 'bad-condition', 'where', 'after its end'],
    ['id = 1 qualify true', 'bad-condition', 'where', 'after its end'],
    ['id', 'bad-condition', 'where:1:1', 'BIGINT'],
    ['id + 1', 'bad-condition', 'where:1:1', 'no condition'],
    ['b and\n nosuch(id)', 'bad-condition', 'where:2:2', 'nosuch'],
    ['l > 1', 'bad-condition', 'where:1:3', ''],
    ['s.c = 1', 'bad-condition', 'where', '"c"'],
    ["date >= 'nonsense'", 'bad-condition', 'where:1:9', 'nonsense'],
    ["id = 3 and (p = 'x' or date < '2026-13-01')", 'bad-condition', 'where:1:31', '2026-13-01'],
    ["id in (1, 'x')", 'bad-condition', 'where:1:11', 'x'],
  ])('%s: refused where it stands', async (text, code, where, message) => {
    const error = await check(text).then(
      () => null,
      (thrown) => thrown.view,
    )
    expect(error).toMatchObject({ code, kind: code === refused ? 'refused' : 'usage' })
    expect(error.where).toBe(where)
    expect(error.message).toContain(message)
  })

  it('suggests a column', async () => {
    await expect(check('dat = 1')).rejects.toMatchObject({ view: { hint: 'did you mean date?' } })
    await expect(check('nothing_like_it = 1')).rejects.toMatchObject({
      view: { hint: expect.stringContaining('single quotes; the columns are id, é') },
    })
  })
})

describe('what the partition alone decides', () => {
  it.each([
    ["p = 'x' and id > 3 and date > '2026-01-01'", ['p', 'date']],
    ["(p = 'x' and (b and date is null))", ['p', 'date']],
    ["p = 'x' or id = 1", null],
    ['id = 1', null],
    ['true and id = 1', []],
    ["p = 'x' or date is null", ['p', 'date']],
  ])('%s', async (text, columns) => {
    const sql = partitionOnly(await check(text), ['p', 'date'])
    if (columns === null) expect(sql).toBeNull()
    else expect([...(await check(sql!)).columns]).toEqual(columns)
  })

  it('and a column that is none is named', async () => {
    const condition = await check("p = 'x' and id > 3")
    expect(() => onlyPartitionColumns(condition, ['p', 'date'])).toThrow('"id" is no partition column')
    expect(() => onlyPartitionColumns(condition, ['p', 'id'])).not.toThrow()
    expect(() => onlyPartitionColumns(condition, [])).toThrow('"p" is no partition column')
  })
})
