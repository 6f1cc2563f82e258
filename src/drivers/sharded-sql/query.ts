/** query: one locked-down SELECT over the rows of the shards; of one shard when the query's own WHERE fixes the shard key. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Rows } from '../../core/batch.ts'
import type { QueryOptions } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { openEngine } from '../../engine/engine.ts'
import { lockedQuery } from '../../engine/locked-query.ts'
import { checkQuery } from '../../engine/query-check.ts'
import { quoteString } from '../../engine/sql-text.ts'
import { loadHash } from './buckets.ts'
import { type Cluster, requireTopology } from './cluster.ts'
import { fixedKey, type ParsedQuery, router, shardOfKey } from './route.ts'
import { spoolTable } from './rows.ts'

export function query(cluster: Cluster) {
  return async (
    tables: readonly { name: string; table: Subject }[],
    sql: string,
    _options: QueryOptions,
    ctx: ReadContext,
  ): Promise<Rows> => {
    const scratch = await cluster.environment.scratch()
    const names = tables.map(({ name }) => name)
    // Judged before a single row is read.
    const parsed = await parse(sql, names, scratch, ctx)
    const folder = await mkdtemp(join(scratch, 'shards-'))
    const clean = () => rm(folder, { recursive: true, force: true })
    try {
      const opened: { name: string; select: string; files: string[] }[] = []
      for (const { name, table } of tables) {
        const topology = await requireTopology(cluster, table.path, ctx)
        const key = fixedKey(parsed, name, topology)
        const shards = key ? [shardOfKey(router(topology, await loadHash()), topology, key.value)] : topology.shards
        ctx.log('debug', `${refOfPath(table.path)}: reads ${shards.length} of ${topology.shards.length} shards`, {
          shards: shards.map(({ id }) => id),
        })
        const { select, file } = await spoolTable(cluster, topology, shards, key, folder, ctx)
        opened.push({ name, select, files: [file] })
      }
      const rows = await lockedQuery({ tables: opened, sql, scratch, signal: ctx.signal })
      return {
        fields: rows.fields,
        batches: rows.batches,
        [Symbol.asyncDispose]: async () => {
          await rows[Symbol.asyncDispose]()
          await clean()
        },
      }
    } catch (error) {
      await clean()
      throw error
    }
  }
}

async function parse(sql: string, names: readonly string[], scratch: string, ctx: ReadContext): Promise<ParsedQuery> {
  await using engine = await openEngine({ scratch, signal: ctx.signal })
  const [row] = await engine.all(`SELECT json_serialize_sql(${quoteString(sql)}) AS tree`)
  const tree = String(row!.tree)
  checkQuery(tree, sql, names)
  return JSON.parse(tree) as ParsedQuery
}
