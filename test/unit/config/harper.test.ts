/** Configurations of Harper's BigQuery plugin, loaded as they are. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Config, loadConfig } from '../../../src/config/load.ts'
import type { DriverModule } from '../../../src/core/driver.ts'
import { secret } from '../../../src/settings/secret-field.ts'
import { put, temporaryFolder, viewOf } from './fixture.ts'

const fake = (kind: string, config: DriverModule['config'], can: DriverModule['can']): DriverModule => ({
  ...{ kind, config, can, example: {}, traits: { embedded: false, verified: true, users: false, travel: false } },
  open: () => Promise.reject(new Error('a config test opened a driver')),
  policy: () => '',
})
const modules: Readonly<Record<string, DriverModule>> = {
  bigquery: fake(
    'bigquery',
    z.strictObject({
      projectId: z.string(),
      location: z.string().optional(),
      apiEndpoint: z.string().optional(),
      credentials: secret('Key').optional(),
    }),
    ['sync.source'],
  ),
  harper: fake('harper', z.strictObject({ url: z.string(), username: z.string(), password: secret('Password') }), [
    'sync.target',
  ]),
}
const drivers = { kinds: Object.keys(modules), load: async (kind: string) => modules[kind]! }

async function load(text: string, env: Record<string, string> = {}): Promise<Config & { warnings: string[] }> {
  const cwd = await temporaryFolder()
  await put(cwd, { 'config.yaml': text })
  const warnings: string[] = []
  const warn = (message: string): void => void warnings.push(message)
  const config = await loadConfig({ flags: { config: 'config.yaml' }, cwd, env, home: cwd, drivers, warn })
  return { ...config, warnings }
}
const loadError = (text: string) => viewOf(() => load(text))

/** A file as its users write it: ids left out, own and global batch sizes, sections of other plugins. */
const several = `
rest: true
graphqlSchema:
  files: schema/*.graphql
bigquery:
  projectId: acme-demo
  credentials: service-account-key.json
  location: EU
  tables:
    - dataset: tracking
      table: positions
      timestampColumn: timestamp
      columns: [timestamp, mmsi, speed]
      targetTable: Positions
      sync: { initialBatchSize: 5000, catchupBatchSize: 200, steadyBatchSize: 100 }
    - dataset: tracking
      table: events
      timestampColumn: event_time
      columns: "*"
      targetTable: Events
    - id: weather
      dataset: archive
      table: events
      timestampColumn: observed_at
      targetTable: Weather
      useStreamingAPIs: true
sync:
  steadyBatchSize: 50
  catchupThreshold: 7200
  pollInterval: 30000
  startTimestamp: 2020-01-01T00:00:00Z
retry: { maxAttempts: 2, backoffMultiplier: 3, initialDelay: 10 }
`

test('several tables: ids, targets, batch sizes and what all share', async () => {
  const config = await load(several)
  expect(config.catalog).toBe(join(config.directory, '.tblctl/catalog.db'))
  expect([...config.syncs.keys()]).toEqual(['positions', 'tracking.events', 'weather'])
  expect(config.syncs.get('positions')).toEqual({
    id: 'positions',
    source: {
      ...{ backend: 'bigquery', dataset: 'tracking', table: 'positions', timestampColumn: 'timestamp' },
      ...{ columns: ['timestamp', 'mmsi', 'speed'], key: null, appendOnly: true },
    },
    target: 'harper/default/Positions',
    batchRows: { initial: 5000, catchup: 200, steady: 100 },
    thresholds: { catchup: 7200, steady: 300 },
    lookbackMs: null,
    lagMs: null,
    nullTimestamps: 'sync',
    startTimestamp: '2020-01-01T00:00:00.000000Z',
    retry: { attempts: 2, initialMs: 10, multiplier: 3 },
  })
  expect(config.syncs.get('tracking.events')).toMatchObject({
    source: { columns: null },
    batchRows: { initial: 10_000, catchup: 1000, steady: 50 },
  })
  const bigquery = config.backends.get('bigquery')!
  expect(bigquery).toMatchObject({ driver: 'bigquery', config: { projectId: 'acme-demo', location: 'EU' } })
  expect(JSON.stringify(bigquery.config)).toContain('file:service-account-key.json')
  expect(config.backends.get('harper')).toMatchObject({
    config: { url: 'http://localhost:9925', username: 'admin' },
    origin: 'default',
  })
  expect(config.warnings).toEqual([])
})

test.each(['bigquery:\n', 'bigquery: text\n', 'bigquery: [1]\n'])(
  '%j is a Harper configuration without tables',
  async (text) => {
    const { kind, message } = await loadError(text)
    expect([kind, message]).toEqual([
      'config',
      expect.stringContaining('bigquery: expected a map with projectId, credentials and tables'),
    ])
  },
)

test('what a URL is asked with is in no message', async () => {
  const endpoint = 'http://127.0.0.1:9050/?key=hunter2'
  const view = await loadError(`bigquery:\n  projectId: p\n  apiEndpoint: ${endpoint}\n  tables: []\n`)
  expect(view.kind).toBe('config')
  expect(JSON.stringify(view)).not.toContain('hunter2')
  const nested = await loadError(`bigquery: { projectId: p, apiEndpoint: "${endpoint}", tables: [] }\n`)
  expect(JSON.stringify(nested)).not.toContain('hunter2')
})

test('the older form with one table', async () => {
  const config = await load(`
bigquery:
  projectId: acme-demo
  dataset: tracking
  table: positions
  timestampColumn: ts
  maxRetries: 7
  initialRetryDelay: 20
  flavour: strange
sync: { initialBatchSize: 10, surprise: 1 }
`)
  expect([...config.syncs.values()]).toMatchObject([
    {
      id: 'default',
      source: { dataset: 'tracking', table: 'positions', timestampColumn: 'ts', columns: null },
      target: 'harper/default/BigQueryData',
      batchRows: { initial: 10, catchup: 1000, steady: 500 },
      retry: { attempts: 7, initialMs: 20, multiplier: 2 },
    },
  ])
  expect(config.backends.get('bigquery')!.config).toEqual({ projectId: 'acme-demo', location: 'US' })
  expect(config.warnings).toEqual([
    'config.yaml: bigquery.flavour is not known and has no effect',
    'config.yaml: sync.surprise is not known and has no effect',
  ])
})

test('an emulator is asked without credentials; the user of Harper comes from the environment', async () => {
  const env = { BIGQUERY_EMULATOR_HOST: 'http://127.0.0.1:9050', HARPER_USERNAME: 'admin', HARPER_PASSWORD: 'secret' }
  const config = await load(several, env)
  expect(config.backends.get('bigquery')!.config).toEqual({ projectId: 'acme-demo', location: 'EU' })
  const opened = (await config.backends.get('harper')!.resolve()) as { password: { reveal(): string } }
  expect(opened.password.reveal()).toBe('secret')
  expect(JSON.stringify(config.backends.get('harper')!.config)).not.toContain('secret"')
  const installed = { HDB_ADMIN_USERNAME: 'root', HDB_ADMIN_PASSWORD: 'x' }
  expect(JSON.stringify((await load(several, installed)).backends.get('harper')!.config)).toBe(
    '{"url":"http://localhost:9925","username":"root","password":"env:HDB_ADMIN_PASSWORD"}',
  )
})

test('with version: 1 it is a tblctl.yaml, whose keys are strict', async () => {
  expect((await loadError(`version: 1\n${several}`)).message).toContain('unknown key "bigquery"')
})

describe('what is wrong is told in the words of the plugin, with its place', () => {
  const table = (more: string): string =>
    `bigquery:\n  projectId: p\n  tables:\n    - { dataset: d, table: t, timestampColumn: ts, targetTable: T${more} }\n`
  const cases: [name: string, text: string, where: string, message: string][] = [
    ['tables are no list', 'bigquery: { projectId: p, tables: 3 }\n', ':1:35', 'bigquery.tables must be an array'],
    ['no tables', 'bigquery: { projectId: p, tables: [] }\n', ':1:35', 'bigquery.tables array cannot be empty'],
    [
      'a missing field',
      'bigquery:\n  projectId: p\n  tables:\n    - { dataset: d, table: t, targetTable: T }\n',
      ':4:7',
      "Missing required field 'timestampColumn' for table: t",
    ],
    ['an empty list of columns', table(', columns: []'), ':4:77', 'Column array cannot be empty'],
    ['columns of another type', table(', columns: 3'), ':4:77', 'Invalid columns type: number'],
    ['a column that is no text', table(', columns: [ts, 3]'), ':4:77', 'All columns must be strings'],
    ['a column without a name', table(', columns: [ts, " "]'), ':4:77', 'Column names cannot be empty strings'],
    ['no time column', table(', columns: [a]'), ':4:77', "Timestamp column 'ts' must be included in columns list"],
    ['a bad number', table(', sync: { steadyBatchSize: 0 }'), ':4:93', 'steadyBatchSize must be a positive integer'],
    [
      'a bad threshold',
      `${table('')}sync: { steadyThreshold: x }\n`,
      ':5:26',
      'steadyThreshold must be a positive number',
    ],
    ['a bad start', `${table('')}sync: { startTimestamp: soon }\n`, ':5:25', 'Invalid startTimestamp in config: soon'],
    ['a bad retry', `${table('')}retry: { maxAttempts: -1 }\n`, ':5:23', 'maxAttempts must be a non-negative integer'],
    ['a bad target', table('').replace('targetTable: T', 'targetTable: "a/b"'), ':4:65', '"a/b" is no table name'],
    ['no project', 'bigquery: { dataset: d, table: t, timestampColumn: ts }\n', ':1:1', 'bigquery.projectId'],
  ]
  test.each(cases)('%s', async (_name, text, where, message) => {
    const error = await loadError(text)
    expect(error).toMatchObject({ kind: 'config', where: `config.yaml${where}` })
    expect(error.message).toContain(message)
  })

  test('two tables of one id, two of one target', async () => {
    const one = '    - { id: a, dataset: d, table: t, timestampColumn: ts, targetTable: T }\n'
    const { message } = await loadError(`bigquery:\n  projectId: p\n  tables:\n${one}${one}`)
    expect(message).toContain('Duplicate table ID: a')
    expect(message).toContain("Duplicate targetTable 'T' for table: a")
  })
})
