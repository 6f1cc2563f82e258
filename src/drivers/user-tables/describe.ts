/** describe and stats: what the hot store counts over all users, and with `exact` what their rows come to. No user's data. */
import type { TableDescription, TableStatistics } from '../../core/driver.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { openEngine } from '../../engine/engine.ts'
import { systemFields } from './definition.ts'
import { factsOfTable } from './facts.ts'
import { policyJson } from './flush-policy.ts'
import { openSnapshot, readingSnapshot } from './snapshot.ts'
import { type Home, requireTable, type UserTable } from './table.ts'

export async function describe(home: Home, subject: Subject, _ctx: ReadContext): Promise<TableDescription> {
  const table = requireTable(home.store, subject.path)
  return {
    status: statusOf(home, table),
    schema: { fields: [...table.fields, ...systemFields], partitions: table.partitions },
    details: {
      primaryKey: table.primaryKey,
      flushPolicy: table.flushPolicy && policyJson(table.flushPolicy),
      location: table.location ?? home.locations.template,
      createdAt: table.createdAt,
    },
  }
}

export async function stats(
  home: Home,
  subject: Subject,
  { exact }: { readonly exact: boolean },
  ctx: ReadContext,
): Promise<TableStatistics> {
  const table = requireTable(home.store, subject.path)
  const status = statusOf(home, table)
  if (!exact) return { status, unknown: {} }
  return { status: { ...status, rows: await countRows(home, table, ctx), source: 'exact' }, unknown: {} }
}

function statusOf({ store }: Home, table: UserTable): JsonObject {
  const { marker: _marker, ...facts } = factsOfTable(store, table.id)
  return { ...facts, source: 'log' }
}

/** User by user, from their hot rows and segments. */
async function countRows(home: Home, table: UserTable, ctx: ReadContext): Promise<number> {
  await using engine = await openEngine({ scratch: await home.environment.scratch(), signal: ctx.signal })
  let rows = 0
  for (const { name } of home.store.all('select name from users where table_id = ? order by id', table.id)) {
    ctx.signal.throwIfAborted()
    await using snapshot = await openSnapshot(home, table, name as string)
    const count = `SELECT count(*) AS n FROM (${snapshot.rows(['_key'])})`
    const [row] = await readingSnapshot(engine, snapshot, () => engine.all(count))
    rows += Number(row!.n)
  }
  return rows
}
