/** One table in ClickHouse: where it is, whose it is and what it looks like. */
import { fail } from '../../core/errors.ts'
import type { Subject } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { Executor } from './executor.ts'
import { type Identity, parseIdentity } from './identity.ts'
import { physicalName } from './names.ts'
import { readTtl, type Ttl } from './ttl.ts'
import { type ColumnType, columnType } from './types.ts'
import type { Warehouse } from './warehouse.ts'

/** Where a table lies; a location is `database.name`. */
export interface Place {
  readonly database: string
  readonly name: string
}

export interface ClickhouseTable extends Place {
  /** Of this very table: another one of the same name has another. */
  readonly uuid: string
  readonly engine: string
  /** The engine with all its clauses, as the server prints them. */
  readonly engineFull: string
  readonly ttl: Ttl
  readonly partitionKey: string
  readonly sortingKey: string
  /** Null: not ours, or not marked. */
  readonly identity: Identity | null
  readonly comment: string
}

export interface Column extends ColumnType {
  readonly name: string
  /** As the server prints its type. */
  readonly clickhouseType: string
  readonly description: string | null
  /** '' for a plain one, DEFAULT, MATERIALIZED, ALIAS. */
  readonly defaultKind: string
  /** SQL of what it is computed by; '' for a plain one. */
  readonly expression: string
}

export const locationOf = ({ database, name }: Place): string => `${database}.${name}`

export function parseLocation(location: string): Place {
  const dot = location.indexOf('.')
  if (dot < 1 || dot === location.length - 1)
    throw fail('usage', 'bad-location', `"${printable(location)}" is no place of a table`, {
      hint: 'say database.table',
    })
  return { database: location.slice(0, dot), name: location.slice(dot + 1) }
}

/** Where the table of a subject lies: where it was registered, else where `create` would put it. */
export function placeOf(warehouse: Warehouse, subject: Pick<Subject, 'path' | 'spec'>): Place {
  if (subject.spec?.location) return parseLocation(subject.spec.location)
  const { project, table } = segmentsOf(subject.path)
  return { database: warehouse.database, name: physicalName(table, project) }
}

interface Row {
  readonly database: string
  readonly name: string
  readonly uuid: string
  readonly engine: string
  readonly engine_full: string
  readonly partition_key: string
  readonly sorting_key: string
  readonly comment: string
}
const columnsOfTables =
  'database, name, toString(uuid) AS uuid, engine, engine_full, partition_key, sorting_key, comment'

const tableOf = (row: Row): ClickhouseTable => ({
  database: row.database,
  name: row.name,
  uuid: row.uuid,
  engine: row.engine,
  engineFull: row.engine_full,
  ttl: readTtl(row.engine_full),
  partitionKey: row.partition_key,
  sortingKey: row.sorting_key,
  comment: row.comment,
  identity: parseIdentity(row.comment) ?? null,
})

/** Undefined when nothing is there. Views and other engines are found too. */
export async function findTable(
  executor: Executor,
  { database, name }: Place,
  signal?: AbortSignal,
): Promise<ClickhouseTable | undefined> {
  const [row] = await executor.query<Row>({
    sql: `SELECT ${columnsOfTables} FROM system.tables WHERE database = {database:String} AND name = {name:String}`,
    parameters: { database, name },
    ...(signal ? { signal } : {}),
  })
  return row && tableOf(row)
}

/** The table whose comment says that it is this one, wherever in the database; what is in the trash is not. */
export async function findByIdentity(
  executor: Executor,
  database: string,
  project: string,
  table: string,
  signal?: AbortSignal,
): Promise<ClickhouseTable | undefined> {
  const rows = await executor.query<Row>({
    sql: `SELECT ${columnsOfTables} FROM system.tables WHERE database = {database:String} AND startsWith(comment, '{"tblctl":')
      AND JSONExtractString(comment, 'project') = {project:String} AND JSONExtractString(comment, 'table') = {table:String}`,
    parameters: { database, project, table },
    ...(signal ? { signal } : {}),
  })
  const genuine = rows.map(tableOf).filter(({ identity }) => identity !== null && identity.trashed === undefined)
  // A copy has the comment of its model: then the one of the right name counts.
  return genuine.find(({ name }) => name === physicalName(table, project)) ?? genuine[0]
}

/** Throws `missing` when nothing is there. */
export async function locate(
  warehouse: Warehouse,
  executor: Executor,
  subject: Pick<Subject, 'path' | 'spec'>,
  signal?: AbortSignal,
): Promise<ClickhouseTable> {
  const place = placeOf(warehouse, subject)
  const table = await findTable(executor, place, signal)
  if (table) return table
  throw fail(
    'missing',
    'table-not-found',
    `there is no table ${printable(locationOf(place))}, where ${refOfPath(subject.path)} should be`,
    {
      where: executor.place,
      hint: subject.spec
        ? `tblctl unregister ${refOfPath(subject.path)}, or put the table back`
        : `tblctl create ${refOfPath(subject.path)} --schema NAME`,
    },
  )
}

/** All columns in the table's order, computed ones too. */
export async function readColumns(executor: Executor, table: ClickhouseTable, signal?: AbortSignal): Promise<Column[]> {
  const rows = await executor.query<Record<'name' | 'type' | 'default_kind' | 'expression' | 'comment', string>>({
    sql: `SELECT name, type, default_kind, default_expression AS expression, comment FROM system.columns
      WHERE database = {database:String} AND table = {name:String} ORDER BY position`,
    parameters: { database: table.database, name: table.name },
    ...(signal ? { signal } : {}),
  })
  return rows.map((row) => ({
    name: row.name,
    clickhouseType: row.type,
    description: row.comment === '' ? null : row.comment,
    defaultKind: row.default_kind,
    expression: row.expression,
    ...columnType(row.type, table.identity?.types?.[row.name]),
  }))
}

/** Those that a row brings along: not what the server computes. */
export const storedColumns = (columns: readonly Column[]): Column[] =>
  columns.filter(({ defaultKind }) => defaultKind !== 'MATERIALIZED' && defaultKind !== 'ALIAS')
