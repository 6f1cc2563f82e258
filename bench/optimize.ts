/**
 * `npm run bench`: compaction against its limit, DuckDB's own COPY of the same files. Each run is a process of its own. Prints medians of wall
 * and CPU seconds and peak memory, and the ratio of the speeds.
 *
 *     node bench/optimize.ts [--files 200] [--rows 5000] [--runs 5]
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { inTurns, lineOf, measured, ratioOf } from './in-turns.ts'
import { makeWideTable, openQuietly, wideFiles } from './wide-table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: '200' },
    rows: { type: 'string', default: '5000' },
    runs: { type: 'string', default: '5' },
  },
})

if (positionals[0] === 'tblctl') {
  const { openTblctl } = await import('../src/api/open.ts') // loading the program is not what is measured, on either side
  await import('../src/drivers/delta/driver.ts')
  await measured(() => compactWithTblctl(openTblctl, positionals[1]!))
} else if (positionals[0] === 'duckdb') await measured(() => compactWithDuckdb(positionals[1]!))
else await compare(Number(values.files), Number(values.rows), Number(values.runs))

async function compactWithDuckdb(folder: string): Promise<number> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  const out = join(folder, 'raw.parquet')
  const reader = await connection.runAndReadAll(
    `copy (select * from read_parquet('${join(folder, wideFiles)}')) to '${out}' (format parquet, compression zstd, row_group_size 122880, preserve_order false, return_stats)`,
  )
  return Number(reader.getRowObjects()[0]!.file_size_bytes)
}

async function compactWithTblctl(
  openTblctl: typeof import('../src/api/open.ts').openTblctl,
  folder: string,
): Promise<number> {
  await using tblctl = await openQuietly(openTblctl, folder)
  const { items } = await tblctl.operate('optimize', { refs: ['lake:bench/t'] }, { targetSize: 10_000_000_000 })
  const [item] = items
  if (item?.status !== 'changed') throw new Error(JSON.stringify(item))
  return item.result!.bytesAfter as number
}

async function compare(files: number, rows: number, runs: number): Promise<void> {
  const self = fileURLToPath(import.meta.url)
  const results = await inTurns(self, ['duckdb', 'tblctl'], runs, (folder) => makeWideTable(folder, files, rows))
  process.stdout.write(
    `optimize: ${files} files × ${rows} rows × 20 columns into one, median of ${runs}\n${lineOf('tblctl', results.tblctl, files * rows)}\n${lineOf('duckdb', results.duckdb, files * rows)}\nratio of the speeds: ${ratioOf(results.duckdb, results.tblctl).toFixed(2)} (limit: DuckDB's own COPY; wanted: at least 0.7)\n`,
  )
}
