/** The statements of `tblctl sql`: what each says, before anybody knows which backend it is about. */
import type { Json } from '../core/json.ts'
import type { TableDefinition } from '../core/table-definition.ts'

/** `chat.messages`, or `users` alone: then `project` is null. Both are names that a ref can hold. */
export interface TableName {
  readonly project: string | null
  readonly table: string
}

export interface CreateTable {
  readonly is: 'create-table'
  readonly name: TableName
  readonly ifNotExists: boolean
  readonly definition: TableDefinition
  /** As written. */
  readonly location: string | null
  /** `shards` a number, `shardKey` a column, `flushPolicy` as `ROWS 1000 INTERVAL '5 minutes'`; only what the statement says. */
  readonly settings: Readonly<Record<string, Json>>
}

/** One INSERT, UPDATE or DELETE: its table is known here, the rest is the driver's. */
export interface Mutate {
  readonly is: 'mutate'
  readonly verb: 'INSERT' | 'UPDATE' | 'DELETE'
  readonly name: TableName
  /** Without what stands before and after it, and without its `;`. */
  readonly text: string
}

export type Statement =
  | CreateTable
  | Mutate
  | { readonly is: 'drop-table'; readonly name: TableName; readonly ifExists: boolean }
  /** `project` null: of all projects. */
  | { readonly is: 'show-tables'; readonly project: string | null }
  | { readonly is: 'describe-table'; readonly name: TableName }
  | { readonly is: 'table-stats'; readonly name: TableName }
