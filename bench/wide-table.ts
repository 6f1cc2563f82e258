/** What benchmarks of Delta tables work on. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { openTblctl, Tblctl } from '../src/api/open.ts'

/** Files of the table, below the folder that it was made in. */
export const wideFiles = 'lake/projects/bench/t/*.parquet'

/** The table of 20 columns of usual kinds, as many small files as wanted, one commit, registered as `lake:bench/t`. */
export async function makeWideTable(template: string, files: number, rows: number): Promise<void> {
  const table = join(template, 'lake/projects/bench/t')
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  await connection.run(`set timezone = 'UTC'`)
  mkdirSync(join(table, '_delta_log'), { recursive: true })
  const types = [
    'long',
    'timestamp',
    'date',
    'integer',
    'integer',
    'long',
    'double',
    'double',
    'double',
    'boolean',
    'string',
    'string',
    'string',
    'string',
    'string',
    'decimal(18,4)',
    'integer',
    'long',
    'double',
    'string',
  ]
  const fields = types.map((type, i) => ({ name: `c${i}`, type, nullable: true, metadata: {} }))
  const actions: object[] = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: '00000000-0000-4000-8000-000000000000',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({ type: 'struct', fields }),
        partitionColumns: [],
        configuration: {},
        createdTime: 0,
      },
    },
  ]
  for (let file = 0; file < files; file++) {
    const name = `part-${String(file).padStart(5, '0')}.parquet`
    const from = file * rows
    const reader = await connection.runAndReadAll(`copy (
      select i as c0, timestamptz '2026-01-01' + to_seconds(i) as c1, date '2026-01-01' + (i // 100000)::int as c2, (i % 1000)::int as c3, hash(i)::hugeint % 100 ::int as c4,
        (hash(i + 1) % 1000000)::bigint as c5, random() as c6, (i % 977) / 7.0 as c7, sqrt(i) as c8, i % 3 = 0 as c9, 'service-' || i % 20 as c10, md5(i::varchar) as c11,
        ['GET', 'POST', 'PUT', 'DELETE'][1 + i % 4] as c12, 'host-' || hash(i) % 300 as c13, 'message number ' || i || ' of the day' as c14, (i % 100000 / 100.0)::decimal(18, 4) as c15,
        (i % 65536)::int as c16, i * 31 as c17, random() * 1000 as c18, '/api/v1/items/' || hash(i) % 5000 as c19
      from range(${from}, ${from + rows}) r(i)
    ) to '${join(table, name)}' (format parquet, compression snappy, return_stats)`)
    const [written] = reader.getRowObjects()
    actions.push({
      add: {
        path: name,
        partitionValues: {},
        size: Number(written!.file_size_bytes),
        modificationTime: 0,
        dataChange: true,
        stats: `{"numRecords":${rows}}`,
      },
    })
  }
  writeFileSync(
    join(table, '_delta_log/00000000000000000000.json'),
    `${actions.map((action) => JSON.stringify(action)).join('\n')}\n`,
  )
  writeFileSync(join(template, 'tblctl.yaml'), 'version: 1\nbackends:\n  lake: { driver: delta, url: "file:./lake" }\n')
  const { openTblctl } = await import('../src/api/open.ts')
  await using tblctl = await openQuietly(openTblctl, template)
  const { items } = await tblctl.provision('register', ['lake:bench/t'], {})
  if (items[0]?.status !== 'changed') throw new Error(JSON.stringify(items))
}

export const openQuietly = (open: typeof openTblctl, directory: string): Promise<Tblctl> =>
  open({
    config: null,
    context: null,
    env: {},
    directory,
    run: 'bench',
    lockTimeoutMs: 0,
    parallelism: 1,
    approver: { approve: async () => true },
    reporter: { progress: () => {}, finished: () => {}, log: () => {} },
    stop: { why: null, hard: new AbortController().signal, onStop: () => () => {} },
  })
