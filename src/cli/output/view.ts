/** What a command prints, as data. The formats (table, json, …) know views; commands know neither terminals nor formats. */
import type { Colors } from '../io.ts'

/** What a cell can be. Dates print as RFC 3339 in UTC, bytes as base64, 64-bit integers exactly. */
export type CellValue = null | undefined | boolean | number | bigint | string | Date | Uint8Array | object
export type Paint = (text: string, colors: Colors) => string

export interface Column<Item> {
  /** The word for `--columns` and `--sort-by`, and the header of csv: stable. */
  readonly name: string
  /** For people; the name in capitals when absent. */
  readonly header?: string
  /** Only under `-o wide` (and csv, and when named). */
  readonly wide?: boolean
  readonly align?: 'right'
  /** null = not known. */
  value(item: Item): CellValue
  /** For people: `12 MB` instead of 12000000. Not called for null. */
  format?(value: any, item: Item): string
  /** Why it is not known; shown by `-o wide`. */
  unknown?(item: Item): string | undefined
  paint?(value: any): Paint | undefined
}

/** A `<Noun>List`, a report, or rows: many items of one shape. */
export interface ListView<Item extends object = any> {
  readonly is: 'list'
  readonly kind: string
  readonly columns: readonly Column<Item>[]
  readonly items: readonly Item[] | AsyncIterable<Item>
  /** Name of the list in the envelope; `rows` for a QueryResult. */
  readonly key?: string
  /** Members of the envelope before and after the list. */
  readonly before?: object
  readonly after?: object
  /** What `-o name` prints; the first column when absent. */
  readonly name?: (item: Item) => string
  /** Said on stderr when there is nothing. */
  readonly none?: string
}

/** One thing, described in sections for people. */
export interface ObjectView {
  readonly is: 'object'
  readonly kind: string
  readonly object: object
  readonly name: string
  readonly sections: readonly Section[]
}
export interface Section {
  readonly title?: string
  readonly lines?: readonly Line[]
  readonly table?: { readonly columns: readonly Column<any>[]; readonly items: readonly object[] }
}
export interface Line {
  readonly label: string
  readonly value: CellValue
  readonly text?: string
  /** Why value is null. */
  readonly unknown?: string
}

export type View = ListView | ObjectView
