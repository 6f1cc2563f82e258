/** tenant create, list, describe, delete: twenty tenants in one database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { shape } from '../tables/world.ts'
import { countOf, insertLogs, objectsOf, openWorld, type World } from './world.ts'

const tenants = Array.from({ length: 20 }, (_, i) => `t${i + 1}`)
const create = (...more: string[]): string[] => [
  ...['tenant', 'create', ...tenants.map((tenant) => `ch:${tenant}`)],
  ...['--schema-set', 'hyperdx', '-y', ...more],
]

let world: World
let created: any
beforeAll(async () => {
  world = await openWorld()
  created = await world.json(...create('--retention', '30d'))
}, 120_000)
afterAll(() => world[Symbol.asyncDispose]())

describe('twenty tenants', { timeout: 120_000 }, () => {
  it('have twelve objects each, and an item each in the report', async () => {
    expect(created).toMatchObject({
      kind: 'OperationReport',
      verb: 'tenant.create',
      summary: { changed: 20, failed: 0 },
    })
    expect(created.items.map((item: any) => item.ref).sort()).toEqual(tenants.map((tenant) => `ch:${tenant}/`).sort())
    expect(created.items[0].result).toEqual({ created: 12, objects: 12 })
    const names = (await objectsOf(world, '%\\_t7')).map(({ name }) => name)
    expect(names).toEqual([
      'hyperdx_sessions_t7',
      'otel_logs_attr_kv_rollup_15m_mv_t7',
      'otel_logs_kv_rollup_15m_t7',
      'otel_logs_t7',
      'otel_metrics_exponential_histogram_t7',
      'otel_metrics_gauge_t7',
      'otel_metrics_histogram_t7',
      'otel_metrics_sum_t7',
      'otel_metrics_summary_t7',
      'otel_traces_kv_rollup_15m_mv_t7',
      'otel_traces_kv_rollup_15m_t7',
      'otel_traces_t7',
    ])
    expect(await objectsOf(world)).toHaveLength(240)
  })

  it('again: unchanged, and nothing is written to ClickHouse', async () => {
    const before = await objectsOf(world)
    let report: any
    const writes = await world.writes(async () => {
      report = await world.json(...create('--retention', '30d'))
    })
    expect(writes).toEqual([])
    expect(report.summary).toEqual({ changed: 0, unchanged: 20, failed: 0, skipped: 0 })
    expect(await objectsOf(world)).toEqual(before)
  })

  it('are listed with what they hold, and where they are whole', async () => {
    await insertLogs(world, 'otel_logs_t3', [0, 1])
    const list = await world.json('tenant', 'list', '--backend', 'ch')
    expect(list.kind).toBe('TenantList')
    expect(list.items).toHaveLength(20)
    const third = list.items.find((item: any) => item.id === 't3')
    expect(third).toMatchObject({ ref: 'ch:t3/', project: 't3', schemaSet: 'hyperdx', state: 'whole', tables: 10 })
    // Not those of the rollups, which are made of the same two.
    expect(third.rows).toBe(2)
    expect(Object.values(third.retention)).toEqual(Array(10).fill('30d'))
    expect(list.items.filter((item: any) => item.state === 'whole')).toHaveLength(20)
  })

  it('have their rollups filled by views that read their own tables only', async () => {
    const rows = await world.sql(
      "SELECT Key, Value, toString(sum(count)) AS n FROM otel.otel_logs_kv_rollup_15m_t3 WHERE ColumnIdentifier = 'ResourceAttributes' OR Key = 'ServiceName' OR Key = '__hdx_materialized_k8s.pod.name' GROUP BY Key, Value ORDER BY Key",
    )
    expect(rows).toEqual([
      { Key: 'ServiceName', Value: 'api', n: '2' },
      { Key: '__hdx_materialized_k8s.pod.name', Value: 'pod[3]', n: '2' },
      { Key: 'k8s.pod.name', Value: 'pod[3]', n: '2' },
      { Key: 'list[*].x', Value: 'v', n: '2' },
    ])
    expect(await countOf(world, 'otel_logs_kv_rollup_15m_t4')).toBe(0)
  })

  it('are described object by object', async () => {
    const tenant = await world.json('tenant', 'describe', 'ch:t3')
    expect(tenant).toMatchObject({ kind: 'Tenant', ref: 'ch:t3/', id: 't3', state: 'whole' })
    expect(tenant.objects).toHaveLength(12)
    expect(tenant.objects[0]).toMatchObject({
      table: 'otel_logs',
      kind: 'table',
      name: 'otel_logs_t3',
      rows: 2,
      retention: '30d',
      state: 'whole',
    })
    expect(tenant.objects.filter((object: any) => object.kind === 'view')).toHaveLength(2)
    const text = (await world.ok('tenant', 'describe', 'ch:t3/')).stdout
    expect(text).toContain('otel_traces_kv_rollup_15m_mv_t3')
  })

  it('have names in the JSON that stay', async () => {
    const list = await world.json('tenant', 'list', '--backend', 'ch')
    const tenant = await world.json('tenant', 'describe', 'ch:t3')
    const text = [
      ...['TenantList', ...shape(list)],
      ...['', 'Tenant', ...shape(tenant)],
      ...['', 'OperationReport of tenant create', ...shape(created.items[0].result)],
    ].join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot('golden/names.txt')
  })

  it('lose one, and t10 to t19 stay as they are', async () => {
    await insertLogs(world, 'otel_logs_t1', [0, 1, 2])
    await insertLogs(world, 'otel_logs_t10', [0])
    const before = await objectsOf(world, '%\\_t1_')
    const refused = await world.cli(['tenant', 'delete', 'ch:t1', '-y'])
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('--confirm t1') })
    expect((await world.cli(['tenant', 'delete', 'ch:t1', '--confirm', 't10', '-y'])).code).toBe(64)
    const report = await world.json('tenant', 'delete', 'ch:t1', '--confirm', 't1', '-y')
    expect(report.items[0]).toMatchObject({ ref: 'ch:t1/', status: 'changed', result: { tables: 10, views: 2 } })
    expect(await objectsOf(world, '%\\_t1')).toEqual([])
    expect(await objectsOf(world, '%\\_t1_')).toEqual(before)
    expect(await countOf(world, 'otel_logs_t10')).toBe(1)
    const left = await world.json('list', '--backend', 'ch', '--project', 't10')
    expect(left.items.map((item: any) => item.table)).toContain('otel_logs')
    expect(left.items).toHaveLength(10)
    expect((await world.json('list', '--backend', 'ch', '--project', 't1')).items).toEqual([])
    expect((await world.json('tenant', 'list', '--backend', 'ch')).items).toHaveLength(19)
  })

  it('keep what was deleted in the trash, with its rows, for a week', async () => {
    const trash = (await objectsOf(world, '\\_trash%')).map(({ name }) => name)
    expect(trash).toHaveLength(10)
    const rows = await Promise.all(trash.map((name) => countOf(world, name)))
    expect(Math.max(...rows)).toBeGreaterThanOrEqual(3)
    expect((await world.json('vacuum', '--backend', 'ch', '--trash', '-y')).items[0]).toMatchObject({
      ref: 'ch',
      status: 'unchanged',
    })
  })

  it('are not deleted twice, and can be made again', async () => {
    expect((await world.json('tenant', 'delete', 'ch:t1', '--confirm', 't1')).items[0].status).toBe('unchanged')
    const again = await world.json('tenant', 'create', 'ch:t1', '--schema-set', 'hyperdx')
    expect(again.items[0]).toMatchObject({ status: 'changed', result: { created: 12 } })
    expect(await countOf(world, 'otel_logs_t1')).toBe(0)
  })

  it('say what is missing and what has drifted, and only what is missing is made', async () => {
    await world.command('DROP VIEW otel.otel_logs_attr_kv_rollup_15m_mv_t2 SYNC')
    await world.command('ALTER TABLE otel.otel_traces_t5 DROP COLUMN TraceState')
    await world.command('ALTER TABLE otel.otel_metrics_sum_t5 ADD COLUMN mine UInt8')
    const states = new Map<string, string>(
      (await world.json('tenant', 'list', '--backend', 'ch')).items.map((item: any) => [item.id, item.state]),
    )
    expect(states.get('t2')).toBe('missing otel_logs_attr_kv_rollup_15m_mv')
    expect(states.get('t5')).toBe('drifted otel_traces, otel_metrics_sum')
    const objects = (await world.json('tenant', 'describe', 'ch:t5')).objects
    const stateOf = (table: string) => objects.find((object: any) => object.table === table).state
    expect(stateOf('otel_traces')).toBe('drifted: no column TraceState')
    expect(stateOf('otel_metrics_sum')).toBe('drifted: a column mine more')
    const made = await world.json('tenant', 'create', 'ch:t2', '--schema-set', 'hyperdx', '--retention', '30d')
    expect(made.items[0].result).toEqual({ created: 1, objects: 12 })
    const refused = await world.cli(['tenant', 'create', 'ch:t5', '--schema-set', 'hyperdx', '-o', 'json'])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout).items[0].error).toMatchObject({
      code: 'tenant-drifted',
      message: expect.stringContaining('no column TraceState'),
    })
  })

  it('are told apart from a copy that somebody made of a table, which stays', async () => {
    await world.command('CREATE TABLE otel.my_copy AS otel.otel_logs_t6')
    const dry = await world.ok('tenant', 'delete', 'ch:t6', '--dry-run')
    expect(dry.stdout).toContain('left alone: otel.my_copy')
    await world.ok('tenant', 'delete', 'ch:t6', '--confirm', 'ch:t6/')
    expect(await objectsOf(world, 'my\\_copy')).toHaveLength(1)
    expect((await world.cli(['tenant', 'describe', 'ch:t6'])).code).toBe(66)
  })
})
