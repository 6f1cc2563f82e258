import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWorld, shape, type World } from '../tables/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:t', '--schema', 'metrics')
})
afterAll(() => world[Symbol.asyncDispose]())

it.each([
  ['show-tables', 'SHOW TABLES'],
  ['describe', 'DESCRIBE t'],
  ['table-stats', `SELECT * FROM TABLE_STATS('t')`],
  ['create', 'CREATE TABLE IF NOT EXISTS t (a INT)'],
])('the names of %s in JSON stay', async (name, statement) => {
  const answer = await world.json('sql', '--backend', 'mem', statement)
  const columns = (answer.columns ?? []).map(
    (column: { name: string; type: string }) => `${column.name} ${column.type}`,
  )
  const golden = fileURLToPath(new URL(`golden/${name}-names.txt`, import.meta.url))
  const text = [...columns.map((column: string) => `column ${column}`), ...new Set(shape(answer))].join('\n')
  await expect(`${text}\n`).toMatchFileSnapshot(golden)
})
