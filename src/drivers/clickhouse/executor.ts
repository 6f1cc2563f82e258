/**
 * What every verb asks of ClickHouse, the same over HTTP (http.ts) and over the embedded engine (chdb.ts). Nothing relies on a server's
 * defaults, which differ between versions: `alwaysSettings` go with every statement.
 */

import { quoteIdentifier, quoteName } from './names.ts'

/** Values of `{name:Type}` in the SQL; the engine parses them by the type that stands there. */
export type Parameters = Readonly<Record<string, string | number | bigint | boolean | readonly string[]>>
export type Settings = Readonly<Record<string, string | number>>

export interface Statement {
  readonly sql: string
  readonly parameters?: Parameters
  readonly settings?: Settings
  readonly signal?: AbortSignal
  /** How the server's own logs call it. */
  readonly queryId?: string
}

export interface InsertTarget {
  readonly database: string
  readonly table: string
  readonly columns: readonly string[]
}

/** Errors are told as in errors.ts. Calls may overlap; settings and parameters of one never reach another. */
export interface Executor extends AsyncDisposable {
  /** Rows as objects; 64-bit integers as text. For answers that fit in memory. */
  query<Row extends object>(statement: Statement): Promise<Row[]>
  /** The answer in a format of ClickHouse's (`Parquet`), as it comes. */
  bytes(statement: Statement, format: string): AsyncIterable<Uint8Array>
  /** DDL and whatever else has no answer. */
  command(statement: Statement): Promise<void>
  /** INSERT of a file on this machine's disk. */
  insertFile(target: InsertTarget, format: string, file: string, statement: Omit<Statement, 'sql'>): Promise<void>
  /** `26.7.2.1` */
  readonly version: Promise<string>
  /** For messages: the URL or the folder. */
  readonly place: string
}

/** Synchronous DDL, mutations that are waited for, inserts that are there when they return, exact numbers. */
export const alwaysSettings: Settings = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  mutations_sync: 2,
  alter_sync: 2,
  async_insert: 0,
  session_timezone: 'UTC',
}

export const insertInto = ({ database, table, columns }: InsertTarget): string =>
  `INSERT INTO ${quoteName(database, table)} (${columns.map(quoteIdentifier).join(', ')})`

/** Rows of the format JSONEachRow. */
export const jsonRows = <Row extends object>(text: string): Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)

/** Major and minor of a version as one number that can be compared: 24.8 → 24008. */
export function versionNumber(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 1000 + minor
}
