/** The real command line, killed at every durable step of flush, optimize, mutate and drop: afterwards as if nothing had happened. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { failure } from '../contract/driver/reports.ts'
import { killEverywhere } from '../faults/harness.ts'
import type { Ended } from '../support/child.ts'
import { ref, World } from './world.ts'

const minutes = 60_000

/** Rows, counts, what lies in the folders, and that no job is left open. */
async function state(world: World) {
  const rows = { u1: await world.rows('u1'), u2: await world.rows('u2') }
  const { users, rows: count, hotRows, files, tombstones } = await world.status()
  const tblctl = await world.tblctl()
  const open = (await tblctl.jobs.list({})).filter((job) => job.state !== 'done').map((job) => [job.verb, job.state])
  return { rows, count, users, hotRows, files, tombstones, open, folders: folders(world) }
}

/** What each manifest says, and what lies beside it that no manifest names. Segments of different runs may have different numbers. */
function folders(world: World) {
  return ['u1', 'u2'].map((user) => {
    const folder = world.file(`u/${user}/tables/chat/messages`)
    // A process that is killed leaves the store's temporary files, which nobody reads.
    const there = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.tblctl-')) : []
    if (!there.includes('manifest.json')) return there
    const { segments } = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as { segments: Segment[] }
    const named = segments.map(({ path }) => path)
    return {
      segments: segments.map(({ row_count, tombstones }) => [row_count, tombstones]),
      missing: named.filter((name) => !there.includes(name)),
      unnamed: there.filter((name) => name !== 'manifest.json' && !named.includes(name)),
    }
  })
}
interface Segment {
  readonly path: string
  readonly row_count: number
  readonly tombstones: number
}

const nothingLeft: Ended = { code: 0, signal: null, stdout: '', stderr: '' }

/** Killed between its end and its report: to give a statement again would be another statement, and what is dropped is gone. */
async function isDone(world: World, args: readonly string[]): Promise<boolean> {
  const verb = { sql: 'mutate', drop: 'drop' }[args[0]!]
  const jobs = verb === undefined ? [] : await (await world.tblctl()).jobs.list({ verb })
  await world.close()
  return jobs.some((job) => job.state === 'done')
}

async function from(
  prepare: (world: World) => Promise<void>,
  args: readonly string[],
  oracle: typeof state | ((world: World) => Promise<unknown>),
  least: number,
) {
  await using template = new World()
  await template.create()
  for (const user of ['u1', 'u2'])
    await template.load(user, [
      { id: 1, body: 'a' },
      { id: 2, body: 'b' },
      { id: 3, body: 'c' },
    ])
  await prepare(template)
  await template.close()
  const command = async (world: World, env: Record<string, string>) =>
    'FAULT_KILL' in env || 'FAULT_COUNT' in env || !(await isDone(world, args)) ? world.run(args, env) : nothingLeft
  await killEverywhere({ setUp: () => template.copy(), command, oracle, every: 6 }, least)
}

test('flush', { timeout: 3 * minutes }, async () => {
  await from(
    async (world) => {
      await world.flush('u1')
      await world.sql('u1', 'DELETE FROM messages WHERE id = 2')
    },
    ['flush', ref, '-y'],
    state,
    5,
  )
})

test('optimize', { timeout: 3 * minutes }, async () => {
  await from(
    async (world) => {
      await world.flush()
      await world.sql('u1', 'DELETE FROM messages WHERE id = 2')
      await world.sql('u1', "UPDATE messages SET body = 'new' WHERE id = 3")
      await world.flush()
    },
    ['optimize', ref, '-y'],
    state,
    5,
  )
})

test.each([
  "UPDATE chat.messages SET body = body || '+'",
  'DELETE FROM chat.messages WHERE id < 3',
  "INSERT INTO chat.messages VALUES (4, 'd')",
])('%s', { timeout: 2 * minutes }, async (statement) => {
  await from(
    async (world) => void (await world.flush()),
    ['sql', '--backend', 'p', '--as', 'u1', statement, '-y'],
    state,
    2,
  )
})

test('drop', { timeout: 3 * minutes }, async () => {
  const gone = async (world: World) => {
    const tblctl = await world.tblctl()
    const files = readdirSync(world.folder, { recursive: true }).map(String)
    return {
      tables: (await tblctl.list({ refs: [] }, true)).items,
      left: files.filter((name) => /batch-|manifest|schema_v1|current/.test(name)),
      store: world.store((store) =>
        store.all('select (select count(*) from hot_rows) + (select count(*) from garbage) as n'),
      ),
    }
  }
  await from(async (world) => void (await world.flush('u1')), ['drop', ref, '--confirm', ref], gone, 4)
})

test('a drop that was interrupted has the table to itself until it is done', { timeout: minutes }, async () => {
  await using world = new World()
  await world.create()
  await world.load('u1', [{ id: 1, body: 'a' }])
  await world.close()
  const args = ['drop', ref, '--confirm', ref]
  expect((await world.run(args, { FAULT_KILL_AT: 'user-tables.drop:before' })).signal).toBe('SIGKILL')
  expect(failure(await world.load('u1', [{ id: 2, body: 'b' }]))).toMatchObject({ code: 'claimed' })
  expect(failure(await world.flush())).toMatchObject({ kind: 'busy', message: expect.stringContaining('drop') })
  await world.close()
  expect((await world.run(args)).code).toBe(0)
  expect((await (await world.tblctl()).list({ refs: [] }, true)).items).toEqual([])
})

test('a drop that was cancelled half-way is done by the next one', { timeout: minutes }, async () => {
  await using world = new World()
  await world.create()
  await world.load('u1', [{ id: 1, body: 'a' }])
  await world.flush()
  await world.close()
  const args = ['drop', ref, '--confirm', ref]
  expect((await world.run(args, { FAULT_KILL_AT: 'user-tables.drop:after' })).signal).toBe('SIGKILL')
  const tblctl = await world.tblctl()
  const [job] = await tblctl.jobs.list({ verb: 'drop' })
  await tblctl.jobs.cancel(job!.id)
  expect((await tblctl.jobs.list({ verb: 'drop' }))[0]!.state).toBe('cancelled')
  await world.close()
  expect((await world.run(args)).code).toBe(0)
  expect(existsSync(world.file('u/u1/tables/chat/messages/batch-1.parquet'))).toBe(false)
})
