/** sync: the source reads a table of its own in the order of time and key; a dataset is a project. The target is in sync-target.ts. */
import type { Batch, Cell } from '../../core/batch.ts'
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { exactTime } from '../../core/exact-time.ts'
import { type Path, printable, refOfPath, tablePath } from '../../core/ref.ts'
import type { SourceTable, SyncSource } from '../../core/sync.ts'
import type { Field } from '../../core/types.ts'
import type { Engine } from '../../engine/engine.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { openTable } from './segments.ts'
import type { MemoryStore } from './store.ts'
import { countSql, pageSql } from './sync-page.ts'
import { requireTable } from './table.ts'

export function syncSource(store: MemoryStore, backend: string, environment: DriverEnvironment): SyncSource {
  const pathOf = ({ dataset, table }: SourceTable): Path => tablePath(backend, dataset, table)
  return {
    async inspect(wanted, ctx) {
      const path = pathOf(wanted)
      const { schema, generation, job } = requireTable(store, path)
      const key = wanted.key ?? schema.primaryKey
      const fields = wantedFields(path, schema.fields, wanted, key)
      const { type } = fields.find((field) => field.name === wanted.timestampColumn)!
      if (type.kind !== 'Date32' && (type.kind !== 'Timestamp' || type.unit === 'Nanosecond'))
        throw fail('data', 'no-time', `column "${printable(wanted.timestampColumn)}" of ${refOfPath(path)} is no time`)
      const row = store.get(
        'select count(*) as n, coalesce(max(id), 0) as newest from segments where path = ? and generation = ?',
        path,
        generation,
      )!
      return {
        fields,
        key,
        marker: `${generation}.${row.n}.${row.newest}.${schema.fields.length}`,
        highWater: exactTime(BigInt(ctx.now().getTime()) * 1000n),
        identity: job,
      }
    },
    async page(wanted, facts, from, until, limit, ctx) {
      const path = pathOf(wanted)
      await using open = await openTable(store, environment, path, ctx)
      const { engine, select, table } = open
      const fields = wantedFields(path, table.schema.fields, wanted, facts.key)
      await engine.run(
        `CREATE TABLE page AS ${pageSql(select, wanted.timestampColumn, { ...facts, fields }, from, until, limit)}`,
      )
      const columns = fields.map((field) => quoteIdentifier(field.name)).join(', ')
      const batch = await wholeBatch(engine, `SELECT ${columns} FROM page ORDER BY "page.n"`, fields)
      const [last] = await engine.all('SELECT * FROM page ORDER BY "page.n" DESC LIMIT 1')
      if (last === undefined) return { batch, next: from, more: false, billedBytes: null }
      const micros = last['page.time'] as bigint | null
      return {
        batch,
        next: {
          lane: from.lane,
          time: micros === null ? null : exactTime(micros),
          key: last['page.key'] as readonly string[],
        },
        more: Number(last['page.all']) > batch.rows,
        billedBytes: null,
      }
    },
    async count(wanted, facts, from, until, ctx) {
      await using open = await openTable(store, environment, pathOf(wanted), ctx)
      const { engine, select } = open
      const [row] = await engine.all(countSql(select, wanted.timestampColumn, facts, from, until))
      return Number(row!.n)
    },
  }
}

/** The wanted columns, the time column and the key, as the table has them now. */
function wantedFields(path: Path, all: readonly Field[], wanted: SourceTable, key: readonly string[]): Field[] {
  const names = new Set([...(wanted.columns ?? all.map((field) => field.name)), wanted.timestampColumn, ...key])
  const fields = all.filter((field) => names.has(field.name))
  const unknown = [...names].find((name) => !fields.some((field) => field.name === name))
  if (unknown === undefined) return fields
  throw fail('data', 'unknown-column', `${refOfPath(path)} has no column "${printable(unknown)}"`)
}

async function wholeBatch(engine: Engine, sql: string, fields: readonly Field[]): Promise<Batch> {
  await using rows = await engine.stream(sql, fields)
  const columns: Cell[][] = fields.map(() => [])
  let count = 0
  for await (const batch of rows.batches) {
    for (const [c, cells] of batch.columns.entries()) for (const cell of cells) columns[c]!.push(cell)
    count += batch.rows
  }
  return { fields, columns, rows: count }
}
