/** export: all rows of all shards in one file. */
import type { ExportOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { openEngine } from '../../engine/engine.ts'
import { exportFile } from '../../engine/export-file.ts'
import { type Cluster, requireTopology } from './cluster.ts'
import { spoolTable } from './rows.ts'

export function exportTable(cluster: Cluster) {
  return async (table: Subject, options: ExportOptions, ctx: ReadContext) => {
    const topology = await requireTopology(cluster, table.path, ctx)
    await using engine = await openEngine({ scratch: await cluster.environment.scratch(), signal: ctx.signal })
    const { select } = await spoolTable(cluster, topology, topology.shards, null, engine.directory, ctx)
    return await exportFile(engine, select, options)
  }
}
