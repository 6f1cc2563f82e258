/** Which files hold nothing but old rows, by their footers: of a file that is far away nothing else travels. */
import type { ReadContext } from '../../../core/operation.ts'
import type { Field } from '../../../core/types.ts'
import { type Engine, readingFiles } from '../../../engine/engine.ts'
import { quotePath, quoteString } from '../../../engine/sql-text.ts'
import { sqlType } from '../../../engine/types.ts'
import { footerCopies } from '../../../storage/footer-copies.ts'
import { physicalName } from '../log/column-mapping.ts'
import { tableKey } from '../log/paths.ts'
import type { LiveFile } from '../log/replay.ts'
import type { DeltaTable, Lake } from '../table.ts'

export interface ByAge {
  /** Every row of them is too old. */
  readonly whole: readonly LiveFile[]
  /** Their footers do not say. */
  readonly unknown: readonly LiveFile[]
  /** Files that hold old rows and others. */
  readonly partly: number
}

const atOnce = 16

/** `cutoff`: SQL of a value of the field's type. Row groups without exact bounds (INT96, other writers) leave a file unknown. */
export async function filesByAge(
  lake: Lake,
  engine: Engine,
  { location, snapshot }: DeltaTable,
  files: readonly LiveFile[],
  field: Field,
  cutoff: string,
  ctx: ReadContext,
): Promise<ByAge> {
  // In mode `id` each file calls its columns as it likes.
  if (snapshot.mapping?.mode === 'id') return { whole: [], unknown: files, partly: 0 }
  const name = quoteString(physicalName(snapshot.mapping, field.name))
  const options = { scratch: await lake.environment.scratch(), signal: ctx.signal }
  const whole: LiveFile[] = []
  const unknown: LiveFile[] = []
  let partly = 0
  for (let from = 0; from < files.length; from += atOnce) {
    const group = files.slice(from, from + atOnce)
    const objects = group.map(({ path }) => ({ key: tableKey(location.prefix, path) }))
    await using footers = await footerCopies(location.store, objects, options)
    for (const [path, url] of footers.names) engine.copies.set(path, url)
    const ages = footers.paths.map((path, n) => ageSql(n, path, name, sqlType(field.type), cutoff))
    const found = await readingFiles(
      engine,
      footers.paths,
      () => engine.all(`${ages.join(' UNION ALL ')} ORDER BY n`),
      'footer',
    )
    for (const path of footers.names.keys()) engine.copies.delete(path)
    for (const [i, file] of group.entries()) {
      const { known, old, some } = found[i]!
      if (known && old) whole.push(file)
      // A vector may take out just the rows that are young.
      else if (!known || file.deletionVector !== undefined) unknown.push(file)
      else if (some) partly++
    }
  }
  return { whole, unknown, partly }
}

const ageSql = (n: number, path: string, name: string, type: string, cutoff: string): string => `
  SELECT ${n} AS n,
    coalesce(bool_and(nulls IS NOT NULL AND (nulls = rows OR (oldest IS NOT NULL AND newest IS NOT NULL))), false) AS known,
    coalesce(bool_and(nulls = 0 AND newest < ${cutoff}), false) AS old,
    coalesce(bool_or(oldest < ${cutoff}), false) AS some
  FROM (
    SELECT stats_null_count AS nulls, num_values AS rows,
      TRY_CAST(stats_min_value AS ${type}) AS oldest, TRY_CAST(stats_max_value AS ${type}) AS newest
    FROM parquet_metadata(${quotePath(path)}) WHERE path_in_schema = ${name}
  )`
