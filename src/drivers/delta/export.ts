/** export: all rows in one file. */
import type { ExportOptions, QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { openEngine, readingFiles } from '../../engine/engine.ts'
import { exportFile } from '../../engine/export-file.ts'
import { aboutGoneFile } from './files/gone-files.ts'
import { type Lake, openTable, scanFiles } from './table.ts'

export function exportTable(lake: Lake) {
  return async (subject: Subject, options: ExportOptions & QueryOptions, ctx: ReadContext) => {
    try {
      return await exported(lake, subject, options, ctx)
    } catch (error) {
      throw aboutGoneFile(error, options.at)
    }
  }
}

async function exported(lake: Lake, subject: Subject, options: ExportOptions & QueryOptions, ctx: ReadContext) {
  const table = await openTable(lake, subject, ctx, options.at)
  const { files, fields } = table.snapshot
  await using scan = await scanFiles(lake, table, files.values(), fields, ctx)
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  for (const [path, name] of scan.names) engine.copies.set(path, name)
  return await readingFiles(engine, scan.paths, () => exportFile(engine, scan.select, options))
}
