/** drop and undrop as they are typed: what is asked for, what is said. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', 'lake:a/u', '--schema', 'metrics')
  await world.write('a.ndjson', metric(1))
  await world.ok('load', 'lake:a/t', 'a.ndjson')
})
afterEach(() => world[Symbol.asyncDispose]())
const refs = async (...more: string[]) =>
  (await world.json('list', ...more)).items.map((item: { ref: string }) => item.ref)

it('needs the name of the table, and -y is not enough', async () => {
  for (const flags of [[], ['-y'], ['--confirm', 'lake:a/u'], ['--confirm', 'u'], ['-y', '--confirm', '1 tables']]) {
    const { code, stderr } = await world.cli(['drop', 'lake:a/t', ...flags])
    expect({ code, flags }).toEqual({ code: 64, flags })
    expect(stderr).toContain('lake:a/t')
  }
  expect(await refs()).toEqual(['lake:a/t', 'lake:a/u'])
  const { stdout } = await world.ok('drop', 'lake:a/t', '--dry-run')
  expect(stdout).toContain('would drop lake:a/t')
  expect(stdout).toContain('1 rows')
  expect(stdout).toContain('tblctl undrop lake:a/t')
})

it.each(['t', 'a/t', 'lake:a/t'])('--confirm %s drops it, and undrop brings it back', async (name) => {
  const { items } = await world.json('drop', 'lake:a/t', '--confirm', name)
  expect(items).toMatchObject([{ status: 'changed', result: { answer: 'dropped', rows: 1, files: 1, version: 1 } }])
  expect(await refs()).toEqual(['lake:a/u'])
  expect(await refs('--dropped')).toEqual(['lake:a/t'])
  const gone = await world.cli(['describe', 'lake:a/t'])
  expect(gone).toMatchObject({ code: 66, stderr: expect.stringContaining('try: tblctl undrop lake:a/t') })
  expect(await world.cli(['undrop', 'lake:a/t'])).toMatchObject({ code: 64 })
  expect((await world.json('undrop', 'lake:a/t', '-y')).items).toMatchObject([
    { result: { answer: 'undropped', rows: 1 } },
  ])
  expect((await world.json('query', 'lake:a/t', 'select count(*) as n from t')).rows).toEqual([{ n: 1 }])
  expect(await refs('--dropped')).toEqual([])
})

it('several are confirmed by their number', async () => {
  expect(await world.cli(['drop', 'lake:a/*', '--confirm', 't'])).toMatchObject({ code: 64 })
  await world.ok('drop', 'lake:a/*', '--confirm', '2 tables')
  expect(await refs('--dropped')).toEqual(['lake:a/t', 'lake:a/u'])
  expect(await world.cli(['drop', 'lake:a/t', '--confirm', 't'])).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('was dropped'),
  })
  expect(await world.cli(['undrop', 'lake:a/none', '-y'])).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('tblctl list --dropped'),
  })
})

it('list --dropped shows when, and until when', async () => {
  expect(await world.cli(['list', '--dropped', '--live'])).toMatchObject({ code: 64 })
  expect((await world.ok('list', '--dropped')).stderr).toContain('no table was dropped')
  await world.ok('drop', 'lake:a/t', '--confirm', 't')
  expect(await world.json('list', '--dropped')).toMatchObject({
    kind: 'DroppedTableList',
    items: [
      {
        ref: 'lake:a/t',
        rows: 1,
        version: 1,
        schema: 'metrics',
        droppedAt: expect.any(String),
        until: expect.any(String),
      },
    ],
    errors: [],
  })
  expect((await world.ok('list', '--dropped')).stdout).toMatch(/^REF +ID +DROPPED +UNTIL +VERSION +ROWS/)
})
