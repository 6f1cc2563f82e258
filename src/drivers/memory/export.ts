/** export: all rows in one file. */
import type { DriverEnvironment, ExportOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { exportFile } from '../../engine/export-file.ts'
import { openTable } from './segments.ts'
import type { MemoryStore } from './store.ts'

export function exportTable(store: MemoryStore, environment: DriverEnvironment) {
  return async (table: Subject, options: ExportOptions, ctx: ReadContext) => {
    await using open = await openTable(store, environment, table.path, ctx)
    return await exportFile(open.engine, open.select, options)
  }
}
