/**
 * `npm run bench`: reading the log of a table with many live files against its limit, the engine's own parsing of the same NDJSON into a
 * table; from one commit and from a checkpoint. Each run is a process of its own, and they take turns, so that a drift of the machine hits all.
 * Prints medians of wall and CPU seconds, peak memory, and how many times as long as the limit each takes.
 *
 *     node bench/replay.ts [--files 300000] [--runs 5]
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'

const self = fileURLToPath(import.meta.url)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { files: { type: 'string', default: '300000' }, runs: { type: 'string', default: '5' } },
})
const readers = ['duckdb', 'commits', 'checkpoint'] as const
type Reader = (typeof readers)[number]

interface Measured {
  readonly wall: number
  readonly cpu: number
  readonly rss: number
  readonly files: number
}

const add =
  'STRUCT("path" VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR)'

const [who, folder] = positionals as [Reader | undefined, string]
if (who === 'duckdb') {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  await measured(async () => {
    const log = join(folder, 'commits/_delta_log/00000000000000000001.json')
    await connection.run(
      `create table adds as select * from read_json('${log}', format = 'newline_delimited', columns = {add: '${add}'})`,
    )
    const reader = await connection.runAndReadAll('select count(*) from adds')
    return Number(reader.getRows()[0]![0])
  })
} else if (who !== undefined) {
  const { readSnapshot } = await import('../src/drivers/delta/log/snapshot.ts') // loading is not what is measured
  const { openLocalStore } = await import('../src/storage/local.ts')
  await measured(async () => {
    const snapshot = await readSnapshot(openLocalStore(folder), who, { scratch: join(folder, 'scratch') })
    return snapshot!.files.size
  })
} else await compare(Number(values.files), Number(values.runs))

async function measured(work: () => Promise<number>): Promise<void> {
  const begin = performance.now()
  const before = process.cpuUsage()
  const files = await work()
  const cpu = process.cpuUsage(before)
  const result: Measured = {
    wall: (performance.now() - begin) / 1000,
    cpu: (cpu.user + cpu.system) / 1e6,
    rss: process.resourceUsage().maxRSS / 1024,
    files,
  }
  process.stdout.write(JSON.stringify(result))
}

async function compare(files: number, runs: number): Promise<void> {
  const world = mkdtempSync(join(tmpdir(), 'tblctl-bench-'))
  try {
    await makeLogs(world, files)
    const results: Record<Reader, Measured[]> = { duckdb: [], commits: [], checkpoint: [] }
    for (let run = -1; run < runs; run++)
      for (const reader of readers) {
        const child = spawnSync(process.execPath, ['--no-warnings', self, reader, world], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        if (child.status !== 0) throw new Error(`${reader} ended with ${child.status}`)
        const result = JSON.parse(child.stdout) as Measured
        if (result.files !== files) throw new Error(`${reader} found ${result.files} files`)
        if (run >= 0) results[reader].push(result)
      }
    report(world, files, runs, results)
  } finally {
    rmSync(world, { recursive: true })
  }
}

/** The same live files twice: in one commit behind the first, and in a checkpoint with no commit left. */
async function makeLogs(world: string, files: number): Promise<void> {
  const [commits, checkpoint] = ['commits', 'checkpoint'].map((name) => join(world, name, '_delta_log')) as [
    string,
    string,
  ]
  for (const log of [commits, checkpoint]) mkdirSync(log, { recursive: true })
  const fields = ['date', 'id', 'name'].map((name) => ({ name, type: 'string', nullable: true, metadata: {} }))
  const first = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: '00000000-0000-4000-8000-000000000000',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({ type: 'struct', fields }),
        partitionColumns: ['date'],
        configuration: {},
      },
    },
  ]
  const text = first.map((action) => `${JSON.stringify(action)}\n`).join('')
  writeFileSync(join(commits, '00000000000000000000.json'), text)
  writeFileSync(join(world, 'first.ndjson'), text)
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  await connection.run(`create table adds as select {
      path: 'date=2026-01-' || lpad((1 + i % 28)::varchar, 2, '0') || '/part-' || lpad(i::varchar, 6, '0') || '-' || uuid() || '-c000.zstd.parquet',
      partitionValues: map {'date': '2026-01-' || lpad((1 + i % 28)::varchar, 2, '0')},
      size: 1000000 + i, modificationTime: 1770000000000 + i, dataChange: true,
      stats: to_json({numRecords: 1000 + i % 77, minValues: {id: md5(i::varchar), name: 'aaa' || i, time: '2026-01-01T00:00:00.000Z'},
        maxValues: {id: md5((i + 1)::varchar), name: 'zzz' || i, time: '2026-01-01T01:00:00.000Z'}, nullCount: {id: 0, name: 0, time: i % 5}})::varchar
    }::${add} as add from range(${files}) r(i)`)
  await connection.run(`copy adds to '${join(commits, '00000000000000000001.json')}' (format json)`)
  const actions = `protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)', metaData: 'STRUCT(id VARCHAR, format STRUCT(provider VARCHAR), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR))'`
  await connection.run(`copy (
      select protocol, metaData, null::${add} as add from read_json('${join(world, 'first.ndjson')}', format = 'newline_delimited', columns = {${actions}})
      union all by name select add from adds
    ) to '${join(checkpoint, '00000000000000000001.checkpoint.parquet')}' (format parquet, compression zstd)`)
}

function report(world: string, files: number, runs: number, results: Record<Reader, Measured[]>): void {
  const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!
  const megabytes = (reader: string) => {
    const log = join(world, reader, '_delta_log')
    return readdirSync(log).reduce((sum, name) => sum + statSync(join(log, name)).size, 0) / 1e6
  }
  const line = (reader: Reader) => {
    const of = (pick: (m: Measured) => number) => median(results[reader].map(pick))
    const times = median(results[reader].map((m, i) => m.wall / results.duckdb[i]!.wall))
    return `${reader.padEnd(10)} wall ${of((m) => m.wall).toFixed(2)} s   cpu ${of((m) => m.cpu).toFixed(2)} s   peak ${Math.max(...results[reader].map((m) => m.rss)).toFixed(0)} MB   ${times.toFixed(2)} × the limit\n`
  }
  process.stdout.write(
    `replay: ${files} live files, ${megabytes('commits').toFixed(0)} MB of commits, ${megabytes('checkpoint').toFixed(0)} MB of checkpoint, median of ${runs}\n${readers.map(line).join('')}(limit: the engine parsing the same NDJSON into a table, with two threads; wanted: less than 2)\n`,
  )
}
