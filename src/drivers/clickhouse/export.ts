/** export: all rows in one file, in the forms that every driver writes. */
import type { DriverEnvironment, ExportOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { openEngine } from '../../engine/engine.ts'
import { exportFile } from '../../engine/export-file.ts'
import { quoteName } from './names.ts'
import { carried, fetchParquet, notText, type ResultColumn } from './parquet.ts'
import { locate, readColumns, storedColumns } from './table.ts'
import type { Warehouse } from './warehouse.ts'

export function exportTable(warehouse: Warehouse) {
  const { environment }: { environment: DriverEnvironment } = warehouse
  return async (subject: Subject, options: ExportOptions, ctx: ReadContext) => {
    await using engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
    const { select, file, columns } = await fetchTable(warehouse, engine, subject, ctx)
    return await exportFile(engine, select, options).catch(async (error: unknown) => {
      throw await notText(engine, file, columns, error)
    })
  }
}

/** The executor is closed before the file is written: the rows are all there. */
async function fetchTable(
  warehouse: Warehouse,
  engine: Awaited<ReturnType<typeof openEngine>>,
  subject: Subject,
  ctx: ReadContext,
): Promise<{ select: string; file: string; columns: readonly ResultColumn[] }> {
  await using executor = await warehouse.executor(ctx.signal)
  const table = await locate(warehouse, executor, subject, ctx.signal)
  const columns = storedColumns(await readColumns(executor, table, ctx.signal))
  const sql = `SELECT ${columns.map((column) => carried(column)).join(', ')} FROM ${quoteName(table.database, table.name)}`
  return { ...(await fetchParquet(executor, engine, { sql, signal: ctx.signal }, columns, 'export')), columns }
}
