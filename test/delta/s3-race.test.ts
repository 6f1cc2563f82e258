/** Six processes append to one table on S3 while others compact it: no commit lost, no gap in the versions, no row doubled, checkpoints in their place; Delta's own kernel agrees. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openS3Store } from '../../src/storage/s3.ts'
import { radosgwBucket } from '../servers/radosgw.ts'
import { startChdb } from '../support/chdb.ts'
import { startTblctl } from '../support/child.ts'
import { Lake } from './world.ts'

const writers = 6
const commits = 4
const rowsEach = 50

test('appends beside optimize', async () => {
  await using server = await radosgwBucket().then(({ connection, ...rest }) => ({
    ...rest,
    connection,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }))
  const { endpoint, bucket, connection, accessKeyId, secretAccessKey } = server
  await using lake = new Lake({
    events:
      'table_name: events\nfields:\n  - { name: writer, data_type: Int32, nullable: false }\n  - { name: n, data_type: Int64, nullable: false }\n',
  })
  lake.write(
    'tblctl.yaml',
    `version: 1\nschemas: [./schemas]\nbackends: { lake: { driver: delta, url: "s3://${bucket}/prefix", endpoint: "${endpoint}", forcePathStyle: true } }\n`,
  )
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  const tblctl = async (...args: string[]): Promise<{ items: any[]; rows: any[] }> => {
    const { code, stdout, stderr } = await startTblctl([...args, '-o', 'json'], { cwd: lake.folder, env }).ended
    expect(code, stdout + stderr).toBe(0)
    return JSON.parse(stdout)
  }
  const ref = 'lake:acme/events'
  await tblctl('create', ref, '--schema', 'events')
  for (let writer = 0; writer < writers; writer++)
    lake.rows(
      `${writer}.ndjson`,
      Array.from({ length: commits * rowsEach }, (_, n) => ({ writer, n })),
    )
  let loading = true
  const loads = Array.from({ length: writers }, (_, writer) =>
    tblctl('load', ref, `${writer}.ndjson`, '--commit-rows', String(rowsEach), '--lock-timeout', '60s', '-y'),
  )
  const compacting = (async () => {
    const versions: number[] = []
    while (loading) {
      const [item] = (await tblctl('optimize', ref, '--lock-timeout', '60s', '-y')).items
      if (item.status === 'changed') versions.push(item.result.version)
    }
    return versions
  })()
  const loaded = await Promise.all(loads)
  loading = false
  const compacted = await compacting
  expect(loaded.map(({ items }) => items[0].result.commits)).toEqual(Array(writers).fill(commits))
  expect(compacted.length, 'an optimize met the appends').toBeGreaterThan(0)

  const store = openS3Store(`s3://${bucket}/prefix/projects/acme/events`, connection)
  const keys = (await Array.fromAsync(store.list('_delta_log'))).map(({ key }) => key)
  const log = keys.filter((key) => key.endsWith('.json'))
  expect(log).toEqual(log.map((_, version) => `_delta_log/${String(version).padStart(20, '0')}.json`))
  const texts = await Promise.all(log.map(async (key) => new TextDecoder().decode(await store.read(key))))
  expect(texts.filter((text) => text.includes('"operation":"WRITE"'))).toHaveLength(writers * commits)
  const tens = Array.from({ length: Math.floor((log.length - 1) / 10) }, (_, i) =>
    String(10 * (i + 1)).padStart(20, '0'),
  )
  expect(keys.filter((key) => key.endsWith('.parquet'))).toEqual(
    tens.map((ten) => `_delta_log/${ten}.checkpoint.parquet`),
  )
  const hint = JSON.parse(new TextDecoder().decode(await store.read('_delta_log/_last_checkpoint')))
  expect(tens).toContain(String(hint.version).padStart(20, '0'))

  const sums = 'count(*) as rows, count(distinct writer * 1000000 + n) as distinct_rows, sum(n)::bigint as total'
  const expected = {
    rows: writers * commits * rowsEach,
    total: (writers * commits * rowsEach * (commits * rowsEach - 1)) / 2,
  }
  const { rows } = await tblctl('query', ref, `select ${sums} from t`)
  expect(rows).toEqual([{ rows: expected.rows, distinct_rows: expected.rows, total: expected.total }])

  const folder = mkdtempSync(join(tmpdir(), 'tblctl-chdb-'))
  try {
    await using chdb = startChdb(folder)
    const table = `deltaLake('${endpoint}/${bucket}/prefix/projects/acme/events/', '${accessKeyId}', '${secretAccessKey}')`
    const [kernel] = await chdb.query(
      `SELECT count(), uniqExact(writer, n), sum(n) FROM (SELECT * FROM ${table}) SETTINGS optimize_trivial_count_query = 0`,
    )
    expect(kernel!.map(Number)).toEqual([expected.rows, expected.rows, expected.total])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 240_000)
