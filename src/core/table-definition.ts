/**
 * A table as a CREATE TABLE statement wrote it: SQL's own type names, which each driver reads in its own dialect. The statement parser
 * (src/sql) makes it; a driver makes a TableSchema of it or refuses it by name.
 */

export interface ColumnDefinition {
  readonly name: string
  /** As written, upper case, single spaces: `VARCHAR(20)`, `DOUBLE PRECISION`. */
  readonly type: string
  readonly nullable: boolean
  /** The SQL expression as written; null when there is none. */
  readonly default: string | null
}

export interface TableDefinition {
  /** `CREATE USER TABLE`, `CREATE STREAM TABLE`; plain `CREATE TABLE` is `table`. */
  readonly kind: 'table' | 'user' | 'stream'
  readonly columns: readonly ColumnDefinition[]
  readonly primaryKey: readonly string[]
  /** Every UNIQUE constraint: its columns. */
  readonly unique: readonly (readonly string[])[]
}
