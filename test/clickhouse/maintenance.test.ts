/** Retention, optimize, vacuum and drop on a tenant's tables, counted by the engine itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countOf, insertLogs, openWorld, type World } from '../cli/tenants/world.ts'
import { openIn } from '../support/open.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('tenant', 'create', 'ch:a', 'ch:b', '--schema-set', 'hyperdx', '--retention', '30d')
}, 120_000)
afterAll(() => world[Symbol.asyncDispose]())

const engineOf = async (name: string): Promise<string> =>
  (
    await world.sql<{ e: string }>(
      `SELECT engine_full AS e FROM system.tables WHERE database = 'otel' AND name = '${name}'`,
    )
  )[0]!.e
const partsOf = async (name: string): Promise<number> =>
  Number(
    (
      await world.sql<{ n: string }>(
        `SELECT toString(count()) AS n FROM system.parts WHERE database = 'otel' AND table = '${name}' AND active AND rows > 0`,
      )
    )[0]!.n,
  )
const errorOf = async (...argv: string[]): Promise<any> => {
  const { code, stdout, stderr } = await world.cli([...argv, '-o', 'json'])
  expect(code).not.toBe(0)
  // Before it stands what was to be approved.
  return stdout === '' ? JSON.parse(stderr.slice(stderr.indexOf('{\n'))).error : JSON.parse(stdout).items[0].error
}

describe('retention', { timeout: 120_000 }, () => {
  it('is shortened without removing a row, and each table keeps its own anchor', async () => {
    await insertLogs(world, 'otel_logs_a', [0, 3, 10, 20])
    expect((await world.cli(['tenant', 'retention', 'ch:a', '--retention', '7d'])).code).toBe(64)
    const report = await world.json('tenant', 'retention', 'ch:a', '--retention', '7d', '-y')
    expect(report.items[0]).toMatchObject({
      status: 'changed',
      result: { tables: 10, retention: '7d', rowsRemoved: 0 },
    })
    expect(await countOf(world, 'otel_logs_a')).toBe(4)
    expect(await engineOf('otel_logs_a')).toContain('TTL toDateTime(Timestamp) + toIntervalDay(7) ')
    expect(await engineOf('otel_traces_a')).toContain('TTL toDate(Timestamp) + toIntervalDay(7) ')
    expect(await engineOf('hyperdx_sessions_a')).toContain('TTL TimestampTime + toIntervalDay(7) ')
    expect(await engineOf('otel_logs_kv_rollup_15m_a')).toContain('TTL Timestamp + toIntervalDay(7) ')
    expect(await engineOf('otel_logs_b')).toContain('toIntervalDay(30)')
  })

  it('is compared in seconds: equal ones change nothing', async () => {
    await world.command(
      'ALTER TABLE otel.otel_logs_a MODIFY TTL toDateTime(Timestamp) + toIntervalHour(168) SETTINGS materialize_ttl_after_modify = 0',
    )
    const writes = await world.writes(async () => {
      const report = await world.json('tenant', 'retention', 'ch:a', '--retention', '1w', '-y')
      expect(report.items[0].status).toBe('unchanged')
    })
    expect(writes).toEqual([])
  })

  it('is made longer, taken away and set again on one table, and rows stay', async () => {
    for (const [wanted, clause] of [
      ['60d', 'TTL toDateTime(Timestamp) + toIntervalDay(60) '],
      ['none', null],
      ['36h', 'TTL toDateTime(Timestamp) + toIntervalHour(36) '],
      ['60d', 'TTL toDateTime(Timestamp) + toIntervalDay(60) '],
    ] as const) {
      const report = await world.json('alter', 'ch:a/otel_logs', '--retention', wanted, '-y')
      expect(report.items[0].status).toBe('changed')
      const engine = await engineOf('otel_logs_a')
      if (clause === null) expect(engine).not.toContain('TTL')
      else expect(engine).toContain(clause)
      if (wanted !== '60d') expect(await countOf(world, 'otel_logs_a')).toBe(4)
    }
    expect(await engineOf('otel_traces_a')).toContain('toIntervalDay(7)')
  })

  it('removes rows now only when it is told so by name', async () => {
    await world.command('TRUNCATE TABLE otel.otel_logs_b')
    await insertLogs(world, 'otel_logs_b', [0, 1, 5, 9, 20])
    const now = ['alter', 'ch:b/otel_logs', '--retention', '7d', '--apply-now']
    expect((await errorOf(...now, '-y')).code).toBe('approval-missing')
    expect(await countOf(world, 'otel_logs_b')).toBe(5)
    const report = await world.json(...now, '--confirm', 'ch:b/otel_logs')
    expect(report.items[0].result).toEqual({ tables: 1, retention: '7d', rowsRemoved: 2 })
    expect(await countOf(world, 'otel_logs_b')).toBe(3)
    expect((await world.json(...now, '--confirm', 'ch:b/otel_logs')).items[0].status).toBe('unchanged')
    expect((await errorOf('alter', 'ch:b/otel_logs', '--retention', 'none', '--apply-now')).code).toBe(
      'nothing-to-apply',
    )
  })

  it.each([
    [
      'toDateTime(Timestamp) + toIntervalDay(9), toDateTime(Timestamp) + toIntervalDay(1) RECOMPRESS CODEC(ZSTD(3))',
      'several rules',
    ],
    ['toDateTime(Timestamp) + toIntervalMonth(1)', 'MONTH'],
    ['toDateTime(Timestamp) + toIntervalDay(9) DELETE WHERE SeverityNumber = 1', 'WHERE'],
  ])('refuses by name what is more than one, and changes nothing: %s', async (ttl, why) => {
    await world.command(
      `ALTER TABLE otel.otel_traces_b MODIFY TTL ${ttl.replace('SeverityNumber = 1', 'Duration = 1')} SETTINGS materialize_ttl_after_modify = 0`,
    )
    const error = await errorOf('tenant', 'retention', 'ch:b', '--retention', '3d', '-y')
    expect(error).toMatchObject({ code: 'ttl-is-no-retention', message: expect.stringContaining('otel_traces') })
    expect(error.message).toContain(why)
    expect(await engineOf('otel_logs_b')).toContain('toIntervalDay(7)')
    expect((await world.json('vacuum', 'ch:b/otel_traces', '-y')).items[0].status).toBe('unchanged')
  })

  it('of nobody is an error, and so is what is no retention', async () => {
    expect((await errorOf('tenant', 'retention', 'ch:nobody', '--retention', '3d', '-y')).code).toBe('tenant-not-found')
    expect((await world.cli(['tenant', 'retention', 'ch:b', '--retention', '3', '-y'])).code).toBe(64)
    expect((await world.cli(['tenant', 'retention', 'ch:b', '-y'])).code).toBe(64)
    expect((await world.cli(['alter', 'ch:b/otel_logs', '-y'])).code).toBe(64)
  })
})

describe('optimize', { timeout: 120_000 }, () => {
  it('leaves one part in each partition, with the same rows', async () => {
    await world.command('TRUNCATE TABLE otel.otel_logs_b')
    await world.command('SYSTEM STOP MERGES otel.otel_logs_b')
    for (let i = 0; i < 3; i++) await insertLogs(world, 'otel_logs_b', [1, 2])
    await world.command('SYSTEM START MERGES otel.otel_logs_b')
    const before = await partsOf('otel_logs_b')
    const report = await world.json('optimize', 'ch:b/otel_logs')
    expect(report.items[0].result).toMatchObject({ partitions: 2, filesRemoved: before, filesAdded: 2 })
    expect(await partsOf('otel_logs_b')).toBe(2)
    expect(await countOf(world, 'otel_logs_b')).toBe(6)
    expect((await world.json('optimize', 'ch:b/otel_logs')).items[0].status).toBe('unchanged')
  })

  it('has no target size here', async () => {
    expect((await errorOf('optimize', 'ch:b/otel_logs', '--target-size', '64MB')).code).toBe('no-target-size')
  })

  it('says when merges are stopped', async () => {
    await insertLogs(world, 'otel_logs_b', [1])
    await world.command('SYSTEM STOP MERGES otel.otel_logs_b')
    expect(await errorOf('optimize', 'ch:b/otel_logs')).toMatchObject({ code: 'merges-stopped', kind: 'busy' })
    await world.command('SYSTEM START MERGES otel.otel_logs_b')
    expect((await world.json('optimize', 'ch:b/otel_logs')).items[0].status).toBe('changed')
  })
})

describe('vacuum', { timeout: 120_000 }, () => {
  it('drops the partitions that are older than the retention, and no other', async () => {
    await world.command('TRUNCATE TABLE otel.otel_logs_b')
    await world.ok('alter', 'ch:b/otel_logs', '--retention', '30d', '-y')
    await world.command('SYSTEM STOP MERGES otel.otel_logs_b')
    await insertLogs(world, 'otel_logs_b', [0, 28, 40, 40, 50])
    const dry = await world.ok('vacuum', 'ch:b/otel_logs', '--dry-run')
    expect(dry.stdout).toContain('drop 2 partitions of ch:b/otel_logs that are older than 30d: 3 rows')
    expect(await countOf(world, 'otel_logs_b')).toBe(5)
    expect((await world.cli(['vacuum', 'ch:b/otel_logs'])).code).toBe(64)
    const report = await world.json('vacuum', 'ch:b/otel_logs', '-y')
    expect(report.items[0].result).toMatchObject({ partitions: 2, rowsRemoved: 3, bytesRemoved: expect.any(Number) })
    expect(await countOf(world, 'otel_logs_b')).toBe(2)
    expect((await world.json('vacuum', 'ch:b/otel_logs', '-y')).items[0].status).toBe('unchanged')
  })

  it('never a partition with a row inside the retention', async () => {
    await world.command(
      'CREATE TABLE otel.coarse (at DateTime, v UInt8) ENGINE = MergeTree PARTITION BY toYear(at) > 2000 ORDER BY at TTL at + toIntervalDay(10) SETTINGS ttl_only_drop_parts = 1',
    )
    await world.command('SYSTEM STOP TTL MERGES otel.coarse')
    await world.command('INSERT INTO otel.coarse SELECT now() - toIntervalDay(number * 30), 1 FROM numbers(4)')
    await using api = await openIn(world.folder)
    const registered = await api.provision('register', ['ch:x/coarse'], { location: 'otel.coarse' })
    expect(registered.summary.changed).toBe(1)
    expect((await world.json('vacuum', 'ch:x/coarse', '-y')).items[0].status).toBe('unchanged')
    expect(await countOf(world, 'coarse')).toBe(4)
    await world.command(
      'ALTER TABLE otel.coarse DELETE WHERE at > now() - toIntervalDay(1) SETTINGS mutations_sync = 2',
    )
    expect((await world.json('vacuum', 'ch:x/coarse', '-y')).items[0].result).toMatchObject({ rowsRemoved: 3 })
    expect(await countOf(world, 'coarse')).toBe(0)
  })

  it('wants no table beside --trash', async () => {
    expect((await errorOf('vacuum', 'ch:b/otel_logs', '--trash', '-y')).code).toBe('trash-of-backend')
  })
})

describe('drop', { timeout: 120_000 }, () => {
  it('puts one table into the trash, its view first; vacuum --trash drops it for good after a week', async () => {
    await insertLogs(world, 'otel_logs_a', [0])
    const rows = await countOf(world, 'otel_logs_a')
    await using api = await openIn(world.folder, {
      approve: (items) => items.every(({ plan }) => plan.risk === 'severe'),
    })
    const report = await api.operate('drop', { refs: ['ch:a/otel_logs'] }, {})
    expect(report.items[0]).toMatchObject({ status: 'changed', result: { location: 'otel.otel_logs_a', rows } })
    const { trash } = report.items[0]!.result as { trash: string }
    expect(await countOf(world, trash.replace('otel.', ''))).toBe(rows)
    const tenant = await world.json('tenant', 'describe', 'ch:a')
    expect(tenant.state).toBe('missing otel_logs, otel_logs_attr_kv_rollup_15m_mv')
    expect((await world.json('vacuum', '--backend', 'ch', '--trash', '-y')).items[0].status).toBe('unchanged')
    const old = new Date(Date.now() - 8 * 86_400_000).toISOString()
    const [{ comment }] = (await world.sql(
      `SELECT comment FROM system.tables WHERE name = '${trash.replace('otel.', '')}'`,
    )) as any
    const aged = JSON.stringify({ ...JSON.parse(comment), trashed: old })
    await world.command(`ALTER TABLE ${trash} MODIFY COMMENT '${aged}'`)
    const emptied = await world.json('vacuum', '--backend', 'ch', '--trash', '-y')
    expect(emptied.items[0].result).toMatchObject({ tables: 1, rowsRemoved: rows })
    expect(await world.sql(`SELECT 1 FROM system.tables WHERE name = '${trash.replace('otel.', '')}'`)).toEqual([])
    const again = await world.json('tenant', 'create', 'ch:a', '--schema-set', 'hyperdx')
    expect(again.items[0].result).toEqual({ created: 2, objects: 12 })
  })
})
