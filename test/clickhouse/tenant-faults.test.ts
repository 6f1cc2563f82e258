/** kill -9 while a tenant is made, shortened and deleted: the same command goes on, and ends as if nothing had happened. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openChdb } from '../../src/drivers/clickhouse/chdb.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startTblctl } from '../support/child.ts'
import { openIn } from '../support/open.ts'

const config = `version: 1
backends:
  ch: { driver: clickhouse, url: "chdb:./clickhouse", database: otel }
`
const rows = `INSERT INTO otel.otel_logs_t1 (Timestamp, ServiceName) SELECT toDateTime64('2026-01-01', 9) + toIntervalDay(number) , 'api' FROM numbers(3)
  UNION ALL SELECT now64(9), 'api'`

class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tblctl-tenant-faults-'))
  constructor(model?: World) {
    if (model) cpSync(model.folder, this.folder, { recursive: true })
    else writeFileSync(join(this.folder, 'tblctl.yaml'), config)
  }
  run(argv: readonly string[], env: Record<string, string> = {}) {
    return startTblctl([...argv, '-y', '-o', 'json'], { cwd: this.folder, env }).ended
  }
  engine() {
    return openChdb({
      folder: join(this.folder, 'clickhouse'),
      scratch: async () => this.folder,
      lockTimeoutMs: 10_000,
    })
  }
  /** All objects and their rows, without what differs from run to run; and what the catalog lists. */
  async content() {
    await using executor = await this.engine()
    const objects = await executor.query({
      sql: `SELECT JSONExtractString(comment, 'project') AS project, JSONExtractString(comment, 'table') AS table, startsWith(name, '_trash_') AS trash,
          JSONHas(comment, 'trashed') AS trashed, engine_full, toString(total_rows) AS rows FROM system.tables WHERE database = 'otel' ORDER BY ALL`,
    })
    await using api = await openIn(this.folder)
    const { items } = await api.list({ refs: [] })
    return { objects, registered: items.map(({ ref, schema, location }) => ({ ref, schema, location })) }
  }
  [Symbol.dispose]() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

let model: World
beforeAll(async () => {
  model = new World()
  const made = await model.run([
    'tenant',
    'create',
    'ch:t1',
    'ch:t10',
    '--schema-set',
    'hyperdx',
    '--retention',
    'none',
  ])
  expect(made.code, made.stderr).toBe(0)
  await using executor = await model.engine()
  await executor.command({ sql: rows })
}, 120_000)
afterAll(() => model[Symbol.dispose]())

describe('a killed', { timeout: 300_000 }, () => {
  it('tenant create', async () => {
    const command = ['tenant', 'create', 'ch:t1', '--schema-set', 'hyperdx', '--retention', '30d']
    await killEverywhere(
      {
        setUp: () => new World(),
        command: (world, env) => world.run(command, env),
        oracle: (world) => world.content(),
        every: 16,
      },
      3,
    )
  })

  it('alter that removes rows', async () => {
    const command = ['alter', 'ch:t1/otel_logs', '--retention', '30d', '--apply-now', '--confirm', 'ch:t1/otel_logs']
    await killEverywhere(
      {
        setUp: () => new World(model),
        command: (world, env) => world.run(command, env),
        oracle: (world) => world.content(),
        every: 6,
      },
      3,
    )
  })

  it('tenant retention', async () => {
    const command = ['tenant', 'retention', 'ch:t1', '--retention', '30d']
    await killEverywhere(
      {
        setUp: () => new World(model),
        command: (world, env) => world.run(command, env),
        oracle: (world) => world.content(),
        every: 25,
      },
      2,
    )
  })

  it('tenant delete', async () => {
    const command = ['tenant', 'delete', 'ch:t1', '--confirm', 't1']
    await killEverywhere(
      {
        setUp: () => new World(model),
        command: (world, env) => world.run(command, env),
        oracle: (world) => world.content(),
        every: 25,
      },
      3,
    )
  })
})

describe('a tenant create', { timeout: 120_000 }, () => {
  it('that fails takes back what it made, and nothing else', async () => {
    using world = new World(model)
    const before = await world.content()
    // The last of the eight tables cannot be made: by then seven are there.
    const schemas = join(world.folder, 'schemas')
    mkdirSync(schemas)
    const shipped = readFileSync(new URL('../../schemas/otel_metrics_summary.yaml', import.meta.url), 'utf8')
    writeFileSync(
      join(schemas, 'otel_metrics_summary.yaml'),
      shipped.replace('toStartOfHour(TimeUnix)', 'noSuchFunction(TimeUnix)'),
    )
    writeFileSync(join(world.folder, 'tblctl.yaml'), `${config}schemas: [./schemas]\n`)
    const failed = await world.run(['tenant', 'create', 'ch:t2', '--schema-set', 'hyperdx'], {
      FAULT_COUNT: join(world.folder, 'steps'),
    })
    expect(failed.code).toBe(1)
    const [item] = JSON.parse(failed.stdout).items
    expect(item).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('noSuchFunction') } })
    const made = readFileSync(join(world.folder, 'steps'), 'utf8').match(/clickhouse\.ddl:after/g)
    // Seven made, seven taken back.
    expect(made).toHaveLength(14)
    expect(await world.content()).toEqual(before)
  })

  it('refuses a name that another table has', async () => {
    using world = new World(model)
    {
      await using executor = await world.engine()
      await executor.command({ sql: 'CREATE TABLE otel.otel_traces_t2 (x UInt8) ENGINE = MergeTree ORDER BY x' })
    }
    const before = await world.content()
    const refused = await world.run(['tenant', 'create', 'ch:t2', '--schema-set', 'hyperdx'])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout).items[0].error.code).toBe('name-taken')
    expect(await world.content()).toEqual(before)
  })

  it('refuses a set that there is not', async () => {
    using world = new World(model)
    const refused = await world.run(['tenant', 'create', 'ch:t2', '--schema-set', 'hyperdy'])
    expect(refused.code).toBe(66)
    expect(JSON.parse(refused.stdout).items[0].error).toMatchObject({
      code: 'schema-set-not-found',
      hint: 'did you mean hyperdx?',
    })
  })
})
