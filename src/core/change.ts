/**
 * What differs between two table schemas: a closed union, so that a driver that applies changes must say what it does with each.
 * A rename is never guessed: it reads as one column dropped and one added.
 */
import type { Json } from './json.ts'
import type { SortingColumn } from './table-schema.ts'
import type { DataType, Field } from './types.ts'

/** What an engine without a better way writes again; a driver may do with less and says so in its plan. */
type Rewrite = 'nothing' | 'column' | 'table'

/** What a change costs. `safe`: additive, done by default; every other one needs an explicit flag. */
interface Cost {
  readonly safe: boolean
  readonly rewrites: Rewrite
  /** One clause for a person: what happens to rows that are there. */
  readonly why: string
}

/** The settings of a table schema that are neither columns nor physical order. */
export type TableSetting = 'timeColumn' | 'dedupKeys' | 'dedupTiebreak' | 'tombstoneColumn' | 'versionAppend'

export type Change = Cost &
  (
    | { readonly is: 'add-column'; readonly field: Field }
    | { readonly is: 'drop-column'; readonly field: Field }
    /** Every old value has one exact new value. */
    | { readonly is: 'widen-type'; readonly column: string; readonly from: DataType; readonly to: DataType }
    | { readonly is: 'change-type'; readonly column: string; readonly from: DataType; readonly to: DataType }
    | { readonly is: 'change-nullability'; readonly column: string; readonly nullable: boolean }
    /** `column` null = the table's own description. */
    | {
        readonly is: 'change-description'
        readonly column: string | null
        readonly from: string | null
        readonly to: string | null
      }
    | { readonly is: 'reorder-columns'; readonly from: readonly string[]; readonly to: readonly string[] }
    | { readonly is: 'change-partitions'; readonly from: readonly string[]; readonly to: readonly string[] }
    | { readonly is: 'change-sorting'; readonly from: readonly SortingColumn[]; readonly to: readonly SortingColumn[] }
    | { readonly is: 'change-z-order'; readonly from: readonly string[]; readonly to: readonly string[] }
    | { readonly is: 'change-primary-key'; readonly from: readonly string[]; readonly to: readonly string[] }
    | { readonly is: 'change-retention'; readonly from: string | null; readonly to: string | null }
    | { readonly is: 'change-setting'; readonly setting: TableSetting; readonly from: Json; readonly to: Json }
    /** A driver's section; `null` = there is none. */
    | { readonly is: 'change-section'; readonly section: string; readonly from: Json; readonly to: Json }
  )
