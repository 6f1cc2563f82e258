/** Which files hold rows of the keys of a merge: what the log leaves open is read, and of the rows the columns of the key alone. */
import type { ReadContext } from '../../../core/operation.ts'
import type { Field } from '../../../core/types.ts'
import { type Engine, readingFiles } from '../../../engine/engine.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { fileKey, type LiveFile } from '../log/replay.ts'
import { type DeltaTable, type Lake, scanFiles } from '../table.ts'
import { candidates } from './merge-candidates.ts'
import { keyTable, type MergeRows, sameKey } from './merge-rows.ts'

/** Columns `file`, `n` (the key's row in the table of keys), `rows` (of the file) and `newer` (some of them are newer than what comes). */
const hitTable = 'tblctl_merge_hits'

export interface Hit {
  readonly file: LiveFile
  /** Of the file, that what comes takes the place of. */
  readonly rows: number
}

/** Files of a remote store are copied here this many at a time. */
const atOnce = 16

/** Keys of which something newer is there are gone from the table of keys afterwards. `keys`: how many are in the table. */
export async function findHits(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  files: Iterable<LiveFile>,
  rows: MergeRows,
  ctx: ReadContext,
): Promise<{ readonly hits: readonly Hit[]; readonly keys: number }> {
  await engine.run(
    `CREATE OR REPLACE TABLE ${hitTable} (file INTEGER NOT NULL, n BIGINT NOT NULL, "rows" BIGINT NOT NULL, newer BOOLEAN NOT NULL)`,
  )
  const open = await candidates(engine, table.snapshot, [...files], rows.key)
  for (let from = 0; from < open.length; from += atOnce)
    await readKeys(lake, engine, table, open.slice(from, from + atOnce), from, rows, ctx)
  if (rows.newest !== null) await leaveNewer(engine)
  const found = await engine.all(
    `SELECT file, sum("rows")::BIGINT AS "rows" FROM ${hitTable} GROUP BY file ORDER BY file`,
  )
  const [distinct] = await engine.all(`SELECT count(DISTINCT n) AS n FROM ${hitTable}`)
  return {
    hits: found.map((row) => ({ file: open[Number(row.file)]!, rows: Number(row.rows) })),
    keys: Number(distinct!.n),
  }
}

async function readKeys(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  files: readonly LiveFile[],
  first: number,
  rows: MergeRows,
  ctx: ReadContext,
): Promise<void> {
  const { key, newest } = rows
  const columns: readonly Field[] = newest === null || key.includes(newest) ? key : [...key, newest]
  await using scans = new AsyncDisposableStack()
  const paths: string[] = []
  const selects: string[] = []
  for (const [i, file] of files.entries()) {
    const scan = scans.use(await scanFiles(lake, table, [file], columns, ctx))
    for (const [path, name] of scan.names) engine.copies.set(path, name)
    paths.push(...scan.paths)
    selects.push(`SELECT ${first + i} AS "tblctl.file", * FROM (${scan.select})`)
  }
  const newer =
    newest === null
      ? 'false'
      : `coalesce(bool_or(t.${quoteIdentifier(newest.name)} > k.newest OR (k.newest IS NULL AND t.${quoteIdentifier(newest.name)} IS NOT NULL)), false)`
  await readingFiles(engine, paths, () =>
    engine.run(
      `INSERT INTO ${hitTable} SELECT t."tblctl.file", k.n, count(*), ${newer} ` +
        `FROM (${selects.join(' UNION ALL ')}) AS t JOIN ${keyTable} AS k ON ${sameKey(rows, 't', 'k')} GROUP BY t."tblctl.file", k.n`,
    ),
  )
}

/** What is there and newer stays, and what comes with its key is left out. */
async function leaveNewer(engine: Engine): Promise<void> {
  const newer = `SELECT n FROM ${hitTable} WHERE newer`
  await engine.run(`DELETE FROM ${keyTable} WHERE n IN (${newer})`)
  await engine.run(`DELETE FROM ${hitTable} WHERE n IN (${newer})`)
}

export const isLive = ({ snapshot }: DeltaTable, { file }: Hit): boolean =>
  snapshot.files.has(fileKey({ ...file, path: file.logPath }))
