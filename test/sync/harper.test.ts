/** A Harper configuration, from BigQuery's API into a real Harper: rows first, the checkpoint after them, and every row there once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeTable, type Row } from '../bigquery/world.ts'
import type { Field } from '../servers/bigquery/values.ts'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import { HarperServer, password, username } from '../servers/harper.ts'
import { cliEntry, runChild } from '../support/child.ts'

const minutes = 60_000
let front: BigQueryFront
let harper: HarperServer
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tblctl-harper-sync-'))
  front = await BigQueryFront.start()
  harper = await HarperServer.start()
}, minutes)
afterAll(async () => {
  await harper?.[Symbol.asyncDispose]()
  await front?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const fields: Field[] = [
  { name: 'mmsi', type: 'INT64', mode: 'REQUIRED' },
  { name: 'ts', type: 'TIMESTAMP' },
  { name: 'speed', type: 'NUMERIC' },
]
const rows: readonly Row[] = [
  ...Array.from({ length: 7 }, (_, i) => ({ mmsi: String(i), ts: '2024-01-01T00:00:00.000001Z', speed: '1.5' })),
  { mmsi: '7', ts: '1969-12-31T23:59:59.999999Z' },
  { mmsi: '8' },
]
const config = `
bigquery:
  projectId: p
  credentials: service-account-key.json
  tables:
    - { dataset: d, table: keyed, timestampColumn: ts, targetTable: Keyed }
    - { dataset: d, table: keyless, timestampColumn: ts, targetTable: Keyless }
    - { dataset: d, table: gone, timestampColumn: ts, targetTable: Gone }
sync: { initialBatchSize: 3, catchupBatchSize: 3, steadyBatchSize: 3 }
`
const run = (args: readonly string[], more: Record<string, string> = {}) =>
  runChild(cliEntry, ['sync', ...args, '-c', 'config.yaml', '-o', 'json'], {
    cwd: folder,
    env: {
      BIGQUERY_EMULATOR_HOST: `${front.endpoint}/bigquery/v2`,
      ...{ HARPER_USERNAME: username, HARPER_PASSWORD: password },
      ...more,
    },
  })
const inHarper = (table: string): Promise<Row[]> =>
  harper.call({ operation: 'sql', sql: `select * from data.${table}` }) as Promise<Row[]>

test(
  'three tables of which one is not there, killed between rows and checkpoint, and an update',
  async () => {
    writeFileSync(join(folder, 'config.yaml'), config)
    makeTable(front, 'keyed', fields, rows, { tableConstraints: { primaryKey: { columns: ['mmsi'] } } })
    makeTable(front, 'keyless', fields, [...rows, rows[0]!])
    const args = ['run', '--target', harper.url, '-y', '--parallelism', '1']
    for (const step of ['harper.rows:after#2', 'harper.checkpoint:before#2', 'harper.checkpoint:after#1'])
      expect((await run(args, { FAULT_KILL_AT: step })).signal, step).toBe('SIGKILL')
    const ended = await run(args)
    expect(ended.code, ended.stdout + ended.stderr).toBe(66)
    expect(JSON.parse(ended.stdout).items.map((item: any) => item.status)).toEqual(['changed', 'changed', 'failed'])
    expect(await inHarper('Keyed')).toHaveLength(rows.length)
    // Two rows that are equal in everything are two.
    expect(await inHarper('Keyless')).toHaveLength(rows.length + 1)

    const table = front.store.dataset('p', 'd').tables.get('keyed')!
    table.append([{ json: { mmsi: '3', ts: '2024-02-01T00:00:00Z', speed: '9.25' } }])
    expect(JSON.parse((await run(['run', 'keyed', '--target', harper.url, '-y'])).stdout).items[0].status).toBe(
      'changed',
    )
    const keyed = await inHarper('Keyed')
    expect(keyed).toHaveLength(rows.length)
    expect(JSON.stringify(keyed.find((row) => String(row.mmsi) === '3'))).toContain('9.25')

    const { items } = JSON.parse((await run(['status'])).stdout)
    expect(items.map((item: any) => [item.id, item.state, item.recordsIngested])).toEqual([
      ['keyed', 'idle', rows.length + 1],
      ['keyless', 'idle', rows.length + 1],
      ['gone', 'failed', null],
    ])
  },
  3 * minutes,
)
