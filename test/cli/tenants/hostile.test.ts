/** Tenants whose ids are any text: each has tables of its own, and a delete of one never touches another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertLogs, objectsOf, openWorld, type World } from './world.ts'

const ids = [
  't1',
  'T1',
  't1_x',
  't1_otel_logs',
  'otel_logs',
  "o'hara",
  'back`tick',
  'qu"ote; DROP DATABASE otel; --',
  'a\\b',
  '../../etc',
  'Müller & Söhne 🐘',
  'line\nbreak',
  '-rf',
  'trailing.',
]

let world: World
const named = (id: string): string[] => ['--backend', 'ch', `--tenant-id=${id}`]
beforeAll(async () => {
  world = await openWorld()
  const report = await world.json('tenant', 'create', ...ids.flatMap(named), '--schema-set', 'hyperdx', '-y')
  expect(report.summary).toMatchObject({ changed: ids.length, failed: 0 })
}, 120_000)
afterAll(() => world[Symbol.asyncDispose]())

/** Tables of logs and their rows, by the id of their tenant. */
async function logsOf(): Promise<Map<string, { table: string; rows: number }>> {
  const rows = await world.sql<{ id: string; name: string; rows: string }>(
    `SELECT coalesce(nullIf(JSONExtractString(comment, 'id'), ''), JSONExtractString(comment, 'project')) AS id, name, toString(total_rows) AS rows
      FROM system.tables WHERE database = 'otel' AND JSONExtractString(comment, 'table') = 'otel_logs' AND name NOT LIKE '\\_trash%'`,
  )
  return new Map(rows.map(({ id, name, rows: count }) => [id, { table: name, rows: Number(count) }]))
}

describe('ids of any text', () => {
  it('come back as they were given', async () => {
    const list = await world.json('tenant', 'list', '--backend', 'ch')
    expect(list.items.map((item: any) => item.id).sort()).toEqual([...ids].sort())
    expect(new Set(list.items.map((item: any) => item.ref)).size).toBe(ids.length)
    expect(list.items.every((item: any) => item.state === 'whole')).toBe(true)
  })

  it('have tables that never meet, whatever the case', async () => {
    const objects = await objectsOf(world)
    expect(objects).toHaveLength(12 * ids.length)
    expect(new Set(objects.map(({ name }) => name.toLowerCase())).size).toBe(objects.length)
  })

  it('are deleted alone: every other one keeps its row', { timeout: 120_000 }, async () => {
    const left = new Set(ids)
    const tables = await logsOf()
    expect([...tables.keys()].sort()).toEqual([...ids].sort())
    for (const { table } of tables.values()) await insertLogs(world, `\`${table}\``, [0])
    for (const gone of ['t1', 't1_otel_logs', "o'hara", '../../etc']) {
      const report = await world.json('tenant', 'delete', ...named(gone), '--confirm', gone, '-y')
      expect(report.items[0].result).toMatchObject({ tables: 10, views: 2, rows: expect.any(Number) })
      left.delete(gone)
      const now = await logsOf()
      expect([...now.keys()].sort()).toEqual([...left].sort())
      expect([...now.values()].map(({ rows }) => rows)).toEqual(Array(left.size).fill(1))
    }
    expect((await world.json('tenant', 'list', '--backend', 'ch')).items).toHaveLength(left.size)
    expect((await world.json('tenant', 'describe', ...named('T1'))).id).toBe('T1')
  })

  it.each([
    ['', 'bad-id'],
    ['x'.repeat(129), 'bad-id'],
    ['\ud800', 'bad-id'],
  ])('that cannot be one are refused: %j', async (id, code) => {
    const result = await world.cli(['tenant', 'create', ...named(id), '--schema-set', 'hyperdx', '-o', 'json'])
    expect(result.code).toBe(64)
    expect(JSON.parse(result.stderr).error.code).toBe(code)
  })

  it.each(['ch:t1/otel_logs', 'ch:t1/x/y', 'ch:../x', 'ch:_x6162', 'nowhere:t1'])(
    'are not refs such as %s',
    async (ref) => {
      expect((await world.cli(['tenant', 'create', ref, '--schema-set', 'hyperdx'])).code).toBe(64)
    },
  )
})
