/** export: all rows in one file. */
import type { ExportOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { openEngine, readingFiles } from '../../engine/engine.ts'
import { exportFile } from '../../engine/export-file.ts'
import { type Lake, openTable, scanFiles } from './table.ts'

export function exportTable(lake: Lake) {
  return async (subject: Subject, options: ExportOptions, ctx: ReadContext) => {
    const table = await openTable(lake, subject, ctx)
    const { select, paths } = scanFiles(table, table.snapshot.files.values(), table.snapshot.fields)
    await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
    return await readingFiles(engine, paths, () => exportFile(engine, select, options))
  }
}
