/** query: one read-only SELECT in ClickHouse's own SQL over the chosen tables. */
import type { Rows } from '../../core/batch.ts'
import type { QueryOptions } from '../../core/driver.ts'
import { fail, TblctlError } from '../../core/errors.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { codeOf } from './errors.ts'
import type { Executor } from './executor.ts'
import { quoteIdentifier, quoteName } from './names.ts'
import { carried, fetchParquet, fieldsOf, needsCarrying, notText, type ResultColumn } from './parquet.ts'
import { type BoundTable, badQuery, checkQuery } from './query-check.ts'
import { type Column, locate, readColumns, storedColumns } from './table.ts'
import { columnType } from './types.ts'
import type { Warehouse } from './warehouse.ts'

/** A query is held to them by the server too. */
const settings = { readonly: 1, allow_ddl: 0, allow_introspection_functions: 0, enable_global_with_statement: 1 }
const unknownIdentifier = 47

export function query(warehouse: Warehouse) {
  return async (
    tables: readonly { name: string; table: Subject }[],
    sql: string,
    _options: QueryOptions,
    ctx: ReadContext,
  ): Promise<Rows> => {
    const engine = await openEngine({ scratch: await warehouse.environment.scratch(), signal: ctx.signal })
    try {
      const { select, file, columns } = await fetchAnswer(warehouse, engine, tables, sql, ctx)
      const told = async (error: unknown) => notText(engine, file, columns, error)
      const rows = await engine.stream(select, fieldsOf(columns)).catch(async (error: unknown) => {
        throw await told(error)
      })
      return {
        fields: rows.fields,
        batches: telling(rows.batches, told),
        [Symbol.asyncDispose]: async () => {
          await rows[Symbol.asyncDispose]()
          await engine[Symbol.asyncDispose]()
        },
      }
    } catch (error) {
      await engine[Symbol.asyncDispose]()
      throw error
    }
  }
}

async function* telling<T>(items: AsyncIterable<T>, told: (error: unknown) => Promise<unknown>): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    throw await told(error)
  }
}

/** The executor is closed before the rows are read: the answer is all there. */
async function fetchAnswer(
  warehouse: Warehouse,
  engine: Engine,
  tables: readonly { name: string; table: Subject }[],
  sql: string,
  { signal }: ReadContext,
) {
  await using executor = await warehouse.executor(signal)
  const bound: BoundTable[] = []
  const known: Column[] = []
  for (const { name, table: subject } of tables) {
    const table = await locate(warehouse, executor, subject, signal)
    const columns = storedColumns(await readColumns(executor, table, signal))
    known.push(...columns)
    const list = columns.map((column) => quoteIdentifier(column.name)).join(', ')
    bound.push({ name, select: `SELECT ${list} FROM ${quoteName(table.database, table.name)}` })
  }
  try {
    const checked = await checkQuery(executor, sql, bound, signal)
    const columns = await resultColumns(executor, checked, known, signal)
    const statement = { sql: carriedSql(checked, columns), settings, signal }
    return { ...(await fetchParquet(executor, engine, statement, columns, 'answer')), columns }
  } catch (error) {
    throw withColumns(error, known)
  }
}

/**
 * A text column of the answer has the declared type of the table's column of its name: what is stored as String may be bytes or JSON, and
 * the server does not know.
 */
async function resultColumns(
  executor: Executor,
  sql: string,
  known: readonly Column[],
  signal: AbortSignal,
): Promise<ResultColumn[]> {
  const rows = await executor
    .query<{ name: string; type: string }>({ sql: `DESCRIBE TABLE (${sql}\n)`, settings: { readonly: 1 }, signal })
    .catch((error: unknown) => {
      throw badQuery(error)
    })
  const state = rows.find(({ type }) => /\bAggregateFunction\(/.test(type))
  if (state)
    throw fail(
      'usage',
      'bad-query',
      `column "${printable(state.name)}" is the state of an aggregate function, which is no value`,
      {
        hint: 'ask for finalizeAggregation(…) of it',
      },
    )
  return rows.map(({ name, type }) => {
    const own = known.find((column) => column.name === name && column.clickhouseType === type)
    return { name, clickhouseType: type, ...(own ?? columnType(type)) }
  })
}

function carriedSql(sql: string, columns: readonly ResultColumn[]): string {
  if (!columns.some(needsCarrying)) return sql
  const twice = columns.find(({ name }, i) => columns.findIndex((other) => other.name === name) !== i)
  if (twice)
    throw fail('usage', 'bad-query', `the answer has the column ${printable(twice.name)} twice`, {
      hint: 'give one of them another name with AS',
    })
  return `SELECT ${columns.map((column) => carried(column)).join(', ')} FROM (${sql}\n)`
}

function withColumns(error: unknown, known: readonly Column[]): unknown {
  if (!(error instanceof TblctlError) || error.view.code !== 'bad-query' || codeOf(error) !== unknownIdentifier)
    return error
  const { cause } = error
  return new TblctlError(
    { ...error.view, hint: `the table has ${known.map(({ name }) => printable(name)).join(', ')}` },
    { cause },
  )
}
