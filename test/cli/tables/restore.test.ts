/** restore as it is typed: which version, by number or by time. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { metric, openWorld, stable, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:a/t', '--schema', 'metrics')
  for (const n of [1, 2]) {
    await world.write('a.ndjson', metric(n))
    await world.ok('load', 'lake:a/t', 'a.ndjson', '--batch-id', `batch ${n}`)
  }
})
afterEach(() => world[Symbol.asyncDispose]())
const rows = async () => (await world.json('query', 'lake:a/t', 'select count(*) as n from t')).rows[0].n

it('a version comes back as a new one, once it was said yes to', async () => {
  expect(await world.cli(['restore', 'lake:a/t', '--version', '1'])).toMatchObject({ code: 64 })
  const dry = await world.ok('restore', 'lake:a/t', '--version', '1', '--dry-run')
  expect(stable(dry.stdout, world)).toContain(
    'restore lake:a/t to version 1: 0 files come back (SIZE), 1 go (SIZE); rows 2 → 1',
  )
  expect(dry.stdout).toContain('1 loads are undone and still count as loaded; load them anew with --again: batch 2')
  expect(await rows()).toBe(2)
  const { items } = await world.json('restore', 'lake:a/t', '--version', '1', '-y')
  expect(items).toMatchObject([
    { status: 'changed', result: { version: 3, restoredVersion: 1, filesRemoved: 1, rowsBefore: 2, rowsAfter: 1 } },
  ])
  expect(await rows()).toBe(1)
  const { items: history } = await world.json('history', 'lake:a/t')
  expect(history[0]).toMatchObject({ version: 3, operation: 'RESTORE' })
  await world.ok('restore', 'lake:a/t', '--timestamp', history[1].timestamp, '-y')
  expect(await rows()).toBe(2)
  expect((await world.ok('restore', 'lake:a/t', '--version', '4', '-y')).stdout).toContain('unchanged')
})

it('says which versions there are not', async () => {
  expect(await world.cli(['restore', 'lake:a/t', '-y'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('tblctl history REF'),
  })
  for (const flags of [
    ['--version', '1', '--timestamp', '2026-01-01T00:00:00Z'],
    ['--version', '-1'],
    ['--version', 'x'],
    ['--timestamp', 'yesterday'],
  ])
    expect((await world.cli(['restore', 'lake:a/t', ...flags, '-y'])).code, flags.join(' ')).toBe(64)
  const none = await world.cli(['restore', 'lake:a/t', '--version', '9', '-y'])
  expect(none.code).toBe(66)
  expect(none.stdout + none.stderr).toContain('no version 9')
  const early = await world.cli(['restore', 'lake:a/t', '--timestamp', '2001-01-01T00:00:00Z', '-y'])
  expect(early.code, early.stdout + early.stderr).toBe(66)
})
