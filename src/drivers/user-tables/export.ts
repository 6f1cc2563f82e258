/** export: all rows of one user in one file, as they were loaded: without the system columns. */
import type { ExportOptions, QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { openEngine } from '../../engine/engine.ts'
import { exportFile } from '../../engine/export-file.ts'
import { openSnapshot, readingSnapshot } from './snapshot.ts'
import { type Home, requireTable } from './table.ts'
import { requireUser } from './user.ts'

export function exportTable(home: Home) {
  return async (subject: Subject, options: ExportOptions & QueryOptions, ctx: ReadContext) => {
    const table = requireTable(home.store, subject.path)
    await using snapshot = await openSnapshot(home, table, requireUser(options.as))
    await using engine = await openEngine({ scratch: await home.environment.scratch(), signal: ctx.signal })
    const select = snapshot.rows(table.fields.map((field) => field.name))
    return await readingSnapshot(engine, snapshot, () => exportFile(engine, select, options))
  }
}
