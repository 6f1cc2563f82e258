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
import { quoteString } from './sql-text.ts'

const settings: Readonly<Record<ExportOptions['format'], string>> = {
  ndjson: 'FORMAT json, ARRAY false',
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
    const [row] = await engine.all(`COPY (${select}) TO ${quoteString(temporary)} (${settings[format]})`)
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
