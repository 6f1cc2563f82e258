/** One file with all rows of a select, whole or not at all: NDJSON, CSV with a header, or Parquet. */
import { randomUUID } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ExportOptions } from '../core/driver.ts'
import { durable } from '../core/durable.ts'
import { fail } from '../core/errors.ts'
import { outputTarget } from '../core/files.ts'
import { printable } from '../core/ref.ts'
import type { Engine } from './engine.ts'
import { csvField, jsonText } from './export-text.ts'
import { quoteIdentifier, quoteString } from './sql-text.ts'

const settings: Readonly<Record<ExportOptions['format'], string>> = {
  ndjson: "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x1f'",
  csv: 'FORMAT csv, HEADER true',
  parquet: 'FORMAT parquet, COMPRESSION zstd, PRESERVE_ORDER false',
}

/** `out` is absolute; a file that is there is replaced once the new one is complete. */
export async function exportFile(
  engine: Engine,
  select: string,
  { format, out }: ExportOptions,
): Promise<{ rows: number; bytes: number }> {
  const folder = await stat(dirname(out)).catch(() => undefined)
  if (!folder?.isDirectory())
    throw fail('missing', 'folder-not-found', `there is no folder ${printable(dirname(out))}`, {
      hint: 'make it, or choose another --out',
    })
  const target = outputTarget(out)
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`)
  try {
    const [row] = await engine.all(await copySql(engine, select, format, temporary))
    const file = await open(temporary, 'r+')
    await file.sync()
    await file.close()
    const { size } = await stat(temporary)
    durable('export.rename:before')
    await rename(temporary, target)
    durable('export.rename:after')
    return { rows: Number(row!.Count), bytes: size }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function copySql(engine: Engine, select: string, format: ExportOptions['format'], to: string): Promise<string> {
  if (format === 'parquet') return `COPY (${select}) TO ${quoteString(to)} (${settings.parquet})`
  const columns = await engine.columns(select)
  if (format === 'csv') {
    const fields = columns.map(({ name, type }) => {
      const own = quoteIdentifier(name)
      return `${csvField(type, own)} AS ${own}`
    })
    return `COPY (SELECT ${fields.join(', ')} FROM (${select})) TO ${quoteString(to)} (${settings.csv})`
  }
  // The engine's JSON writer would write the texts of Json columns anew, with their numbers as doubles: the lines are put together as
  // text and go through the CSV writer bare.
  const members = columns.map(
    ({ name, type }) =>
      `${quoteString(`${JSON.stringify(name)}:`)} || coalesce(${jsonText(type, quoteIdentifier(name))}, 'null')`,
  )
  const line = `'{' || ${members.join(" || ',' || ")} || '}'`
  return `COPY (SELECT ${line} FROM (${select})) TO ${quoteString(to)} (${settings.ndjson})`
}
