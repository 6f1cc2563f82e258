/**
 * A checkpoint against its limit: DuckDB's own COPY of the same actions from NDJSON to Parquet. Ours reads the log, keeps what is live, writes,
 * reads again and compares. Each run is a process of its own. Prints medians of wall and CPU seconds and peak memory, and the ratio of the speeds.
 *
 *     node bench/checkpoint.ts [--files 300000] [--runs 5]
 */
import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { inTurns, lineOf, measured, ratioOf } from './in-turns.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { files: { type: 'string', default: '300000' }, runs: { type: 'string', default: '5' } },
})
const commit = 't/_delta_log/00000000000000000000.json'

if (positionals[0] === 'tblctl') {
  const { openLocalStore } = await import('../src/storage/local.ts')
  const { readSnapshot } = await import('../src/drivers/delta/log/snapshot.ts')
  const { writeCheckpoint } = await import('../src/drivers/delta/log/write-checkpoint.ts')
  await measured(async () => {
    const store = openLocalStore(positionals[1]!)
    const scratch = join(positionals[1]!, 'scratch')
    const snapshot = (await readSnapshot(store, 't', { scratch, tombstones: true }))!
    return (await writeCheckpoint(store, 't', snapshot, { scratch, now: new Date() }))!.bytes
  })
} else if (positionals[0] === 'duckdb') await measured(() => copyWithDuckdb(positionals[1]!))
else await compare(Number(values.files), Number(values.runs))

async function copyWithDuckdb(folder: string): Promise<number> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  const add =
    'STRUCT(path VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), size BIGINT, "modificationTime" BIGINT, "dataChange" BOOLEAN, stats VARCHAR)'
  const reader = await connection.runAndReadAll(
    `copy (select * from read_json('${join(folder, commit)}', format = 'newline_delimited', columns = {add: '${add}'})) to '${join(folder, 'raw.parquet')}' (format parquet, compression zstd, return_stats)`,
  )
  return Number(reader.getRowObjects()[0]!.file_size_bytes)
}

async function makeLog(folder: string, files: number): Promise<void> {
  mkdirSync(join(folder, 't/_delta_log'), { recursive: true })
  const out = createWriteStream(join(folder, commit))
  const fields = [{ name: 'id', type: 'long', nullable: true, metadata: {} }]
  const metaData = {
    id: '00000000-0000-4000-8000-000000000000',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({ type: 'struct', fields }),
    partitionColumns: [],
    configuration: {},
  }
  out.write(`${JSON.stringify({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })}\n`)
  out.write(`${JSON.stringify({ metaData })}\n`)
  for (let i = 0; i < files; i++) {
    const stats = {
      numRecords: 1000 + i,
      minValues: { id: i * 7919 },
      maxValues: { id: i * 7919 + 999 },
      nullCount: { id: 0 },
    }
    const path = `part-00000-${i.toString(16).padStart(8, '0')}-1111-4222-8333-${((i * 48271) % 0xffffff).toString(16).padStart(12, '0')}-c000.zstd.parquet`
    const add = {
      path,
      partitionValues: {},
      size: 1_000_000 + i,
      modificationTime: 1_700_000_000_000 + i,
      dataChange: true,
    }
    if (!out.write(`${JSON.stringify({ add: { ...add, stats: JSON.stringify(stats) } })}\n`)) await once(out, 'drain')
  }
  out.end()
  await finished(out)
}

async function compare(files: number, runs: number): Promise<void> {
  const self = fileURLToPath(import.meta.url)
  const results = await inTurns(self, ['duckdb', 'tblctl'], runs, (folder) => makeLog(folder, files))
  process.stdout.write(
    `checkpoint: ${files} files, median of ${runs}\n${lineOf('tblctl', results.tblctl, files)}\n${lineOf('duckdb', results.duckdb, files)}\nratio of the speeds: ${ratioOf(results.duckdb, results.tblctl).toFixed(2)} (limit: DuckDB's own COPY, which replays and verifies nothing)\n`,
  )
}
