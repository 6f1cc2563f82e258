/** What a table does not keep: loads, merges and tenants say so before and after. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countOf, insertLogs, openWorld, type World } from '../cli/tenants/world.ts'

let world: World
const days = (count: number): string => new Date(Date.now() - count * 86_400_000).toISOString()
const schema = `table_name: k
time_column: ts
partitions: [day]
sorting_columns: [{ name: id }]
fields:
  - { name: id, data_type: Int64, nullable: false }
  - { name: day, data_type: Date32, nullable: false }
  - { name: ts, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: false }
`
const row = (id: number, ts: string): string => `${JSON.stringify({ id, day: ts.slice(0, 10), ts })}\n`
const errorOf = async (...argv: string[]): Promise<any> => {
  const { code, stdout, stderr } = await world.cli([...argv, '-o', 'json'])
  expect(code).not.toBe(0)
  return stdout === '' ? JSON.parse(stderr.slice(stderr.indexOf('{\n'))).error : JSON.parse(stdout).items[0].error
}

beforeAll(async () => {
  world = await openWorld()
  mkdirSync(join(world.folder, 'schemas'))
  await world.write('schemas/k.yaml', schema)
  await world.write('tblctl.yaml', `${readFileSync(join(world.folder, 'tblctl.yaml'), 'utf8')}schemas: [./schemas]\n`)
  await world.ok('create', 'ch:p/k', '--schema', 'k')
}, 120_000)
afterAll(() => world[Symbol.asyncDispose]())

describe('a load', { timeout: 120_000 }, () => {
  it('puts aside, by line and column, what the table cannot hold', async () => {
    await world.write(
      'far.ndjson',
      row(1, '2024-05-01T00:00:00Z') + row(2, '2400-01-01T00:00:00Z') + row(3, '1899-12-31T00:00:00Z'),
    )
    expect(await errorOf('load', 'ch:p/k', 'far.ndjson')).toMatchObject({
      code: 'row-rejected',
      where: expect.stringContaining('far.ndjson:2'),
      message: expect.stringContaining('1900-01-01'),
    })
    const report = await world.json('load', 'ch:p/k', 'far.ndjson', '--reject-to', 'bad.ndjson')
    expect(report.items[0].result).toMatchObject({ rows: 1, rejected: 2, expired: 0 })
  })

  it('counts rows that the table does not keep, and says so beforehand', async () => {
    await world.ok('alter', 'ch:p/k', '--retention', '30d', '-y')
    await world.write('old.ndjson', row(4, days(0)) + row(5, days(40)) + row(6, days(29)) + row(7, days(400)))
    const dry = await world.json('load', 'ch:p/k', 'old.ndjson', '--dry-run')
    expect(dry.items[0].plan.summary.join('; ')).toContain('the table keeps rows 30d')
    const loaded = await world.cli(['load', 'ch:p/k', 'old.ndjson'])
    expect(loaded.stderr).toContain('2 of the 4 rows are older')
    expect(loaded.stdout).toContain('expired 2')
    const kept = await world.sql('SELECT id FROM otel.k_p WHERE ts > now() - toIntervalDay(30) ORDER BY id')
    expect(kept).toEqual([{ id: '4' }, { id: '6' }])
  })

  it('takes no time whose expiry no DateTime can hold', async () => {
    await world.write('late.ndjson', row(8, '2106-02-07T00:00:00Z'))
    expect(await errorOf('load', 'ch:p/k', 'late.ndjson')).toMatchObject({
      code: 'row-rejected',
      message: expect.stringContaining('2106-01-08'),
    })
  })
})

describe('optimize', { timeout: 120_000 }, () => {
  it('asks before a merge that removes rows, and says how many went', async () => {
    await world.ok('create', 'ch:p/merged', '--schema', 'k')
    // The server itself merges none of it meanwhile.
    await world.command(
      'ALTER TABLE otel.merged_p MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, merge_with_ttl_timeout = 1000000',
    )
    for (const age of ['number + 20', 'number + 1'])
      await world.command(
        `INSERT INTO otel.merged_p SELECT number, today(), now() - toIntervalHour(${age}) FROM numbers(2)`,
      )
    await world.ok('alter', 'ch:p/merged', '--retention', '12h', '-y')
    expect(await errorOf('optimize', 'ch:p/merged')).toMatchObject({ code: 'approval-missing' })
    expect(await countOf(world, 'merged_p')).toBe(4)
    const dry = await world.json('optimize', 'ch:p/merged', '--dry-run')
    expect(dry.items[0].plan.summary).toContain(
      '2 of the 4 rows are older than the retention, and the merge removes them, for good',
    )
    const { result } = (await world.json('optimize', 'ch:p/merged', '-y')).items[0]
    expect(result).toMatchObject({ rowsBefore: 4, rowsAfter: 2 })
    expect(await countOf(world, 'merged_p')).toBe(2)
  })
})

describe('a tenant', { timeout: 120_000 }, () => {
  it('is no project whose tables were made one by one: it is not deleted as one', async () => {
    const rows = await countOf(world, 'k_p')
    const error = await errorOf('tenant', 'delete', 'ch:p', '--confirm', 'ch:p/')
    expect(error).toMatchObject({ code: 'tenant-not-found', hint: expect.stringContaining('tblctl drop ch:p/k') })
    expect(await countOf(world, 'k_p')).toBe(rows)
  })

  it('that is there keeps its retention, and who asks for another one is told how', async () => {
    await world.ok('tenant', 'create', 'ch:b', '--schema-set', 'hyperdx', '--retention', '30d')
    expect(await errorOf('tenant', 'create', 'ch:b', '--schema-set', 'hyperdx', '--retention', '7d')).toMatchObject({
      code: 'retention-differs',
      hint: expect.stringContaining('tblctl tenant retention ch:b --retention 7d'),
    })
    const same = await world.json('tenant', 'create', 'ch:b', '--schema-set', 'hyperdx', '--retention', '720h')
    expect(same.items[0].status).toBe('unchanged')
    await insertLogs(world, 'otel_logs_b', [0])
    const nothing = await world.ok('tenant', 'retention', 'ch:b', '--retention', '30d', '--apply-now', '-y')
    expect(nothing.stdout).toContain('rows are kept 30d already, and none is older')
  })

  it.each([
    ['5', /unit/i],
    ['-5d', /-5d/],
    ['99999999w', /too large/],
    ['9999w', /longer than 100 years/],
    ['1500ms', /whole number of seconds/],
  ])('is told what is wrong with a retention of %s', async (text, why) => {
    const { message } = await errorOf('tenant', 'retention', 'ch:b', `--retention=${text}`)
    expect(message).toMatch(why)
  })

  it('of another name is named where its table is to be registered', async () => {
    const error = await errorOf('register', 'ch:x/y', '--location', 'otel.otel_logs_b')
    expect(error).toMatchObject({ code: 'other-identity', message: expect.stringContaining('b/otel_logs') })
    const { stdout } = await world.ok(
      'tenant',
      'create',
      '--backend',
      'ch',
      '--tenant-id',
      ' ',
      '--schema-set',
      'hyperdx',
    )
    expect(stdout).not.toBe('')
    expect((await world.ok('tenant', 'list', '--backend', 'ch')).stdout).toContain('" "')
  })
})
