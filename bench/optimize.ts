/**
 * `npm run bench`: compaction against its limit, DuckDB's own COPY of the same files. Each run is a process of its own; the two take turns, so
 * that a drift of the machine hits both. Prints medians of wall and CPU seconds and peak memory, and the ratio of the speeds.
 *
 *     node bench/optimize.ts [--files 200] [--rows 5000] [--runs 5]
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'

const self = fileURLToPath(import.meta.url)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: '200' },
    rows: { type: 'string', default: '5000' },
    runs: { type: 'string', default: '5' },
  },
})

interface Measured {
  readonly wall: number
  readonly cpu: number
  readonly rss: number
  readonly bytes: number
}

if (positionals[0] === 'tblctl') {
  const { openTblctl } = await import('../src/api/open.ts') // loading the program is not what is measured, on either side
  await measured(() => compactWithTblctl(openTblctl, positionals[1]!))
} else if (positionals[0] === 'duckdb') await measured(() => compactWithDuckdb(positionals[1]!))
else await compare(Number(values.files), Number(values.rows), Number(values.runs))

async function measured(work: () => Promise<number>): Promise<void> {
  const begin = performance.now()
  const before = process.cpuUsage()
  const bytes = await work()
  const cpu = process.cpuUsage(before)
  const result: Measured = {
    wall: (performance.now() - begin) / 1000,
    cpu: (cpu.user + cpu.system) / 1e6,
    rss: process.resourceUsage().maxRSS / 1024,
    bytes,
  }
  process.stdout.write(JSON.stringify(result))
}

async function compactWithDuckdb(folder: string): Promise<number> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  const out = join(folder, 'raw.parquet')
  const reader = await connection.runAndReadAll(
    `copy (select * from read_parquet('${folder}/lake/projects/bench/t/*.parquet')) to '${out}' (format parquet, compression zstd, row_group_size 122880, preserve_order false, return_stats)`,
  )
  return Number(reader.getRowObjects()[0]!.file_size_bytes)
}

async function compactWithTblctl(
  openTblctl: typeof import('../src/api/open.ts').openTblctl,
  folder: string,
): Promise<number> {
  await using tblctl = await openTblctl({
    config: null,
    context: null,
    env: {},
    directory: folder,
    run: 'bench',
    lockTimeoutMs: 0,
    parallelism: 1,
    approver: { approve: async () => true },
    reporter: { progress: () => {}, finished: () => {}, log: () => {} },
    stop: { why: null, hard: new AbortController().signal, onStop: () => () => {} },
  })
  const { items } = await tblctl.operate('optimize', { refs: ['lake:bench/t'] }, { targetSize: 10_000_000_000 })
  const [item] = items
  if (item?.status !== 'changed') throw new Error(JSON.stringify(item))
  return item.result!.bytesAfter as number
}

async function compare(files: number, rows: number, runs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-bench-'))
  try {
    await makeTable(folder, files, rows)
    renameSync(join(folder, 'world'), join(folder, 'template'))
    const results = { tblctl: [] as Measured[], duckdb: [] as Measured[] }
    for (let run = -1; run < runs; run++)
      for (const who of ['duckdb', 'tblctl'] as const) {
        const world = join(folder, 'world')
        cpSync(join(folder, 'template'), world, { recursive: true })
        const child = spawnSync(process.execPath, ['--no-warnings', self, who, world], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        if (child.status !== 0) throw new Error(`${who} ended with ${child.status}`)
        if (run >= 0) results[who].push(JSON.parse(child.stdout) as Measured)
        rmSync(world, { recursive: true })
      }
    report(files, rows, runs, results)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The table of 20 columns of usual kinds, as many small files as wanted, one commit, registered. */
async function makeTable(folder: string, files: number, rows: number): Promise<void> {
  const template = join(folder, 'world') // registered where each run will find it
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
  await using tblctl = await openTblctl({
    config: null,
    context: null,
    env: {},
    directory: template,
    run: 'bench',
    lockTimeoutMs: 0,
    parallelism: 1,
    approver: { approve: async () => true },
    reporter: { progress: () => {}, finished: () => {}, log: () => {} },
    stop: { why: null, hard: new AbortController().signal, onStop: () => () => {} },
  })
  const { items } = await tblctl.provision('register', ['lake:bench/t'], {})
  if (items[0]?.status !== 'changed') throw new Error(JSON.stringify(items))
}

function report(files: number, rows: number, runs: number, results: Record<'tblctl' | 'duckdb', Measured[]>): void {
  const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!
  const line = (who: 'tblctl' | 'duckdb') => {
    const of = (pick: (m: Measured) => number) => median(results[who].map(pick))
    return `${who.padEnd(8)} wall ${of((m) => m.wall).toFixed(2)} s   cpu ${of((m) => m.cpu).toFixed(2)} s   peak ${Math.max(...results[who].map((m) => m.rss)).toFixed(0)} MB   out ${(of((m) => m.bytes) / 1e6).toFixed(1)} MB   ${((files * rows) / of((m) => m.wall) / 1e6).toFixed(2)} M rows/s`
  }
  const ratio = median(results.duckdb.map((m, i) => m.wall / results.tblctl[i]!.wall))
  process.stdout.write(
    `optimize: ${files} files × ${rows} rows × 20 columns into one, median of ${runs}\n${line('tblctl')}\n${line('duckdb')}\nratio of the speeds: ${ratio.toFixed(2)} (limit: DuckDB's own COPY; wanted: at least 0.7)\n`,
  )
}
