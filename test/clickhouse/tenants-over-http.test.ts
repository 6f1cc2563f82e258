/** Tenants on a server: the statements that reach it, by the real client. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startClickhouse } from '../support/clickhouse.ts'
import { type ClickhouseWorld, clickhouseWorld } from './world.ts'

const server = await startClickhouse()
let world: ClickhouseWorld
beforeAll(async () => {
  world = await clickhouseWorld(`{ driver: clickhouse, url: "${server.url}", database: otel }`)
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const choice = { refs: ['ch:t1', 'ch:t2'], ids: [], backend: null }
const options = { schemaSet: 'hyperdx', retention: '30d' }
const ddl = (all: readonly string[]): string[] => all.filter((sql) => !/^\s*SELECT\b/.test(sql))

it('are made once, looked at, and deleted', { timeout: 120_000 }, async () => {
  const { tenants } = world.tblctl
  expect((await tenants.operate('tenant.create', choice, options)).summary.changed).toBe(2)
  const made = ddl(await server.statements())
  expect(made.filter((sql) => sql.startsWith('CREATE TABLE'))).toHaveLength(20)
  expect(made.filter((sql) => sql.startsWith('CREATE MATERIALIZED VIEW'))).toHaveLength(4)

  expect((await tenants.operate('tenant.create', choice, options)).summary.unchanged).toBe(2)
  const { items } = await tenants.list('ch')
  expect(items.map(({ id, state }) => [id, state])).toEqual([
    ['t1', 'whole'],
    ['t2', 'whole'],
  ])
  expect((await tenants.describe({ ...choice, refs: ['ch:t1'] })).objects).toHaveLength(12)
  const same = { retention: '30d', applyNow: false }
  expect((await tenants.operate('tenant.retention', choice, same)).summary.unchanged).toBe(2)
  expect(ddl(await server.statements())).toEqual([])

  const shorter = { retention: '7d', applyNow: false }
  expect((await tenants.operate('tenant.retention', { ...choice, refs: ['ch:t1'] }, shorter)).summary.changed).toBe(1)
  expect(ddl(await server.statements()).every((sql) => /^ALTER TABLE .*_t1` MODIFY TTL/.test(sql))).toBe(true)
  const deleted = await tenants.operate('tenant.delete', { ...choice, refs: ['ch:t1'] }, {})
  expect(deleted.items[0]).toMatchObject({ status: 'changed', result: { tables: 10, views: 2 } })
  expect(ddl(await server.statements()).filter((sql) => sql.includes('_t2'))).toEqual([])
  expect((await tenants.list('ch')).items.map(({ id }) => id)).toEqual(['t2'])
})

it('of a backend that has none are refused', async () => {
  await expect(world.tblctl.tenants.list('nowhere')).rejects.toMatchObject({ view: { code: 'unknown-backend' } })
  await expect(world.tblctl.tenants.describe(choice)).rejects.toMatchObject({ view: { code: 'one-tenant' } })
  await expect(
    world.tblctl.tenants.operate('tenant.delete', { refs: [], ids: [], backend: 'ch' }, {}),
  ).rejects.toMatchObject({
    view: { code: 'empty-choice' },
  })
})

it('of one backend are listed although another one does not answer', async () => {
  const backends = `{ driver: clickhouse, url: "${server.url}", database: otel }\n  off: { driver: clickhouse, url: "http://127.0.0.1:9" }\n  mem: { driver: memory }`
  await using both = await clickhouseWorld(backends)
  const { items, errors } = await both.tblctl.tenants.list(null)
  expect(items.map(({ id }) => id)).toEqual(['t2'])
  expect(errors).toMatchObject([{ backend: 'off', error: { kind: 'unreachable' } }])
  await expect(both.tblctl.tenants.list('off')).rejects.toMatchObject({ view: { kind: 'unreachable' } })
  await expect(both.tblctl.tenants.list('mem')).rejects.toMatchObject({ view: { code: 'unsupported-verb' } })
})
