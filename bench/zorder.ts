/**
 * `npm run bench`: `optimize --zorder` of two columns under `--memory 600MB` against its limit, DuckDB's own COPY of the same files sorted by one
 * of them, with all the memory that it likes. Each run is a process of its own. The peak is of the whole process.
 *
 *     node bench/zorder.ts [--files 40] [--rows 25000] [--runs 5]
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { inTurns, lineOf, measured, ratioOf } from './in-turns.ts'
import { makeWideTable, openQuietly, wideFiles } from './wide-table.ts'

const memory = 600_000_000
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: '40' },
    rows: { type: 'string', default: '25000' },
    runs: { type: 'string', default: '5' },
  },
})

if (positionals[0] === 'tblctl') {
  const { openTblctl } = await import('../src/api/open.ts')
  await import('../src/drivers/delta/driver.ts')
  await measured(() => orderWithTblctl(openTblctl, positionals[1]!))
} else if (positionals[0] === 'duckdb') await measured(() => sortWithDuckdb(positionals[1]!))
else await compare(Number(values.files), Number(values.rows), Number(values.runs))

async function sortWithDuckdb(folder: string): Promise<number> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  const reader = await connection.runAndReadAll(
    `copy (select * from read_parquet('${join(folder, wideFiles)}') order by c5) to '${join(folder, 'raw.parquet')}' (format parquet, compression zstd, row_group_size 122880, return_stats)`,
  )
  return Number(reader.getRowObjects()[0]!.file_size_bytes)
}

async function orderWithTblctl(
  openTblctl: typeof import('../src/api/open.ts').openTblctl,
  folder: string,
): Promise<number> {
  await using tblctl = await openQuietly(openTblctl, folder)
  const options = { targetSize: null, zorder: ['c5', 'c1'], memory }
  const [item] = (await tblctl.operate('optimize', { refs: ['lake:bench/t'] }, options)).items
  if (item?.status !== 'changed') throw new Error(JSON.stringify(item))
  return item.result!.bytesAfter as number
}

async function compare(files: number, rows: number, runs: number): Promise<void> {
  const self = fileURLToPath(import.meta.url)
  const results = await inTurns(self, ['duckdb', 'tblctl'], runs, (folder) => makeWideTable(folder, files, rows))
  const peak = Math.max(...results.tblctl.map(({ rss }) => rss))
  process.stdout.write(
    `optimize --zorder: ${files} files × ${rows} rows × 20 columns, --memory 600MB, median of ${runs}\n${lineOf('tblctl', results.tblctl, files * rows)}\n${lineOf('duckdb', results.duckdb, files * rows)}\nratio of the speeds: ${ratioOf(results.duckdb, results.tblctl).toFixed(2)} (limit: DuckDB's own sorted COPY of the same rows)\npeak: ${peak.toFixed(0)} MB of 600 MB\n`,
  )
  if (peak > memory / 1e6) process.exitCode = 1
}
