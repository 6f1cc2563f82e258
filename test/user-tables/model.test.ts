/** Random work of two users against a model in memory: what is deleted stays deleted, whatever is flushed and compacted in between. */
import { mkdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columns, messages, World } from './world.ts'

const id = fc.integer({ min: 1, max: 6 })
const user = fc.constantFrom('u1', 'U1')
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant('insert' as const), user, id }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('update' as const), user, id }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('delete' as const), user, id }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('load' as const), user, id }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('flush' as const) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('optimize' as const) }) },
)

/** Rows of each user by id; without a key an id may be there more than once. */
type Model = Map<string, { id: number; body: string }[]>

test.each([
  ['with a key', messages, 8],
  ['without a key', null, 4],
] as const)('%s', { timeout: 180_000 }, async (_name, definition, runs) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 14 }), async (steps) => {
      await using world = new World()
      await make(world, definition)
      const model: Model = new Map([
        ['u1', []],
        ['U1', []],
      ])
      for (const [n, one] of steps.entries()) {
        if (one.is === 'flush') await world.flush()
        else if (one.is === 'optimize') await world.optimize()
        else await apply(world, model, one, `body ${n}`, definition !== null)
        for (const [name, rows] of model)
          expect(await world.rows(name, 'select id, body from t order by id, body'), JSON.stringify(steps)).toEqual(
            rows
              .map((row) => [BigInt(row.id), row.body])
              .sort(([a, x], [b, y]) => (a === b ? (x! < y! ? -1 : 1) : a! < b! ? -1 : 1)),
          )
      }
      const total = [...model.values()].flat().length
      const tblctl = await world.tblctl()
      for (const exact of [false, true])
        expect((await tblctl.stats({ refs: ['p:chat/messages'] }, exact))[0]!.status.rows).toBe(total)
    }),
    { numRuns: runs },
  )
})

async function make(world: World, definition: typeof messages | null): Promise<void> {
  if (definition) return void (await world.create(columns(['id', 'BIGINT'], ['body', 'TEXT'])))
  mkdirSync(world.file('schemas'))
  world.write(
    'schemas/plain.yaml',
    'table_name: plain\nfields:\n  - { name: id, data_type: Int64, nullable: false }\n  - { name: body, data_type: Utf8, nullable: true }\n',
  )
  world.write(
    'tblctl.yaml',
    'version: 1\nschemas: [./schemas]\nbackends: { p: { driver: user-tables, hot: hot.db, location: "file:./u/${user_id}/tables" } }\n',
  )
  const made = await (await world.tblctl()).provision('create', ['p:chat/messages'], {
    schema: 'plain',
    location: null,
    labels: {},
  })
  expect(made.summary.changed).toBe(1)
}

async function apply(
  world: World,
  model: Model,
  one: { is: 'insert' | 'update' | 'delete' | 'load'; user: string; id: number },
  body: string,
  keyed: boolean,
): Promise<void> {
  const rows = model.get(one.user)!
  const there = rows.filter((row) => row.id === one.id)
  const row = { id: one.id, body }
  const report =
    one.is === 'load'
      ? await world.load(one.user, [row], body)
      : await world.sql(
          one.user,
          {
            insert: `INSERT INTO messages VALUES (${one.id}, '${body}')`,
            update: `UPDATE messages SET body = '${body}' WHERE id = ${one.id}`,
            delete: `DELETE FROM messages WHERE id = ${one.id}`,
          }[one.is],
        )
  const adds = one.is === 'insert' || one.is === 'load'
  const expected = adds
    ? keyed && there.length > 0
      ? 'failed'
      : 'changed'
    : there.length > 0
      ? 'changed'
      : 'unchanged'
  expect(report.items[0]!.status, JSON.stringify(report.items[0])).toBe(expected)
  if (expected !== 'changed') return
  if (adds) rows.push(row)
  else if (one.is === 'update') for (const old of there) old.body = body
  else
    model.set(
      one.user,
      rows.filter((old) => !there.includes(old)),
    )
}
